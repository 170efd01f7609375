"""Threshold and median filter: the decoding of the DCASE 2020 baseline.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.formats import EVENT_COLUMNS
from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.packed import PackedScores
from sb_sed.smoothing.threshold import (
    THRESHOLDS,
    PerClass,
    by_class,
    run_events,
)


class MedianSmoother(Smoother):
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
    clip_gate : bool
        As for :class:`~sb_sed.smoothing.base.Smoother`.

    Raises
    ------
    InputError
        If it decodes scores of a class that has no threshold or window.

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

    name = "median"
    axes = {
        "threshold": THRESHOLDS,
        "window": (0.0, 0.2, 0.33, 0.46, 0.59, 0.72, 0.97, 1.3, 1.8, 2.5, 3.5),
    }

    def __init__(
        self,
        threshold: PerClass = 0.5,
        window: PerClass | None = 0.45,
        clip_gate: bool = False,
    ):
        super().__init__(
            by_class(
                threshold=threshold, window=0.0 if window is None else window
            ),
            clip_gate,
        )

    @property
    def threshold(self) -> PerClass:
        """The threshold of all classes or of each."""
        return self.given("threshold")

    @property
    def window(self) -> PerClass:
        """The window of all classes or of each in seconds; 0 for none."""
        return self.given("window")

    def __call__(self, scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Decode the scores of a data set.

        See :meth:`sb_sed.smoothing.base.Smoother.__call__`; but the events
        have no confidence, as a median of decisions has none of its own:
        :meth:`to_scores` is exact at all thresholds.
        """
        return super().__call__(scores)[EVENT_COLUMNS]

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        scores = packed.scores_of(label)
        longest = max(s["window"] for s in settings)
        windows = packed.kept(
            ("median", longest), lambda: _Windows(packed, longest)
        )
        events, threshold, counts = [], None, None
        for setting in settings:
            # The grid has its windows next to one another.
            if setting["threshold"] != threshold:
                threshold = setting["threshold"]
                # In the precision of the scores.
                counts = windows.count(scores >= np.float32(threshold))
            active = windows.median(counts, setting["window"])
            events.append(run_events(scores, active))
        return Detections.from_frames(packed, events)

    def to_scores(
        self, scores: Mapping[str, pd.DataFrame]
    ) -> dict[str, pd.DataFrame]:
        """Filter the scores of each class with its window.

        A median of decisions is the decision on the median, so thresholding
        these scores gives this smoother's events at that threshold.
        """
        return {clip: self._filtered(table) for clip, table in scores.items()}

    def _filtered(self, table: pd.DataFrame) -> pd.DataFrame:
        """Filter the scores of one file."""
        # Events need no scipy, which takes a detector a quarter of a second.
        from scipy.ndimage import median_filter

        shift = np.median(table["offset"] - table["onset"])
        table = table.copy()
        for label in table.columns[2:]:
            half = int(_half(self.setting_of(label)["window"], shift))
            # scipy's own reflection errs where the window is the longer.
            scores = np.pad(table[label], half, mode="symmetric")
            filtered = median_filter(scores, size=2 * half + 1)
            table[label] = filtered[half : len(filtered) - half]
        return table


class _Windows:
    """Medians of decisions, by counting; equal to scipy's at any length.

    scipy filters one file at a time; a search filters all at many lengths.
    """

    def __init__(self, packed: PackedScores, longest: float):
        self._shift = packed.frame_seconds
        self._inside = packed.inside
        self._margin = int(_half(longest, self._shift).max(initial=0))
        n_frames = self._inside.shape[1]
        # Frames before and after the file are its repeated reflection.
        place = np.arange(-self._margin, n_frames + self._margin)
        place = place % (2 * packed.lengths[:, None])
        lengths = packed.lengths[:, None]
        self._frames = np.where(place < lengths, place, 2 * lengths - 1 - place)

    def count(self, active: np.ndarray) -> np.ndarray:
        """Count the active frames before each frame of the reflected file."""
        reflected = np.take_along_axis(active, self._frames, axis=1)
        counts = np.zeros((len(active), reflected.shape[1] + 1), np.int32)
        np.cumsum(reflected, axis=1, out=counts[:, 1:])
        return counts

    def median(self, counts: np.ndarray, window: float) -> np.ndarray:
        """Return the decision of most frames around each frame, [F, T]."""
        half = _half(window, self._shift)
        active = np.empty_like(self._inside)
        n_frames = active.shape[1]
        for size in np.unique(half):
            files = half == size
            files = slice(None) if files.all() else files
            start, end = self._margin - size, self._margin + size + 1
            active[files] = (
                counts[files, end : end + n_frames]
                - counts[files, start : start + n_frames]
            ) > size
        return active & self._inside


def _half(seconds: float, shift: np.ndarray) -> np.ndarray:
    """Half of the largest odd number of frames that fits in a time."""
    frames = np.floor(seconds / shift + 1e-6).astype(int)
    return np.maximum(0, (frames - 1) // 2)
