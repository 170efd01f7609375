"""Thresholds, calibration, precision, recall and F1 from a few answers.

Of the boxes that were judged, it is known whether they are right; of all
others, how probably (:mod:`sb_sed.reviewing.curves`). So for every threshold
there is an expected number of hits beside the number of events, which is known,
and the number of reference events: those that boxes are in, and those that
listening to windows shows to be missed. What is not known of these is drawn;
the threshold of a class is where the mean of its F1 over the draws is highest.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from sb_sed.reviewing.curves import Answers, Curves
from sb_sed.reviewing.evidence import Evidence
from sb_sed.scoring.counts import LEVEL, f1
from sb_sed.smoothing.calibration import LEAST, Calibration, log_odds

GRID = np.round(np.arange(0.02, 1, 0.01), 2)
# Windows without a miss still leave this many possible.
_UNSEEN = 0.5
# Of a class's share of what is missed: what the other classes say counts as
# many events as this.
_LIKE_OTHERS = 5.0
# Answers that the logistic curve counts as, for an isotonic one.
_PRIOR = 20.0
# No answer has more times the median weight there.
_TRIM = 5.0


@dataclass(frozen=True)
class ClassFigures:
    """Figures of C classes at their thresholds, each ``[1 + draws, C]``: the
    estimate, then what it could as well be."""

    hits: np.ndarray
    estimates: np.ndarray
    reference: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Share of the events that are right; NaN without events."""
        return _ratio(self.hits, self.estimates)

    @property
    def recall(self) -> np.ndarray:
        """Share of the reference events that are found."""
        return _ratio(np.minimum(self.hits, self.reference), self.reference)

    @property
    def f1(self) -> np.ndarray:
        """F1 of each class."""
        return np.minimum(f1(self.hits, self.estimates, self.reference), 1.0)


