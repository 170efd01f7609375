"""Agreement between annotators: how good can a detector be?

An annotator is scored against another one as a detector is against a
reference. Where annotators agree no better than that, a detector that reaches
the figure is as close to an annotator as the next annotator is.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from sb_sed.data.annotations import Annotation
from sb_sed.errors import InputError
from sb_sed.formats import events_table
from sb_sed.scoring.collar import event_counts, segment_counts
from sb_sed.scoring.counts import Counts
from sb_sed.scoring.soft import best_expected_f1

COLUMNS = ["class", "events", "event_f1", "event_low", "event_high"]
COLUMNS += ["segment_f1", "segment_low", "segment_high", "best_segment_f1"]


def agreement(
    annotations: Mapping[str, Sequence[Annotation]],
    classes: Sequence[str] | None = None,
    resolution: float = 1.0,
) -> pd.DataFrame:
    """Compare all pairs of annotators of the same recordings.

    Arguments
    ---------
    annotations : Mapping[str, Sequence[Annotation]]
        Of each recording; those of one annotator are left out.
    classes : Sequence[str], optional
        The classes; by default all that occur.
    resolution : float
        Length of a segment in seconds.

    Returns
    -------
    pandas.DataFrame
        A row for each class, and one of their mean, with the columns

        - ``events``: marked by all annotators together,
        - ``event_f1``: event-based F1 (collar 0.2 s) of one annotator against
          another, over all pairs, and its 95 % interval (recordings resampled),
        - ``segment_f1``: the same, segment-based,
        - ``best_segment_f1``: the highest segment-based F1 that any detector
          can expect against one of the annotators at random
          (:func:`sb_sed.scoring.soft.best_expected_f1`).

    Raises
    ------
    InputError
        If no recording has two annotators.

    Example
    -------
    >>> from sb_sed.formats import Event
    >>> same = [Event(0.0, 2.0, "Dog")]
    >>> found = agreement(
    ...     {"a": [Annotation("Ann", same), Annotation("Bob", same)]}
    ... )
    >>> found.set_index("class")["event_f1"].to_dict()
    {'Dog': 1.0, 'mean': 1.0}
    """
    shared = {
        name: marked for name, marked in annotations.items() if len(marked) > 1
    }
    if not shared:
        raise InputError(
            "No recording has two annotators: give a table with the "
            "annotations of each."
        )
    everything = [x for marked in shared.values() for x in marked]
    labels = [label for x in everything for *_, label in x.events]
    classes = list(classes or sorted(set(labels)))
    sides = _pairs(shared)
    by_event = _over_recordings(event_counts(*sides, classes))
    by_segment = _over_recordings(
        segment_counts(*sides, classes, resolution=resolution)
    )
    table = pd.DataFrame({"class": [*classes, "mean"]})
    table["events"] = [*map(labels.count, classes), len(labels)]
    for name, counts in {"event": by_event, "segment": by_segment}.items():
        value, interval = counts.f1(), counts.intervals()
        table[f"{name}_f1"] = _column(value, classes)
        bounds = [x or (np.nan, np.nan) for x in _column(interval, classes)]
        table[f"{name}_low"], table[f"{name}_high"] = zip(*bounds, strict=True)
    best = [_best(shared, label, resolution) for label in classes]
    table["best_segment_f1"] = [*best, float(np.nanmean(best))]
    return table[COLUMNS]


def _pairs(
    shared: Mapping[str, Sequence[Annotation]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events of the one and of the other annotator of each pair, by pair.

    A pair is scored one way: the F1 of swapped sides differs in the tolerance
    of the offsets only.
    """
    one, other = {}, {}
    for recording, marked in enumerate(shared.values()):
        for number, pair in enumerate(combinations(marked, 2)):
            key = f"{recording}-{number}"
            one[key], other[key] = (x.events for x in pair)
    return events_table(one), events_table(other)


def _over_recordings(counts: Counts) -> Counts:
    """Sum the pairs of a recording, the unit that is resampled."""
    names = [name.partition("-")[0] for name in counts.files]
    files, place = np.unique(names, return_inverse=True)

    def _sums(units: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(files), units.shape[1]))
        np.add.at(sums, place, units)
        return sums

    return Counts(
        files.tolist(),
        counts.classes,
        _sums(counts.reference),
        _sums(counts.estimate),
        _sums(counts.hits),
    )


def _column(figures: Mapping, classes: Sequence[str]) -> list:
    return [*(figures["per_class"][x] for x in classes), figures["macro"]]


def _best(
    shared: Mapping[str, Sequence[Annotation]], label: str, resolution: float
) -> float:
    """The best expected F1 of a class over the segments of all recordings."""
    soft = []
    for marked in shared.values():
        end = max((e.offset for x in marked for e in x.events), default=0.0)
        active = np.zeros((len(marked), int(np.ceil(end / resolution)) + 1))
        for row, annotation in zip(active, marked, strict=True):
            for onset, offset, other in annotation.events:
                if other == label:
                    first = int(onset / resolution)
                    row[first : int(np.ceil(offset / resolution))] = 1
        soft.append(active.mean(axis=0))
    return best_expected_f1(np.concatenate(soft))
