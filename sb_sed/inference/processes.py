"""Detection in many files by several processes of this machine.

Threads of one process wait for one another wherever Python itself works:
while tables are made and written. Processes do not, and one that a damaged
file or a lack of memory ends takes no other with it.

Authors
 * sb_sed contributors 2026
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Thread

from sb_sed.inference.batch import (
    AHEAD,
    INTERRUPTED,
    FileResult,
    Output,
    Stop,
    detect_recording,
)
from sb_sed.inference.finder import EventFinder
from sb_sed.inference.source import Source

LOST = "ended the process that read it"
Item = tuple[str, Path]


def detect_in_processes(
    source: Source,
    files: Mapping[str, Path],
    jobs: int,
    threads: int = 1,
    outputs: Sequence[Output] = (),
) -> Generator[FileResult, None, None]:
    """Detect in files by several processes.

    If a process ends without being asked to, another takes its place; the files
    that it may have had are processed again, each alone, and one that then
    ends its process is skipped. Interrupted, it does as
    :func:`~sb_sed.inference.batch.detect_files`.

    Arguments
    ---------
    source : Source
        The detector; each process loads it.
    files : Mapping[str, Path]
        As of ``detect_files``.
    jobs : int
        Processes; each has one file at a time.
    threads : int
        That work on one file.
    outputs : Sequence[Callable]
        As of ``detect_files``; they are copied into the processes.

    Yields
    ------
    FileResult
        Of each file, in their order, without scores.
    """
    workers = _Workers(source, threads, outputs)
    todo, waiting = iter(files.items()), deque()
    try:
        pool = workers.pool(jobs)
        while True:
            n_more = AHEAD * jobs - len(waiting)
            for item in islice(todo, n_more):
                waiting.append((item, _submit(pool, item)))
            if not waiting:
                return
            item, future = waiting[0]
            try:
                result = future.result()
            except BrokenProcessPool:
                pool.shutdown(wait=False)
                _again_alone(workers, waiting, jobs)
                pool = workers.pool(jobs)
                _submit_again(pool, waiting)
                continue
            yield result
            waiting.popleft()
    except KeyboardInterrupt:
        workers.stopped.set()
        done = [x for _, x in waiting if not x.cancel()]
        for future in done:
            if not future.exception() and future.result().reason != INTERRUPTED:
                yield future.result()
        raise
    finally:
        workers.stopped.set()
        pool.shutdown(cancel_futures=True)


@dataclass
class _Workers:
    """How processes are started, and told to stop."""

    source: Source
    threads: int
    outputs: Sequence[Output]

    def __post_init__(self) -> None:
        # Not forked: PyTorch's threads would be missing in the copies.
        self.context = multiprocessing.get_context("spawn")
        self.stopped = self.context.Event()

    def pool(self, jobs: int) -> ProcessPoolExecutor:
        """Return a pool of so many new processes."""
        return ProcessPoolExecutor(
            jobs,
            self.context,
            _prepare,
            (self.source, self.threads, self.outputs, self.stopped),
        )


def _submit(pool: ProcessPoolExecutor, item: Item) -> Future:
    try:
        return pool.submit(_work, item)
    except BrokenProcessPool as error:  # since the last result was taken
        broken: Future = Future()
        broken.set_exception(error)
        return broken


def _again_alone(workers: _Workers, waiting: deque, jobs: int) -> None:
    """Process the files that the lost process may have had, one by one."""
    # Those that are in work or about to be: the first that have not ended.
    lost = [
        place
        for place, (_, future) in enumerate(waiting)
        if future.done() and isinstance(future.exception(), BrokenProcessPool)
    ]
    pool = workers.pool(1)
    for place in lost[: jobs + 1]:
        item, _ = waiting[place]
        future = _submit(pool, item)
        try:
            future.result()
        except BrokenProcessPool:
            pool.shutdown(wait=False)
            pool = workers.pool(1)
            future = Future()
            future.set_result(FileResult(item[0], reason=LOST))
        waiting[place] = item, future
    pool.shutdown()


def _submit_again(pool: ProcessPoolExecutor, waiting: deque) -> None:
    """Submit the files that the end of the last pool has cancelled."""
    for place, (item, future) in enumerate(waiting):
        if future.cancelled() or future.exception():
            waiting[place] = item, _submit(pool, item)


@dataclass
class _Process:
    """What a process has: it is prepared once."""

    detector: EventFinder
    outputs: Sequence[Output]
    stopped: Stop


_process: _Process | None = None


def _prepare(
    source: Source, threads: int, outputs: Sequence[Output], stopped: Stop
) -> None:
    """Load the detector, at the start of a process."""
    global _process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    Thread(target=_end_with_parent, daemon=True).start()
    detector = source.load(threads)
    detector.use_threads(threads)
    _process = _Process(detector, outputs, stopped)


def _end_with_parent() -> None:
    """End this process if its parent is killed: nobody wants its results."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(item: Item) -> FileResult:
    return detect_recording(
        _process.detector,
        *item,
        _process.outputs,
        _process.stopped,
        is_shown=False,
    )
