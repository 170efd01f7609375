"""The charts of each class: operating curves and distributions of the scores.

They are computed here, and written as the paths of SVG.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sb_sed.formats import stem
from sb_sed.scoring import import_quietly
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO

LEAST_SHARE = 1e-3  # where the logarithmic scale of shares begins


@dataclass
class OperatingCurve:
    """Event-based precision and recall [N] of a class at every threshold.

    The thresholds rise; a point holds for thresholds up to its own.
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
    """Compute the curve of each class, exactly, with sed_scores_eval.

    Events of one class in one file of the reference may neither overlap nor
    touch; each file has scores (stem -> table). Returns label -> curve, for the
    classes that the reference has.

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
    # They are in the order of recall, which is not that of the thresholds.
    return {
        label: _in_order(precision, recall, thresholds)
        for label, (precision, recall, thresholds, _) in sorted(curves.items())
    }


def distributions(
    reference: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    edges: np.ndarray,
) -> dict[str, np.ndarray]:
    """Compute how scores are distributed in frames with and without a class.

    A frame has a class if its centre lies in an event of it. ``edges`` [N + 1]
    are those of the bins; scores beyond them count in the outer bins. Returns
    label -> share of the frames in each bin [2, N]: of those with the class and
    of those without; zeros where there are none.

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
    """Return the range in which scores are drawn: 0 to 1 unless some exceed it.

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


def curve_paths(
    curve: OperatingCurve, low: float, high: float, width: int, height: float
) -> dict[str, str]:
    """Draw precision, recall and F1 over the threshold, a value a unit of width.

    ``low`` and ``high`` are the thresholds at the left and the right edge, 1 is
    at the top. Returns the attribute ``d`` of a path for each of ``precision``,
    ``recall`` and ``f1``.

    Example
    -------
    >>> ones = np.ones(1)
    >>> curve_paths(OperatingCurve(ones, ones, ones / 2), 0, 1, 2, 40)["recall"]
    'M0 20L1 20L2 20'
    """
    at = np.linspace(low, high, width + 1)
    # A point holds for thresholds up to its own; beyond the last is none.
    index = np.searchsorted(curve.thresholds, at)
    some = index < len(curve.thresholds)
    index = index[some]
    return {
        name: _line(np.arange(width + 1)[some], height * (1 - values[index]))
        for name, values in (
            ("precision", curve.precision),
            ("recall", curve.recall),
            ("f1", curve.f1),
        )
    }


def bar_path(
    shares: Sequence[float], width: float, base: float, height: float
) -> str:
    """Draw bars, whose heights show shares of 0.1 to 100 % logarithmically.

    ``base`` is the y that they stand on; a negative height draws downwards.
    Returns the attribute ``d`` of a path.

    Example
    -------
    >>> bar_path([1.0, 0.0], 20, 30, 30)
    'M0 30L0 0L10 0L10 30L20 30L20 30Z'
    """
    decades = np.log10(np.maximum(shares, LEAST_SHARE) / LEAST_SHARE)
    tops = base - height * decades / -np.log10(LEAST_SHARE)
    edges = np.linspace(0, width, len(tops) + 1)
    x = [0, *np.repeat(edges, 2)[1:-1], width]
    return _line(x, [base, *np.repeat(tops, 2), base]) + "Z"


def _line(x: Sequence[float], y: Sequence[float]) -> str:
    points = (f"{a:.4g} {b:.4g}" for a, b in zip(x, y, strict=True))
    return "M" + "L".join(points) if len(x) else ""
