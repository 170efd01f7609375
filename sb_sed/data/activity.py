"""Runs of active frames as events: the step that every smoother ends with.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

import numpy as np


def active_events(
    active: np.ndarray,
    onsets: np.ndarray,
    offsets: np.ndarray,
    classes: Sequence[str],
) -> list[tuple[float, float, str]]:
    """Turn a matrix of active frames into events.

    Each run of active frames of a class is one event, from the onset of its
    first frame to the offset of its last. The frames need not be of one
    length, so the scores of any toolkit can be decoded.

    Arguments
    ---------
    active : np.ndarray
        Whether a class is active in a frame, bool, [T, C].
    onsets, offsets : np.ndarray
        Where each frame begins and ends in seconds, [T].
    classes : Sequence[str]
        The C labels, in the order of the columns.

    Returns
    -------
    list[tuple[float, float, str]]
        (onset, offset, label), sorted by onset, then label.

    Example
    -------
    >>> active = np.array([[1, 0], [1, 1], [0, 1]], dtype=bool)
    >>> times = np.arange(4) * 0.5
    >>> active_events(active, times[:-1], times[1:], ["Cat", "Dog"])
    [(0.0, 1.0, 'Cat'), (0.5, 1.5, 'Dog')]
    """
    edges = np.diff(np.pad(active.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    # Transposed, so that starts and ends come out class by class and pair up.
    label, first = np.nonzero(edges.T == 1)
    _, last = np.nonzero(edges.T == -1)
    return sorted(
        (float(onsets[start]), float(offsets[end - 1]), classes[index])
        for index, start, end in zip(label, first, last, strict=True)
    )
