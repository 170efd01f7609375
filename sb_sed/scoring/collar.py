"""Event-based (collar) and segment-based comparison of events with sed_eval.

The settings are those of DCASE Task 4: an event is found if its onset lies
within the collar of the reference's and its offset within the collar or a share
of the reference's length, whichever is more; segments last 1 s.

A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event
detection", Applied Sciences 6(6), 2016.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, stem
from sb_sed.scoring import import_quietly
from sb_sed.scoring.counts import Counts

COLLAR = 0.2  # seconds
OFFSET_RATIO = 0.2  # of the reference event's length


def event_counts(
    reference: pd.DataFrame,
    estimate: pd.DataFrame,
    classes: Sequence[str] | None = None,
    collar: float = COLLAR,
    offset_ratio: float = OFFSET_RATIO,
) -> Counts:
    """Count the events that were found, per file and class.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`. Its files, with or
        without events, are the ones that are scored. Events of a class may
        overlap.
    estimate : pandas.DataFrame
        Events; those of other files are ignored.
    classes : sequence of str, optional
        The labels to score; all that occur when omitted.
    collar : float
        Tolerance of onset and offset in seconds.
    offset_ratio : float
        Tolerance of the offset as a share of the reference event's length.

    Returns
    -------
    counts : Counts
        Matched one to one, optimally, by sed_eval.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> estimate = pd.DataFrame(
    ...     [["a.wav", 0.19, 2.39, "Dog"], ["a.wav", 5, 6, "Dog"]],
    ...     columns=EVENT_COLUMNS,
    ... )
    >>> event_counts(reference, estimate).f1()["macro"]
    0.666...
    """
    return _count(
        reference,
        estimate,
        classes,
        lambda sed_eval, labels: sed_eval.sound_event.EventBasedMetrics(
            event_label_list=labels,
            t_collar=collar,
            percentage_of_length=offset_ratio,
            empty_system_output_handling="zero_score",
            event_matching_type="optimal",
        ),
    )


def segment_counts(
    reference: pd.DataFrame,
    estimate: pd.DataFrame,
    classes: Sequence[str] | None = None,
    resolution: float = 1.0,
) -> Counts:
    """Count the segments in which a class was found, per file and class.

    As in sed_eval, a class without any estimate has no segment-based F1 and is
    left out of the mean, whereas its event-based F1 is 0.

    Arguments
    ---------
    reference, estimate, classes
        As in :func:`event_counts`.
    resolution : float
        Length of a segment in seconds.

    Returns
    -------
    counts : Counts

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> estimate = pd.DataFrame([["a.wav", 1, 3, "Dog"]], columns=EVENT_COLUMNS)
    >>> segment_counts(reference, estimate).f1()["macro"]
    0.5
    """
    return _count(
        reference,
        estimate,
        classes,
        lambda sed_eval, labels: sed_eval.sound_event.SegmentBasedMetrics(
            event_label_list=labels,
            time_resolution=resolution,
        ),
        # sed_eval has no zero_score here.
        unreported=np.nan,
    )


def _count(
    reference: pd.DataFrame,
    estimate: pd.DataFrame,
    classes: Sequence[str] | None,
    make_metric: Callable,
    unreported: float = 0.0,
) -> Counts:
    """Run sed_eval file by file and keep what each file adds."""
    reference_events = events_by_stem(reference)
    if not reference_events:
        raise InputError("The reference names no file: nothing to score.")
    estimated_events = events_by_stem(estimate)
    labels = list(
        classes
        or sorted(
            {*reference["event_label"].dropna()}
            | {*estimate["event_label"].dropna()}
        )
    )
    metric = make_metric(import_quietly("sed_eval"), labels)
    totals = np.zeros((len(reference_events) + 1, 3, len(labels)), dtype=int)
    for row, (name, events) in enumerate(reference_events.items(), start=1):
        metric.evaluate(
            *(
                [
                    {
                        "filename": name,
                        "onset": onset,
                        "offset": offset,
                        "event_label": label,
                    }
                    for onset, offset, label in some
                    if label in labels
                ]
                for some in (events, estimated_events.get(name, []))
            )
        )
        totals[row] = [
            [metric.class_wise[label][count] for label in labels]
            for count in ("Nref", "Nsys", "Ntp")
        ]
    per_file = np.diff(totals, axis=0)
    return Counts(
        files=list(reference_events),
        classes=labels,
        reference=per_file[:, 0],
        estimate=per_file[:, 1],
        hits=per_file[:, 2],
        unreported=unreported,
    )


def events_by_stem(events: pd.DataFrame) -> dict[str, list[tuple]]:
    """Map the stem of each file to its events (onset, offset, label), if any.

    Both are in the order of the table (:func:`sb_sed.formats.read_events`).
    """
    files: dict[str, list[tuple]] = {}
    for filename, onset, offset, label in events[EVENT_COLUMNS].itertuples(
        index=False
    ):
        found = files.setdefault(stem(filename), [])
        if isinstance(label, str):
            found.append((float(onset), float(offset), label))
    return files
