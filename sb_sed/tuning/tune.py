"""Tunes a smoother and says honestly how good it is.

A smoother tuned and scored on the same files looks better than it is. Here the
files are halved (or divided in more folds) at random several times, each part
is scored with what was tuned on the rest, and the two figures stand side by
side.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.errors import InputError
from sb_sed.smoothing.base import Smoother
from sb_sed.tuning.report import LEVEL, Figure, TuningReport
from sb_sed.tuning.trials import Trials, macro_f1

# Macro F1 that is lost on held-out files without a warning.
OVERFIT = 0.02


def tune(
    smoother: Smoother,
    scores: Mapping[str, pd.DataFrame],
    events: pd.DataFrame,
    folds: int = 2,
    splits: int = 5,
    seed: int = 0,
    n_draws: int = 1000,
) -> TuningReport:
    """Tunes a smoother on all files, and on parts to see what that is worth.

    Arguments
    ---------
    smoother : Smoother
        With a search; it keeps the parameters that were tuned on all files.
    scores : Mapping[str, pd.DataFrame]
        As of :func:`sb_sed.formats.read_scores`.
    events : pd.DataFrame
        The reference, as of :func:`sb_sed.formats.read_events`.
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
        When reference and scores have nothing in common, there are fewer files
        than folds, or the smoother has no search.

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
    return tune_on(trials, folds, splits, seed, n_draws)


def tune_on(
    trials: Trials,
    folds: int = 2,
    splits: int = 5,
    seed: int = 0,
    n_draws: int = 1000,
) -> TuningReport:
    """As :func:`tune`, of trials that may serve further searches.

    Arguments
    ---------
    trials : Trials
        Of the smoother.
    folds, splits, seed, n_draws : int
        As of :func:`tune`.

    Returns
    -------
    report : TuningReport

    Raises
    ------
    InputError
        When there are fewer files than folds, or the smoother has no search.
    """
    start = time.perf_counter()
    smoother = trials.smoother
    if smoother.search is None:
        raise InputError(
            f"The smoother {smoother.name} has no search: give it one, to tune "
            "its parameters."
        )
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
    with tqdm(
        total=splits * folds,
        desc="tuning on parts",
        delay=2,
        leave=False,
        disable=None,
    ) as bar:
        for _ in range(splits):
            fold = generator.permutation(n_files) % folds
            unseen = np.zeros((2, *trials.reference.shape))
            for held in (fold == index for index in range(folds)):
                found = trials.counts(smoother.search(trials, ~held))
                tuned.append(_f1(found, trials, weights * ~held))
                held_out.append(_f1(found, trials, weights * held))
                unseen[:, held] = np.stack(found)[:, held]
                bar.update()
            cross_validated.append(_f1(unseen, trials, weights))
    smoother.parameters = smoother.search(trials, weights[0])
    found = trials.counts(smoother.parameters)
    figures = {
        "tuned": _figure(tuned),
        "held_out": _figure(held_out),
        "cross_validated": _figure(cross_validated),
        "whole": _figure([_f1(found, trials, weights)]),
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
    )


def _f1(found, trials: Trials, weights: np.ndarray) -> np.ndarray:
    hits, estimates = found
    return macro_f1(hits, estimates, trials.reference, weights)


def _figure(values: list[np.ndarray]) -> Figure:
    """Of values [1 + draws] of each part."""
    first, draws = np.stack(values)[:, 0], np.stack(values)[:, 1:].mean(axis=0)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return Figure(
        mean=float(first.mean()),
        std=float(first.std()),
        interval=np.quantile(draws, tails).tolist(),
    )


def _per_class(found, trials: Trials) -> dict[str, float | None]:
    hits, estimates = (counts.sum(axis=0) for counts in found)
    reference = trials.reference.sum(axis=0)
    return {
        label: float(2 * hit / (estimate + number)) if number else None
        for label, hit, estimate, number in zip(
            trials.classes, hits, estimates, reference, strict=True
        )
    }


def _left_out(trials: Trials) -> Iterator[str]:
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
    if tuned.mean - held_out.mean > OVERFIT:
        yield (
            f"Tuning overfits: macro F1 is {100 * tuned.mean:.1f} % on the "
            f"files tuned on and {100 * held_out.mean:.1f} % on held-out ones; "
            "report the latter, and regularise the search or tie parameters."
        )
