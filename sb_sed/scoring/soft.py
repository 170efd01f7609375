"""Scores against soft references: shares of annotators, not 0 or 1.

Authors
 * sb_sed contributors 2026
"""

import numpy as np

from sb_sed.scoring.counts import f1, macro_mean


def expected_f1(active: np.ndarray, soft: np.ndarray) -> dict:
    """F1 of a detector against one of several annotators, in expectation.

    The counts of hits, misses and false alarms are those that one expects if
    each frame is annotated as by an annotator at random. For a soft reference
    of 0 and 1 it is the usual frame-based (or segment-based) F1.

    Arguments
    ---------
    active : np.ndarray
        Whether the detector has a class active, or its score from 0 to 1,
        [T, C].
    soft : np.ndarray
        Share of the annotators, 0 to 1, [T, C].

    Returns
    -------
    dict
        ``macro``, the mean of the classes that the reference has, and
        ``per_class``, [C]: NaN for others.

    Example
    -------
    >>> expected_f1(np.array([[1], [1], [0]]), np.array([[1], [0.5], [0.5]]))
    {'macro': 0.75, 'per_class': array([0.75])}
    """
    active, soft = np.asarray(active, float), np.asarray(soft, float)
    values = f1((active * soft).sum(0), active.sum(0), soft.sum(0))
    return {"macro": float(macro_mean(values)), "per_class": values}


def best_expected_f1(soft: np.ndarray) -> float:
    """Return the highest expected F1 that any detector can reach.

    Whatever the number of active frames, those with the highest shares are
    best; so it is that of the best threshold of the shares.

    Arguments
    ---------
    soft : np.ndarray
        Share of the annotators in each frame or segment of a class, [T].

    Returns
    -------
    float
        NaN if nobody marked anything.

    Example
    -------
    >>> best_expected_f1(np.array([1.0, 0.5, 0.0]))
    0.857...
    """
    shares = np.sort(np.asarray(soft, float))[::-1]
    total = shares.sum()
    if not total > 0:
        return float("nan")
    active = np.arange(1, len(shares) + 1)
    return float((2 * np.cumsum(shares) / (active + total)).max())
