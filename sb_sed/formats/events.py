"""Events as the TSV files of DESED: strong and weak labels, names, durations.

Authors
 * sb_sed contributors 2026
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats.labels import label_fault, same_label, to_label
from sb_sed.formats.tsv import (
    TIME_NOISE,
    atomic_path,
    bad_row,
    join_row,
    read_lines,
    read_rows,
    shortened,
    split_row,
    to_number,
    to_seconds,
)

EVENT_COLUMNS = ["filename", "onset", "offset", "event_label"]


class Event(NamedTuple):
    """One event of a recording: a row of the table without its file.

    Arguments
    ---------
    onset, offset : float
        When it starts and ends, in seconds.
    event_label : str
        Its class.
    """

    onset: float
    offset: float
    event_label: str


class DetectedEvent(NamedTuple):
    """An :class:`Event` with the confidence, 0 to 1, of its detector."""

    onset: float
    offset: float
    event_label: str
    confidence: float


def events_table(
    events: Mapping[str, Iterable[tuple[float, float, str]]],
) -> pd.DataFrame:
    """Return the events of each file name as a table of :data:`EVENT_COLUMNS`.

    Files without events have no row.

    Example
    -------
    >>> events_table({"a.wav": [Event(0.5, 1.25, "Speech")], "b.wav": []})
      filename  onset  offset event_label
    0    a.wav    0.5    1.25      Speech
    """
    rows = [
        (filename, *event)
        for filename, of_file in events.items()
        for event in of_file
    ]
    return pd.DataFrame(rows, columns=EVENT_COLUMNS)


def read_events(
    path: str | Path, classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a strongly labelled DESED TSV.

    Arguments
    ---------
    path : str | Path
        Tab-separated, with the header ``filename onset offset event_label``.
        A row whose last three cells are empty means that the file has no event.
        A column ``confidence`` may follow, and the last may be ``judged``,
        which :func:`sb_sed.formats.judged.read_judged` reads.
    classes : sequence of str, optional
        The labels that may occur; any label when omitted.

    Returns
    -------
    events : pandas.DataFrame
        Columns :data:`EVENT_COLUMNS`, and ``confidence`` if there is one;
        seconds, in the order of the file. A file without events keeps exactly
        one row, with NaN in all columns but the first.

    Raises
    ------
    InputError
        If the header is wrong, a row is malformed, times are not numbers,
        negative or not in order, a confidence is not a number, a class is
        unknown, or there is no row.

    Example
    -------
    >>> path = getfixture("tmp_path") / "events.tsv"
    >>> _ = path.write_text(
    ...     "filename\\tonset\\toffset\\tevent_label\\n"
    ...     "a.wav\\t0.5\\t1.25\\tSpeech\\nb.wav\\t\\t\\t\\n"
    ... )
    >>> read_events(path)
      filename  onset  offset event_label
    0    a.wav    0.5    1.25      Speech
    1    b.wav    NaN     NaN         NaN
    """
    header = split_row(read_lines(path)[0][1])
    columns = EVENT_COLUMNS + ["confidence"] * ("confidence" in header)
    n_columns = len(columns)
    is_judged = header[n_columns:] == ["judged"]
    rows = []
    for line, cells in read_rows(path, columns + ["judged"] * is_judged):
        cells = cells[:n_columns]
        filename, onset, offset, label, *confidence = cells
        if all(cell.lower() in ("", "nan") for cell in cells[1:]):
            rows.append((filename, *[math.nan] * (len(columns) - 1)))
            continue
        if not label:
            raise bad_row(path, line, "has no event_label", "name the class")
        label = _checked_label(path, line, label, classes)
        onset = to_seconds(path, line, "onset", onset)
        offset = to_seconds(path, line, "offset", offset)
        if offset <= onset:
            raise bad_row(
                path,
                line,
                f"has the offset {offset:g} s, which is not after the onset "
                f"{onset:g} s",
                "correct or delete the row",
            )
        confidence = [_to_confidence(path, line, cell) for cell in confidence]
        rows.append((filename, onset, offset, label, *confidence))
    events = pd.DataFrame(rows, columns=columns)
    events = events.astype({"onset": float, "offset": float})
    return _one_empty_row(events)


