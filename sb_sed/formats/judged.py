"""Events of clips of which only some classes are known: a column ``judged``.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats.events import EVENT_COLUMNS, events_text
from sb_sed.formats.labels import label_fault, same_label
from sb_sed.formats.tsv import (
    atomic_path,
    bad_row,
    join_row,
    read_lines,
    read_rows,
    shortened,
    split_row,
)

JUDGED = "judged"
# Between classes in a cell; AudioSet's have commas.
_BETWEEN = "|"


def write_judged(
    events: pd.DataFrame,
    judged: Mapping[str, Collection[str]],
    path: str | Path,
) -> None:
    """Write events and, for each file, which classes are known in it.

    It is a DESED TSV (:func:`sb_sed.formats.write_events`) with a column more,
    in which the classes are divided by vertical bars.

    Arguments
    ---------
    events : pd.DataFrame
        filename, onset, offset (seconds), event_label.
    judged : Mapping[str, Collection[str]]
        Each file, also those without an event -> classes of which all events
        in it are known.
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
    >>> write_judged(events, {"a.wav": ["Owl"], "b.wav": ["Owl"]}, path)
    >>> read_judged(path)
    {'a.wav': ['Owl'], 'b.wav': ['Owl']}
    """
    for label in set().union(*judged.values()):
        if _BETWEEN in label:
            raise InputError(
                f"{path} cannot be written: the class {shortened(label)} has a "
                f"{_BETWEEN} in it; call it something else."
            )
    text = events_text(events[EVENT_COLUMNS], path, list(judged))
    header, *rows = text.split("\n")[:-1]
    lines = [f"{header}\t{JUDGED}"]
    for row in rows:
        of_file = judged[split_row(row)[0]]
        lines.append(f"{row}\t{join_row([_BETWEEN.join(sorted(of_file))])}")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def read_judged(path: str | Path) -> dict[str, list[str]]:
    """Read which classes are known in each file of a table of events.

    Arguments
    ---------
    path : str | Path
        A DESED TSV.

    Returns
    -------
    dict
        File -> classes; empty if the table has no column ``judged``: all
        classes are known in all files.

    Raises
    ------
    InputError
        If a row is malformed, or two of a file differ.
    """
    columns = split_row(read_lines(path)[0][1])
    if columns[-1] != JUDGED:
        return {}
    found: dict[str, list[str]] = {}
    for line, cells in read_rows(path, columns):
        labels = [same_label(x) for x in cells[-1].split(_BETWEEN) if x]
        for label in labels:
            if fault := label_fault(label):
                raise bad_row(
                    path,
                    line,
                    f"has the class {shortened(label)}, {fault}",
                    "correct it",
                )
        if found.setdefault(cells[0], labels) != labels:
            raise bad_row(
                path,
                line,
                f"has other judged classes for {cells[0]} than an earlier line",
                "give all rows of a file the same",
            )
    return found
