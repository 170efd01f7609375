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
    confidence: np.ndarray
    born: np.ndarray
    gone: np.ndarray


def _boxes(
    scores: np.ndarray, half: np.ndarray, lengths: np.ndarray, ratio: bool
) -> _Boxes:
    """Of scores [F, T], by a step filter of two halves of ``half`` [F]."""
    sums = np.pad(scores, ((0, 0), (1, 0))).cumsum(axis=1)
    file, first, end = _between_changes(_changes(scores, sums, half), lengths)
    rows, number = np.unique(file, return_counts=True)
    # [rows, boxes], padded at the end.
    there = np.arange(max(number, default=0)) < number[:, None]
    bounds = np.zeros((2, *there.shape), dtype=int)
    bounds[:, there] = first, end
    born = np.full(there.shape, -np.inf)
    gone, done = np.full(len(rows), -np.inf), []
    while len(rows):
        mean = _mean(sums, rows, *bounds)
        contrast = _contrast(sums, rows, bounds, mean, ratio)
        contrast[~there[:, 1:]] = np.inf
        last = number == 1
        low = contrast.argmin(axis=1) if contrast.size else number * 0
        line = np.arange(len(rows))
        gone = np.where(
            last,
            np.inf,
            np.maximum(gone, np.append(contrast, np.inf)[line * 0 - 1])
            if not contrast.size
            else np.maximum(gone, contrast[line, low]),
        )
        del line
        break
    return done
