"""The runs of an ablation, each a process, some at a time.

Authors
 * sb_sed contributors 2026
"""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from ablation_figures import read_json
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
TRAIN = HERE / "train.py"
ENSEMBLE = HERE / "ensemble.py"


@dataclass(frozen=True)
class Run(ABC):
    """One run of one row, a call of a script.

    Arguments
    ---------
    recipe : str
        Its YAML, from this file's folder on.
    folder : Path
        Its output folder, ``<row>/<seed>``.
    options : tuple[str, ...]
        What the script is given for this row alone.
    """

    recipe: str
    folder: Path
    options: tuple[str, ...] = ()
    systems = ()  # the runs that this one is of

    @property
    def log(self) -> Path:
        """What all the processes of this run said."""
        return self.folder / "stdout.txt"

    @property
    def stamp(self) -> Path:
        """Names the systems, once the script has come to its end."""
        return self.folder / "finished"

    def is_done(self) -> bool:
        """Whether it has come to its end, of these systems as they now are."""
        report = self.folder / "validation" / "student" / "report.json"
        if not self.stamp.exists() or read_json(report) is None:
            return False
        ended = self.stamp.stat().st_mtime_ns
        return self.stamp.read_text() == self._names() and all(
            system.is_done() and system.stamp.stat().st_mtime_ns <= ended
            for system in self.systems
        )

    def can_start(self) -> bool:
        """Whether there is all that it needs."""
        return all(system.is_done() for system in self.systems)

    def has_an_epoch(self) -> bool:
        """Whether at least one epoch is over."""
        return (self.folder / "train_log.txt").exists()

    @abstractmethod
    def command(self, arguments: list[str]) -> list[str]:
        """The command line.

        Arguments
        ---------
        arguments : list[str]
            Those that all trainings are given.

        Returns
        -------
        list[str]
            Its words.
        """

    def start(
        self, arguments: list[str], environment: dict[str, str]
    ) -> subprocess.Popen:
        """Start or resume it."""
        command = self.command(arguments)
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
            self.stamp.write_text(self._names())
            if self.is_done():
                return ""
            return f"{self} has ended without a report (see {self.log})."
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

    def _names(self) -> str:
        return " ".join(map(str, self.systems))


@dataclass(frozen=True)
class Training(Run):
    """A run of ``train.py``.

    Arguments
    ---------
    seed : int
        Its seed. (The others are those of :class:`Run`.)
    """

    seed: int = field(kw_only=True)

    def command(self, arguments: list[str]) -> list[str]:
        """That of ``train.py``, with the arguments."""
        return [
            *(sys.executable, str(TRAIN), str(HERE / self.recipe)),
            f"--seed={self.seed}",
            f"--output_folder={self.folder}",
            *self.options,
            *arguments,
            "--noprogressbar",
        ]


@dataclass(frozen=True)
class Averaging(Run):
    """A run of ``ensemble.py``.

    Arguments
    ---------
    systems : tuple[Training, ...]
        Whose scores are averaged. (The others are those of :class:`Run`.)
    """

    systems: tuple[Training, ...] = field(kw_only=True)

    def command(self, arguments: list[str]) -> list[str]:
        """That of ``ensemble.py``; the arguments are of trainings alone."""
        return [
            *(sys.executable, str(ENSEMBLE), str(HERE / self.recipe)),
            *("--systems", *(str(system.folder) for system in self.systems)),
            f"--output_folder={self.folder}",
            *self.options,
        ]


def carry_out(
    runs: list[Run],
    arguments: list[str],
    jobs: int,
    after_each: Callable[[], None],
) -> list[str]:
    """Carry out what is not done; show a bar, tell of failures at once.

    Arguments
    ---------
    runs : list[Run]
        In this order, but for those that wait for the systems they are of.
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
        A sentence on each run that failed or was left out.
    """
    waiting = [run for run in runs if not run.is_done()]
    environment = _environment(min(jobs, len(waiting)))
    running, failures = {}, {}
    bar = tqdm(
        total=len(runs),
        initial=len(runs) - len(waiting),
        unit="run",
        mininterval=10,
    )

    def note(run: Run, failure: str) -> None:
        """A run is over."""
        if failure:
            failures[run] = failure
            bar.write(f"ablation.py: {failure}", file=sys.stderr)
        bar.set_postfix_str(", ".join(map(str, running)))
        bar.update()

    try:
        while waiting or running:
            ready = any(run.has_an_epoch() for run in runs)
            while len(running) < (jobs if ready else 1) and (
                run := next((r for r in waiting if r.can_start()), None)
            ):
                waiting.remove(run)
                running[run] = run.start(arguments, environment)
                bar.set_postfix_str(", ".join(map(str, running)))
            time.sleep(0.2)
            bar.update(0)  # the time goes on
            for run in [r for r, p in running.items() if p.poll() is not None]:
                note(run, run.end(running.pop(run).returncode))
                after_each()
            for run in list(waiting):
                if lacking := [s for s in run.systems if s in failures]:
                    waiting.remove(run)
                    note(run, f"{run} is left out, for want of {lacking[0]}.")
    finally:
        bar.close()
        _stop(running.values())
    return list(failures.values())


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
