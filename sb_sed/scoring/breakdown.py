"""Scores of parts of a test set: those of one device, one room.

Authors
 * sb_sed contributors 2026
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sb_sed.formats import under_names
from sb_sed.scoring.counts import Counts

_MOST_VALUES = 12  # of a column
OTHER = "(others)"


@dataclass(frozen=True)
class Group:
    """The scores of the files that share a value of the metadata.

    Arguments
    ---------
    column, value : str
        What they share.
    files : Sequence[str]
        Names, as in the counts.
    n_events : int
        Of the reference.
    f1 : float | None
        Event-based macro F1 of these files.
    interval : Sequence[float] | None
        Its 95 % interval, the files of the group resampled.
    """

    column: str
    value: str
    files: Sequence[str]
    n_events: int
    f1: float | None
    interval: Sequence[float] | None


def breakdown(
    counts: Counts, metadata: Mapping[str, Mapping[str, str]]
) -> list[Group]:
    """Score the files by each value of each column of their metadata.

    Arguments
    ---------
    counts : Counts
        Of all files, such as of ``event_counts``.
    metadata : Mapping[str, Mapping[str, str]]
        File name to column to cell. A cell may have several values, divided
        by semicolons: the file counts for each. Of a column of many values the
        twelve of most files are told apart; one that tells nearly every file
        apart from all others, such as a description, is left out.

    Returns
    -------
    list[Group]
        By column, the values of most files first.

    Example
    -------
    >>> ones = np.ones((2, 1), dtype=int)
    >>> counts = Counts(["a", "b"], ["Dog"], ones, ones, np.array([[1], [0]]))
    >>> rooms = {"a.wav": {"room": "hall;office"}, "b.wav": {"room": "hall"}}
    >>> [(g.value, len(g.files), g.f1) for g in breakdown(counts, rooms)]
    [('hall', 2, 0.5), ('office', 1, 1.0)]
    """
    known = under_names(counts.files, metadata, ("reference", "metadata"))
    columns = dict.fromkeys(c for cells in known.values() for c in cells)
    return [
        _score(counts, column, value, files)
        for column in columns
        for value, files in _by_value(known, column).items()
    ]


def _by_value(
    known: Mapping[str, Mapping[str, str]], column: str
) -> dict[str, list[str]]:
    """The files of each value of a column, rare values together."""
    values = {
        name: [x.strip() for x in cells.get(column, "").split(";") if x.strip()]
        for name, cells in known.items()
    }
    numbers = Counter(value for found in values.values() for value in found)
    if not numbers or max(numbers.values()) < 2:
        return {}
    common = [value for value, _ in numbers.most_common(_MOST_VALUES)]
    files: dict[str, list[str]] = {value: [] for value in [*common, OTHER]}
    for name, found in values.items():
        for value in dict.fromkeys(x if x in files else OTHER for x in found):
            files[value].append(name)
    if len(files[OTHER]) > len(known) / 2:
        return {}
    return {value: names for value, names in files.items() if names}


def _score(
    counts: Counts, column: str, value: str, files: Sequence[str]
) -> Group:
    """The scores of some files."""
    chosen = set(files)
    rows = np.array([name in chosen for name in counts.files])
    part = replace(
        counts,
        files=[name for name in counts.files if name in chosen],
        reference=counts.reference[rows],
        estimate=counts.estimate[rows],
        hits=counts.hits[rows],
    )
    return Group(
        column,
        value,
        part.files,
        int(part.reference.sum()),
        part.f1()["macro"],
        part.intervals()["macro"],
    )
