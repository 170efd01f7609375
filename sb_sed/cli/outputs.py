"""What is made of each file as soon as it has been heard.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from sb_sed.cli.event_files import ONE_EACH
from sb_sed.errors import InputError
from sb_sed.formats import atomic_path, stem, write_scores
from sb_sed.inference.batch import FileResult
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.plots.recording import draw_recording
from sb_sed.smoothing.threshold import thresholds_of


class EventsFolder:
    """Writes the events of each file for another program, ``<its name>.txt``.

    Arguments
    ---------
    folder : Path
        Where to write.
    kind : str
        One of ``ONE_EACH``.
    """

    def __init__(self, folder: Path, kind: str):
        self.folder, self.kind = folder, kind

    def __str__(self) -> str:
        """What is written, for a note."""
        return f"its file for {self.kind}"

    def __call__(self, result: FileResult, path: Path | None) -> None:
        """Writes the events of one file."""
        target = self.folder / f"{result.filename}.txt"
        with atomic_path(target) as temporary:
            temporary.write_text(ONE_EACH[self.kind](result), "utf-8")


class ScoresFolder:
    """Writes the scores of each file, ``<its stem>.tsv``.

    Arguments
    ---------
    folder : Path
        Where to write.
    filenames : Iterable[str]
        Of all the files.

    Raises
    ------
    InputError
        If two of them would have the same table.
    """

    def __init__(self, folder: Path, filenames: Iterable[str]):
        self.folder = folder
        taken: dict[str, str] = {}
        for name in filenames:
            other = taken.setdefault(stem(name), name)
            if other != name:
                raise InputError(
                    f"{other} and {name} would have the same scores file, "
                    f"{stem(name)}.tsv: rename one, or leave out the scores."
                )

    def __str__(self) -> str:
        """What is written, for a note."""
        return "its scores"

    def __call__(self, result: FileResult, path: Path | None) -> None:
        """Writes the scores of one file."""
        place = self.folder / stem(result.filename)
        write_scores({place.name: result.scores}, place.parent)


class FiguresFolder:
    """Draws each file, ``<its name>.png``: see ``draw_recording``.

    Arguments
    ---------
    folder : Path
        Where to write.
    detector : SoundEventDetector
        Which has heard the files.
    """

    def __init__(self, folder: Path, detector: SoundEventDetector):
        self.folder = folder
        self.hparams = detector.hparams
        self._lock = Lock()  # Matplotlib is for one thread at a time

    def __str__(self) -> str:
        """What is written, for a note."""
        return "its figure"

    def __call__(self, result: FileResult, path: Path) -> None:
        """Draws one file."""
        with self._lock:
            draw_recording(
                path,
                self.hparams.sample_rate,
                result.scores,
                result.events,
                self.folder / f"{result.filename}.png",
                thresholds_of(self.hparams.smoother, self.hparams.classes),
            )
