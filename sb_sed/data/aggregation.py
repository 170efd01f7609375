"""Label aggregation: from what several annotators marked to frame targets.

Each class is called with what was marked in a clip and returns its targets,
[T, C]: 0 or 1, or between the two where the targets are soft. Before, it is
fitted to the whole training set, which most have no need of.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

import numpy as np

from sb_sed.data.annotations import Annotation
from sb_sed.data.quality import Overlaps, annotator_quality


@dataclass(frozen=True)
class Marked:
    """What the annotators marked in one clip.

    Arguments
    ---------
    name : str
        Of the recording.
    annotations : Sequence[Annotation]
        Of A annotators, one at least.
    marks : np.ndarray
        Frames that each marked with a class: 0 or 1, [A, T, C].
    epoch : int
        In which the clip is read.
    """

    name: str
    annotations: Sequence[Annotation]
    marks: np.ndarray
    epoch: int = 0


class Aggregation(Protocol):
    """From the marks of several annotators to targets."""

    def fit(self, recordings: Iterable[Marked]) -> None:
        """Estimate what has to be known of the annotators."""

    def __call__(self, clip: Marked) -> np.ndarray:
        """Return targets [T, C], 0 to 1."""


class _Fixed:
    """An aggregation that nothing is estimated for."""

    def fit(self, recordings: Iterable[Marked]) -> None:
        """Do nothing; the recordings are not even looked at."""


class Majority(_Fixed):
    """What half of the annotators or more marked.

    Example
    -------
    >>> marks = np.array([[[1], [0]], [[0], [0]]])
    >>> Majority()(Marked("a", [], marks)).T
    array([[1., 0.]])
    """

    def __call__(self, clip: Marked) -> np.ndarray:
        return (clip.marks.mean(axis=0) >= 0.5).astype(float)


class Union(_Fixed):
    """What any annotator marked.

    Example
    -------
    >>> marks = np.array([[[1], [0]], [[1], [1]]])
    >>> Union()(Marked("a", [], marks)).T
    array([[1., 1.]])
    """

    def __call__(self, clip: Marked) -> np.ndarray:
        return clip.marks.max(axis=0).astype(float)


class Intersection(_Fixed):
    """What all annotators marked.

    Example
    -------
    >>> marks = np.array([[[1], [0]], [[1], [1]]])
    >>> Intersection()(Marked("a", [], marks)).T
    array([[1., 0.]])
    """

    def __call__(self, clip: Marked) -> np.ndarray:
        return clip.marks.min(axis=0).astype(float)


class OneAnnotator(_Fixed):
    """What one annotator marked, drawn for each recording.

    Arguments
    ---------
    each_epoch : bool
        Whether another one is drawn in each epoch; else it stays.
    seed : int
        Of the draws, which depend on it, the recording's name and the epoch
        alone.

    Example
    -------
    >>> marks = np.array([[[1], [0]], [[1], [1]]])
    >>> clips = [Marked("a", [], marks, epoch) for epoch in range(9)]
    >>> len({OneAnnotator(each_epoch=True)(clip).sum() for clip in clips})
    2
    >>> len({OneAnnotator(each_epoch=False)(clip).sum() for clip in clips})
    1
    """

    def __init__(self, each_epoch: bool, seed: int = 0):
        self.each_epoch = each_epoch
        self.seed = seed

    def __call__(self, clip: Marked) -> np.ndarray:
        drawn = [self.seed, crc32(clip.name.encode())]
        if self.each_epoch:
            drawn.append(clip.epoch)
        rng = np.random.default_rng(drawn)
        return clip.marks[rng.integers(len(clip.marks))].astype(float)


class Collector(_Fixed):
    """What the person marked who made the recording; else the majority.

    Example
    -------
    >>> marks = np.array([[[1], [0]], [[1], [1]]])
    >>> who = [Annotation("Ann", []), Annotation("Bob", [], is_collector=True)]
    >>> Collector()(Marked("a", who, marks)).T
    array([[1., 1.]])
    """

    def __init__(self):
        self.otherwise = Majority()

    def __call__(self, clip: Marked) -> np.ndarray:
        for annotation, marks in zip(clip.annotations, clip.marks, strict=True):
            if annotation.is_collector:
                return marks.astype(float)
        return self.otherwise(clip)


class SoftMean(_Fixed):
    """The share of the annotators that marked a frame.

    Example
    -------
    >>> marks = np.array([[[1], [0]], [[1], [1]]])
    >>> SoftMean()(Marked("a", [], marks)).T
    array([[1. , 0.5]])
    """

    def __call__(self, clip: Marked) -> np.ndarray:
        return clip.marks.mean(axis=0)


class WeightedSoft:
    """The share of the annotators, each weighted by quality to a power.

    The quality is estimated from the agreement of the annotators
    (:func:`~.quality.annotator_quality`).

    Arguments
    ---------
    power : float
        Of the quality as a weight: 0 gives ``SoftMean``; the higher, the more
        the best annotator of a recording decides alone. The default is that of
        RealDESED's baseline.
    prior : float
        Recordings of average quality that each annotator is credited with.

    Attributes
    ----------
    quality : dict[str, float]
        Of each annotator, once fitted; others count as the mean.

    Example
    -------
    >>> marks = np.array([[[1], [1]], [[1], [1]], [[0], [1]]])
    >>> clip = Marked("a", [Annotation(x, []) for x in "abc"], marks)
    >>> soft = WeightedSoft(prior=0.0)
    >>> soft.fit([clip])
    >>> soft(clip).round(3).T
    array([[0.999, 1.   ]])
    """

    def __init__(self, power: float = 16.0, prior: float = 5.0):
        self.power = power
        self.prior = prior
        self.quality: dict[str, float] = {}

    def fit(self, recordings: Iterable[Marked]) -> None:
        """Estimate the quality of all annotators."""
        self.quality = annotator_quality(
            (
                Overlaps.of([x.annotator for x in clip.annotations], clip.marks)
                for clip in recordings
            ),
            self.power,
            self.prior,
        )

    def __call__(self, clip: Marked) -> np.ndarray:
        mean = np.mean([*self.quality.values()]) if self.quality else 1.0
        quality = np.array(
            [self.quality.get(x.annotator, mean) for x in clip.annotations]
        )
        # Relative to the best, so that no power makes all of them 0.
        weights = (quality / quality.max()) ** self.power
        return np.tensordot(weights / weights.sum(), clip.marks, axes=1)
