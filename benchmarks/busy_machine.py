#!/usr/bin/env python3
"""A training step of the full-scale baseline beside busy processes.

A process trains, with a thread for each core; others, started here, do nothing
but compute. They are stopped and continued between blocks of steps, so that
alone and beside them is measured in turn, in the same processes. First with
PyTorch's threads as they come, which spin while they wait for one another, and
PyTorch's GRU, whose every product is divided among them; then as train.py has
it. ``beside n`` over ``alone`` is what n busy processes cost. On a machine that
others use at the same time, the seconds of the processor hold what the wall
clock cannot: a thread that spins is paid for.

> python benchmarks/busy_machine.py [--busy 1 2] [--rounds 3] [--steps 3] \\
>     [--ways ours]

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGCONT, SIGSTOP

from sb_sed.minidesed import make_minidesed

# Without a word of its own, sb_sed leaves OpenMP as the user has set it; this
# is what it would be anyway.
SPINNING = {"KMP_BLOCKTIME": "200"}
WAYS = {"as PyTorch comes": "plain", "as train.py": "ours"}


def serve(way: str, data: str, folder: str) -> None:
    """Train as many steps as each line of the input says; print their times."""
    import torch
    from adversarial_step import RECIPE, Run, endless

    from sb_sed.models.recurrence import PairedGRU

    sys.path.insert(0, str(RECIPE))
    if way == "plain":
        PairedGRU.most = 0
    torch.set_num_threads(os.cpu_count())
    run = Run("none", data, folder)
    batch = next(endless(run))
    run.step(batch)
    print("ready", flush=True)
    for line in sys.stdin:
        run.seconds.clear()
        start = time.process_time()
        for _ in range(int(line)):
            run.step(batch)
        processor = (time.process_time() - start) / int(line)
        print(statistics.median(run.seconds), processor, flush=True)


class Training:
    """A process that trains when it is told to."""

    def __init__(self, way: str, data: str, folder: str):
        known = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", *SPINNING}
        environment = {k: v for k, v in os.environ.items() if k not in known}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", way, data, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment | (SPINNING if way == "plain" else {}),
        )
        while (line := self.process.stdout.readline()).strip() != "ready":
            if not line:
                sys.exit("The training could not be started, see above.")

    def __enter__(self) -> "Training":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def seconds(self, steps: int) -> tuple[float, float]:
        """Train; return the median step by the clock and by the processor."""
        print(steps, file=self.process.stdin, flush=True)
        clock, processor = self.process.stdout.readline().split()
        return float(clock), float(processor)


@contextmanager
def stopped_processes(n: int) -> Iterator[list[subprocess.Popen]]:
    """Processes that compute once they are continued."""
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(n)
    ]
    try:
        for process in busy:
            process.send_signal(SIGSTOP)
        yield busy
    finally:
        for process in busy:
            process.kill()
            process.wait()


def measured(arguments: argparse.Namespace) -> dict[tuple, list]:
    """Time all ways alone and beside busy processes, in turn."""
    times: dict[tuple, list] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        make_minidesed(f"{folder}/data", scale=0.2, progress=False)
        trainings = {
            name: stack.enter_context(
                Training(way, f"{folder}/data", f"{folder}/{way}")
            )
            for name, way in WAYS.items()
            if way in arguments.ways
        }
        busy = stack.enter_context(stopped_processes(max(arguments.busy)))
        for _ in range(arguments.rounds):
            for n in (0, *arguments.busy):
                for process in busy[:n]:
                    process.send_signal(SIGCONT)
                for name, training in trainings.items():
                    seconds = training.seconds(arguments.steps)
                    times.setdefault((name, n), []).append(seconds)
                for process in busy:
                    process.send_signal(SIGSTOP)
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busy", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument(
        "--ways", nargs="+", default=[*WAYS.values()], choices=WAYS.values()
    )
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(*arguments.serve)
        return
    load = os.getloadavg()[0]
    times = measured(arguments)
    print(
        f"batch 24, {os.cpu_count()} cores and threads, load {load:.1f} before; "
        "median seconds a step"
    )
    print(f"{'':30}{'clock':>8}{'processor':>11}{'over alone':>12}")
    for name in dict.fromkeys(name for name, _ in times):
        for n in (0, *arguments.busy):
            clock, processor = map(
                statistics.median, zip(*times[name, n], strict=True)
            )
            ratio = statistics.median(
                a[0] / b[0]
                for a, b in zip(times[name, n], times[name, 0], strict=True)
            )
            place = f"beside {n}" if n else "alone"
            print(
                f"{name + ', ' + place:30}{clock:8.2f}{processor:11.2f}"
                f"{ratio:12.2f}"
            )


if __name__ == "__main__":
    main()
