"""What can be reviewed: the events of a smoother at every confidence.

Authors
 * sb_sed contributors 2026
"""

import copy
from collections.abc import Mapping

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import audio_names
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.sebbs import SEBBsSmoother

# Boxes that are less confident are not asked about: what is missed because of
# that is found in windows.
FLOOR = 0.05
# The longest stretch in which a listener looks for missed events, seconds.
WINDOW = 10.0


def reviewable(smoother: object) -> Smoother:
    """Return a smoother whose threshold drops events and moves no boundary.

    An answer about a box holds at every threshold only then. Most smoothers are
    so; an HMM without a least confidence gets one of 0; for those whose events
    shrink as the threshold rises (threshold, median filter), and for what is no
    smoother of this package, it is cSEBBs with the threshold 0.5.

    Example
    -------
    >>> from sb_sed.smoothing.median import MedianSmoother
    >>> reviewable(MedianSmoother()).parameters
    {'filter': 0.48, 'merge': 2.0, 'threshold': 0.5}
    """
    if isinstance(smoother, Smoother) and smoother.keeps_extents:
        smoother = copy.copy(smoother)
        smoother.calibration = None
        return smoother
    if isinstance(smoother, HMMSmoother):
        options = smoother.options() | {"thresholds": [0.0]}
        return HMMSmoother(smoother.parameters, **options).at(0.0)
    gated = getattr(smoother, "clip_gate", False)
    parameters = {"filter": 0.48, "merge": 2.0, "threshold": 0.5}
    return SEBBsSmoother(parameters, clip_gate=gated)


def find_boxes(
    smoother: Smoother, scores: Mapping[str, pd.DataFrame], floor: float = FLOOR
) -> pd.DataFrame:
    """Return the events of all confidences from a floor up.

    Arguments
    ---------
    smoother : Smoother
        Of :func:`reviewable`.
    scores : Mapping[str, pd.DataFrame]
        Clip to table.
    floor : float
        The least confidence.

    Returns
    -------
    boxes : pd.DataFrame
        filename, onset, offset (seconds), event_label, confidence.

    Raises
    ------
    InputError
        If there is none.
    """
    boxes = smoother.at(floor)(scores)
    if not len(boxes):
        raise InputError(
            f"No event reaches the confidence {floor:g} in these recordings: "
            "give others, or a lower floor."
        )
    return boxes


def scores_of_events(
    events: pd.DataFrame, durations: Mapping[str, float]
) -> dict[str, pd.DataFrame]:
    """Return scores that are an event's confidence as long as it lasts.

    Arguments
    ---------
    events : pd.DataFrame
        filename, onset, offset (seconds), event_label, confidence.
    durations : Mapping[str, float]
        Of each recording, in seconds.

    Returns
    -------
    scores : dict
        Recording -> table, with a frame for each stretch in which nothing
        changes; where events overlap, the most confident counts.

    Example
    -------
    >>> row = ["a.wav", 1.0, 2.0, "Owl", 0.5]
    >>> columns = ["filename", "onset", "offset", "event_label", "confidence"]
    >>> events = pd.DataFrame([row], columns=columns)
    >>> scores_of_events(events, {"a.wav": 4.0})["a.wav"]
       onset  offset  Owl
    0    0.0     1.0  0.0
    1    1.0     2.0  0.5
    2    2.0     4.0  0.0
    """
    classes = sorted(events["event_label"].unique())
    of_files = dict(iter(events.groupby("filename")))
    scores = {}
    for name, duration in durations.items():
        own = of_files.get(name, events.iloc[:0])
        edges = np.concatenate([own["onset"], own["offset"]])
        inside = edges[(edges > 0) & (edges < duration)]
        edges = np.unique(np.concatenate([[0.0, duration], inside]))
        matrix = np.zeros((len(edges) - 1, len(classes)))
        for event in own.itertuples(index=False):
            rows = (edges[:-1] >= event.onset) & (edges[1:] <= event.offset)
            column = classes.index(event.event_label)
            highest = np.maximum(matrix[rows, column], event.confidence)
            matrix[rows, column] = highest
        times = {"onset": edges[:-1], "offset": edges[1:]}
        values = dict(zip(classes, matrix.T, strict=True))
        scores[name] = pd.DataFrame({**times, **values})
    return scores


def cut_windows(
    scores: Mapping[str, pd.DataFrame], seconds: float = WINDOW
) -> pd.DataFrame:
    """Cut recordings into windows of equal length, up to a longest.

    Arguments
    ---------
    scores : Mapping[str, pd.DataFrame]
        Clip to table.
    seconds : float
        The longest window.

    Returns
    -------
    windows : pd.DataFrame
        filename, onset, offset (seconds); together they are all recordings.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> table = scores_table(np.zeros((4, 1)), 4.0, ["Dog"])
    >>> cut_windows({"a": table})
      filename  onset  offset
    0    a.wav    0.0     8.0
    1    a.wav    8.0    16.0
    """
    rows = []
    for clip, name in audio_names(scores).items():
        start = float(scores[clip]["onset"].iloc[0])
        end = float(scores[clip]["offset"].iloc[-1])
        n_parts = max(1, int(np.ceil((end - start) / seconds - 1e-6)))
        edges = np.linspace(start, end, n_parts + 1).round(3).tolist()
        rows += [(name, *x) for x in zip(edges, edges[1:], strict=False)]
    return pd.DataFrame(rows, columns=["filename", "onset", "offset"])
