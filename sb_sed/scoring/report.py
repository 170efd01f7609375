"""The report of all scores of a detector.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import (
    atomic_path,
    differ_in_folders,
    match_tables,
    same_name,
)
from sb_sed.scoring.auroc import segment_auroc
from sb_sed.scoring.collar import event_counts, segment_counts
from sb_sed.scoring.counts import LEVEL, Counts
from sb_sed.scoring.psds import (
    PsdsUndefined,
    merge_note,
    only_classes,
    psd_curves,
)

# Variants of which the report has each class alone, and those of their means.
CLASS_PSDS = {"1": "realdesed_1_macro", "realdesed_2": "realdesed_2_macro"}


def make_report(
    reference: pd.DataFrame,
    events: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame] | None = None,
    durations: Mapping[str, float] | None = None,
    threshold: float | None = None,
    classes: Sequence[str] | None = None,
    n_draws: int = 1000,
    seed: int = 0,
) -> dict:
    """Score a detector against a reference.

    Arguments
    ---------
    reference : pandas.DataFrame
        Events as of :func:`sb_sed.formats.read_events`.
    events : pandas.DataFrame
        The detected events.
    scores : dict, optional
        Stem -> scores table, for PSDS. Files of the reference that have none
        are left out of every figure and listed.
    durations : dict, optional
        File name -> seconds, for PSDS; the end of the scores when omitted.
    threshold : float, optional
        The threshold that the events were found with, for the record.
    classes : sequence of str, optional
        The labels to score; all that occur when omitted.
    n_draws, seed : int
        Of the bootstrap of the confidence intervals.

    Returns
    -------
    report : dict
        ``n_files`` that were scored, ``n_reference`` files, ``missing`` files
        of the reference; ``event_f1`` and ``segment_f1``, each with ``macro``,
        ``micro`` and ``per_class``; ``psds`` (see :func:`~.psds.psds`; None
        without scores or where it is not defined) and ``class_psds``, two of
        the variants (``1`` and ``realdesed_2``) of each class alone;
        ``pauroc`` (see :func:`~.auroc.segment_auroc`); ``confidence_intervals``
        of the F1 scores (95 %, files resampled); ``threshold``; and ``notes``,
        sentences on all that was left out. Only plain Python values.

    Raises
    ------
    InputError
        If no file or class of the reference was analysed, or the durations
        lack a file.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> report = make_report(reference, reference, n_draws=10)
    >>> report["event_f1"]
    {'macro': 1.0, 'micro': 1.0, 'per_class': {'Dog': 1.0}}
    >>> report["psds"] is None
    True
    """
    notes = []
    names = reference["filename"].map(same_name)
    n_reference = names.nunique()
    partners, estimated = match_analysed(names, events, scores)
    missing = []
    if scores is not None:
        analysed = names.isin(partners)
        missing = sorted(reference.loc[~analysed, "filename"].unique())
        reference = reference[analysed]
    notes += _notes_on_files(names, partners, events, scores, missing)
    if scores is not None:
        scores = {name: scores[key] for name, key in partners.items()}
        _check_classes(reference, scores)
    by_event = event_counts(reference, events, classes, partners=estimated)
    by_segment = segment_counts(reference, events, classes, partners=estimated)
    notes += _notes_on_classes(by_event)
    of_scores = {"psds": None, "class_psds": None, "pauroc": None}
    if scores is None:
        notes.append("PSDS needs scores; it is not defined for events.")
    else:
        of_scores |= _of_scores(reference, scores, durations, classes, notes)
    return {
        "n_files": len(by_event.files),
        "n_reference": n_reference,
        "missing": missing,
        "event_f1": by_event.f1(),
        "segment_f1": by_segment.f1(),
        **of_scores,
        "confidence_intervals": {
            "level": LEVEL,
            "n_draws": n_draws,
            "seed": seed,
            "event_f1": by_event.intervals(n_draws, seed, LEVEL),
            "segment_f1": by_segment.intervals(n_draws, seed, LEVEL),
        },
        "threshold": threshold,
        "notes": notes,
    }


def write_json(report: dict, path: str | Path) -> None:
    """Write a report of plain values as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def _of_scores(
    reference: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    durations: Mapping[str, float] | None,
    classes: Sequence[str] | None,
    notes: list[str],
) -> dict:
    """Return pAUROC and PSDS, or a note that says why there is no PSDS."""
    found = {"pauroc": segment_auroc(reference, scores, durations, classes)}
    if classes is not None:
        reference = only_classes(reference, classes)
    try:
        curves = psd_curves(reference, scores, durations)
    except PsdsUndefined as error:
        notes.append(f"No PSDS. {error}")
        return found
    if note := merge_note(reference):
        notes.append(note)
    found["psds"] = curves.areas()
    found["class_psds"] = {name: curves.per_class(name) for name in CLASS_PSDS}
    return found