class Estimate:
    """What the answers of a listener say about all boxes.

    Arguments
    ---------
    boxes : pd.DataFrame
        All N boxes of the recordings.
    evidence : Evidence
        Of :func:`sb_sed.reviewing.evidence.gather`.
    classes : list of str
        The C labels.
    n_windows : int
        Windows of the recordings.
    n_draws : int
        For thresholds and intervals: recordings are drawn anew, with what is
        not known of the curves.
    seed : int
        Of the draws.
    """

    def __init__(
        self,
        boxes: pd.DataFrame,
        evidence: Evidence,
        classes: list[str],
        n_windows: int,
        n_draws: int = 400,
        seed: int = 0,
    ):
        column = {label: n for n, label in enumerate(classes)}
        self.classes, self.evidence = classes, evidence
        confidence = boxes["confidence"].to_numpy(dtype=float)
        self._confidence = confidence
        self.group = boxes["event_label"].map(column).to_numpy(dtype=int)
        x = log_odds(confidence)
        self._n_windows = n_windows
        sizes = np.bincount(self.group, minlength=len(classes))
        at = x[evidence.box], self.group[evidence.box]
        self.right = Curves(Answers(*at, evidence.hit), sizes)
        self._event = Curves(Answers(*at, evidence.event), sizes)
        # Boxes of a class between two thresholds of the grid are one cell.
        level = levels_of(confidence)
        self._cells = _Cells(self.group, level, x, evidence, len(classes))
        self._draw(n_draws, np.random.default_rng(seed))

    def _draw(self, n_draws: int, generator: np.random.Generator) -> None:
        """Hits and events of each cell, ``[1 + draws, C, levels]``, and events
        without a box, ``[1 + draws, C]``."""
        known, cells = self.evidence, self._cells
        n_recordings = known.recording.max(initial=0) + 1
        # Recordings are drawn anew, the same ones for both curves.
        counts = generator.exponential(size=(n_draws, n_recordings))
        counts = counts[:, known.recording]
        right = self.right.drawn(generator, counts, *cells.at)
        event = self._event.drawn(generator, counts, *cells.at)
        hits = generator.binomial(cells.unknown, right)
        # What is right is an event, too.
        more = np.clip((event - right) / np.maximum(1 - right, 1e-9), 0, 1)
        events = hits + generator.binomial(cells.unknown - hits, more)
        hits, events = (
            np.vstack([cells.unknown * curve(*cells.at), drawn])
            for curve, drawn in ((self.right, hits), (self._event, events))
        )
        self._hits = cells.spread(hits) + cells.total(known.hit)
        events = cells.spread(events) + cells.total(known.event)
        self._found = events.sum(axis=-1)
        self._missed = self._draw_missed(n_draws, generator)

    def _draw_missed(self, n_draws: int, generator) -> np.ndarray:
        """Events without a box, ``[1 + draws, C]``; NaN if no window tells."""
        missed = self.evidence.missed
        if not len(missed):
            return np.full(self._found.shape, np.nan)
        counts = np.vstack(
            [
                np.ones(len(missed)),
                generator.exponential(size=(n_draws, len(missed))),
            ]
        )
        unseen = np.append(0.0, generator.gamma(_UNSEEN, size=n_draws))
        unseen = np.minimum(unseen, 4 * _UNSEEN)[:, None]
        share = self._found / self._found.sum(axis=1, keepdims=True)
        of_class = counts @ missed
        total = of_class.sum(axis=1, keepdims=True) + unseen
        prior = _LIKE_OTHERS * share
        parts = of_class + prior
        parts[1:] = generator.standard_gamma(np.maximum(parts[1:], 1e-3))
        parts /= parts.sum(axis=1, keepdims=True)
        per_window = total / counts.sum(axis=1, keepdims=True)
        return parts * per_window * self._n_windows

    @property
    def knows_misses(self) -> bool:
        """Whether windows were listened to."""
        return len(self.evidence.missed) > 0

    @property
    def reference(self) -> np.ndarray:
        """Number of reference events, ``[1 + draws, C]``; of those that boxes
        are in, if no window was listened to."""
        return self._found + np.nan_to_num(self._missed)

    def sums(self) -> tuple[float, float]:
        """Return how many boxes are right, and how many events boxes are in, in
        all classes together."""
        return float(self._hits[0].sum()), float(self._found[0].sum())

    def thresholds(self) -> dict[str, float]:
        """Return the threshold of each class with the highest expected F1.

        Expected is the mean over the draws: it turns with what is not known
        less than the F1 of the best guess does.
        """
        expected = self._f1_at_grid().mean(axis=0)
        chosen = {}
        for label, values in zip(self.classes, expected, strict=True):
            best = np.flatnonzero(values >= values.max() - 1e-9)
            chosen[label] = float(GRID[best[len(best) // 2]])
        return chosen

    def _f1_at_grid(self) -> np.ndarray:
        """F1 of each draw at each threshold, ``[draws, C, thresholds]``."""
        hits = _from_above(self._hits[1:])
        number = _from_above(self._cells.number)
        drawn = f1(hits, number, self.reference[1:, :, None])
        return np.nan_to_num(np.minimum(drawn, 1.0))[:, :, 1:]

    def doubts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what further answers are worth.

        In each draw, another threshold than the chosen one would be best. How
        much better it is, in the mean, is what knowing all would be worth (the
        expected value of perfect information); the boxes between the two make
        the difference.

        H. Raiffa and R. Schlaifer, "Applied statistical decision theory",
        Harvard, 1961.

        Returns
        -------
        worth : np.ndarray
            Of each class, in F1, ``[C]``.
        where : np.ndarray
            The share of it that each level of confidence has a part in, ``[C,
            levels]``: :func:`levels_of` tells those of boxes.
        """
        values = self._f1_at_grid()
        chosen = values.mean(axis=0).argmax(axis=1)
        best = values.argmax(axis=2)
        draws, classes = np.ogrid[: len(values), : len(chosen)]
        gain = values[draws, classes, best] - values[draws, classes, chosen]
        # A box of level n is kept by the thresholds up to GRID[n - 1].
        where = np.zeros(self._hits.shape[1:])
        classes = np.broadcast_to(classes, best.shape)
        np.add.at(where, (classes, np.minimum(best, chosen) + 1), gain)
        last = np.maximum(best, chosen) + 1
        inside = last < where.shape[1]
        np.add.at(where, (classes[inside], last[inside]), -gain[inside])
        where = np.maximum(np.cumsum(where, axis=1), 0.0)
        total = gain.sum(axis=0)
        return total / len(values), where / np.maximum(total, LEAST)[:, None]

    def at(self, thresholds: Mapping[str, float]) -> ClassFigures:
        """Return the figures of the classes at some thresholds."""
        least = np.array([thresholds[label] for label in self.classes])
        # Level n holds confidences from GRID[n - 1] up to GRID[n].
        first = np.searchsorted(np.float32(GRID), np.float32(least)) + 1
        kept = np.arange(self._hits.shape[-1]) >= first[:, None]
        number = (self._cells.number * kept).sum(axis=-1)
        return ClassFigures(
            (self._hits * kept).sum(axis=-1),
            np.broadcast_to(number, (len(self._hits), len(number))),
            self.reference,
        )

    def calibration(self, isotonic: bool = False) -> Calibration:
        """Return the curve of each class.

        Arguments
        ---------
        isotonic : bool
            Whether it is any rising curve, of the answers weighted by how they
            were drawn, and, with the weight of :data:`_PRIOR` answers, of the
            logistic curve; else the logistic curve.
        """
        ends = np.array([LEAST, 1 - LEAST])
        lowest, highest = log_odds(ends)
        grid = expit(np.linspace(lowest, highest, 9))
        curves = {}
        for column, label in enumerate(self.classes):
            group = np.full(len(grid), column)
            points = grid, self.right(log_odds(grid), group)
            if isotonic:
                points = self._isotonic(column)
            x, p = points
            p = np.maximum.accumulate(np.clip(p, LEAST, 1 - LEAST))
            curves[label] = [*zip(x, p, strict=True)]
        return Calibration(curves)

    def _isotonic(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Confidences and probabilities of a class's rising curve."""
        from sklearn.isotonic import IsotonicRegression

        known = self.evidence
        mine = self.group[known.box] == column
        weight = known.weight[mine]
        if len(weight):
            # Else those that were hardly ever drawn are all that counts.
            weight = np.minimum(weight, _TRIM * np.median(weight))
            weight = weight / weight.mean()
        grid = GRID[4::5]
        prior = self.right(log_odds(grid), np.full(len(grid), column))
        x = np.append(self._confidence[known.box[mine]], grid)
        y = np.append(known.hit[mine], prior)
        share = np.full(len(grid), _PRIOR / len(grid))
        curve = IsotonicRegression(out_of_bounds="clip")
        curve.fit(x, y, np.append(weight, share))
        return curve.X_thresholds_, curve.y_thresholds_


class _Cells:
    """Boxes by class and level of confidence: those that were not judged are
    known by their number and mean only."""

    def __init__(
        self,
        group: np.ndarray,
        level: np.ndarray,
        x: np.ndarray,
        evidence: Evidence,
        n_classes: int,
    ):
        self._shape = n_classes, len(GRID) + 1
        cell = group * self._shape[1] + level
        size = int(np.prod(self._shape))
        self.number = np.bincount(cell, minlength=size).reshape(self._shape)
        self._judged = cell[evidence.box]
        rest = np.ones(len(x), dtype=bool)
        rest[evidence.box] = False
        count = np.bincount(cell[rest], minlength=size)
        mean = np.bincount(cell[rest], x[rest], minlength=size)
        self._used = np.flatnonzero(count)
        self.unknown = count[self._used]
        self.at = (
            mean[self._used] / self.unknown,
            self._used // self._shape[1],
        )

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return values of the unknown boxes' cells as ``[..., C, levels]``."""
        every = np.zeros((len(values), int(np.prod(self._shape))))
        every[:, self._used] = values
        return every.reshape(len(values), *self._shape)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sums over the judged boxes as ``[C, levels]``."""
        size = int(np.prod(self._shape))
        sums = np.bincount(self._judged, values, minlength=size)
        return sums.reshape(self._shape)


def levels_of(confidence: np.ndarray) -> np.ndarray:
    """Return how many thresholds of the grid keep each box, ``[N]``.

    Example
    -------
    >>> levels_of(np.array([0.0, 1.0])).tolist() == [0, len(GRID)]
    True
    """
    grid = np.float32(GRID)
    return np.searchsorted(grid, np.float32(confidence), side="right")


def _from_above(values: np.ndarray) -> np.ndarray:
    """Return the sums from each level up, ``[..., levels]``."""
    return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]


def interval(draws: np.ndarray) -> np.ndarray:
    """Return the bounds ``[2, ...]`` of ``[1 + draws, ...]``, the estimate
    first."""
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return np.nanquantile(draws[1:], tails, axis=0)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(
        part, whole, out=np.full(part.shape, np.nan), where=whole > 0
    )
