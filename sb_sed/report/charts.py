"""The charts of each class: operating curves and distributions of the scores.

They are computed here, and written as the paths of SVG.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.formats import same_name
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO
from sb_sed.scoring.intersections import Runs, Steps, detections, frame_edges
from sb_sed.smoothing.detections import Detections
from sb_sed.tuning.matching import Reference, collar_hits

LEAST_SHARE = 1e-3  # where the logarithmic scale of shares begins
# Detections are looked for with this much to spare and then compared exactly.
_SPARE = 0.01


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
    """Compute the curve of each class, exactly, as sed_eval would count.

    Each file has scores (name, as ``same_name`` has it -> table). Returns
    label -> curve, for the classes of the reference that have scores.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 1, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> scores = {"a.wav": scores_table([[0.9], [0.2], [0.4]], 1.0, ["Dog"])}
    >>> curve = operating_curves(reference, scores)["Dog"]
    >>> curve.thresholds, curve.f1.round(2)
    (array([0.2, 0.4, 0.9]), array([0.  , 0.67, 1.  ]))
    """
    names = list(dict.fromkeys(reference["filename"].map(same_name)))
    edges = [frame_edges(scores[name]) for name in names]
    labels = {*reference["event_label"].dropna()}.intersection(
        *(table.columns[2:] for table in scores.values())
    )
    curves = {}
    for label in tqdm(
        sorted(labels),
        "operating curves",
        delay=2,
        leave=False,
        disable=None,
    ):
        true = Reference.from_events(reference, label, names)
        found = [
            detections(scores[name][label].to_numpy(dtype=float))
            for name in names
        ]
        steps = [_estimates(runs) for runs in found]
        steps += _hits(true, found, edges)
        level, counts = Steps.joined(steps).points()
        new = np.append(False, (counts[1:] != counts[:-1]).any(axis=1))
        hits, estimates = counts[new].T[:, ::-1]
        # A detection may go where another comes: none is left.
        curves[label] = OperatingCurve(
            level[new][::-1],
            np.where(estimates, hits / np.maximum(estimates, 1), 1.0),
            hits / len(true.onset),
        )
    return curves


def _estimates(runs: Runs) -> Steps:
    """The number of detections in a file, beside no hits."""
    goes = ~np.isneginf(runs.low)
    change = np.zeros((len(goes) + int(goes.sum()), 2))
    change[: len(goes), 1] = 1
    change[len(goes) :, 1] = -1
    return Steps(np.concatenate([runs.high, runs.low[goes]]), change)


def _hits(
    true: Reference, found: Sequence[Runs], edges: Sequence[np.ndarray]
) -> list[Steps]:
    """The hits of a class in each file, beside no detections.

    Only where a detection that is within the collars of an event comes or goes
    can hits change: these few thresholds are the settings that are matched.
    """
    levels, parts = [], []
    for file, runs in enumerate(found):
        onset, offset = edges[file][runs.begin], edges[file][runs.end]
        near = np.zeros(len(onset), dtype=bool)
        for event in np.flatnonzero(true.file == file):
            begin, end = true.onset[event], true.offset[event]
            collar = max(COLLAR, OFFSET_RATIO * (end - begin))
            near |= (np.abs(onset - begin) < COLLAR + _SPARE) & (
                np.abs(offset - end) < collar + _SPARE
            )
        low, high = runs.low[near], runs.high[near]
        level = np.unique(np.append(low[~np.isneginf(low)], high))[::-1]
        setting, run = np.nonzero(
            (low < level[:, None]) & (level[:, None] <= high)
        )
        levels.append(level)
        parts.append(
            (
                setting,
                np.full(len(run), file),
                onset[near][run],
                offset[near][run],
            )
        )
    setting, file, onset, offset = map(np.concatenate, zip(*parts, strict=True))
    if not len(setting):
        return []
    order = np.lexsort((onset, file, setting))
    hits, _ = collar_hits(
        true,
        Detections(
            setting[order],
            file[order],
            onset[order],
            offset[order],
            np.ones(len(order)),
        ),
        max(map(len, levels)),
    )
    steps = []
    for file, level in enumerate(levels):
        change = np.zeros((len(level), 2))
        change[:, 0] = np.diff(hits[: len(level), file], prepend=0)
        steps.append(Steps(level, change))
    return steps


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
    >>> scores = {"a.wav": scores_table([[0.9], [0.2], [0.4]], 1.0, ["Dog"])}
    >>> distributions(reference, scores, np.array([0, 0.3, 0.6, 1]))["Dog"]
    array([[0. , 0. , 1. ],
           [0.5, 0.5, 0. ]])
    """
    events: dict[str, list[tuple]] = {}
    for name, *event in reference.itertuples(index=False):
        events.setdefault(same_name(name), []).append(event)
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


def _frames(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Centres [T] and scores [T, C]."""
    matrix = table.to_numpy(dtype=float)
    return matrix[:, :2].mean(axis=1), matrix[:, 2:]


def curve_paths(
    curve: OperatingCurve, low: float, high: float, width: int, height: float
) -> dict[str, str]:
    """Draw precision, recall, F1 over the threshold, a value a unit of width.

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


def _line(x: np.ndarray | list, y: np.ndarray | list) -> str:
    points = (f"{a:.4g} {b:.4g}" for a, b in zip(x, y, strict=True))
    return "M" + "L".join(points) if len(x) else ""
