"""The confidence of an event: one number from the frames inside it.

Authors
 * sb_sed contributors 2026
"""

import numpy as np
import pandas as pd

from sb_sed.errors import InputError


def mean_inside(
    values: np.ndarray, row: np.ndarray, first: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Return the mean of ``values [R, T]`` inside each event, ``[D]``.

    Events are a row, a first frame and the one after the last, in the order of
    :func:`sb_sed.smoothing.detections.runs`.

    Example
    -------
    >>> values = np.array([[0.2, 0.4, 0.9]])
    >>> row, first, end = np.array([[0, 0], [0, 2], [2, 3]])
    >>> mean_inside(values, row, first, end).round(3)
    array([0.3, 0.9])
    """
    # Summed in double precision.
    values = values.astype(np.float64)
    return _inside(np.add, values, row, first, end) / (end - first)


def max_inside(
    values: np.ndarray, row: np.ndarray, first: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Return the largest of each event's frames, as :func:`mean_inside`."""
    return _inside(np.maximum, values, row, first, end)


def min_inside(
    values: np.ndarray, row: np.ndarray, first: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Return the least of each event's frames, as :func:`mean_inside`."""
    return _inside(np.minimum, values, row, first, end)


def _inside(
    ufunc: np.ufunc,
    values: np.ndarray,
    row: np.ndarray,
    first: np.ndarray,
    end: np.ndarray,
) -> np.ndarray:
    """Reduce the frames of each event by a ufunc, [D]."""
    start = row * values.shape[1] + first
    # From each bound to the next: in turn an event and what follows it.
    bounds = np.stack([start, start + end - first], axis=1).ravel()
    # One more frame, for an event that ends with the last one.
    line = np.append(values, values.dtype.type(0))
    return ufunc.reduceat(line, bounds)[::2] if len(bounds) else line[:0]


# Name -> how the frames are summed up, and whether they are the posterior
# probabilities of the active state (else the scores).
CONFIDENCES = {
    "mean_score": (mean_inside, False),
    "max_score": (max_inside, False),
    "mean_posterior": (mean_inside, True),
    "max_posterior": (max_inside, True),
}


def check_confidence(name: str) -> str:
    """Return the name of a confidence; InputError if there is no such one."""
    if name not in CONFIDENCES:
        raise InputError(
            f"There is no confidence {name!r}: take one of "
            f"{', '.join(CONFIDENCES)}."
        )
    return name


def mean_scores(scores: pd.DataFrame, events: pd.DataFrame) -> list[float]:
    """Return the mean score of each event's class over its frames."""
    first = np.searchsorted(scores["offset"], events["onset"], side="right")
    end = np.searchsorted(scores["onset"], events["offset"], side="left")
    columns = {
        label: scores[label].to_numpy() for label in set(events["event_label"])
    }
    frames = zip(events["event_label"], first, end, strict=True)
    return [columns[label][i:j].mean() for label, i, j in frames]
