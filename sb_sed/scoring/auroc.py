"""Area under the ROC curve of segments, up to a false positive rate.

The figure that the scorer of RealDESED calls pauroc, and DCASE 2024 Task 4 (for
MAESTRO) its mpAUC: that of sed_scores_eval, ``segment_based.auroc``, at 1 s and
0.1. That of scikit-learn is another: it interpolates between the points and
standardises the area (McClish), whereas here the curve is a staircase and the
area is divided by the largest rate.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.formats import TIME_NOISE, Event, under_names
from sb_sed.scoring.collar import events_by_file
from sb_sed.scoring.intersections import DECIMALS, Steps, frame_edges
from sb_sed.scoring.psds import file_seconds

SEGMENT = 1.0  # seconds
MAX_FPR = 0.1


def segment_auroc(
    reference: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    durations: Mapping[str, float] | None = None,
    classes: Sequence[str] | None = None,
    segment: float = SEGMENT,
    max_fpr: float = MAX_FPR,
) -> dict:
    """Compute the partial area under the ROC curve of each class.

    A segment is of a class if an event of it lies in the segment, however
    briefly, and has the highest score of its frames.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`.
    scores : Mapping
        Stem -> scores table, for each file of the reference.
    durations : Mapping, optional
        File name -> seconds; the offset of the last frame when omitted.
    classes : Sequence[str], optional
        Those that are scored; by default all of the scores.
    segment : float
        Length of a segment in seconds.
    max_fpr : float
        False positive rate up to which the area is taken, by which it is
        divided. 1 for the whole area.

    Returns
    -------
    dict
        ``macro``, the mean of the classes that are in some segments and not
        in others (None without any), and ``per_class``, None for the others.

    Raises
    ------
    InputError
        If the durations lack a file.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 1, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> scores = {"a": scores_table([[0.1], [0.9], [0.1]], 1.0, ["Dog"])}
    >>> segment_auroc(reference, scores)
    {'macro': 1.0, 'per_class': {'Dog': 1.0}}
    """
    events = events_by_file(reference)
    scores = under_names(events, scores, ("reference", "scores"))
    seconds = file_seconds(events, scores, durations)
    if classes is None:
        classes = list(next(iter(scores.values())).columns[2:])
    found = [
        _segments(
            [Event(*event) for event in events[name]],
            scores[name],
            seconds[name],
            classes,
            segment,
        )
        for name in events
    ]
    active, highest = (
        np.concatenate(side) for side in zip(*found, strict=True)
    )
    per_class = {
        label: _partial_area(active[:, k], highest[:, k], max_fpr)
        for k, label in enumerate(classes)
    }
    defined = [value for value in per_class.values() if value is not None]
    macro = float(np.mean(defined)) if defined else None
    return {"macro": macro, "per_class": per_class}


def _segments(
    events: Sequence[Event],
    table: pd.DataFrame,
    seconds: float,
    classes: Sequence[str],
    segment: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether an event is in each segment of a file, and its score, [S, C]."""
    n_segments = max(1, math.ceil(seconds / segment - TIME_NOISE))
    bounds = np.round(np.arange(n_segments + 1) * segment, DECIMALS)
    active = np.zeros((n_segments, len(classes)), dtype=bool)
    place = {label: k for k, label in enumerate(classes)}
    for onset, offset, label in events:
        if label in place:
            inside = (bounds[:-1] < offset) & (bounds[1:] > onset)
            active[:, place[label]] |= inside
    # A class that the scores lack is never detected.
    matrix = table.reindex(columns=classes, fill_value=0.0).to_numpy(float)
    edges = frame_edges(table).round(DECIMALS)
    begin = np.searchsorted(edges, bounds[:-1], side="right") - 1
    end = np.searchsorted(edges, bounds[1:], side="left")
    highest = np.zeros(active.shape)  # behind the last frame
    for row, (first, last) in enumerate(zip(begin.clip(0), end, strict=True)):
        if len(frames := matrix[first:last]):
            highest[row] = frames.max(axis=0)
    return active, highest


def _partial_area(
    active: np.ndarray, scores: np.ndarray, max_fpr: float
) -> float | None:
    """The area of one class; None if the rates are not defined."""
    if active.all() or not active.any():
        return None
    counts = Steps(scores, np.stack([~active, active], axis=1).astype(float))
    false, true = (counts.points()[1] / [(~active).sum(), active.sum()]).T
    inside = false <= max_fpr
    widths = np.diff(false[inside], append=max_fpr)
    return float(true[inside] @ widths / max_fpr)
