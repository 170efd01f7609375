"""A system on its test sets: smoothed, scored, written; and ensembles.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.scoring.report import write_json
from sb_sed.scoring.systems import score_networks
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import save_smoother
from sb_sed.tuning.crossfit import AsGiven, Smoothed


class TestSets:
    """Smooths and scores one test set after the other.

    What is tuned is tuned on the first set, and used as it is for the others.

    Arguments
    ---------
    smoother : Smoother
        From scores to events.
    tuning : Callable
        ``AsGiven`` or ``CrossFit`` of ``sb_sed.tuning.crossfit``.
    classes : Sequence[str]
        The classes to score.
    folder : str | Path
        The output folder. Each set gets a folder in it, each network one in
        that (see ``score_networks``), with ``tuning.json`` where something was
        tuned. The smoother for other recordings is written to
        ``save/<network>_smoother.json``.
    """

    __test__ = False  # no test of pytest's

    def __init__(
        self,
        smoother: Smoother,
        tuning: Callable[..., Smoothed],
        classes: Sequence[str],
        folder: str | Path,
    ):
        self.smoother = smoother
        self.tuning = tuning
        self.classes = classes
        self.folder = Path(folder)
        self.fitted: dict[str, Smoother] = {}

    def score(
        self,
        name: str,
        scores: Mapping[str, Mapping[str, pd.DataFrame]],
        reference: pd.DataFrame,
        durations: Mapping[str, float],
    ) -> dict[str, dict]:
        """Smooth and score a set.

        Arguments
        ---------
        name : str
            Of the set.
        scores : Mapping[str, Mapping[str, pd.DataFrame]]
            For each network its scores: clip to table.
        reference : pd.DataFrame
            The true events.
        durations : Mapping[str, float]
            File name to seconds.

        Returns
        -------
        dict[str, dict]
            For each network its report.
        """
        smoothed = {
            network: AsGiven()(self.fitted[network], tables, reference)
            if network in self.fitted
            else self.tuning(self.smoother, tables, reference)
            for network, tables in scores.items()
        }
        for network, result in smoothed.items():
            if network not in self.fitted:
                self.fitted[network] = result.smoother
                file = self.folder / "save" / f"{network}_smoother.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                save_smoother(result.smoother, file)
        reports = score_networks(
            scores,
            smoothed,
            reference,
            durations,
            self.classes,
            self.folder / name,
        )
        for network, result in smoothed.items():
            if result.report is not None:
                target = self.folder / name / network / "tuning.json"
                write_json(result.report.as_dict(), target)
        return reports


def average_scores(
    systems: Sequence[Mapping[str, pd.DataFrame]],
) -> dict[str, pd.DataFrame]:
    """Average the scores of several systems, clip by clip and class by class.

    A score holds from the onset to the offset of its frame. Systems may have
    frames of other lengths: the mean is then given on all their boundaries,
    so that nothing is interpolated.

    Arguments
    ---------
    systems : Sequence[Mapping[str, pd.DataFrame]]
        Of each system a table per clip, as of ``sb_sed.formats.read_scores``;
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