def write_events(
    events: pd.DataFrame,
    path: str | Path,
    files: Sequence[str] | None = None,
) -> None:
    """Write a strongly labelled DESED TSV, times with three decimals.

    Arguments
    ---------
    events : pandas.DataFrame
        Columns :data:`EVENT_COLUMNS`, seconds. An event shorter than a
        millisecond is written with the length of one. A column ``confidence``
        is written, too, with all its digits: operating points depend on its
        order.
    path : str | Path
        The file to write.
    files : sequence of str, optional
        All the files that were analysed, in the order of the table; those
        without any event get an empty row. Default: the files of ``events``, in
        the order of their first row. Rows of one file are sorted by onset.

    Raises
    ------
    InputError
        If a name holds a tab or a line break, or a row is half empty.

    Example
    -------
    >>> path = getfixture("tmp_path") / "events.tsv"
    >>> events = pd.DataFrame(
    ...     [["b.wav", 0.1234, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> write_events(events, path, files=["a.wav", "b.wav"])
    >>> path.read_text().splitlines()[1:]
    ['a.wav\\t\\t\\t', 'b.wav\\t0.123\\t2.000\\tDog']
    """
    text = events_text(events, path, files)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def events_text(
    events: pd.DataFrame,
    path: str | Path,
    files: Sequence[str] | None = None,
) -> str:
    """Return what :func:`write_events` writes; ``path`` is for its errors."""
    columns = EVENT_COLUMNS + ["confidence"] * ("confidence" in events)
    rows = {filename: [] for filename in [*(files or []), *events["filename"]]}
    for filename, onset, offset, label, *confidence in events[
        columns
    ].itertuples(index=False):
        if pd.isna(label) and pd.isna(onset) and pd.isna(offset):
            continue
        label = same_label(label) if isinstance(label, str) else ""
        if fault := label_fault(label):
            raise InputError(
                f"{path} cannot be written: {filename} has an event of the "
                f"class {shortened(label)}, {fault}; correct it."
            )
        if not 0 <= onset < offset < math.inf:
            raise InputError(
                f"{path} cannot be written: {filename} has an event from "
                f"{onset} to {offset} s; onset and offset must be numbers with "
                "0 <= onset < offset."
            )
        onset = round(onset, 3)
        if not all(map(math.isfinite, confidence)):
            raise InputError(
                f"{path} cannot be written: {filename} has an event without a "
                "confidence; give each event a number, or drop the column."
            )
        rows[filename].append(
            (onset, max(offset, onset + 0.001), label, *map(float, confidence))
        )
    lines = ["\t".join(columns)]
    for filename, found in rows.items():
        _check_file(path, filename)
        lines += [
            join_row(
                [filename, f"{onset:.3f}", f"{offset:.3f}", label]
                + [repr(value) for value in confidence]
            )
            for onset, offset, label, *confidence in sorted(found)
        ] or [join_row([filename, *[""] * (len(columns) - 1)])]
    return "\n".join(lines) + "\n"


