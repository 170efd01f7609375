"""Event-based (collar) and segment-based comparison of events with sed_eval.

The settings are those of DCASE Task 4: an event is found if its onset lies
within the collar of the reference's and its offset within the collar or a share
of the reference's length, whichever is more; segments last 1 s.

A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event
detection", Applied Sciences 6(6), 2016.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, match_names, same_name, short_names
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
    partners: Mapping[str, str] | None = None,
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
    partners : mapping, optional
        File of the reference -> file of the estimate, both as
        :func:`sb_sed.formats.same_name` has them; by default those of
        :func:`sb_sed.formats.match_names`.

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
        # Alone, as all pairs of events are compared for each class.
        lambda labels: [[label] for label in labels],
        partners,
    )


def segment_counts(
    reference: pd.DataFrame,
    estimate: pd.DataFrame,
    classes: Sequence[str] | None = None,
    resolution: float = 1.0,
    partners: Mapping[str, str] | None = None,
) -> Counts:
    """Count the segments in which a class was found, per file and class.

    As in sed_eval, a class without any estimate has no segment-based F1 and is
    left out of the mean, whereas its event-based F1 is 0.

    Arguments
    ---------
    reference, estimate, classes, partners
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
        # Together, as it goes through the segments once for all classes.
        lambda labels: [labels],
        partners,
        # sed_eval has no zero_score here.
        unreported=np.nan,
    )


def _count(
    reference: pd.DataFrame,
    estimate: pd.DataFrame,
    classes: Sequence[str] | None,
    make_metric: Callable,
    groups: Callable[[list[str]], list[list[str]]],
    partners: Mapping[str, str] | None,
    unreported: float = 0.0,
) -> Counts:
    """Run sed_eval file by file and keep what each file adds.

    ``groups`` are the labels that are evaluated together.
    """
    reference_events = events_by_file(reference)
    if not reference_events:
        raise InputError("The reference names no file: nothing to score.")
    estimated_events = events_by_file(estimate)
    if partners is None:
        partners = match_names(reference_events, estimated_events)
    labels = list(
        classes
        or sorted(
            {*reference["event_label"].dropna()}
            | {*estimate["event_label"].dropna()}
        )
    )
    sed_eval = import_quietly("sed_eval")
    # Under numbers: sed_eval takes a class named "None" for none.
    places = {label: str(place) for place, label in enumerate(labels)}
    metrics = [
        (group, make_metric(sed_eval, group))
        for group in groups(list(places.values()))
    ]
    counts = np.zeros((len(reference_events), len(labels), 3), dtype=int)
    for row, name in enumerate(
        tqdm(
            reference_events,
            "counting events",
            delay=2,
            leave=False,
            disable=None,
        )
    ):
        true, found = (
            _by_class(events, places)
            for events in (
                reference_events[name],
                estimated_events.get(partners.get(name), []),
            )
        )
        for group, metric in metrics:
            if true.keys().isdisjoint(group) and found.keys().isdisjoint(group):
                continue
            before = _totals(metric, group)
            metric.evaluate(
                *(
                    [event for label in group for event in side.get(label, [])]
                    for side in (true, found)
                )
            )
            columns = [int(label) for label in group]
            counts[row, columns] = _totals(metric, group) - before
    return Counts(
        files=list(short_names(reference_events).values()),
        classes=labels,
        reference=counts[..., 0],
        estimate=counts[..., 1],
        hits=counts[..., 2],
        unreported=unreported,
    )


def _by_class(
    events: list[tuple], names: Mapping[str, str]
) -> dict[str, list[dict]]:
    """Return the events of a file by class, as sed_eval takes them.

    ``names`` are what the classes are called there; others are left out.
    """
    classes: dict[str, list[dict]] = {}
    for onset, offset, label in events:
        if name := names.get(label):
            classes.setdefault(name, []).append(
                {"onset": onset, "offset": offset, "event_label": name}
            )
    return classes


def _totals(metric, labels: Sequence[str]) -> np.ndarray:
    """Return reference, estimate and hits so far of the C classes, [C, 3]."""
    return np.array(
        [
            [metric.class_wise[label][name] for name in ("Nref", "Nsys", "Ntp")]
            for label in labels
        ],
        dtype=int,
    )


def events_by_file(events: pd.DataFrame) -> dict[str, list[tuple]]:
    """Map each file to its events (onset, offset, label), if it has any.

    The name is that of :func:`sb_sed.formats.same_name`.
    Both are in the order of the table (:func:`sb_sed.formats.read_events`).
    """
    files: dict[str, list[tuple]] = {}
    for filename, onset, offset, label in events[EVENT_COLUMNS].itertuples(
        index=False
    ):
        found = files.setdefault(same_name(filename), [])
        if isinstance(label, str):
            found.append((float(onset), float(offset), label))
    return files
