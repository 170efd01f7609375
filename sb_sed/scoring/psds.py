"""Polyphonic sound detection scores (PSDS).

Exact over all thresholds and equal to those of sed_scores_eval; the baseline's
psds_eval takes 50 thresholds and is up to 0.02 lower.

C. Bilen et al., "A framework for the robust evaluation of sound event
detection", ICASSP 2020; J. Ebbers et al., "Threshold-independent evaluation of
sound event detection scores", ICASSP 2022.

Authors
 * sb_sed contributors 2026
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    TIME_NOISE,
    Event,
    same_name,
    under_names,
)
from sb_sed.scoring.collar import events_by_file
from sb_sed.scoring.intersections import (
    Steps,
    Tolerances,
    TrueFile,
    detections,
    frame_edges,
)

MAX_EFPR = 100.0  # effective false positives per hour

_CTTC = 0.3  # cross trigger tolerance

# The weights of cross triggers and of the spread over classes. Settings that
# share their tolerances share the expensive half of the work.
_VARIANTS: dict[Tolerances, dict[str, tuple]] = {
    Tolerances(dtc=0.5, gtc=0.5): {
        "2020": (0, 0),
        "2020_ct": (1, 0),
        "2020_st": (0, 1),
    },
    Tolerances(dtc=0.7, gtc=0.7): {"1": (0, 1), "realdesed_1_macro": (0, 0)},
    Tolerances(dtc=0.1, gtc=0.1): {
        "2": (0.5, 1),
        "realdesed_2": (0, 1),
        "realdesed_2_macro": (0, 0),
    },
}
VARIANTS = tuple(name for named in _VARIANTS.values() for name in named)
# True positive ratios that are averaged over the classes at once.
_CELLS = 2**20


class PsdsUndefined(InputError):
    """PSDS is not defined for an input that has other scores."""


@dataclass(frozen=True)
class PsdCurves:
    """True positive ratio over the false positive rate, of each class.

    Arguments
    ---------
    classes : Sequence[str]
        Those of the reference.
    curves : Mapping[str, Sequence[tuple]]
        For each variant of PSDS the curve of each class: rates an hour and
        ratios, both rising.
    """

    classes: Sequence[str]
    curves: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]

    def areas(self) -> dict[str, float]:
        """Return all variants: see :func:`psds`."""
        return {
            name: _area(self.curves[name], alpha_st)
            for named in _VARIANTS.values()
            for name, (_, alpha_st) in named.items()
        }

    def per_class(self, variant: str) -> dict[str, float]:
        """Return the area of each class alone, which has no spread."""
        curves = zip(self.classes, self.curves[variant], strict=True)
        return {label: _area([curve], 0.0) for label, curve in curves}


def merge_events(reference: pd.DataFrame) -> pd.DataFrame:
    """Unite events of one class in one file that overlap or touch.

    A detector cannot tell them apart, and PSDS is not defined for them. The
    official ``validation.tsv`` of DCASE 2020 has twelve such pairs.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`.

    Returns
    -------
    merged : pandas.DataFrame
        Filename, onset, offset and event_label; all other rows as they were,
        each union in the place of its first event.

    Example
    -------
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 2, 3, "Dog"], ["a.wav", 0, 2, "Dog"]],
    ...     columns=EVENT_COLUMNS,
    ... )
    >>> merge_events(reference)
      filename  onset  offset event_label
    0    a.wav    0.0     3.0         Dog
    """
    merged = reference[EVENT_COLUMNS].reset_index(drop=True)
    merged = merged.astype({"onset": float, "offset": float})
    order = merged.dropna(subset=["event_label"]).sort_values(
        ["event_label", "onset"], kind="stable"
    )
    dropped = []
    for _, rows in order.groupby(
        [order["filename"].map(same_name), order["event_label"]], sort=False
    ):
        if len(rows) == 1:
            continue
        first, end = rows.index[0], -np.inf
        for row in rows.itertuples():
            if row.onset > end + TIME_NOISE:
                first, end = row.Index, row.offset
                continue
            end = max(end, row.offset)
            merged.loc[first, "offset"] = end
            dropped.append(row.Index)
    return merged.drop(index=dropped).reset_index(drop=True)


def merge_note(reference: pd.DataFrame) -> str:
    """Return a sentence on events that :func:`merge_events` unites, if any."""
    n_merged = len(reference) - len(merge_events(reference))
    if not n_merged:
        return ""
    return (
        f"{n_merged} events of the reference overlap or touch another of "
        "their class in their file: PSDS is that of the merged events, the F1 "
        "scores count each."
    )


def only_classes(
    reference: pd.DataFrame, classes: Sequence[str]
) -> pd.DataFrame:
    """Return the events of some classes; their files all stay.

    So the false alarms in the files of other classes count.

    Example
    -------
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 1, 2, "Dog"], ["b.wav", 0, 1, "Cat"]],
    ...     columns=EVENT_COLUMNS,
    ... )
    >>> only_classes(reference, ["Dog"])
      filename  onset  offset event_label
    0    a.wav    1.0     2.0         Dog
    1    b.wav    NaN     NaN         NaN
    """
    reference = reference.copy()
    other = ~reference["event_label"].isin(classes)
    reference.loc[other, EVENT_COLUMNS[1:]] = np.nan
    return reference


def psds(
    reference: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    durations: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Compute all PSDS variants of DCASE Task 4, and RealDESED's own.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`; those of one class
        that overlap or touch are one (:func:`merge_events`).
    scores : Mapping
        Stem -> scores table, for each file of the reference. Classes of which
        the reference has no event have no PSDS and are left out.
    durations : Mapping, optional
        File name -> seconds, for each file of the reference; the offset of
        the last frame when omitted.

    Returns
    -------
    psds : dict
        ``2020`` (tolerances 0.5, 0.5; 100 effective false positives an hour),
        ``2020_ct`` (with cross triggers, 0.3, weighted 1), ``2020_st`` (with
        the spread over classes, weighted 1), ``1`` (0.7, 0.7; spread 1),
        ``2`` (0.1, 0.1; cross triggers 0.3, weighted 0.5; spread 1),
        ``realdesed_2`` (as 2, without cross triggers: what the scorer of
        RealDESED calls psds2), ``realdesed_1_macro`` and
        ``realdesed_2_macro`` (as 1 and ``realdesed_2``, without the spread:
        the means of the classes' own, which it calls psds1_macro and
        psds2_macro).

    Raises
    ------
    PsdsUndefined
        If there are no events or the scores lack a class.
    InputError
        If a file lacks scores or a duration.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 1, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> scores = {"a": scores_table([[0.1], [0.9], [0.1]], 1.0, ["Dog"])}
    >>> psds(reference, scores)["1"]
    1.0
    """
    return psd_curves(reference, scores, durations).areas()


def psd_curves(
    reference: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    durations: Mapping[str, float] | None = None,
) -> PsdCurves:
    """Compute the curves whose areas are PSDS.

    Arguments and errors are those of :func:`psds`.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 1, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> scores = {"a": scores_table([[0.1], [0.9], [0.1]], 1.0, ["Dog"])}
    >>> psd_curves(reference, scores).per_class("1")
    {'Dog': 1.0}
    """
    events = events_by_file(merge_events(reference))
    scores = under_names(events, scores, ("reference", "scores"))
    n_events = Counter(label for x in events.values() for *_, label in x)
    classes = _classes({*n_events}, events, scores)
    seconds = sum(file_seconds(events, scores, durations).values())
    files = {
        name: TrueFile(
            [Event(*event) for event in found], frame_edges(scores[name])
        )
        for name, found in events.items()
    }
    weights = _cross_trigger_weights(events, classes)
    variants = [
        (tolerances, name, alpha_ct)
        for tolerances, named in _VARIANTS.items()
        for name, (alpha_ct, _) in named.items()
    ]
    curves: dict[str, list[tuple]] = {name: [] for _, name, _ in variants}
    for label in tqdm(classes, "PSDS", delay=2, leave=False, disable=None):
        found = []
        for name, file in files.items():
            runs = detections(scores[name][label].to_numpy(dtype=float))
            crossed = file.cross_triggers(label, runs, _CTTC, weights)
            found.append((file, runs, crossed))
        points = {
            tolerances: Steps.joined(
                [
                    file.steps(label, runs, tolerances, crossed)
                    for file, runs, crossed in found
                ]
            ).points()
            for tolerances in _VARIANTS
        }
        for tolerances, name, alpha_ct in variants:
            true, false, crossed = points[tolerances][1].T
            rate = 3600 * (false / seconds + alpha_ct * crossed)
            curves[name].append(_curve(rate, true / n_events[label]))
    return PsdCurves(classes, curves)


def _cross_trigger_weights(
    events: Mapping[str, Sequence[tuple]], classes: Sequence[str]
) -> dict[str, float]:
    """Return what a cross trigger adds to the mean rate over other classes.

    The rate of a class is per second of its events. Cross triggers are between
    classes: one class alone has none.
    """
    seconds = dict.fromkeys(classes, 0.0)
    for found in events.values():
        for onset, offset, label in found:
            seconds[label] += offset - onset
    n_others = max(len(classes) - 1, 1)
    return {
        label: 1 / max(total, TIME_NOISE) / n_others
        for label, total in seconds.items()
    }


def _curve(rate: np.ndarray, ratio: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the best true positive ratio up to each false positive rate.

    Both rise; the ratio holds up to the next rate, and the first rate is 0.
    """
    order = np.lexsort((-ratio, rate))
    rate, best = rate[order], np.maximum.accumulate(ratio[order])
    better = np.append(True, best[1:] > best[:-1]) & (rate <= MAX_EFPR)
    # Sums of weights that come and go may end a trifle below 0.
    return np.maximum(rate[better], 0.0), best[better]


