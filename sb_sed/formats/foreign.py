"""Annotations of other programs: Raven, Audacity, Praat, ELAN, tables.

``crowsetta`` reads Praat's TextGrids and the formats that only it knows. It
refuses Raven's and Audacity's tables whose times are whole numbers (so those
that ``sb-sed detect`` writes), without rows, or with ranges of frequency in
some of the labels, and does not know Raven's tables of several recordings,
whose times are not those in a recording; ELAN it does not read. These are read
here; where it reads them, too, the tests compare.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

from sb_sed.errors import UNREADABLE, InputError, brief
from sb_sed.formats.comma import read_comma_rows
from sb_sed.formats.events import Event
from sb_sed.formats.labels import label_fault, same_label
from sb_sed.formats.tsv import (
    LONGEST,
    bad_row,
    read_text,
    shortened,
    to_seconds,
)

# An event and, where the file says it, the recording that it is in.
Found = tuple[str, Event]
_BEGIN, _END = "Begin Time (s)", "End Time (s)"
_IN_FILE = "File Offset (s)"
# Where Raven and programs that write its tables have the class.
_LABELS = (
    *("Annotation", "Event", "Label", "Class", "Common Name", "Species"),
    *("Species Code", "Call Type", "Type", "Tags"),
)


class Reader(Protocol):
    """Reads the annotation files of one program."""

    suffixes: tuple[str, ...]

    def __call__(self, path: str | Path) -> Iterator[Found]:
        """Yield the events of a file; raise InputError where it is wrong."""


@dataclass(frozen=True)
class Raven:
    """Raven's selection tables, also of several recordings.

    A selection has a row in each view (waveform, spectrogram): whoever reads
    takes equal events once.

    Arguments
    ---------
    column : str, optional
        With the class; by default the first that is there of ``Annotation``,
        ``Event``, ``Label``, ``Class``, ``Common Name``, ``Species`` and some
        others.

    Example
    -------
    >>> path = getfixture("tmp_path") / "garden.Table.1.selections.txt"
    >>> _ = path.write_text(
    ...     "Selection\\tBegin Time (s)\\tEnd Time (s)\\tSpecies\\n"
    ...     "1\\t0.5\\t2\\tWren\\n"
    ... )
    >>> [*Raven()(path)]
    [('', Event(onset=0.5, offset=2.0, event_label='Wren'))]
    """

    column: str | None = None
    suffixes = (".txt",)

    def __call__(self, path: str | Path) -> Iterator[Found]:
        """Yield the events of a table."""
        rows = read_comma_rows(path, [_BEGIN, _END], "\t")
        for line, row in rows:
            onset, offset = row[_BEGIN], row[_END]
            name = row.get("Begin File") or row.get("Begin Path") or ""
            label = row[self._label(path, row)]
            event = _event(path, line, onset, offset, label)
            if name and row.get(_IN_FILE):
                # The other times go on from recording to recording.
                begin = to_seconds(path, line, _IN_FILE, row[_IN_FILE])
                length = event.offset - event.onset
                event = Event(begin, begin + length, event.event_label)
            yield re.split(r"[\\/]", name)[-1], event

    def _label(self, path, row) -> str:
        """The column of the class."""
        wanted = _LABELS if self.column is None else (self.column,)
        found = [name for name in wanted if name in row]
        if not found:
            raise InputError(
                f"{path} has no column {wanted[0]}, but {', '.join(row)}: name "
                "the one with the class as --column."
            )
        return found[0]


@dataclass(frozen=True)
class Audacity:
    """Audacity's labels; ranges of frequency are left out.

    Example
    -------
    >>> path = getfixture("tmp_path") / "garden.txt"
    >>> _ = path.write_text(
    ...     "1\\t2\\tDog\\n\\\\\\t200\\t4000\\n2,5\\t3\\tCat\\n"
    ... )
    >>> [event.onset for _, event in Audacity()(path)]
    [1.0, 2.5]
    """

    suffixes = (".txt",)

    def __call__(self, path: str | Path) -> Iterator[Found]:
        """Yield the events of a label track."""
        lines = re.split("\r\n|\r|\n", read_text(path))
        for line, text in enumerate(lines, start=1):
            cells = text.split("\t")
            if not text.strip() or cells[0] == "\\":
                continue
            if len(cells) not in (2, 3):
                raise bad_row(
                    path,
                    line,
                    f"has {len(cells)} cells instead of 3",
                    "give Audacity's labels: onset, offset, label and tabs",
                )
            yield "", _event(path, line, *cells, *[""] * (3 - len(cells)))


@dataclass(frozen=True)
class Table:
    """Any table with a header, divided by commas, semicolons or tabs.

    Arguments
    ---------
    columns : sequence of str
        Those with onset and offset (seconds) and class, and one with the
        recording, if there is.

    Example
    -------
    >>> path = getfixture("tmp_path") / "garden.csv"
    >>> _ = path.write_text("from;to;what\\n1;2;Dog\\n")
    >>> [*Table(["from", "to", "what"])(path)]
    [('', Event(onset=1.0, offset=2.0, event_label='Dog'))]
    """

    columns: Sequence[str] = ("onset", "offset", "event_label")
    suffixes = (".csv", ".tsv", ".txt")

    def __call__(self, path: str | Path) -> Iterator[Found]:
        """Yield the events of a table."""
        header = re.split("[\r\n]", read_text(path), maxsplit=1)[0]
        divider = max("\t;,", key=header.count)
        for line, row in read_comma_rows(path, self.columns, divider):
            onset, offset, label, *name = (row[x] for x in self.columns)
            yield "".join(name), _event(path, line, onset, offset, label)


@dataclass(frozen=True)
class Elan:
    """ELAN's documents: the annotations that have times of their own.

    Those of symbolic tiers, which only refer to others, are left out.

    Arguments
    ---------
    tier : str, optional
        The only one to read.
    """

    tier: str | None = None
    suffixes = (".eaf",)

    def __call__(self, path: str | Path) -> Iterator[Found]:
        """Yield the events of a document."""
        try:
            root = ElementTree.parse(path).getroot()
            times = {
                slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE")
                for slot in root.iter("TIME_SLOT")
            }
            tiers = {
                tier.get("TIER_ID", ""): [*tier.iter("ALIGNABLE_ANNOTATION")]
                for tier in root.iter("TIER")
            }
        except (ElementTree.ParseError, OSError) as error:
            raise _unreadable(path, "a document of ELAN", error) from error
        _check_tier(path, self.tier, tiers)
        for name, some in tiers.items():
            for annotation in some if self.tier in (None, name) else ():
                label = annotation.findtext("ANNOTATION_VALUE") or ""
                slots = (annotation.get(f"TIME_SLOT_REF{n}") for n in (1, 2))
                span = [times.get(slot) for slot in slots]
                if label.strip() and None not in span:
                    onset, offset = (int(x) / 1000 for x in span)
                    yield "", _timed(path, onset, offset, label)


@dataclass(frozen=True)
class Crowsetta:
    """A format of crowsetta, such as Praat's TextGrid.

    Arguments
    ---------
    name : str
        As crowsetta calls it: ``textgrid``, ``timit``, ``generic-seq``, ...
    tier : str, optional
        The only one to read of a TextGrid.

    Raises
    ------
    InputError
        If crowsetta is not installed or does not have the format.
    """

    name: str
    tier: str | None = None

    def __post_init__(self):
        try:
            from crowsetta import formats
        except ImportError:
            raise InputError(
                f"The format {self.name} is read by crowsetta, which is not "
                "installed: pip install sb_sed[annotations]."
            ) from None
        if self.name not in formats.as_list():
            raise InputError(
                f"There is no format {self.name}: take raven, audacity, csv, "
                f"elan or one of crowsetta's, {', '.join(formats.as_list())}."
            )

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files, in lower case."""
        from crowsetta import formats

        ext = formats.by_name(self.name).ext
        ext = (ext,) if isinstance(ext, str) else ext
        return tuple(suffix.lower() for suffix in ext)

    def __call__(self, path: str | Path) -> Iterator[Found]:
        """Yield the events of a file; intervals without a text are none."""
        from crowsetta import formats
        from pandera.errors import SchemaError

        try:
            read = formats.by_name(self.name).from_file(path)
            tiers = [x.name for x in getattr(read, "tiers", [])]
            options = {"tier": self.tier} if self.tier in tiers else {}
            found = read.to_annot(**options)
        except (*UNREADABLE, SchemaError) as error:
            raise _unreadable(path, f"{self.name}", error) from (error)
        _check_tier(path, self.tier, tiers)
        for annotation in found if isinstance(found, list) else [found]:
            name = annotation.notated_path
            for event in _spans(annotation):
                if str(event[2]).strip():
                    yield name.name if name else "", _timed(path, *event)


