"""Threshold and median filter: the baseline's way from scores to events.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.ndimage import median_filter

from sb_sed.activity import active_events
from sb_sed.errors import InputError

PerClass = float | Mapping[str, float]


class MedianSmoother:
    """Binarise the scores, median-filter the decisions, read off the runs.

    This is the DCASE 2020 Task 4 baseline's decoding: ``scores >= threshold``,
    then ``scipy.ndimage.median_filter`` over time (mode "reflect").

    Arguments
    ---------
    threshold : float | Mapping[str, float]
        A class is active where its score reaches this; one for all classes or
        one a class.
    window : float | Mapping[str, float] | None
        Length of the median filter in seconds, likewise; None for no filter.
        It is taken as the largest odd number of frames that fits (0.45 s is 7
        frames of the baseline).

    Raises
    ------
    InputError
        When it decodes scores of a class that has no threshold or window.

    Example
    -------
    >>> times = np.arange(5) * 0.1
    >>> scores = pd.DataFrame(
    ...     {
    ...         "onset": times,
    ...         "offset": times + 0.1,
    ...         "Dog": [0.9, 0.8, 0.2, 0.9, 0],
    ...     }
    ... )
    >>> MedianSmoother(threshold=0.5, window=0.3)({"clip": scores})
       filename  onset  offset event_label
    0  clip.wav    0.0     0.3         Dog
    """

    def __init__(
        self, threshold: PerClass = 0.5, window: PerClass | None = 0.45
    ):
        self.threshold = threshold
        self.window = window

    def fit(
        self, scores: Mapping[str, pd.DataFrame], events: pd.DataFrame
    ) -> "MedianSmoother":
        """Nothing is tuned here: the constants come from the configuration."""
        return self

    def __call__(self, scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Decode the scores of a data set.

        Arguments
        ---------
        scores : Mapping[str, pd.DataFrame]
            For each clip (the file's name without ``.wav``) a table of onset,
            offset (seconds) and one column of scores a class.

        Returns
        -------
        pd.DataFrame
            Events: filename, onset, offset (seconds), event_label.
        """
        rows = [
            (f"{clip}.wav", *event)
            for clip, table in scores.items()
            for event in self._decode(table)
        ]
        return pd.DataFrame(
            rows, columns=["filename", "onset", "offset", "event_label"]
        )

    def _decode(self, table: pd.DataFrame) -> list[tuple[float, float, str]]:
        onsets, offsets, *scores = table.to_numpy(dtype=float).T
        classes = list(table.columns[2:])
        active = np.stack(scores, axis=1) >= np.array(
            [_of(self.threshold, label) for label in classes]
        )
        if self.window is not None and len(table):
            shift = np.median(offsets - onsets)
            # All classes of one length are filtered in one call.
            frames = [_odd(_of(self.window, label), shift) for label in classes]
            for length in set(frames) - {1}:
                same = np.array(frames) == length
                active[:, same] = median_filter(
                    active[:, same], size=(length, 1), mode="reflect"
                )
        return active_events(active, onsets, offsets, classes)


def _of(value: PerClass, label: str) -> float:
    """The value of a class, whether given for it or for all."""
    if not isinstance(value, Mapping):
        return value
    if label not in value:
        raise InputError(
            f"The median smoother has values for {sorted(value)} and none for "
            f"the class {label!r}: give one for each class, or one for all."
        )
    return value[label]


def _odd(seconds: float, shift: float) -> int:
    """The largest odd number of frames that fits in a time."""
    return max(1, (int(seconds / shift + 1e-6) - 1) // 2 * 2 + 1)
