"""Decoding of a test set, with given or with tuned parameters.

Authors
 * sb_sed contributors 2026
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sb_sed.formats import audio_names
from sb_sed.smoothing.base import Smoother
from sb_sed.tuning.search import Search, recommended_search
from sb_sed.tuning.trials import Trials
from sb_sed.tuning.tune import TuningReport, tune_on


@dataclass(frozen=True)
class Smoothed:
    """A decoded test set.

    Arguments
    ---------
    events : pd.DataFrame
        As of a call of the smoother.
    scores : dict[str, pd.DataFrame]
        As of its ``to_scores``.
    smoother : Smoother
        For other recordings of the same system.
    report : TuningReport | None
        The report of the tuning, if anything was tuned.
    """

    events: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    smoother: Smoother
    report: TuningReport | None = None


class AsGiven:
    """Decode with the parameters that the smoother has."""

    def __call__(
        self,
        smoother: Smoother,
        scores: Mapping[str, pd.DataFrame],
        reference: pd.DataFrame,
    ) -> Smoothed:
        """Decode a test set; the reference is not used."""
        return Smoothed(smoother(scores), smoother.to_scores(scores), smoother)


class CrossFit:
    """Tune on a test set without ever decoding a file that was tuned on.

    The files are divided at random; each part is decoded with the parameters
    tuned on the others, so that the figures of the set are held-out ones. (The
    paper reports its tuned transitions on all of the validation set.) The
    smoother for other recordings is tuned on all files.

    Arguments
    ---------
    search : Search, optional
        What finds the parameters, such as
        :class:`~sb_sed.tuning.search.ExactSearch` or
        :class:`~sb_sed.tuning.learned.Durations`; when omitted, what is
        recommended for the smoother.
    folds : int
        Parts.
    splits : int
        How often the report divides the files, for its means.
    seed : int
        Of the divisions.
    """

    def __init__(
        self,
        search: Search | None = None,
        folds: int = 2,
        splits: int = 5,
        seed: int = 0,
    ):
        self.search = search
        self.folds = folds
        self.splits = splits
        self.seed = seed

    def __call__(
        self,
        smoother: Smoother,
        scores: Mapping[str, pd.DataFrame],
        reference: pd.DataFrame,
    ) -> Smoothed:
        """Tune and decode a test set.

        Arguments
        ---------
        smoother : Smoother
            It is left unchanged.
        scores : Mapping[str, pd.DataFrame]
            Clip to table. Clips without a reference are decoded with what was
            tuned on all the others.
        reference : pd.DataFrame
            The true events, as of ``sb_sed.formats.read_events``.

        Returns
        -------
        Smoothed

        Raises
        ------
        InputError
            If there are fewer files than folds, or the reference does not fit
            the scores.
        """
        smoother = copy.copy(smoother)
        trials = Trials(smoother, scores, reference)
        search = self.search or recommended_search(smoother)
        report = tune_on(trials, search, self.folds, self.splits, self.seed)
        fold = np.random.default_rng(self.seed).permutation(len(trials.files))
        place = dict(zip(trials.files, fold % self.folds, strict=True))
        fitted: dict[int | None, Smoother] = {None: smoother}
        for held in range(self.folds):
            rest = np.array([place[clip] != held for clip in trials.files])
            fitted[held] = copy.copy(smoother)
            fitted[held].parameters = search(trials, rest)
        parts = []
        for held, one in fitted.items():
            clips = {c: t for c, t in scores.items() if place.get(c) == held}
            if clips:
                parts.append((one(clips), one.to_scores(clips)))
        names = audio_names(scores).values()
        order = {name: index for index, name in enumerate(names)}
        events = pd.concat([events for events, _ in parts])
        events = events.sort_values(
            "filename", key=lambda names: names.map(order), kind="stable"
        ).reset_index(drop=True)
        smoothed = {c: t for _, tables in parts for c, t in tables.items()}
        return Smoothed(
            events, {clip: smoothed[clip] for clip in scores}, smoother, report
        )