def read_weak_labels(
    path: str | Path, classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a weakly labelled DESED TSV (``filename``, ``event_labels``).

    Arguments
    ---------
    path : str | Path
        Tab-separated; ``event_labels`` is a list divided by commas, empty for
        a file in which no class occurs.
    classes : sequence of str, optional
        The labels that may occur; any label when omitted.

    Returns
    -------
    labels : pandas.DataFrame
        ``filename`` and ``event_labels``, a list of str without repetitions.

    Raises
    ------
    InputError
        If the header is wrong, a row is malformed, a label is empty or
        unknown, a file is listed twice, or there is no row.

    Example
    -------
    >>> path = getfixture("tmp_path") / "weak.tsv"
    >>> _ = path.write_text("filename\\tevent_labels\\na.wav\\tCat,Dog\\n")
    >>> read_weak_labels(path)["event_labels"].tolist()
    [['Cat', 'Dog']]
    """
    labels = {}
    for line, (filename, cell) in read_rows(path, ["filename", "event_labels"]):
        if filename in labels:
            raise bad_row(
                path, line, f"lists {filename} again", "keep one row a file"
            )
        names = cell.split(",") if cell else []
        if not all(names):
            raise bad_row(
                path,
                line,
                "has an empty label between commas",
                "delete the extra comma",
            )
        names = [_checked_label(path, line, name, classes) for name in names]
        labels[filename] = list(dict.fromkeys(names))
    return pd.DataFrame(
        {"filename": list(labels), "event_labels": list(labels.values())}
    )


def read_filenames(path: str | Path) -> list[str]:
    """Read the names of an unlabelled TSV: its column ``filename``.

    It is the first column; others are ignored, so the names of a labelled TSV
    can be read, too. Each name is returned once, in the order of the file.

    Raises
    ------
    InputError
        If the header is wrong, a name is empty, or there is no row.

    Example
    -------
    >>> path = getfixture("tmp_path") / "unlabelled.tsv"
    >>> _ = path.write_text("filename\\na.wav\\nb.wav\\n")
    >>> read_filenames(path)
    ['a.wav', 'b.wav']
    """
    header = split_row(read_lines(path)[0][1])
    columns = ["filename", *header[1:]]
    return list(
        dict.fromkeys(cells[0] for _, cells in read_rows(path, columns))
    )


def read_durations(path: str | Path) -> dict[str, float]:
    """Read the durations TSV (``filename``, ``duration`` in seconds).

    Raises
    ------
    InputError
        If the header is wrong, a row is malformed, a duration is not a positive
        number, a file has two different durations, or there is no row.

    Example
    -------
    >>> path = getfixture("tmp_path") / "durations.tsv"
    >>> _ = path.write_text("filename\\tduration\\na.wav\\t9.5\\n")
    >>> read_durations(path)
    {'a.wav': 9.5}
    """
    durations = {}
    for line, (filename, cell) in read_rows(path, ["filename", "duration"]):
        duration = to_seconds(path, line, "duration", cell)
        if duration == 0:
            raise bad_row(path, line, "has the duration 0", "correct it")
        first = durations.setdefault(filename, duration)
        if abs(first - duration) > TIME_NOISE:
            raise bad_row(
                path,
                line,
                f"gives {filename} another duration than an earlier line",
                "keep one",
            )
    return durations


def _to_confidence(path: str | Path, line: int, cell: str) -> float:
    confidence = to_number(cell)
    if math.isnan(confidence):
        raise bad_row(
            path,
            line,
            f"has the confidence {shortened(cell)}, which is not a number",
            "give a number",
        )
    return confidence


def _checked_label(
    path: str | Path, line: int, label: str, classes: Sequence[str] | None
) -> str:
    label = to_label(path, line, label)
    if classes is not None and label not in classes:
        raise bad_row(
            path,
            line,
            f"has the unknown class {shortened(label)}",
            f"use one of {', '.join(classes)}",
        )
    return label


def _check_file(path: str | Path, name: object) -> None:
    if not isinstance(name, str) or not name or re.search(r"[\t\n\r\0]", name):
        raise InputError(
            f"{path} cannot be written: {name!r} is not a name for a file; use "
            "text without tabs and line breaks."
        )


def _one_empty_row(events: pd.DataFrame) -> pd.DataFrame:
    """Drop empty rows of files that have events, and their repetitions."""
    empty = events[EVENT_COLUMNS[1:]].isna().all(axis=1)
    with_events = set(events.loc[~empty, "filename"])
    spare = empty & (
        events["filename"].isin(with_events)
        | events["filename"].where(empty).duplicated()
    )
    return events[~spare].reset_index(drop=True)
