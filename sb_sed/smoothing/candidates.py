"""Boxes that may be events: what several segmentations of the scores propose.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sb_sed.smoothing.detections import runs
from sb_sed.smoothing.packed import PackedScores
from sb_sed.smoothing.sebbs import change_boxes

# Lengths of the step filters that look for changes, in seconds.
_FILTERS = (0.16, 0.32, 0.48, 0.64, 1.0)
# What is above each of these is a box.
_LEVELS = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Seconds of silence that no event goes on after. (In a long recording, boxes
# that are merged across silence would be as many as all others.)
_PAUSE = 1.0
# Lower scores are silence: ripples of it would be boxes by the thousand.
_SILENT = 0.02


@dataclass(frozen=True)
class Candidates:
    """Boxes of one class, each once; sorted by file, first frame and end.

    Arguments
    ---------
    file, first, end : np.ndarray
        File, first frame and the one after the last, int, ``[N]``.
    votes : np.ndarray
        How many of the segmentations propose the box, int, ``[N]``.
    """

    file: np.ndarray
    first: np.ndarray
    end: np.ndarray
    votes: np.ndarray


def candidates(packed: PackedScores, label: str) -> Candidates:
    """Propose the boxes of a class.

    All runs of scores above some levels, and the boxes between changes
    (:mod:`sb_sed.smoothing.sebbs`) for step filters of several lengths, at
    every stage of their merging.

    Arguments
    ---------
    packed : PackedScores
        Scores of some files.
    label : str
        The class.

    Returns
    -------
    boxes : Candidates

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> from sb_sed.smoothing.packed import pack
    >>> table = scores_table([[0.0], [0.5], [0.9], [0.0]], 0.1, ["Dog"])
    >>> boxes = candidates(pack({"clip": table})[0], "Dog")
    >>> boxes.first.tolist(), boxes.end.tolist()
    ([1, 2], [3, 3])
    """
    scores = packed.scores_of(label).astype(np.float64)
    scores[scores < _SILENT] = 0
    columns = zip(*_proposals(packed, scores), strict=True)
    file, first, end = (np.concatenate(parts) for parts in columns)
    # A frame that the end of the file has cut to nothing is no event.
    usable = packed.offsets[file, end - 1] - packed.onsets[file, first] > 0
    usable &= ~_across_silence(packed, scores, file, first, end)
    place = scores.shape[1] + 1
    key = ((file * place + first) * place + end)[usable]
    key, votes = np.unique(key, return_counts=True)
    rest, end = np.divmod(key, place)
    return Candidates(*np.divmod(rest, place), end, votes)


def _proposals(packed: PackedScores, scores: np.ndarray) -> Iterator[tuple]:
    """Yield the file, first and end of each segmentation's boxes."""
    for level in _LEVELS:
        yield runs((scores >= level) & packed.inside)
    for seconds in _FILTERS:
        half = np.maximum(seconds / packed.frame_seconds / 2, 1)
        for ratio in (False, True):
            boxes = change_boxes(
                scores, half.round().astype(int), packed.lengths, ratio
            )
            yield boxes.file, boxes.first, boxes.end


def _across_silence(
    packed: PackedScores,
    scores: np.ndarray,
    file: np.ndarray,
    first: np.ndarray,
    end: np.ndarray,
) -> np.ndarray:
    """Whether silence parts the box, bool [N]."""
    n_frames = np.ceil(_PAUSE / packed.frame_seconds).astype(int)
    padded = np.pad(scores > 0, ((0, 0), (1, 0))).cumsum(axis=1)
    row, here = np.ogrid[: scores.shape[0], : scores.shape[1]]
    # Silence from this frame on, for the whole pause.
    stop = np.minimum(here + n_frames[:, None], scores.shape[1])
    pause = padded[row, stop] == padded[:, :-1]
    before = np.pad(pause, ((0, 0), (1, 0))).cumsum(axis=1)
    last = np.maximum(first, end - n_frames[file] + 1)
    return before[file, last] > before[file, first]
