"""The trainings of an ablation, each a process, some at a time.

Authors
 * sb_sed contributors 2026
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from ablation_table import read_json
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
TRAIN = HERE / "train.py"


@dataclass(frozen=True)
class Run:
    """One training of one row.

    Arguments
    ---------
    recipe : str
        Its YAML, from this file's folder on.
    folder : Path
        Its output folder, ``<row>/<seed>``.
    seed : int
        Its seed.
    options : tuple[str, ...]
        What ``train.py`` is given for this row alone.
    """

    recipe: str
    folder: Path
    seed: int
    options: tuple[str, ...] = ()

    @property
    def log(self) -> Path:
        """What all the processes of this run said."""
        return self.folder / "stdout.txt"

    @property
    def stamp(self) -> Path:
        """A file that is there once ``train.py`` has come to its end."""
        return self.folder / "finished"

    def is_done(self) -> bool:
        """Whether all test sets are scored and the report is still there."""
        report = self.folder / "validation" / "student" / "report.json"
        return self.stamp.exists() and read_json(report) is not None

    def has_an_epoch(self) -> bool:
        """Whether at least one epoch is over."""
        return (self.folder / "train_log.txt").exists()

    def start(
        self, arguments: list[str], environment: dict[str, str]
    ) -> subprocess.Popen:
        """Start or resume the training."""
        command = [
            *(sys.executable, str(TRAIN), str(HERE / self.recipe)),
            f"--seed={self.seed}",
            f"--output_folder={self.folder}",
            *self.options,
            *arguments,
            "--noprogressbar",
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stamp.unlink(missing_ok=True)
        with open(self.log, "a", encoding="utf-8") as log:
            print("$", subprocess.list2cmdline(command), file=log, flush=True)
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    def end(self, status: int) -> str:
        """Note the exit status; return a sentence if it tells of a failure."""
        if status == 0:
            self.stamp.touch()
            return ""
        how = f"failed with exit status {status}"
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
        said = self.log.read_text(encoding="utf-8", errors="replace").split(
            "\n"
        )
        last = [line.strip() for line in said if line.strip()][-1]
        return f"{self} {how} (see {self.log}): {last}"

    def __str__(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"


def train(
    runs: list[Run],
    arguments: list[str],
    jobs: int,
    after_each: Callable[[], None],
) -> list[str]:
    """Train what is not done; show a bar, tell of failures at once.

    Arguments
    ---------
    runs : list[Run]
        In this order.
    arguments : list[str]
        Passed on to ``train.py``.
    jobs : int
        Runs at a time. Until one has an epoch behind it, one at a time: the
        first run may have to make and prepare the data for all.
    after_each : Callable
        Called when a run has ended.

    Returns
    -------
    list[str]
        A sentence on each run that failed.
    """
    waiting = [run for run in runs if not run.is_done()]
    environment = _environment(min(jobs, len(waiting)))
    running, failures = {}, []
    bar = tqdm(
        total=len(runs),
        initial=len(runs) - len(waiting),
        unit="run",
        mininterval=10,
    )
    try:
        while waiting or running:
            ready = any(run.has_an_epoch() for run in runs)
            while waiting and len(running) < (jobs if ready else 1):
                run = waiting.pop(0)
                running[run] = run.start(arguments, environment)
                bar.set_postfix_str(", ".join(map(str, running)))
            time.sleep(0.2)
            bar.update(0)  # the time goes on
            for run in [r for r, p in running.items() if p.poll() is not None]:
                if failure := run.end(running.pop(run).returncode):
                    failures.append(failure)
                    bar.write(f"ablation.py: {failure}", file=sys.stderr)
                bar.set_postfix_str(", ".join(map(str, running)))
                bar.update()
                after_each()
    finally:
        bar.close()
        _stop(running.values())
    return failures


def _environment(jobs: int) -> dict[str, str]:
    """That of a run: the processors shared, each line written at once."""
    share = {}
    if jobs > 1:
        share = {
            "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // jobs))
        }
    return share | os.environ | {"PYTHONUNBUFFERED": "1"}


def _stop(processes: Iterable[subprocess.Popen]) -> None:
    """Interrupt, so that they end their own processes; then kill."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
