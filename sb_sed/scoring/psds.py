"""Polyphonic sound detection scores (PSDS) with sed_scores_eval.

Exact over all thresholds; the baseline's psds_eval takes 50 thresholds and is
up to 0.02 lower.

C. Bilen et al., "A framework for the robust evaluation of sound event
detection", ICASSP 2020; J. Ebbers et al., "Threshold-independent evaluation of
sound event detection scores", ICASSP 2022.

Authors
 * sb_sed contributors 2026
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import stem
from sb_sed.scoring import import_quietly
from sb_sed.scoring.collar import events_by_stem

MAX_EFPR = 100.0  # effective false positives per hour

# Detection (dtc) and ground truth (gtc) tolerances with the cross triggers'
# (cttc), and the weights of cross triggers and of the spread over classes.
# Settings that share their tolerances share the expensive half of the work.
_TOLERANCES = {
    (0.5, 0.5, 0.3): {"2020": (0, 0), "2020_ct": (1, 0), "2020_st": (0, 1)},
    (0.7, 0.7, None): {"1": (0, 1)},
    (0.1, 0.1, 0.3): {"2": (0.5, 1)},
}


class PsdsUndefined(InputError):
    """PSDS is not defined for an input that has other scores."""


def psds(
    reference: pd.DataFrame,
    scores: dict[str, pd.DataFrame],
    durations: dict[str, float] | None = None,
) -> dict[str, float]:
    """Compute all PSDS variants that DCASE Task 4 has used.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`; events of one class
        in one file may neither overlap nor touch.
    scores : dict
        Stem -> scores table, for each file of the reference. Classes of which
        the reference has no event have no PSDS and are left out.
    durations : dict, optional
        File name -> seconds, for each file of the reference; the offset of
        the last frame when omitted.

    Returns
    -------
    psds : dict
        ``2020`` (tolerances 0.5, 0.5; 100 effective false positives an hour),
        ``2020_ct`` (with cross triggers, 0.3, weighted 1), ``2020_st`` (with
        the spread over classes, weighted 1), ``1`` (0.7, 0.7; spread 1) and
        ``2`` (0.1, 0.1; cross triggers 0.3, weighted 0.5; spread 1).

    Raises
    ------
    PsdsUndefined
        If events of a class overlap, there are none, the scores lack a
        class, or the installed pandas is too new.
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
    if int(pd.__version__.split(".")[0]) >= 3:
        raise PsdsUndefined(
            f"PSDS needs pandas older than 3 (sed_scores_eval fails with "
            f'{pd.__version__}): run pip install "pandas<3".'
        )
    intersection_based = import_quietly("sed_scores_eval.intersection_based")
    events = {
        name: sorted(found) for name, found in events_by_stem(reference).items()
    }
    if not any(events.values()):
        raise PsdsUndefined("The reference has no event: PSDS is not defined.")
    _refuse_overlaps(events)
    tables = _tables(events, scores)
    seconds = _durations(events, tables, durations)
    # Cross triggers are between classes: one class alone has none.
    several = len(next(iter(tables.values())).columns) > 3
    result = {}
    for (dtc, gtc, cttc), variants in _TOLERANCES.items():
        tolerances = {"dtc_threshold": dtc, "gtc_threshold": gtc}
        cttc = cttc if several else None
        deltas = intersection_based.intermediate_statistics_deltas(
            tables, events, cttc_threshold=cttc, **tolerances
        )
        _fill_empty_classes(deltas)
        for name, (alpha_ct, alpha_st) in variants.items():
            alpha_ct *= several
            result[name] = float(
                intersection_based.psds(
                    None,
                    events,
                    seconds,
                    deltas=deltas,
                    cttc_threshold=cttc if alpha_ct else None,
                    alpha_ct=alpha_ct,
                    alpha_st=alpha_st,
                    max_efpr=MAX_EFPR,
                    **tolerances,
                )[0]
            )
    return result


def _fill_empty_classes(deltas: dict[str, dict[str, tuple]]) -> None:
    """Give classes whose counts no threshold changes a point without change.

    Without any, sed_scores_eval fails: for a class whose detections all lie in
    its events and cover too little of them.
    """
    first = next(iter(deltas.values()))
    for label, (_, counts) in first.items():
        if not any(len(of_file[label][0]) for of_file in deltas.values()):
            none = {name: np.zeros(1, int) for name in counts}
            first[label] = np.zeros(1), none


def _refuse_overlaps(events: dict[str, list[tuple]]) -> None:
    """Refuse overlaps, at which sed_scores_eval fails with an assertion."""
    overlaps = [
        f"{name}, {later[2]}, {earlier[0]:g}-{earlier[1]:g} s and "
        f"{later[0]:g}-{later[1]:g} s"
        for name, found in events.items()
        for earlier, later in pairwise(
            sorted(found, key=lambda event: (event[2], *event[:2]))
        )
        if earlier[2] == later[2] and later[0] <= earlier[1]
    ]
    if overlaps:
        more = f" and {len(overlaps) - 3} more" if len(overlaps) > 3 else ""
        raise PsdsUndefined(
            "PSDS needs a reference in which events of one class neither "
            "overlap nor touch: merge or delete one of each pair "
            f"({'; '.join(overlaps[:3])}{more})."
        )


def _tables(
    events: dict[str, list[tuple]], scores: dict[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the scores of the reference's files and classes."""
    missing = [name for name in events if name not in scores]
    if missing:
        raise InputError(
            f"There are no scores for {missing[0]} ({len(missing)} of the "
            "reference's files lack them): PSDS needs them for each."
        )
    present = {label for found in events.values() for _, _, label in found}
    classes = list(scores[next(iter(events))].columns[2:])
    if unknown := sorted(present - set(classes)):
        raise PsdsUndefined(
            f"The scores have no column {unknown[0]}, a class of the "
            "reference: PSDS needs scores for each class."
        )
    columns = ["onset", "offset", *(c for c in classes if c in present)]
    return {name: scores[name][columns] for name in events}


def _durations(
    events: dict[str, list[tuple]],
    tables: dict[str, pd.DataFrame],
    durations: dict[str, float] | None,
) -> dict[str, float]:
    """Return the seconds of the reference's files."""
    if durations is None:
        return {
            name: float(table["offset"].iloc[-1])
            for name, table in tables.items()
        }
    seconds = {stem(name): value for name, value in durations.items()}
    missing = [name for name in events if name not in seconds]
    if missing:
        raise InputError(
            f"The durations lack {missing[0]} ({len(missing)} of the "
            "reference's files): add a row for each."
        )
    return {name: seconds[name] for name in events}