def match_analysed(
    names: pd.Series,
    events: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame] | None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Find what each file of the reference was analysed as.

    Sides that have nothing in common would give a zero that is taken for the
    detector's.

    Arguments
    ---------
    names : pandas.Series
        The files of the reference, as ``same_name`` has them.
    events : pandas.DataFrame
        The detected events.
    scores : dict, optional
        Key -> scores table.

    Returns
    -------
    keys, files : dict
        File of the reference -> key of its scores (without scores, file of its
        events), and file of the reference -> file of its events; of those that
        have one.

    Raises
    ------
    InputError
        If there is nothing in common, or it is not clear what is.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS
    >>> events = pd.DataFrame([["b/a.wav", 0, 2, "Dog"]], columns=EVENT_COLUMNS)
    >>> match_analysed(pd.Series(["a.wav"]), events, {"b/a": None})
    ({'a.wav': 'b/a'}, {'a.wav': 'b/a.wav'})
    """
    found = list(dict.fromkeys(events["filename"].map(same_name)))
    if scores is None:
        # No event in any file is a zero, too, but a true one.
        partners = found and match_tables(names, found, ("reference", "events"))
        return dict(partners or {}), dict(partners or {})
    partners = match_tables(names, scores, ("reference", "scores"))
    sides = "scores", "events"
    files = match_tables(scores, found, sides) if found else {}
    return partners, {
        name: files[key] for name, key in partners.items() if key in files
    }


def _check_classes(
    reference: pd.DataFrame, scores: Mapping[str, pd.DataFrame]
) -> None:
    """Refuse scores that have no class of the reference."""
    classes = list(next(iter(scores.values())).columns[2:])
    labels = list(dict.fromkeys(reference["event_label"].dropna()))
    if labels and not set(labels) & set(classes):
        raise InputError(
            f"No class of the reference is among the scores: the one names "
            f"{labels[0]!r}, the other {classes[0]!r}; name the classes alike."
        )


def _notes_on_files(
    names: pd.Series,
    partners: dict[str, str],
    events: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame] | None,
    missing: list[str],
) -> Iterator[str]:
    """Yield a sentence on each kind of files not counted, or not as named.

    ``names`` are those of the reference, ``partners`` of these -> as analysed.
    """
    if missing:
        yield (
            f"{len(missing)} of {names.nunique()} reference files have no "
            f"scores and are left out of every figure (first: {missing[0]})."
        )
    analysed = {
        *(events["filename"].map(same_name) if scores is None else scores)
    }
    if extra := sorted(analysed - {*partners.values()}):
        yield (
            f"{len(extra)} analysed files are not in the reference and are "
            f"ignored (first: {extra[0]})."
        )
    if scores is None and (silent := sorted({*names} - partners.keys())):
        yield (
            f"{len(silent)} reference files are not among the events and count "
            f"as analysed without finding any (first: {silent[0]})."
        )
    moved = [x for x in sorted(partners.items()) if differ_in_folders(*x)]
    if moved:
        yield (
            f"{len(moved)} files were matched though their folders differ "
            f"(first: {moved[0][1]} with {moved[0][0]})."
        )


def _notes_on_classes(counts: Counts) -> Iterator[str]:
    """Yield a sentence on each class that has no F1 or misses its mean."""
    n_reference, n_estimate = counts.reference.sum(0), counts.estimate.sum(0)
    for label, in_reference, in_estimate in zip(
        counts.classes, n_reference, n_estimate, strict=True
    ):
        if in_reference and not in_estimate:
            yield (
                f"{label} was never detected: its event-based F1 is 0; the "
                "segment-based mean leaves it out, as sed_eval does."
            )
        if in_estimate and not in_reference:
            yield (
                f"{label} was detected but is not in the reference: it counts "
                "in the micro mean only."
            )
