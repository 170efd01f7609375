"""Train recipes at full scale, side by side, as far as the time goes.

Authors
 * sb_sed contributors 2026
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from notes import Clock, Notes

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "DCASE2020"


class Run:
    """A recipe that trains in a process of its own.

    Arguments
    ---------
    recipe : str
        Name of a file in ``hparams``.
    arguments : list of str
        Of ``train.py``.
    folder : Path
        Gets the run and what it prints.
    """

    def __init__(self, recipe: str, arguments: list[str], folder: Path):
        self.recipe = recipe
        self.arguments = arguments
        self.folder = Path(folder) / recipe
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start = time.monotonic()
        self.process = self._started([])

    def _started(self, more: list[str]) -> subprocess.Popen:
        """The training, from the last checkpoint on."""
        with (self.folder / "printed.txt").open("ab") as printed:
            return subprocess.Popen(
                [sys.executable, "train.py", f"hparams/{self.recipe}.yaml"]
                + [*self.arguments, f"--output_folder={self.folder / 'run'}"]
                + ["--noprogressbar", *more],
                cwd=RECIPE,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    def epochs(self) -> list[str]:
        """The lines of the log, one for each epoch that is over."""
        log = self.folder / "run" / "train_log.txt"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return [line for line in lines if line.startswith("epoch")]

    def stop(self) -> None:
        """End the process, as a user would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def score_as_it_is(self) -> None:
        """Resume with as many epochs as there are: only scores are left."""
        self.process = self._started(
            [f"--number_of_epochs={len(self.epochs())}"]
        )

    def report(self, notes: Notes) -> None:
        """Write down how far it came, and the scores."""
        lines = self.epochs()
        notes.add(
            self.recipe,
            epochs=len(lines),
            seconds=time.monotonic() - self.start,
            status=self.process.poll(),
        )
        if lines:
            notes.add(f"{self.recipe}, last epoch", log=lines[-1][:600])
        for file in sorted((self.folder / "run").glob("*/*/report.json")):
            report = json.loads(file.read_text("utf-8"))
            figures = {
                key: value.get("macro") if isinstance(value, dict) else value
                for key, value in report.items()
                if key.endswith("_f1") or "psds" in key
            }
            place = "/".join(file.parent.parts[-2:])
            notes.add(f"{self.recipe}, {place}", **figures)
        printed = (self.folder / "printed.txt").read_text("utf-8", "replace")
        for line in printed.splitlines()[-12:]:
            notes.add(f"{self.recipe}, printed", line=line[:300])


def main(
    notes: Notes,
    clock: Clock,
    recipes: list[str],
    arguments: list[str],
    folder: Path,
    scoring_seconds: float,
) -> None:
    """Train all at once; what is not over in time is scored as it is."""
    runs = [Run(recipe, arguments, folder) for recipe in recipes]
    try:
        while clock.left() > scoring_seconds and any(
            run.process.poll() is None for run in runs
        ):
            time.sleep(0.5)
        for run in runs:
            if run.process.poll() is None:
                run.stop()
                if run.epochs():
                    run.score_as_it_is()
        for run in runs:
            try:
                run.process.wait(clock.left())
            except subprocess.TimeoutExpired:
                notes.add(run.recipe, error="no time left for the scores")
    finally:
        for run in runs:
            run.stop()
            with notes.guarded(run.recipe):
                run.report(notes)
