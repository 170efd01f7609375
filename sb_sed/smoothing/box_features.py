"""What speaks for or against a box being an event.

All features are about the box and some seconds around it, so that those of an
event do not depend on how long the recording is, and all are of the order 1.

Authors
 * sb_sed contributors 2026
"""

import numpy as np

from sb_sed.smoothing.candidates import Candidates
from sb_sed.smoothing.confidence import max_inside, mean_inside, min_inside
from sb_sed.smoothing.elementary import logit
from sb_sed.smoothing.packed import PackedScores

# A score never counts as more certain than this.
_FLOOR = 0.02
# Seconds beside a boundary that are compared.
_BESIDE = (0.2, 0.5, 1.5)
# Seconds before and after a box that are its surroundings.
_AROUND = 5.0
# Boundaries as near as this are the same one; offsets of long boxes as near as
# this share of their length.
_NEAR_SECONDS = 0.13
_NEAR_SHARE = 0.1

NAMES = (
    "mean",
    "peak",
    "least",
    "flat",
    "dip",
    "length",
    "length_squared",
    "seconds",
    "at_start",
    "at_end",
    *(
        f"{what}_{round(1000 * seconds)}ms"
        for seconds in _BESIDE
        for what in ("rise", "fall", "step_up", "step_down", "before", "after")
    ),
    "head",
    "tail",
    "around_peak",
    "around_mean",
    "of_around",
    "peak_of_around",
    "votes",
    "near",
    "onsets",
    "offsets",
    "overlapping",
    "agreement",
    "joint",
    "onsets_inside",
    "others",
)


def box_features(
    packed: PackedScores, label: str, boxes: Candidates
) -> np.ndarray:
    """Describe boxes.

    Arguments
    ---------
    packed : PackedScores
        Scores of some files.
    label : str
        The class.
    boxes : Candidates
        Of the same files and class.

    Returns
    -------
    features : np.ndarray
        ``[N, len(NAMES)]``: the scores inside, the length (log of seconds), the
        rise at the onset and the fall at the offset (as log-odds, differences
        and what is left outside of the peak), the surroundings, how many
        segmentations agree on the box and on its boundaries, and the highest
        score of another class.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> from sb_sed.smoothing.candidates import candidates
    >>> from sb_sed.smoothing.packed import pack
    >>> table = scores_table([[0.0], [0.5], [0.9], [0.0]], 0.1, ["Dog"])
    >>> (packed,) = pack({"clip": table})
    >>> features = box_features(packed, "Dog", candidates(packed, "Dog"))
    >>> features[:, NAMES.index("flat")].round(2).tolist()
    [0.78, 1.0]
    """
    scores = packed.scores_of(label).astype(np.float64)
    return np.stack(
        [
            *_inside(packed, scores, boxes),
            *_beside(packed, scores, boxes),
            *_around(packed, scores, boxes),
            *_agreement(packed, boxes),
            _others(packed, label, boxes),
        ],
        axis=1,
    )


