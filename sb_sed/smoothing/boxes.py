"""Events chosen among many boxes by a learned probability.

Every segmentation of the scores is right for some events: a threshold for the
loud, a change of the score for the faint, one filter for short and another for
long ones. So many propose boxes, a logistic model says how likely each is
right, and of boxes that overlap the likeliest is kept.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

import numpy as np

from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.box_features import NAMES, box_features
from sb_sed.smoothing.candidates import Candidates, candidates
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.elementary import expit
from sb_sed.smoothing.packed import PackedScores

# Less likely boxes are none at any threshold.
_LEAST = 0.02
# Before anything is learned: what rises, falls and is agreed upon.
_START = {"mean": 0.5, "rise_500ms": 0.5, "fall_500ms": 0.5, "near": 0.5}


class BoxSmoother(Smoother):
    """Keep the likeliest of the boxes that several segmentations propose.

    The confidence of an event is the probability that its onset and its offset
    are within the collars of a reference event. A threshold on it drops events
    and never moves a boundary.

    The weights are learned by :class:`~sb_sed.tuning.boxes.FitBoxes`; the grid
    of a search has one value of each and tries thresholds only.

    Arguments
    ---------
    parameters : Mapping, optional
        ``threshold`` (the least probability), ``bias`` (log-odds) and a weight
        for each of :data:`~sb_sed.smoothing.box_features.NAMES`; for all
        classes or for each.
    clip_gate : bool
        As for :class:`~sb_sed.smoothing.base.Smoother`.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> weights = dict.fromkeys(BoxSmoother.axes, 0.0)
    >>> smoother = BoxSmoother({**weights, "rise_200ms": 1, "near": 1})
    >>> scores = [[0.1], [0.7], [0.9], [0.8], [0.2], [0.1], [0.4], [0.1]]
    >>> events = smoother({"clip": scores_table(scores, 0.1, ["Dog"])})
    >>> events.iloc[:, 1:4]
       onset  offset event_label
    0    0.1     0.4         Dog
    1    0.6     0.7         Dog
    """

    name = "boxes"
    axes = {
        "threshold": tuple(np.round(np.arange(0.04, 0.8, 0.02), 2).tolist()),
        "bias": (-2.0,),
        **{name: (_START.get(name, 0.0),) for name in NAMES},
    }

    def described(
        self, packed: PackedScores, label: str
    ) -> tuple[Candidates, np.ndarray]:
        """Return all boxes of a class and their features.

        Arguments
        ---------
        packed : PackedScores
            Scores of some files; they keep the result.
        label : str
            The class.

        Returns
        -------
        boxes : Candidates
            The N boxes.
        features : np.ndarray
            ``[N, len(NAMES)]``.
        """

        def _make() -> tuple:
            boxes = candidates(packed, label)
            return boxes, box_features(packed, label, boxes)

        return packed.kept((self.name, label), _make)

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        boxes, features = self.described(packed, label)
        kept: dict[tuple, tuple] = {}
        events = []
        for setting in settings:
            model = setting["bias"], *(setting[name] for name in NAMES)
            if model not in kept:
                odds = model[0] + features @ np.array(model[1:])
                kept[model] = _without_overlap(boxes, expit(odds))
            *columns, probability = kept[model]
            likely = probability >= setting["threshold"]
            events.append([x[likely] for x in (*columns, probability)])
        return Detections.from_frames(packed, events)


def _without_overlap(boxes: Candidates, probability: np.ndarray) -> tuple:
    """Return file, first, end and probability of the boxes that are kept.

    The likeliest box of a file is kept, those that overlap it are dropped, and
    so on with the rest: a round for all files at once.
    """
    left = np.flatnonzero(probability >= _LEAST)
    left = left[np.lexsort((-probability[left], boxes.file[left]))]
    rounds = []
    while len(left):
        file = boxes.file[left]
        top = np.append(True, file[1:] != file[:-1])
        best = left[top]
        rounds.append(best)
        rival = best[np.cumsum(top) - 1]
        apart = boxes.end[left] <= boxes.first[rival]
        apart |= boxes.first[left] >= boxes.end[rival]
        left = left[apart]
    kept = np.sort(np.concatenate([np.empty(0, int), *rounds]))
    return (
        boxes.file[kept],
        boxes.first[kept],
        boxes.end[kept],
        probability[kept],
    )
