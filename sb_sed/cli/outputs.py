"""What detection writes: events in several formats, scores and figures.

Nothing heavy is imported before something is written: see ``main``.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from textwrap import indent
from threading import Lock
from typing import TYPE_CHECKING

from sb_sed.errors import InputError

if TYPE_CHECKING:
    from sb_sed.inference.batch import FileResult
    from sb_sed.inference.finder import EventFinder


def check_writable(
    files: Iterable[tuple[str, Path | None]] = (),
    folders: Iterable[tuple[str, Path | None]] = (),
    inputs: Iterable[str | Path | None] = (),
) -> None:
    """Make sure, before the work, that what it gives can be written.

    Nothing is left behind: neither files nor folders.

    Arguments
    ---------
    files, folders : iterable of (str, Path | None)
        The argument or option, and the file that is written or the folder that
        files are written to; None if it is not given.
    inputs : iterable of (str | Path | None)
        What is read, which no file may replace.

    Raises
    ------
    InputError
        If a file is wanted and there is a folder or a device, or the other way
        round, a place cannot be written to, or two of the files are one.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> check_writable([("--json", folder / "new" / "report.json")])
    >>> (folder / "new").exists()
    False
    >>> check_writable([("--json", folder)])
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: ... is a folder: give a file as --json.
    """
    uses = {
        os.path.realpath(x): "what is read" for x in inputs if x is not None
    }
    for option, path in files:
        if path is None:
            continue
        if os.path.isdir(path):
            raise InputError(f"{path} is a folder: give a file as {option}.")
        # What is written replaces what was there.
        is_device = os.path.exists(path) and not os.path.isfile(path)
        if is_device or Path("/dev") in Path(os.path.abspath(path)).parents:
            raise InputError(
                f"{path} is a device, not a file: give another {option}."
            )
        other = uses.setdefault(os.path.realpath(path), option)
        if other != option:
            raise InputError(
                f"{path} is {other} as well as {option}: give another {option}."
            )
        # As ``atomic_path`` names it: a name may be too long.
        _try_to_write(
            path.with_name(f"{path.name}.tmp-{os.getpid()}"), path, option
        )
    for option, folder in folders:
        if folder is None:
            continue
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise InputError(f"{folder} is a file: give a folder as {option}.")
        _try_to_write(folder / f"tmp-{os.getpid()}", folder, option)


def _try_to_write(probe: Path, path: Path, option: str) -> None:
    """Write a file and remove it, with the folders that were missing."""
    made = []
    try:
        for folder in [*reversed(probe.parents)]:
            if not os.path.exists(folder):
                folder.mkdir()
                made.append(folder)
        with open(probe, "ab"):
            pass
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{path} cannot be written to ({error.strerror}): give another "
            f"{option}."
        ) from error
    finally:
        with suppress(OSError):  # in the meantime another program's
            for folder in reversed(made):
                folder.rmdir()


class EventFormat(ABC):
    """A format of events, written piece by piece."""

    suffix = ".txt"  # of the file of one recording

    def begin(self) -> str:
        """Return what comes before the first recording."""
        return ""

    @abstractmethod
    def piece(self, result: FileResult, is_first: bool) -> str:
        """Return what a recording that was not skipped adds."""

    def end(self, n_processed: int, skipped: Iterable[tuple[str, str]]) -> str:
        """Return what comes after the last one; of others, name and reason."""
        return ""

    def text(self, result: FileResult) -> str:
        """Return the content of a file with one recording."""
        return self.begin() + self.piece(result, True) + self.end(1, [])


class TableFormat(EventFormat):
    """A format that holds any number of recordings, or a stream of events."""

    head = ""  # what comes before the first line of a stream

    @abstractmethod
    def line(self, event) -> str:
        """Return an event of a stream (with times and confidence) as a line."""


class TrackFormat(EventFormat):
    """A format of another program, for the events of one recording."""


class Tsv(TableFormat):
    """The DESED TSV, with confidences; files that were skipped are left out."""

    suffix = ".tsv"
    head = "filename\tonset\toffset\tevent_label\tconfidence\n"

    def begin(self) -> str:
        """Return the names of the columns."""
        return self.head

    def piece(self, result: FileResult, is_first: bool) -> str:
        """Return the rows that ``sb_sed.formats.write_events`` writes."""
        from sb_sed.formats.events import events_text

        name = result.filename
        events = result.events.round({"confidence": 6})
        return events_text(events, name, [name]).partition("\n")[2]

    def line(self, event) -> str:
        """Return a row."""
        from sb_sed.formats.tsv import join_row

        times = f"{event.onset:.3f}", f"{event.offset:.3f}"
        confidence = str(round(event.confidence, 6))
        cells = ["stdin", *times, event.event_label, confidence]
        return join_row(cells) + "\n"


class Json(TableFormat):
    """JSON with notes, confidences and the reasons of skipped files.

    ``files`` (name, duration, notes, events) and ``skipped`` (name, reason),
    as ``json.dumps`` indents them.
    """

    suffix = ".json"

    def begin(self) -> str:
        """Return the beginning of the list of files."""
        return '{\n  "files": ['

    def piece(self, result: FileResult, is_first: bool) -> str:
        """Return an entry of the list of files."""
        entry = {
            "filename": result.filename,
            "duration": round(result.duration, 6),
            "notes": result.notes,
            "events": result.events.drop(columns="filename")
            .round(6)
            .to_dict("records"),
        }
        return "," * (not is_first) + "\n" + indent(_json(entry), "    ")

    def end(self, n_processed: int, skipped: Iterable[tuple[str, str]]) -> str:
        """Return the end of the list of files, and the list of the others."""
        entries = [
            {"filename": filename, "reason": reason}
            for filename, reason in skipped
        ]
        others = indent(_json(entries), "  ").lstrip()
        closed = "\n  ]" if n_processed else "]"
        return f'{closed},\n  "skipped": {others}\n}}\n'

    def line(self, event) -> str:
        """Return an object on one line."""
        fields = {
            "onset": round(event.onset, 6),
            "offset": round(event.offset, 6),
            "event_label": event.event_label,
            "confidence": round(event.confidence, 6),
        }
        return json.dumps(fields, ensure_ascii=False) + "\n"


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


class Audacity(TrackFormat):
    """A label track: onset, offset and label, divided by tabs."""

    def piece(self, result: FileResult, is_first: bool) -> str:
        """Return the labels."""
        return "".join(
            f"{event.onset:.6f}\t{event.offset:.6f}\t{event.event_label}\n"
            for event in result.events.itertuples()
        )


class Raven(TrackFormat):
    """A selection table: the columns that Raven needs, label, confidence.

    The frequencies are the whole range of the recording, as a detector does
    not tell any; Raven refuses those above half of its rate.
    """

    def piece(self, result: FileResult, is_first: bool) -> str:
        """Return the table."""
        columns = (
            "Selection, View, Channel, Begin Time (s), End Time (s), "
            "Low Freq (Hz), High Freq (Hz), Event, Confidence"
        ).split(", ")
        lines = ["\t".join(columns)]
        for number, event in enumerate(result.events.itertuples(), start=1):
            lines.append(
                f"{number}\tSpectrogram 1\t1\t{event.onset:.6f}\t"
                f"{event.offset:.6f}\t0\t{result.sample_rate // 2}\t"
                f"{event.event_label}\t{event.confidence:.4f}"
            )
        return "\n".join(lines) + "\n"


FORMATS: dict[str, EventFormat] = {
    "tsv": Tsv(),
    "json": Json(),
    "audacity": Audacity(),
    "raven": Raven(),
}


def write_text(text: str, path: Path) -> None:
    """Write a text file, whole or not at all."""
    from sb_sed.formats import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(text, "utf-8")


def _on_disk(name: str) -> str:
    """The name of a file in UTF-8, whatever the system says that names are."""
    return os.fsdecode(name.encode("utf-8"))


class EventsFolder:
    """Writes the events of each recording, such as ``<its name>.txt``."""

    def __init__(self, folder: Path, form: EventFormat):
        self.folder, self.format = folder, form

    def __str__(self) -> str:
        """What is written, for a note."""
        return "its events"

    def place(self, filename: str) -> Path:
        """Return the file of a recording."""
        return self.folder / _on_disk(f"{filename}{self.format.suffix}")

    def __call__(self, result: FileResult, path: Path | None) -> None:
        """Write the events of one recording."""
        write_text(self.format.text(result), self.place(result.filename))


class ScoresFolder:
    """Writes the scores of each recording, ``<its stem>.tsv``.

    Where several recordings have that stem it is ``<its name>.tsv``, so that
    each has a table of its own.
    """

    def __init__(self, folder: Path, filenames: Iterable[str]):
        from sb_sed.formats import short_names

        self.folder = folder
        self.tables = short_names(filenames)

    def __str__(self) -> str:
        """What is written, for a note."""
        return "its scores"

    def has(self, filename: str) -> bool:
        """Return whether the scores of a recording are there already."""
        return self.place(filename).is_file()

    def place(self, filename: str) -> Path:
        """Return the table of a recording."""
        name = self.tables.get(filename, filename)
        return self.folder / _on_disk(f"{name}.tsv")

    def __call__(self, result: FileResult, path: Path | None) -> None:
        """Write the scores of one recording."""
        from sb_sed.formats import write_scores

        place = self.place(result.filename)
        name = place.name.removesuffix(".tsv")
        write_scores({name: result.scores}, place.parent)


_DRAWING = Lock()  # Matplotlib is for one thread at a time


class FiguresFolder:
    """Draws each recording, ``<its name>.png``: see ``plot_recording``."""

    def __init__(self, folder: Path, detector: EventFinder):
        from sb_sed.smoothing.threshold import thresholds_of

        self.folder = folder
        self.rate = detector.sample_rate
        self.thresholds = thresholds_of(detector.smoother, detector.classes)

    def __str__(self) -> str:
        """What is written, for a note."""
        return "its figure"

    def place(self, filename: str) -> Path:
        """Return the figure of a recording."""
        return self.folder / _on_disk(f"{filename}.png")

    def __call__(self, result: FileResult, path: Path) -> None:
        """Draw one recording."""
        from sb_sed.plots import plot_recording

        with _DRAWING:
            plot_recording(
                path,
                self.rate,
                result.scores,
                result.events,
                self.place(result.filename),
                self.thresholds,
            )


def remove_unfinished(
    outputs: Iterable[EventsFolder | ScoresFolder | FiguresFolder],
    filenames: Iterable[str],
) -> None:
    """Remove what a killed process has begun to write of some recordings."""
    names = list(filenames)
    for output in outputs:
        places = {output.place(name) for name in names}
        for path in output.folder.rglob("*.tmp-*"):
            if path.with_name(path.name.rpartition(".tmp-")[0]) in places:
                path.unlink(missing_ok=True)