def _inside(packed, scores: np.ndarray, boxes: Candidates) -> list:
    """Scores inside the box, its length, whether it touches the file's ends."""
    file, first, end = boxes.file, boxes.first, boxes.end
    mean = mean_inside(scores, file, first, end)
    peak = max_inside(scores, file, first, end)
    # Without the slopes at both ends.
    trim = np.minimum(_frames(packed, file, 0.2), (end - first - 1) // 2)
    least = min_inside(scores, file, first + trim, end - trim)
    seconds = (end - first) * packed.frame_seconds[file]
    length = np.log(seconds)
    above = np.maximum(peak, _FLOOR)
    return [
        _log_odds(mean),
        _log_odds(peak),
        _log_odds(least),
        mean / above,
        least / above,
        length,
        length**2,
        np.minimum(seconds, 2 * _AROUND) / _AROUND,
        (first == 0).astype(float),
        (end == packed.lengths[file]).astype(float),
    ]


def _beside(packed, scores: np.ndarray, boxes: Candidates) -> list:
    """Compare both sides of each boundary; silence is beside the file."""
    file, first, end = boxes.file, boxes.first, boxes.end
    sums = np.pad(scores, ((0, 0), (1, 0))).cumsum(axis=1)
    peak = np.maximum(max_inside(scores, file, first, end), _FLOOR)
    columns, edges = [], []
    for seconds in _BESIDE:
        width = _frames(packed, file, seconds)
        within = np.minimum(width, end - first)
        before = _mean(packed, sums, file, first - width, first)
        after = _mean(packed, sums, file, end, end + width)
        head = _mean(packed, sums, file, first, first + within)
        tail = _mean(packed, sums, file, end - within, end)
        columns += [
            _log_odds(head) - _log_odds(before),
            _log_odds(tail) - _log_odds(after),
            head - before,
            tail - after,
            np.minimum(before / peak, 2),
            np.minimum(after / peak, 2),
        ]
        if seconds == _BESIDE[1]:
            edges = [_log_odds(head), _log_odds(tail)]
    return columns + edges


def _around(packed, scores: np.ndarray, boxes: Candidates) -> list:
    """Peak and mean of the surroundings, and the box's share of them."""
    file, first, end = boxes.file, boxes.first, boxes.end
    width = _frames(packed, file, _AROUND)
    begin = np.maximum(first - width, 0)
    stop = np.minimum(end + width, packed.lengths[file])
    peak = max_inside(scores, file, begin, stop)
    mean = mean_inside(scores, file, begin, stop)
    above = np.maximum(peak, _FLOOR)
    return [
        _log_odds(peak),
        _log_odds(mean),
        mean_inside(scores, file, first, end) / above,
        max_inside(scores, file, first, end) / above,
    ]


def _agreement(packed: PackedScores, boxes: Candidates) -> list:
    """How many proposals agree, as logarithms, from votes on frames."""
    file, votes = boxes.file, boxes.votes.astype(float)
    # All files on one time line, too far apart to meet.
    period = 2 * packed.values.shape[1] + 2
    first, end = file * period + boxes.first, file * period + boxes.end
    n_frames = period * len(packed.files) + 1
    onsets, offsets = (
        np.append(0, np.bincount(place, votes, n_frames).cumsum())
        for place in (first, end)
    )

    def _between(sums: np.ndarray, low: np.ndarray, high: np.ndarray):
        low, high = (np.clip(x, 0, n_frames) for x in (low, high + 1))
        return sums[np.maximum(high, low)] - sums[low]

    tolerance = _frames(packed, file, _NEAR_SECONDS)
    slack = np.maximum(tolerance, (_NEAR_SHARE * (end - first)).astype(int))
    near = _near(first, end, votes, tolerance, slack)
    same_onset = _between(onsets, first - tolerance, first + tolerance)
    same_offset = _between(offsets, end - slack, end + slack)
    # Those that begin before its end, without those that end before it begins.
    overlapping = onsets[end] - offsets[first + 1]
    inside = _between(onsets, first + tolerance + 1, end - tolerance - 1)
    return [
        np.log(votes),
        np.log(near),
        np.log(same_onset),
        np.log(same_offset),
        np.log(overlapping),
        near / overlapping,
        np.log(near**2 / (same_onset * same_offset)),
        np.log1p(inside),
    ]


def _near(
    first: np.ndarray,
    end: np.ndarray,
    votes: np.ndarray,
    tolerance: np.ndarray,
    slack: np.ndarray,
) -> np.ndarray:
    """Votes for boxes whose both boundaries are near; sorted by first."""
    low = np.searchsorted(first, first - tolerance)
    number = np.searchsorted(first, first + tolerance, side="right") - low
    box = np.repeat(np.arange(len(first)), number)
    start = np.repeat(np.cumsum(number) - number, number)
    other = low[box] + np.arange(len(box)) - start
    near = np.abs(end[other] - end[box]) <= slack[box]
    return np.bincount(box[near], votes[other[near]], len(first))


def _others(packed, label: str, boxes: Candidates) -> np.ndarray:
    """Mean inside of the highest score of another class."""
    column = packed.classes.index(label)
    rest = np.delete(packed.values, column, axis=2)
    highest = rest.max(axis=2, initial=0)
    return _log_odds(mean_inside(highest, boxes.file, boxes.first, boxes.end))


def _frames(packed, file: np.ndarray, seconds: float) -> np.ndarray:
    """Seconds in frames of each box's file, one or more."""
    frames = np.rint(seconds / packed.frame_seconds).astype(int)
    return np.maximum(frames, 1)[file]


def _mean(packed, sums, file, begin, stop) -> np.ndarray:
    """Mean of frames from sums [F, T + 1]; 0 where there is none."""
    begin, stop = (
        np.clip(frame, 0, packed.lengths[file]) for frame in (begin, stop)
    )
    total = sums[file, stop] - sums[file, begin]
    return total / np.maximum(stop - begin, 1)


def _log_odds(score: np.ndarray) -> np.ndarray:
    return logit(_FLOOR + (1 - 2 * _FLOOR) * np.clip(score, 0, 1))
