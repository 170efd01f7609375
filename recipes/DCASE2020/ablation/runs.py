"""The jobs of an ablation, each a process, some at a time.

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
from table import SECONDS, student_report
from tqdm import tqdm

from sb_sed.formats import atomic_path
from sb_sed.runs.run import Run

HERE = Path(__file__).resolve().parents[1]
TRAIN = HERE / "train.py"
ENSEMBLE = HERE / "ensemble.py"


@dataclass(frozen=True)
class Job(ABC):
    """The call of a script that fills one row with one run.

    Arguments
    ---------
    recipe : str
        The YAML, relative to the folder of the scripts.
    folder : Path
        The output folder, ``<row>/<seed>``.
    options : tuple[str, ...]
        What the script is given for this row alone.
    """

    recipe: str
    folder: Path
    options: tuple[str, ...] = ()
    systems = ()  # the jobs whose runs this one averages

    @property
    def log(self) -> Path:
        """The output of all processes of this job."""
        return self.folder / "stdout.txt"

    @property
    def stamp(self) -> Path:
        """The file that names the systems, once the script has ended."""
        return self.folder / "finished"

    def spend(self, seconds: float) -> None:
        """Add what a process has taken to what earlier ones had."""
        file = self.folder / SECONDS
        earlier = float(file.read_text()) if file.exists() else 0.0
        with atomic_path(file) as temporary:
            temporary.write_text(f"{earlier + seconds:.1f}\n")

    def is_done(self) -> bool:
        """Return whether the script ended, with the systems' latest runs."""
        if not self.stamp.exists() or student_report(self.folder) is None:
            return False
        ended = self.stamp.stat().st_mtime_ns
        return self.stamp.read_text() == self._names() and all(
            system.is_done() and system.stamp.stat().st_mtime_ns <= ended
            for system in self.systems
        )

    def can_start(self) -> bool:
        """Return whether all systems are there."""
        return all(system.is_done() for system in self.systems)

    def has_an_epoch(self) -> bool:
        """Return whether at least one epoch is over."""
        return Run(self.folder).log.exists()

    @abstractmethod
    def command(self, arguments: list[str]) -> list[str]:
        """Return the command line; ``arguments`` are those of all trainings."""

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
        """Note the exit status; return a sentence on a failure, or nothing."""
        if status == 0:
            self.stamp.write_text(self._names())
            if self.is_done():
                return ""
            return f"{self} has ended without a report (see {self.log})."
        how = f"failed with exit status {status}"
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
        text = self.log.read_text(encoding="utf-8", errors="replace")
        last = [line.strip() for line in text.split("\n") if line.strip()][-1]
        return f"{self} {how} (see {self.log}): {last}"

    def __str__(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    def _names(self) -> str:
        return " ".join(map(str, self.systems))


@dataclass(frozen=True)
class Training(Job):
    """A call of ``train.py`` with a seed; the rest as of :class:`Job`."""

    seed: int = field(kw_only=True)

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command line of ``train.py``, with the arguments."""
        return [
            *(sys.executable, str(TRAIN), str(HERE / self.recipe)),
            f"--seed={self.seed}",
            f"--output_folder={self.folder}",
            *self.options,
            *arguments,
            "--noprogressbar",
        ]


@dataclass(frozen=True)
class Averaging(Job):
    """A call of ``ensemble.py``, which averages the scores of other jobs."""

    systems: tuple[Training, ...] = field(kw_only=True)

    def command(self, arguments: list[str]) -> list[str]:
        """Return that of ``ensemble.py``; the arguments are of trainings."""
        return [
            *(sys.executable, str(ENSEMBLE), str(HERE / self.recipe)),
            *("--systems", *(str(system.folder) for system in self.systems)),
            f"--output_folder={self.folder}",
            *self.options,
        ]


def carry_out(
    jobs: list[Job],
    arguments: list[str],
    at_a_time: int,
    after_each: Callable[[], None],
) -> list[str]:
    """Carry out what is not done; show a bar, report failures at once.

    Arguments
    ---------
    jobs : list[Job]
        In this order, except those that wait for the systems they average.
    arguments : list[str]
        Passed on to ``train.py``.
    at_a_time : int
        Number of processes. One until a first epoch is over: the first job may
        have to make and prepare the data for all.
    after_each : Callable
        Called when a job has ended.

    Returns
    -------
    list[str]
        A sentence on each job that failed or was left out.
    """
    waiting = [job for job in jobs if not job.is_done()]
    environment = _environment(min(at_a_time, len(waiting)))
    running, begun, failures = {}, {}, {}
    bar = tqdm(
        total=len(jobs),
        initial=len(jobs) - len(waiting),
        unit="run",
        mininterval=10,
    )

    def note(job: Job, failure: str) -> None:
        """Count a job that is over, report its failure."""
        if failure:
            failures[job] = failure
            bar.write(f"ablation: {failure}", file=sys.stderr)
        bar.set_postfix_str(", ".join(map(str, running)))
        bar.update()

    try:
        while waiting or running:
            ready = any(job.has_an_epoch() for job in jobs)
            while len(running) < (at_a_time if ready else 1) and (
                job := next((x for x in waiting if x.can_start()), None)
            ):
                waiting.remove(job)
                running[job] = job.start(arguments, environment)
                begun[job] = time.monotonic()
                bar.set_postfix_str(", ".join(map(str, running)))
            time.sleep(0.2)
            bar.update(0)  # the time that is shown
            for job in [j for j, p in running.items() if p.poll() is not None]:
                job.spend(time.monotonic() - begun[job])
                note(job, job.end(running.pop(job).returncode))
                after_each()
            for job in list(waiting):
                if lacking := [s for s in job.systems if s in failures]:
                    waiting.remove(job)
                    note(
                        job,
                        f"{job} is left out: it averages {lacking[0]}, which failed.",
                    )
    finally:
        bar.close()
        for job in running:
            job.spend(time.monotonic() - begun[job])
        _stop(running.values())
    return list(failures.values())


def _environment(n_jobs: int) -> dict[str, str]:
    """Return that of a job: a share of the processors, lines unbuffered."""
    share = {}
    if n_jobs > 1:
        share = {
            "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // n_jobs))
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
