"""Tuning of a smoother, with its scores on held-out files.

A smoother tuned and scored on the same files looks better than it is. Here the
files are halved (or divided in more folds) at random several times, each part
is scored with what was tuned on the rest, and both figures are reported.

Authors
 * sb_sed contributors 2026
"""

import time
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.scoring.counts import LEVEL, f1
from sb_sed.smoothing.base import Smoother
from sb_sed.tuning.report import Figure, TuningReport
from sb_sed.tuning.search import Search, recommended_search
from sb_sed.tuning.trials import Trials, progress

# Macro F1 that is lost on held-out files without a warning.
OVERFIT = 0.02


def fit(
    smoother: Smoother,
    scores: Mapping[str, pd.DataFrame],
    events: pd.DataFrame,
    search: Search | None = None,
) -> Smoother:
    """Tune a smoother on all files, without a report.

    Arguments
    ---------
    smoother, scores, events, search
        As of :func:`tune`.

    Returns
    -------
    smoother : Smoother
        The same, with the parameters found.
    """
    trials = Trials(smoother, scores, events)
    search = search or recommended_search(smoother)
    smoother.parameters = search(trials, np.ones(len(trials.files)))
    return smoother


def tune(
    smoother: Smoother,
    scores: Mapping[str, pd.DataFrame],
    events: pd.DataFrame,
    search: Search | None = None,
    folds: int = 2,
    splits: int = 5,
    seed: int = 0,
    n_draws: int = 1000,
) -> TuningReport:
    """Tune a smoother on all files, and on parts for held-out scores.

    Arguments
    ---------
    smoother : Smoother
        It gets the parameters that were tuned on all files.
    scores : Mapping[str, pd.DataFrame]
        As of :func:`sb_sed.formats.read_scores`.
    events : pd.DataFrame
        The reference, as of :func:`sb_sed.formats.read_events`.
    search : Search, optional
        What finds the parameters; when omitted, what is recommended for the
        smoother (:func:`~sb_sed.tuning.search.recommended_search`).
    folds : int
        Parts of a split; each is held out once.
    splits : int
        Random divisions into folds.
    seed : int
        Of the splits and of the bootstrap.
    n_draws : int
        Of the bootstrap.

    Returns
    -------
    report : TuningReport

    Raises
    ------
    InputError
        If reference and scores have nothing in common, or there are fewer
        files than folds.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> from sb_sed.smoothing.threshold import ThresholdSmoother
    >>> table = scores_table([[0.1], [0.3], [0.1]], 1.0, ["Dog"])
    >>> events = [[f"{n}.wav", 1.0, 2.0, "Dog"] for n in "abcd"]
    >>> smoother = ThresholdSmoother()
    >>> report = tune(
    ...     smoother,
    ...     {n: table for n in "abcd"},
    ...     pd.DataFrame(events, columns=EVENT_COLUMNS),
    ... )
    >>> report.held_out.mean, report.parameters
    (1.0, {'Dog': {'threshold': 0.12}})
    """
    trials = Trials(smoother, scores, events)
    search = search or recommended_search(smoother)
    return tune_on(trials, search, folds, splits, seed, n_draws)


def tune_on(
    trials: Trials,
    search: Search,
    folds: int = 2,
    splits: int = 5,
    seed: int = 0,
    n_draws: int = 1000,
) -> TuningReport:
    """As :func:`tune`, for trials that may serve further searches."""
    start = time.perf_counter()
    smoother = trials.smoother
    n_files = len(trials.files)
    if not 2 <= folds <= n_files or splits < 1:
        raise InputError(
            f"{n_files} files cannot be split {splits} times into {folds} "
            "folds: take one split or more, and from 2 folds to one a file, or "
            "a reference of more files."
        )
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(
        n_files, np.full(n_files, 1 / n_files), size=n_draws
    )
    # The files as they are, then the draws of the bootstrap.
    weights = np.vstack([np.ones(n_files), draws])
    tuned, held_out, cross_validated = [], [], []
    with progress(total=splits * folds, desc="tuning on parts") as bar:
        for _ in range(splits):
            fold = generator.permutation(n_files) % folds
            unseen = np.zeros((2, *trials.reference.shape))
            for held in (fold == index for index in range(folds)):
                found = trials.counts(search(trials, ~held))
                tuned.append(trials.score(found, weights * ~held))
                held_out.append(trials.score(found, weights * held))
                unseen[:, held] = np.stack(found)[:, held]
                bar.update()
            cross_validated.append(trials.score(tuple(unseen), weights))
    smoother.parameters = search(trials, weights[0])
    found = trials.counts(smoother.parameters)
    figures = {
        "tuned": _figure(tuned),
        "held_out": _figure(held_out),
        "cross_validated": _figure(cross_validated),
        "whole": _figure([trials.score(found, weights)]),
    }
    return TuningReport(
        smoother=smoother.name,
        **figures,
        per_class=_per_class(found, trials),
        parameters=smoother.parameters,
        n_files=n_files,
        folds=folds,
        splits=splits,
        seconds=time.perf_counter() - start,
        warnings=[
            *_left_out(trials),
            *_overfit(figures["tuned"], figures["held_out"]),
        ],
        held_out_parts=[float(scores[0]) for scores in held_out],
    )


def _figure(values: list[np.ndarray]) -> Figure:
    """Summarise the values [1 + draws] of each part."""
    first, draws = np.stack(values)[:, 0], np.stack(values)[:, 1:].mean(axis=0)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return Figure(
        mean=float(first.mean()),
        std=float(first.std()),
        interval=np.quantile(draws, tails).tolist(),
    )


def _per_class(
    found: tuple[np.ndarray, np.ndarray], trials: Trials
) -> dict[str, float | None]:
    """Return F1 on all files; None for a class that the reference lacks."""
    values = f1(*(n.sum(axis=0) for n in (*found, trials.reference)))
    return {
        label: None if np.isnan(value) else float(value)
        for label, value in zip(trials.classes, values, strict=True)
    }


def _left_out(trials: Trials) -> Iterator[str]:
    """Yield a sentence on each kind of files and classes that do not count."""
    if missing := trials.missing:
        yield (
            f"{len(missing)} of {len(trials.files) + len(missing)} reference "
            f"files have no scores and are left out (first: {missing[0]})."
        )
    if trials.unknown:
        yield (
            f"The scores have no column for {', '.join(trials.unknown)}: left "
            "out of the macro mean."
        )
    for label, number in zip(
        trials.classes, trials.reference.sum(axis=0), strict=True
    ):
        if not number:
            yield (
                f"The reference has no {label}: its parameters are those that "
                "suit all classes together, and it is left out of the mean."
            )


def _overfit(tuned: Figure, held_out: Figure) -> Iterator[str]:
    """Yield a warning if the held-out score is much lower."""
    if tuned.mean - held_out.mean > OVERFIT:
        yield (
            f"Tuning overfits: macro F1 is {100 * tuned.mean:.1f} % on the "
            f"files tuned on and {100 * held_out.mean:.1f} % on held-out ones; "
            "report the latter, and regularise the search or tie parameters."
        )
