"""Threshold: each run of frames that reach it is an event.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.detections import Detections, runs
from sb_sed.smoothing.packed import PackedScores
from sb_sed.tuning.search import EXACT, Search

PerClass = float | Mapping[str, float]

THRESHOLDS = tuple(np.round(np.arange(0.02, 1, 0.02), 2).tolist())


def by_class(**values: PerClass) -> dict:
    """Merges parameters that are each given for all classes or one a class.

    Arguments
    ---------
    **values : float | Mapping[str, float]
        Name -> value.

    Returns
    -------
    parameters : dict
        Of a :class:`~sb_sed.smoothing.base.Smoother`.

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
    """The threshold of each class, where a smoother has such a parameter.

    Arguments
    ---------
    smoother : Callable, optional
        From scores to events.
    labels : Iterable[str]
        The classes.

    Returns
    -------
    thresholds : dict
        Empty where there are none.

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
    search : Search, optional
        How :meth:`fit` tunes it; None leaves it as it is.

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

    def __init__(
        self, threshold: PerClass = 0.5, search: Search | None = EXACT
    ):
        super().__init__(by_class(threshold=threshold), search)

    @property
    def threshold(self) -> PerClass:
        """The threshold of all classes or of each."""
        return self.given("threshold")

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        scores, inside = packed.scores_of(label), packed.inside
        return Detections.joined(
            [
                run_events(
                    packed,
                    scores,
                    # In the precision of the scores.
                    (scores >= np.float32(setting["threshold"])) & inside,
                    index,
                )
                for index, setting in enumerate(settings)
            ]
        )

    def to_scores(
        self, scores: Mapping[str, pd.DataFrame]
    ) -> dict[str, pd.DataFrame]:
        """The scores themselves, whose thresholding is this smoother."""
        return dict(scores)


def run_events(
    packed: PackedScores, scores: np.ndarray, active: np.ndarray, setting: int
) -> Detections:
    """Runs of active frames as events, as confident as their highest score.

    Arguments
    ---------
    packed : PackedScores
        The batch.
    scores : np.ndarray
        Of one class, ``[F, T]``.
    active : np.ndarray
        bool, ``[F, T]``; False after the end of a file.
    setting : int
        The setting that they belong to.

    Returns
    -------
    detections : Detections
    """
    file, first, end = runs(active)
    start = file * active.shape[1] + first
    bounds = np.stack([start, start + end - first], axis=1).ravel()
    # One more frame, for a run that ends with the last one.
    padded = np.append(scores.ravel(), np.float32(0))
    highest = (
        np.maximum.reduceat(padded, bounds)[::2] if len(start) else start * 0.0
    )
    return Detections.from_frames(
        packed, np.full(len(file), setting), file, first, end, highest
    )
