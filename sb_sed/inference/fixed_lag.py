"""Events from scores that never end, by any smoother, with a fixed lag.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from sb_sed.formats import DetectedEvent
from sb_sed.formats.scores import TIME_DECIMALS


class FixedLag:
    """Decodes the last scores again and again, and settles what is old enough.

    Before the *line*, which lies ``lag`` frames before the newest score, all
    is settled: an event that ends before it is emitted, once; one that crosses
    it keeps its onset, however long it goes on. So the events are those that
    the smoother finds in the whole, if it looks no further ahead than ``lag``
    and no further back than ``memory``. (A median looks half its window far; a
    Viterbi path as far as the scores leave it in doubt: this is the Viterbi
    decoder with a fixed lag.) What the smoother would revise later than that
    is not taken back: of an event that goes on after it was emitted, the rest
    is emitted as another one.

    Arguments
    ---------
    decode : Callable[[pd.DataFrame], pd.DataFrame]
        From a table of scores to events with ``onset``, ``offset``,
        ``event_label`` and ``confidence``.
    classes : Sequence[str]
        The C labels.
    frame_seconds : float
        From one frame to the next.
    lag : int
        Frames, at least 1.
    memory : int
        Frames before the line that are decoded once more. Of a longer event,
        the confidence is that of the part that is remembered.

    Example
    -------
    >>> from sb_sed.smoothing.threshold import ThresholdSmoother
    >>> smoother = ThresholdSmoother(0.5)
    >>> stream = FixedLag(
    ...     lambda table: smoother({"": table}), ["Dog"], 0.5, lag=1, memory=4
    ... )
    >>> stream.feed(np.array([[0.0], [0.875], [0.75]], np.float32))
    []
    >>> stream.feed(np.array([[0.25]], np.float32))
    [DetectedEvent(onset=0.5, offset=1.5, event_label='Dog', confidence=0.875)]
    """

    def __init__(
        self,
        decode: Callable[[pd.DataFrame], pd.DataFrame],
        classes: Sequence[str],
        frame_seconds: float,
        lag: int,
        memory: int,
    ):
        self._decode, self._classes = decode, list(classes)
        self._shift, self._lag, self._memory = frame_seconds, lag, memory
        self._scores = np.zeros((0, len(self._classes)), np.float32)
        self._first = 0  # the frame with which they begin
        self._line = 0.0  # in seconds
        # By label: onset and confidence of the event that crosses the
        # line, and the offset of the last one that was emitted.
        self._going_on: dict[str, tuple[float, float]] = {}
        self._done: dict[str, float] = {}

    def feed(self, scores: np.ndarray) -> list[DetectedEvent]:
        """Take the next scores.

        Arguments
        ---------
        scores : np.ndarray
            [T, C], T at least 1.

        Returns
        -------
        list[DetectedEvent]
            Those that are now settled, by onset.
        """
        self._scores = np.concatenate([self._scores, scores])
        line = self._first + len(self._scores) - self._lag
        if line <= 0:
            return []
        edges = self._edges()
        events = sorted(self._settle(edges, edges[line - self._first]))
        gone = max(0, line - self._memory - self._first)
        self._scores, self._first = self._scores[gone:], self._first + gone
        return events

    def end(self, scores: np.ndarray, seconds: float) -> list[DetectedEvent]:
        """Take the last scores and settle everything.

        Arguments
        ---------
        scores : np.ndarray
            [T, C]; frames that begin after the end are ignored.
        seconds : float
            When the stream ended.

        Returns
        -------
        list[DetectedEvent]
            All that are left, by onset.
        """
        self._scores = np.concatenate([self._scores, scores])
        edges = self._edges()
        seconds = round(seconds, TIME_DECIMALS)
        self._scores = self._scores[: np.searchsorted(edges[:-1], seconds)]
        edges = np.minimum(edges[: len(self._scores) + 1], seconds)
        return sorted(self._settle(edges, math.inf))

    def _edges(self) -> np.ndarray:
        """Return the edges of the frames in seconds, as of ``scores_table``."""
        frames = np.arange(len(self._scores) + 1) + self._first
        return np.round(frames * self._shift, TIME_DECIMALS)

    def _settle(
        self, edges: np.ndarray, line: float
    ) -> Iterator[DetectedEvent]:
        """Move the line and yield the events that end before it."""
        if len(edges) < 2:
            return
        table = pd.DataFrame(self._scores, columns=self._classes)
        table.insert(0, "onset", edges[:-1])
        table.insert(1, "offset", edges[1:])
        found = self._decode(table)
        before, self._going_on = self._going_on, {}
        ended: dict[str, tuple[float, float]] = {}
        for onset, offset, label, confidence in zip(
            found["onset"].tolist(),
            found["offset"].tolist(),
            found["event_label"],
            found["confidence"].tolist(),
            strict=True,
        ):
            if offset <= self._line:
                ended[label] = offset, confidence
                continue
            if onset < self._line:
                onset = max(onset, self._done.get(label, 0.0))
                onset, _ = before.pop(label, (onset, confidence))
            if offset <= line:
                yield self._emitted(onset, offset, label, confidence)
            elif onset < line:
                self._going_on[label] = onset, confidence
        for label, (onset, confidence) in before.items():
            # It ended before the last line after all, or never was one.
            offset, now = ended.get(label, (0.0, confidence))
            if offset > onset:
                yield self._emitted(onset, offset, label, now)
            elif onset < edges[0]:
                yield self._emitted(onset, self._line, label, confidence)
        self._line = line

    def _emitted(self, onset, offset, label, confidence) -> DetectedEvent:
        self._done[label] = max(offset, self._done.get(label, 0.0))
        return DetectedEvent(onset, offset, label, confidence)
