"""The files of a run's test sets: references, and results of its networks.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sb_sed.data.manifests import reference_files
from sb_sed.errors import UNREADABLE, InputError, brief
from sb_sed.formats import WEAK_SCORES


@dataclass(frozen=True)
class Results:
    """The results of a network on a test set: files that need not exist.

    Arguments
    ---------
    folder : Path
        ``<run>/<test set>/<network>``.
    """

    folder: Path

    @property
    def scores(self) -> Path:
        """The folder of the scores, not smoothed: a TSV a clip."""
        return self.folder / "scores"

    @property
    def weak_scores(self) -> Path:
        """The scores of whole clips: one TSV of all."""
        return self.folder / WEAK_SCORES

    @property
    def events(self) -> Path:
        """The events as a DESED TSV."""
        return self.folder / "events.tsv"

    @property
    def report(self) -> Path:
        """The report as JSON; ``.md`` and ``.png`` of it lie beside it."""
        return self.folder / "report.json"

    @property
    def tuning(self) -> Path:
        """How the smoother was tuned, as JSON."""
        return self.folder / "tuning.json"

    def read_report(self) -> dict | None:
        """Read the report.

        Returns
        -------
        dict | None
            As of ``sb_sed.scoring.report.make_report``, and ``computation``,
            a sentence on the precision, if it is known; None if there is none.

        Raises
        ------
        InputError
            If the file is not a report: the numbers of files, the macro means
            with their intervals, PSDS and notes have been checked.
        """
        if not self.report.is_file():
            return None
        try:
            report = json.loads(self.report.read_text("utf-8"))
            _check_report(report)
        except UNREADABLE as error:
            raise InputError(
                f"{self.report} is not a report ({brief(error)}): delete it, "
                "or let train.py score the run again."
            ) from error
        return report


@dataclass(frozen=True)
class TestSet:
    """A test set of a run: its reference and the results of each network.

    Arguments
    ---------
    folder : Path
        ``<run>/<test set>``.
    prepared_folder : Path | None
        The prepared data, as far as known.
    """

    __test__ = False  # not a test of pytest's
    folder: Path
    prepared_folder: Path | None = None

    @property
    def name(self) -> str:
        """Such as ``validation``."""
        return self.folder.name

    @property
    def reference(self) -> Path | None:
        """TSV of the true events, if it is there."""
        return self._prepared()[0]

    @property
    def durations(self) -> Path | None:
        """TSV of the files' durations in seconds, if it is there."""
        return self._prepared()[1]

    @property
    def manifest(self) -> Path | None:
        """JSON with the audio file of each clip, if it is there."""
        return self._prepared()[2]

    @property
    def metadata(self) -> Path | None:
        """CSV of what is known of each recording, if it is there."""
        if self.prepared_folder is None:
            return None
        file = self.prepared_folder / "metadata.csv"
        return file if file.is_file() else None

    def results(self, network: str = "student") -> Results:
        """Where the results of a network are, or will be."""
        return Results(self.folder / network)

    @property
    def networks(self) -> list[str]:
        """The networks that have scored this set."""
        return [
            folder.name
            for folder in sorted(self.folder.glob("*"))
            if (results := self.results(folder.name)).scores.is_dir()
            or results.report.is_file()
        ]

    def _prepared(self) -> list[Path | None]:
        """Return events, durations and manifest, as far as they are there."""
        folder = self.prepared_folder
        if folder is None:
            return [None] * 3
        files = (
            *reference_files(folder, self.name),
            folder / f"{self.name}.json",
        )
        return [file if file.is_file() else None for file in files]


def _check_report(report: Mapping) -> None:
    """Fail, in any way, if what is read of reports is not there."""
    for metric in ("event_f1", "segment_f1"):
        interval = report["confidence_intervals"][metric]["macro"]
        low, high = (0.0, 1.0) if interval is None else interval
        macro = report[metric]["macro"]
        _check_share(0.0 if macro is None else macro, low, high)
    psds = report["psds"]
    if psds is not None:
        _check_share(psds["2020"], psds["1"], psds["2"], *psds.values())
    for name in ("n_files", "n_reference"):
        if type(report[name]) is not int:
            raise TypeError(f"{name} is not a number")
    if not all(isinstance(note, str) for note in report["notes"]):
        raise TypeError("a note is not text")
    if not isinstance(report.get("computation", ""), str):
        raise TypeError("computation is not text")


def _check_share(*values: float) -> None:
    if not all(0 <= value <= 1 for value in values):  # NaN is caught, too
        raise ValueError("a score is not from 0 to 1")
