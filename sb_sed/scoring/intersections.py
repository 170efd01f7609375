"""Detections at every threshold, compared with a reference by intersection.

As the threshold falls, frames join the detections of a class, which grow and
unite. T frames give no more than T different detections, each with the range
of thresholds at which it is there. So all operating points are had from T
comparisons, and cross triggers are summed over the other classes where they
are found: memory grows neither with the square of the frames nor with that of
the classes, as it does in sed_scores_eval, whose numbers these are.

J. Ebbers et al., "Threshold-independent evaluation of sound event detection
scores", ICASSP 2022.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sb_sed.formats import Event

# Of times that are compared, as in sed_scores_eval: below, they are noise.
DECIMALS = 6
# Intersections (of detections with classes) that are computed at once.
_CELLS = 2**20


@dataclass(frozen=True)
class Tolerances:
    """What a detection and an event must share.

    Arguments
    ---------
    dtc : float
        Detection tolerance: the least share of a detection that lies in
        events of its class, or it is a false positive.
    gtc : float
        Ground truth tolerance: the least share of an event that lies in
        detections which are no false positives, or it is missed.
    """

    dtc: float
    gtc: float


@dataclass(frozen=True)
class Runs:
    """The N detections of a class in a file, each at its thresholds.

    Arguments
    ---------
    begin, end : np.ndarray
        First frame and the one behind the last, int, ``[N]``.
    low, high : np.ndarray
        It is there at thresholds above ``low`` and up to ``high``, ``[N]``.
    """

    begin: np.ndarray
    end: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Steps:
    """How K counts change as the threshold falls.

    Arguments
    ---------
    level : np.ndarray
        From this threshold downwards, ``[M]``, in any order.
    change : np.ndarray
        What is added to each count there, ``[M, K]``.
    """

    level: np.ndarray
    change: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Steps]) -> Steps:
        """Return the steps of the sums of several counts."""
        return cls(
            np.concatenate([steps.level for steps in parts]),
            np.concatenate([steps.change for steps in parts]),
        )

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the operating points.

        Returns
        -------
        level, counts : np.ndarray
            Falling thresholds ``[P]`` and the counts ``[P, K]`` that hold from
            each down to the next. The first is infinite, with zeros.

        Example
        -------
        >>> steps = Steps(np.array([0.2, 0.9]), np.array([[2.0], [1.0]]))
        >>> level, counts = steps.points()
        >>> level.tolist(), counts.tolist()
        ([inf, 0.9, 0.2], [[0.0], [1.0], [3.0]])
        """
        order = np.argsort(-self.level, kind="stable")
        level = self.level[order]
        last = _last_of_each(level)
        sums = np.cumsum(self.change[order], axis=0)[last]
        none = np.zeros((1, self.change.shape[1]))
        return np.append(np.inf, level[last]), np.concatenate([none, sums])


