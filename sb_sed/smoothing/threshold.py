"""Threshold: each run of frames whose score reaches it is an event.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.confidence import max_inside
from sb_sed.smoothing.detections import Detections, runs
from sb_sed.smoothing.packed import PackedScores

PerClass = float | Mapping[str, float]

THRESHOLDS = tuple(np.round(np.arange(0.02, 1, 0.02), 2).tolist())


def by_class(**values: PerClass) -> dict:
    """Merge parameters that are each given for all classes or one a class.

    Example
    -------
    >>> by_class(threshold=0.5, window=0.45)
    {'threshold': 0.5, 'window': 0.45}
    >>> by_class(threshold=0.5, window={"Dog": 0.2})
    {'Dog': {'threshold': 0.5, 'window': 0.2}}
    """
    mappings = [v for v in values.values() if isinstance(v, Mapping)]
    if not mappings:
        return values
    return {
        label: {
            name: value[label] if isinstance(value, Mapping) else value
            for name, value in values.items()
            if not isinstance(value, Mapping) or label in value
        }
        for label in dict.fromkeys(label for some in mappings for label in some)
    }


def thresholds_of(
    smoother: Callable | None, labels: Iterable[str]
) -> dict[str, float]:
    """Return the threshold of each class; none if the smoother has none.

    Example
    -------
    >>> thresholds_of(ThresholdSmoother(0.4), ["Dog"]), thresholds_of(None, [])
    ({'Dog': 0.4}, {})
    """
    if not isinstance(smoother, Smoother):
        return {}
    settings = {label: smoother.setting_of(label) for label in labels}
    return {
        label: float(setting["threshold"])
        for label, setting in settings.items()
        if "threshold" in setting
    }


class ThresholdSmoother(Smoother):
    """Events are the runs of frames whose score reaches a threshold.

    An event's confidence is its highest score.

    Arguments
    ---------
    threshold : float | Mapping[str, float]
        One for all classes or one a class.
    clip_gate : bool
        As for :class:`~sb_sed.smoothing.base.Smoother`.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> scores = scores_table([[0.9], [0.6], [0.2]], 0.5, ["Dog"])
    >>> ThresholdSmoother(0.5)({"clip": scores})
       filename  onset  offset event_label  confidence
    0  clip.wav    0.0     1.0         Dog         0.9
    """

    name = "threshold"
    axes = {"threshold": THRESHOLDS}

    def __init__(self, threshold: PerClass = 0.5, clip_gate: bool = False):
        super().__init__(by_class(threshold=threshold), clip_gate)

    @property
    def threshold(self) -> PerClass:
        """The threshold of all classes or of each."""
        return self.given("threshold")

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        scores, inside = packed.scores_of(label), packed.inside
        # In the precision of the scores.
        thresholds = (np.float32(s["threshold"]) for s in settings)
        return Detections.from_frames(
            packed,
            [run_events(scores, (scores >= t) & inside) for t in thresholds],
        )

    def to_scores(
        self, scores: Mapping[str, pd.DataFrame]
    ) -> dict[str, pd.DataFrame]:
        """Return the scores themselves: this smoother thresholds them."""
        return dict(scores)


def run_events(scores: np.ndarray, active: np.ndarray) -> tuple:
    """Return file, first, end, confidence of the runs of active frames [F, T].

    An event is as confident as the highest of its scores [F, T].
    """
    file, first, end = runs(active)
    return file, first, end, max_inside(scores, file, first, end)