def _area(curves: Sequence[tuple], alpha_st: float) -> float:
    """Return the area under the mean curve, less a share of its spread."""
    rates = np.unique(np.concatenate([rate for rate, _ in curves]))
    widths = np.diff(rates, append=MAX_EFPR)
    area = 0.0
    block = max(1, _CELLS // len(curves))
    for first in range(0, len(rates), block):
        at = rates[first : first + block]
        ratios = np.stack(
            [y[np.searchsorted(x, at, side="right") - 1] for x, y in curves]
        )
        height = ratios.mean(axis=0) - alpha_st * ratios.std(axis=0)
        area += np.maximum(height, 0) @ widths[first : first + block]
    return float(area / MAX_EFPR)


def _classes(
    present: set[str],
    events: Mapping[str, Sequence[tuple]],
    scores: Mapping[str, pd.DataFrame],
) -> list[str]:
    """Return the classes of the reference, all of which have scores."""
    if not present:
        raise PsdsUndefined("The reference has no event: PSDS is not defined.")
    missing = [name for name in events if name not in scores]
    if missing:
        raise InputError(
            f"There are no scores for {missing[0]} ({len(missing)} of the "
            "reference's files lack them): PSDS needs them for each."
        )
    for name in events:
        if unknown := sorted(present - set(scores[name].columns[2:])):
            raise PsdsUndefined(
                f"The scores have no column {unknown[0]}, a class of the "
                "reference: PSDS needs scores for each class."
            )
    return sorted(present)


def file_seconds(
    events: Mapping[str, Sequence[tuple]],
    scores: Mapping[str, pd.DataFrame],
    durations: Mapping[str, float] | None,
) -> dict[str, float]:
    """Return the seconds of the reference's files.

    Arguments
    ---------
    events : Mapping
        File of the reference -> its events.
    scores, durations
        As of :func:`psds`, the scores under the names of ``events``.

    Raises
    ------
    InputError
        If the durations lack a file.
    """
    if durations is None:
        return {name: float(scores[name]["offset"].iloc[-1]) for name in events}
    seconds = under_names(events, durations, ("reference", "durations"))
    missing = [name for name in events if name not in seconds]
    if missing:
        raise InputError(
            f"The durations lack {missing[0]} ({len(missing)} of the "
            "reference's files): add a row for each."
        )
    return {name: seconds[name] for name in events}