class TrueFile:
    """The reference events of a file on the frames of its scores.

    Arguments
    ---------
    events : sequence of Event
        Those of one class neither overlap nor touch.
    edges : np.ndarray
        Where the T frames begin and where the last ends, seconds, ``[T + 1]``.
    """

    def __init__(self, events: Sequence[Event], edges: np.ndarray):
        self.edges = edges
        self._events: dict[str, list[Event]] = {}
        for event in events:
            self._events.setdefault(event.event_label, []).append(event)
        self._place = {label: i for i, label in enumerate(self._events)}
        # Seconds of each class up to each edge: their differences are the
        # intersections of any detection with the class.
        self._covered = np.zeros((len(edges), len(self._events)))
        for label, column in self._place.items():
            for onset, offset, _ in self._events[label]:
                self._covered[:, column] += np.clip(edges, onset, offset)
                self._covered[:, column] -= onset

    def steps(
        self,
        label: str,
        runs: Runs,
        tolerances: Tolerances,
        crossed: np.ndarray,
    ) -> Steps:
        """Compare the detections of a class with its events.

        Arguments
        ---------
        label : str
            The class.
        runs : Runs
            Its N detections.
        tolerances : Tolerances
            What they must share.
        crossed : np.ndarray
            What each detection counts as a cross trigger (of
            :meth:`cross_triggers`) if it is a false positive, ``[N]``.

        Returns
        -------
        steps : Steps
            Of true positives, false positives and weighted cross triggers.
        """
        begin, end = self.edges[runs.begin], self.edges[runs.end]
        wrong = np.ones(len(begin), dtype=bool)
        found = [np.zeros((0, 2))]
        if label in self._place:
            column = self._covered[:, self._place[label]]
            inside = (column[runs.end] - column[runs.begin]).round(DECIMALS)
            wrong = inside < (tolerances.dtc * (end - begin)).round(DECIMALS)
            found = [
                _found(event, begin, end, runs, ~wrong, tolerances.gtc)
                for event in self._events[label]
            ]
        level, true = np.concatenate(found).T
        # A detection comes at its high threshold and goes at its low one.
        goes = wrong & ~np.isneginf(runs.low)
        false = np.repeat([1.0, -1.0], [wrong.sum(), goes.sum()])
        crossed = np.concatenate([crossed[wrong], -crossed[goes]])
        change = np.zeros((len(true) + len(false), 3))
        change[: len(true), 0] = true
        change[len(true) :, 1] = false
        change[len(true) :, 2] = crossed
        return Steps(
            np.concatenate([level, runs.high[wrong], runs.low[goes]]), change
        )

    def cross_triggers(
        self, label: str, runs: Runs, cttc: float, weights: Mapping[str, float]
    ) -> np.ndarray:
        """Return what each detection counts for the other classes.

        Arguments
        ---------
        label : str
            The class of the detections.
        runs : Runs
            The N detections.
        cttc : float
            Cross trigger tolerance: the least share of a detection that lies
            in events of another class, for it to be triggered by that class.
        weights : Mapping[str, float]
            What a trigger by each class counts.

        Returns
        -------
        crossed : np.ndarray
            The sum over the other classes, ``[N]``.
        """
        weight = np.array(
            [0.0 if other == label else weights[other] for other in self._place]
        )
        crossed = np.zeros(len(runs.begin))
        if not weight.any():
            return crossed
        block = max(1, _CELLS // len(weight))
        for first in range(0, len(crossed), block):
            begin = runs.begin[first : first + block]
            end = runs.end[first : first + block]
            inside = (self._covered[end] - self._covered[begin]).round(DECIMALS)
            least = cttc * (self.edges[end] - self.edges[begin])
            triggered = inside >= least.round(DECIMALS)[:, None]
            crossed[first : first + block] = triggered @ weight
        return crossed


def _found(
    event: Event,
    begin: np.ndarray,
    end: np.ndarray,
    runs: Runs,
    right: np.ndarray,
    gtc: float,
) -> np.ndarray:
    """Return where an event is found (1) or lost (-1): level, change [M, 2]."""
    onset, offset, _ = event
    near = np.flatnonzero(right & (begin < offset) & (end > onset))
    inside = np.minimum(end[near], offset) - np.maximum(begin[near], onset)
    level = np.concatenate([runs.high[near], runs.low[near]])
    order = np.argsort(-level, kind="stable")
    level = level[order]
    total = np.cumsum(np.concatenate([inside, -inside])[order])
    # At each different threshold, but none where nothing goes any more.
    last = _last_of_each(level)
    last &= ~np.isneginf(level)
    found = total[last].round(DECIMALS) >= np.round(
        gtc * (offset - onset), DECIMALS
    )
    change = np.diff(found.astype(float), prepend=0)
    return np.stack([level[last], change], axis=1)[change != 0]


def frame_edges(table: pd.DataFrame) -> np.ndarray:
    """Return where the T frames of scores begin and the last ends, ``[T + 1]``.

    Example
    -------
    >>> table = pd.DataFrame({"onset": [0.0, 0.5], "offset": [0.5, 1.0]})
    >>> frame_edges(table)
    array([0. , 0.5, 1. ])
    """
    return np.append(table["onset"], table["offset"].iloc[-1]).astype(float)


def _last_of_each(level: np.ndarray) -> np.ndarray:
    """Return which of sorted levels are the last of their kind, ``[M]``."""
    return np.append(level[1:] != level[:-1], True)[: len(level)]


def detections(scores: np.ndarray) -> Runs:
    """Find the detections of a class at all thresholds.

    Arguments
    ---------
    scores : np.ndarray
        Of the frames of a file, ``[T]``. A frame is active at thresholds up to
        its score; one of minus infinity never is.

    Returns
    -------
    runs : Runs
        All runs of active frames, each once.

    Example
    -------
    >>> runs = detections(np.array([0.4, 1.0, 0.6, 1.0]))
    >>> runs.begin.tolist(), runs.end.tolist()
    ([1, 3, 1, 0], [2, 4, 4, 4])
    >>> runs.low.tolist(), runs.high.tolist()
    ([0.6, 0.6, 0.4, -inf], [1.0, 1.0, 0.6, 0.4])
    """
    found = []
    rising: list[tuple[int, float]] = []  # where a higher level begins
    for frame, score in enumerate([*scores.tolist(), -np.inf]):
        begin = frame
        while rising and rising[-1][1] > score:
            begin, high = rising.pop()
            below = rising[-1][1] if rising else -np.inf
            found.append((begin, frame, max(score, below), high))
        if not rising or rising[-1][1] < score:
            rising.append((begin, score))
    begin, end, low, high = np.array(found).reshape(-1, 4).T
    return Runs(begin.astype(int), end.astype(int), low, high)
