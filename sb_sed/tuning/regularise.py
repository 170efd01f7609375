"""Goals of a search that do not depend on few events.

A class of a development set has some tens or hundreds of events, and the best
of hundreds of settings is in part the luckiest. Each object here replaces the
F1 of a class on the grid by something steadier; on held-out files the
parameters found so are better.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from sb_sed.scoring.counts import f1


def class_f1(
    hits: np.ndarray, estimates: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """Return the F1 of each class on the grid; 0 without reference events.

    Arguments
    ---------
    hits, estimates : np.ndarray
        Numbers of events, ``[C, ...]``, as the result.
    reference : np.ndarray
        Number of events, ``[C]``.

    Example
    -------
    >>> class_f1(
    ...     np.array([[1.0, 2.0], [0.0, 0.0]]),
    ...     np.ones((2, 2)),
    ...     np.array([3, 0]),
    ... )
    array([[0.5, 1. ], [0. , 0. ]])
    """
    return f1(hits, estimates, _beside(reference, hits), undefined=0.0)


@dataclass(frozen=True)
class Flattest:
    """The F1 averaged over the neighbours on the grid.

    A plateau is preferred to a lone peak.

    Arguments
    ---------
    width : int
        Grid points that are averaged along each axis.

    Example
    -------
    >>> hits = np.array([[0.0, 9, 0, 0, 7, 7, 7]])
    >>> goal = Flattest(width=3)(hits, np.full((1, 7), 10.0), np.array([10]))
    >>> int(goal.argmax())
    5
    """

    width: int = 3

    def __call__(
        self, hits: np.ndarray, estimates: np.ndarray, reference: np.ndarray
    ) -> np.ndarray:
        """Return the goal on the grid; arguments as of :func:`class_f1`."""
        size = (1, *[self.width] * (hits.ndim - 1))
        return uniform_filter(
            class_f1(hits, estimates, reference), size, mode="nearest"
        )


@dataclass(frozen=True)
class Shrink:
    """The F1 with events of an average class added to the class's own.

    The average class has the mean over the classes of the hits and estimates a
    reference event. The fewer events a class has, the nearer are its parameters
    to those that suit the average class.

    Arguments
    ---------
    weight : float
        Reference events that are added; 0 for none.

    Example
    -------
    >>> hits = np.array([[2.0, 1.0], [40.0, 80.0]])
    >>> estimates, reference = np.full((2, 2), 50.0), np.array([3, 100])
    >>> Shrink(weight=0)(hits, estimates, reference).argmax(axis=1)
    array([0, 1])
    >>> Shrink(weight=50)(hits, estimates, reference).argmax(axis=1)
    array([1, 1])
    """

    weight: float = 20.0

    def __call__(
        self, hits: np.ndarray, estimates: np.ndarray, reference: np.ndarray
    ) -> np.ndarray:
        """Return the goal on the grid; arguments as of :func:`class_f1`."""
        present = reference > 0
        hits_each, estimates_each = (
            (n[present] / _beside(reference[present], n)).sum(0)
            / max(1, present.sum())
            for n in (hits, estimates)
        )
        return class_f1(
            hits + self.weight * hits_each,
            estimates + self.weight * estimates_each,
            reference + self.weight,
        )


def _beside(reference: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Shape [C] as [C, 1, ...]."""
    return np.reshape(reference, (-1, *[1] * (counts.ndim - 1)))
