"""Sound event bounding boxes by change detection (cSEBBs).

J. Ebbers, F. Germain, G. Wichern, J. Le Roux, "Sound event bounding boxes",
Interspeech 2024, arXiv 2406.04212; written from the paper alone.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.packed import PackedScores
from sb_sed.smoothing.threshold import THRESHOLDS

# Where the step filter is flat, as beside an event shorter than half of it,
# this share of the step from frame to frame says where the change is.
_SHARPEN = 1e-3


class SEBBsSmoother(Smoother):
    """Boxes between changes of the score, each with the mean score inside.

    The mean of the scores that follow minus that of the scores that precede is
    the strength of a change. Where it is largest between two falls is an onset,
    where it is lowest between two rises an offset. Two boxes are merged when
    the mean score of the gap between them is not lower than the higher of
    theirs by the merge threshold, the least contrast first, until all gaps are
    lower. So extent and confidence are apart: a threshold on the confidence
    drops boxes and never moves a boundary.

    Arguments
    ---------
    parameters : Mapping, optional
        ``filter`` (length of the step filter in seconds), ``merge`` (up to 1 a
        difference of scores, above 1 a ratio: the higher box's divided by the
        gap's) and ``threshold`` (the least confidence); for all classes or
        for each.
    search : Search, optional
        How :meth:`fit` tunes; None leaves the parameters as they are. The grid
        is the paper's.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> scores = [[0.1], [0.1], [0.7], [0.9], [0.8], [0.1], [0.3], [0.1]]
    >>> smoother = SEBBsSmoother({"filter": 0.4, "merge": 0.3, "threshold": 0})
    >>> smoother({"clip": scores_table(scores, 0.1, ["Dog"])})
       filename  onset  offset event_label  confidence
    0  clip.wav    0.2     0.5         Dog         0.8
    1  clip.wav    0.6     0.7         Dog         0.3
    """

    name = "sebbs"
    axes = {
        "filter": (0.32, 0.48, 0.64),
        "merge": (0.15, 0.2, 0.3, 1.5, 2.0, 3.0),
        "threshold": THRESHOLDS,
    }

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        scores = packed.scores_of(label).astype(np.float64)
        found: dict[tuple, _Boxes] = {}
        parts = []
        for index, setting in enumerate(settings):
            length, merge = setting["filter"], setting["merge"]
            boxes = found.get((length, merge > 1))
            if boxes is None:
                half = np.maximum(length / packed.frame_seconds / 2, 1)
                boxes = _boxes(
                    scores, half.round().astype(int), packed.lengths, merge > 1
                )
                found[length, merge > 1] = boxes
            keep = (
                (boxes.born < merge)
                & (merge <= boxes.gone)
                # In the precision of the scores.
                & (boxes.confidence >= np.float32(setting["threshold"]))
            )
            parts.append(
                Detections.from_frames(
                    packed,
                    np.full(keep.sum(), index),
                    boxes.file[keep],
                    boxes.first[keep],
                    boxes.end[keep],
                    boxes.confidence[keep],
                )
            )
        return Detections.joined(parts)


@dataclass(frozen=True)
class _Boxes:
    """All boxes of any merge threshold, sorted by file and first frame.

    A box is there for the thresholds above ``born`` and up to ``gone``.
    """

    file: np.ndarray
    first: np.ndarray
    end: np.ndarray
    born: np.ndarray
    confidence: np.ndarray
    gone: np.ndarray


def _boxes(
    scores: np.ndarray, half: np.ndarray, lengths: np.ndarray, ratio: bool
) -> _Boxes:
    """Of scores [F, T], by a step filter of two halves of ``half`` [F]."""
    sums = np.pad(scores, ((0, 0), (1, 0))).cumsum(axis=1)
    file, first, end = _between_changes(_changes(sums, half))
    rows, number = np.unique(file, return_counts=True)
    # Boxes of a file in a row, [R, N].
    there = np.arange(number.max(initial=0)) < number[:, None]
    a, b = np.zeros((2, *there.shape), dtype=int)
    a[there], b[there] = first, np.minimum(end, lengths[file])
    born = np.full(there.shape, -np.inf)
    highest = np.full((len(rows), 1), -np.inf)  # contrast so far

    def _mean(row, start, stop):
        return (sums[row, stop] - sums[row, start]) / (stop - start)

    found = []
    for left in range(there.shape[1], 1, -1):
        # The rows that have ``left`` boxes, which is all that had more.
        turn = np.flatnonzero(number >= left)
        row, some = rows[turn, None], np.s_[turn, :left]
        bounds = a[some], b[some], born[some]
        mean = _mean(row, *bounds[:2])
        gap = _mean(row, bounds[1][:, :-1], bounds[0][:, 1:])
        contrast = _contrast(np.maximum(mean[:, 1:], mean[:, :-1]), gap, ratio)
        low = contrast.argmin(axis=1)[:, None]
        least = np.take_along_axis(contrast, low, axis=1)
        highest[turn] = np.maximum(highest[turn], least)
        pair = np.hstack([low, low + 1])
        found.append(
            np.broadcast_arrays(
                row,
                *(
                    np.take_along_axis(values, pair, axis=1)
                    for values in (*bounds, mean)
                ),
                highest[turn],
            )
        )
        place = np.arange(left - 1)
        rest = np.s_[turn, : left - 1]
        a[rest] = np.take_along_axis(bounds[0], place + (place > low), axis=1)
        b[rest] = np.take_along_axis(bounds[1], place + (place >= low), axis=1)
        born[rest] = np.where(
            place == low,
            highest[turn],
            np.take_along_axis(bounds[2], place + (place > low), axis=1),
        )
    one = np.s_[:, :1]
    mean = _mean(rows[:, None], a[one], b[one])
    found.append(
        (
            rows[:, None],
            a[one],
            b[one],
            born[one],
            mean,
            np.full_like(mean, np.inf),
        )
    )
    columns = [
        np.concatenate([part.ravel() for part in parts])
        for parts in zip(*found, strict=True)
    ]
    order = np.lexsort((columns[2], columns[1], columns[0]))
    return _Boxes(*(column[order] for column in columns))


def _changes(sums: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Strength of the change between frames, [F, T + 1]: up positive.

    Before and after a file there is silence.
    """
    row, here = np.ogrid[: sums.shape[0], : sums.shape[1]]
    last = sums.shape[1] - 1

    def _step(width):
        after = sums[row, np.minimum(here + width, last)] - sums
        before = sums - sums[row, np.maximum(here - width, 0)]
        return (after - before) / width

    changes = _step(half[:, None]) + _SHARPEN * _step(1)
    # What the running sums leave where nothing changes.
    return np.where(np.abs(changes) < 1e-9, 0, changes)


def _between_changes(
    changes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the steepest point of each rise to that of the fall after it.

    Frames without a change belong to what precedes them.
    """
    n_columns = changes.shape[1]
    flat = changes.ravel()
    known = np.where(changes != 0, np.arange(n_columns), 0)
    known = np.maximum.accumulate(known, axis=1)
    sign = np.sign(np.take_along_axis(changes, known, axis=1))
    start = np.ones(changes.shape, dtype=bool)
    start[:, 1:] = sign[:, 1:] != sign[:, :-1]
    start = np.flatnonzero(start)
    peak = np.maximum.reduceat(np.abs(flat), start)
    stretch = np.cumsum(np.bincount(start, minlength=len(flat))) - 1
    at_peak = np.flatnonzero(np.abs(flat) == peak[stretch])
    _, nth = np.unique(stretch[at_peak], return_index=True)
    row, place = np.divmod(at_peak[nth], n_columns)
    rising = sign.ravel()[start] > 0
    falling = sign.ravel()[start] < 0
    box = np.flatnonzero(rising[:-1] & falling[1:] & (row[:-1] == row[1:]))
    return row[box], place[box], place[box + 1]


def _contrast(higher: np.ndarray, gap: np.ndarray, ratio: bool) -> np.ndarray:
    """How far a gap is below the higher of the boxes beside it."""
    if not ratio:
        return higher - gap
    return np.divide(
        higher, gap, out=np.full(gap.shape, np.inf), where=gap > 1e-9
    )
