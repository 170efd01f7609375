"""Events of clips of which only parts are known: a column ``judged``.

Authors
 * sb_sed contributors 2026
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats.events import EVENT_COLUMNS, Event, events_text
from sb_sed.formats.labels import to_label
from sb_sed.formats.tsv import (
    atomic_path,
    bad_row,
    join_row,
    read_lines,
    read_rows,
    shortened,
    split_row,
    to_seconds,
)

JUDGED = "judged"
# Between parts in a cell; AudioSet's classes have commas.
_BETWEEN = "|"
_PART = re.compile(r"([0-9.]+)-([0-9.]+) (.+)")


def write_judged(
    events: pd.DataFrame,
    judged: Mapping[str, Iterable[tuple[float, float, str]]],
    path: str | Path,
) -> None:
    """Write events and, for each file, the parts in which classes are known.

    It is a DESED TSV (:func:`sb_sed.formats.write_events`) with a column more,
    in which parts are divided by vertical bars: ``1.500-3.500 Owl``.

    Arguments
    ---------
    events : pd.DataFrame
        filename, onset, offset (seconds), event_label.
    judged : Mapping[str, Iterable[Event]]
        Each file, also those without an event -> onset and offset of the parts,
        in seconds, and the class of which all events in them are known.
    path : str | Path
        The table.

    Raises
    ------
    InputError
        If a class or a name cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "events.tsv"
    >>> row = ["a.wav", 1, 2, "Owl"]
    >>> events = pd.DataFrame([row], columns=EVENT_COLUMNS)
    >>> write_judged(events, {"a.wav": [(0.5, 4, "Owl")]}, path)
    >>> read_judged(path)
    {'a.wav': [Event(onset=0.5, offset=4.0, event_label='Owl')]}
    """
    parts = {name: sorted(some) for name, some in judged.items()}
    for label in {label for some in parts.values() for *_, label in some}:
        if _BETWEEN in label:
            raise InputError(
                f"{path} cannot be written: the class {shortened(label)} has a "
                f"{_BETWEEN} in it; call it something else."
            )
    text = events_text(events[EVENT_COLUMNS], path, list(parts))
    header, *rows = text.split("\n")[:-1]
    lines = [f"{header}\t{JUDGED}"]
    for row in rows:
        cell = _BETWEEN.join(
            f"{onset:.3f}-{offset:.3f} {label}"
            for onset, offset, label in parts[split_row(row)[0]]
        )
        lines.append(f"{row}\t{join_row([cell])}")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def read_judged(path: str | Path) -> dict[str, list[Event]]:
    """Read in which parts of the files of a table classes are known.

    Arguments
    ---------
    path : str | Path
        A DESED TSV.

    Returns
    -------
    dict
        File -> parts, as of :func:`write_judged`; empty if the table has no
        column ``judged``: all classes are known in all files.

    Raises
    ------
    InputError
        If a row is malformed, or two of a file differ.
    """
    columns = split_row(read_lines(path)[0][1])
    if columns[-1] != JUDGED:
        return {}
    found: dict[str, list[Event]] = {}
    for line, (name, *_, cell) in read_rows(path, columns):
        parts = [
            _part(path, line, text) for text in cell.split(_BETWEEN) if text
        ]
        if found.setdefault(name, parts) != parts:
            raise bad_row(
                path,
                line,
                f"has other judged parts for {name} than an earlier line",
                "give all rows of a file the same",
            )
    return found


def _part(path: str | Path, line: int, text: str) -> Event:
    """Read ``1.500-3.500 Owl``."""
    match = _PART.fullmatch(text)
    if not match:
        raise bad_row(
            path,
            line,
            f"has the judged part {shortened(text)}",
            "write onset and offset in seconds and the class: 1.5-3.5 Owl",
        )
    label = to_label(path, line, match[3])
    onset = to_seconds(path, line, "onset of a part", match[1])
    offset = to_seconds(path, line, "offset of a part", match[2])
    if offset <= onset:
        raise bad_row(
            path,
            line,
            f"has the judged part {shortened(text)}, which has no length",
            "correct it",
        )
    return Event(onset, offset, label)
