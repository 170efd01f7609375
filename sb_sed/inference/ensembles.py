"""Ensembles: the mean of what several systems say of the same recordings.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.errors import InputError

Scores = Mapping[str, pd.DataFrame]


def average_scores(systems: Sequence[Scores]) -> dict[str, pd.DataFrame]:
    """Average the scores of several systems, clip by clip and class by class.

    A score holds from the onset to the offset of its frame. Systems may have
    frames of other lengths: the mean is then given on all their boundaries,
    so that nothing is interpolated.

    Arguments
    ---------
    systems : Sequence[Mapping[str, pd.DataFrame]]
        Of each system a table a clip, as of ``sb_sed.formats.read_scores``;
        all of the same clips and classes (in any order). Where one ends
        earlier than the others, the common part is kept.

    Returns
    -------
    dict[str, pd.DataFrame]
        Clip to table, with the clips and classes in the first system's order.

    Raises
    ------
    InputError
        If there is no system, or they differ in clips or classes.

    Source
    ------
    The plain average of the UNIVPM-INRIA paper, section 4.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> fine = {"clip": scores_table([[0.0], [0.5], [1.0], [1.0]], 0.5, ["A"])}
    >>> coarse = {"clip": scores_table([[0.5], [0.0]], 1.0, ["A"])}
    >>> average_scores([fine, coarse])["clip"]["A"].tolist()
    [0.25, 0.5, 0.5, 0.5]
    """
    if not systems:
        raise InputError("An ensemble needs at least one system: name some.")
    first = systems[0]
    for number, system in enumerate(systems[1:], start=2):
        if differ := sorted(first.keys() ^ system.keys()):
            raise InputError(
                f"Systems 1 and {number} of the ensemble have scored other "
                f"files ({len(differ)} are missing in one, {differ[0]!r} for "
                "one): score the same files with each."
            )
    return {
        clip: _average([system[clip] for system in systems], clip)
        for clip in first
    }


def _average(tables: list[pd.DataFrame], clip: str) -> pd.DataFrame:
    classes = list(tables[0].columns[2:])
    if any(set(table.columns[2:]) != set(classes) for table in tables):
        raise InputError(
            f"The systems of the ensemble have other classes for {clip!r}: "
            "give systems that were trained on the same."
        )
    begin = max(table["onset"].iloc[0] for table in tables)
    end = min(table["offset"].iloc[-1] for table in tables)
    if begin >= end:
        raise InputError(
            f"The scores of the ensemble's systems for {clip!r} have no time "
            "in common: score the same recording with each."
        )
    edges = np.unique(np.concatenate([_edges(table) for table in tables]))
    edges = edges[(edges >= begin) & (edges <= end)]
    mean = np.mean(
        [
            table[classes].to_numpy()[
                np.searchsorted(table["onset"], edges[:-1], side="right") - 1
            ]
            for table in tables
        ],
        axis=0,
    )
    table = pd.DataFrame(mean, columns=classes)
    table.insert(0, "onset", edges[:-1])
    table.insert(1, "offset", edges[1:])
    return table


def _edges(table: pd.DataFrame) -> np.ndarray:
    return np.append(table["onset"], table["offset"].iloc[-1])
