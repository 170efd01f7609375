"""How well scores part a class from the rest: distributions, operating curves.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sb_sed.formats import stem
from sb_sed.report.matching import COLLAR, OFFSET_RATIO
from sb_sed.scoring.libraries import import_quietly


@dataclass
class OperatingCurve:
    """Event-based precision and recall of a class at every threshold.

    Arguments
    ---------
    thresholds : np.ndarray
        From low to high, ``[N]``; a point holds for thresholds up to its own.
    precision, recall : np.ndarray
        ``[N]``, 0 to 1.
    """

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def f1(self) -> np.ndarray:
        """F1 of each point, ``[N]``."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(total, total, 1)


def operating_curves(
    reference: pd.DataFrame, scores: Mapping[str, pd.DataFrame]
) -> dict[str, OperatingCurve]:
    """The curve of each class, exactly, by sed_scores_eval.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`; those of one class in
        one file may neither overlap nor touch.
    scores : Mapping
        Stem -> scores table, for each file of the reference.

    Returns
    -------
    curves : dict
        Label -> curve, for the classes that the reference has.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 1, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> scores = {"a": scores_table([[0.9], [0.2], [0.4]], 1.0, ["Dog"])}
    >>> curve = operating_curves(reference, scores)["Dog"]
    >>> curve.thresholds, curve.f1.round(2)
    (array([0.2, 0.4, 0.9]), array([0.  , 0.67, 1.  ]))
    """
    collar_based = import_quietly("sed_scores_eval.collar_based")
    truth = {stem(name): [] for name in reference["filename"]}
    events = reference.dropna(subset=["event_label"])
    for name, *event in events.itertuples(index=False):
        truth[stem(name)].append(tuple(event))
    labels = set(events["event_label"])
    curves = collar_based.precision_recall_curve(
        {
            name: scores[name][
                [c for c in scores[name] if c in ("onset", "offset", *labels)]
            ]
            for name in truth
        },
        truth,
        onset_collar=COLLAR,
        offset_collar=COLLAR,
        offset_collar_rate=OFFSET_RATIO,
    )
    # They come in the order of recall, which is not that of the thresholds.
    return {
        label: _in_order(precision, recall, thresholds)
        for label, (precision, recall, thresholds, _) in sorted(curves.items())
    }


def distributions(
    reference: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    edges: np.ndarray,
) -> dict[str, np.ndarray]:
    """How the scores of frames with and without a class are distributed.

    A frame has a class when its centre lies in an event of it.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events.
    scores : Mapping
        Stem -> scores table; those of other files are passed over.
    edges : np.ndarray
        Of the bins, ``[N + 1]``; scores beyond them count in the outer bins.

    Returns
    -------
    shares : dict
        Label -> share of the frames in each bin, ``[2, N]``: of those with the
        class and of those without; zeros where there are none.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 1, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> scores = {"a": scores_table([[0.9], [0.2], [0.4]], 1.0, ["Dog"])}
    >>> distributions(reference, scores, np.array([0, 0.3, 0.6, 1]))["Dog"]
    array([[0. , 0. , 1. ],
           [0.5, 0.5, 0. ]])
    """
    events: dict[str, list[tuple]] = {}
    for name, *event in reference.itertuples(index=False):
        events.setdefault(stem(name), []).append(event)
    labels = next(iter(scores.values())).columns[2:]
    counts = np.zeros((len(labels), 2, len(edges) - 1))
    for name in events:
        centres, values = _frames(scores[name])
        bins = np.searchsorted(edges, values, side="right") - 1
        bins = np.clip(bins, 0, len(edges) - 2)
        for index, label in enumerate(labels):
            inside = np.zeros(len(centres), dtype=bool)
            for onset, offset, of in events[name]:
                if of == label:
                    inside |= (onset <= centres) & (centres < offset)
            for side, frames in enumerate((inside, ~inside)):
                counts[index, side] += np.bincount(
                    bins[frames, index], minlength=len(edges) - 1
                )
    shares = counts / np.maximum(counts.sum(-1, keepdims=True), 1)
    return dict(zip(labels, shares, strict=True))


def score_range(scores: Mapping[str, pd.DataFrame]) -> tuple[float, float]:
    """From where to where scores are drawn: 0 to 1 unless some lie beyond.

    Arguments
    ---------
    scores : Mapping
        Stem -> scores table.

    Returns
    -------
    low, high : float

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> score_range({"a": scores_table([[-3], [0.5]], 1.0, ["Dog"])})
    (-3.0, 1.0)
    """
    values = [_frames(table)[1] for table in scores.values()]
    return (
        float(min(0, *(v.min() for v in values))),
        float(max(1, *(v.max() for v in values))),
    )


def _in_order(precision, recall, thresholds) -> OperatingCurve:
    order = np.argsort(thresholds, kind="stable")
    order = order[np.isfinite(thresholds[order])]
    return OperatingCurve(thresholds[order], precision[order], recall[order])


def _frames(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Centres [T] and scores [T, C]."""
    matrix = table.to_numpy(dtype=float)
    return matrix[:, :2].mean(axis=1), matrix[:, 2:]