def _spans(annotation) -> Iterator[tuple[float, float, str]]:
    """Onset, offset and text of what crowsetta has read."""
    for box in getattr(annotation, "bboxes", None) or ():
        yield box.onset, box.offset, box.label
    some = getattr(annotation, "seq", None) or ()
    for sequence in some if isinstance(some, list) else [some]:
        for segment in getattr(sequence, "segments", ()):
            onset, offset = segment.onset_s, segment.offset_s
            # Praat doubles the quotes in a text.
            yield onset, offset, str(segment.label).replace('""', '"')


def _event(path, line: int, onset: str, offset: str, label: str) -> Event:
    """An event of three cells; a comma in a time is a decimal one."""
    start, end = (
        to_seconds(path, line, name, cell.strip().replace(",", "."))
        for name, cell in (("onset", onset), ("offset", offset))
    )
    return _timed(path, start, end, label, line=line)


def _timed(path, onset, offset, label: str, line: int | None = None) -> Event:
    """An event whose times and class are checked."""
    onset, offset, label = (
        float(onset),
        float(offset),
        same_label(label.strip()),
    )
    where = f"{path}, line {line}" if line else path
    if not 0 <= onset < offset < LONGEST:
        raise InputError(
            f"{where} has the event {shortened(label)} from {onset:g} to "
            f"{offset:g} s, which is none: correct or delete it."
        )
    if fault := label_fault(label):
        raise InputError(
            f"{where} has a class {shortened(label)}, {fault}, at {onset:g} s: "
            "name what sounds."
        )
    return Event(onset, offset, label)


def _check_tier(path, tier: str | None, tiers) -> None:
    if tier is not None and tier not in tiers:
        raise InputError(
            f"{path} has no tier {tier}, but "
            f"{', '.join(map(str, tiers)) or 'none'}: give one as --tier."
        )


def _unreadable(path, what: str, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read as {what} ({brief(error)}): correct it, or "
        "give another --format."
    )
