"""How the benchmarks measure time and memory.

Authors
 * sb_sed contributors 2026
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def take_turns(
    entries: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Time all entries in turn, so that a busy machine slows all alike.

    Each is called once just before it is timed: what it finds in the caches
    and in the allocator is its own, not what the entry before it left.

    Arguments
    ---------
    entries : Mapping[str, Callable]
        What to time.
    rounds : int
        How often, after a round of warming up.
    clock : Callable
        Seconds, of which differences count; ``time.process_time``, for what
        works in one thread, takes no notice of other programs.

    Returns
    -------
    dict[str, float]
        The median of each, in milliseconds.
    """
    times = {name: [] for name in entries}
    for turn in range(rounds + 1):
        for name, entry in entries.items():
            entry()
            start = clock()
            entry()
            if turn > 0:
                times[name].append(1000 * (clock() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def peak_megabytes(compute: Callable, small: tuple, full: tuple) -> float:
    """Growth of a fresh process's peak memory by one call (Linux only).

    Arguments
    ---------
    compute : Callable
        Of a module's top level.
    small : tuple
        Arguments of a call that goes before, to load what is needed: so small
        that hardly any memory stays with the process.
    full : tuple
        Arguments of the call that is measured.

    Returns
    -------
    float
        In MB; the result of the call included.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_growth, (compute, small, full))


def _growth(compute: Callable, small: tuple, full: tuple) -> float:
    compute(*small)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _peak()
    compute(*full)
    return _peak() - before


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
