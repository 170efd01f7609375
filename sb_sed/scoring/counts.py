"""Hits and misses per file and class, and the F1 scores made of them.

sed_eval gives one figure for a data set. Its counts are sums over files, so
keeping them per file gives the same figure and, by resampling the files, how
far it would move on another draw of recordings.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Counts of a comparison of estimated with reference events.

    Arguments
    ---------
    files : list of str
        The F stems of the files that were scored.
    classes : list of str
        The C labels.
    reference : np.ndarray
        Units (events or segments) of the reference, ``[F, C]``.
    estimate : np.ndarray
        Units of the estimate, ``[F, C]``.
    hits : np.ndarray
        Units that agree (true positives), ``[F, C]``.
    unreported : float
        F1 of a class that the reference has and the estimate never: 0, or NaN
        to leave it out of the mean.

    Example
    -------
    >>> counts = Counts(
    ...     files=["a", "b"],
    ...     classes=["Cat", "Dog"],
    ...     reference=np.array([[2, 0], [1, 1]]),
    ...     estimate=np.array([[1, 0], [1, 1]]),
    ...     hits=np.array([[1, 0], [1, 0]]),
    ... )
    >>> counts.f1()
    {'macro': 0.4, 'micro': 0.571..., 'per_class': {'Cat': 0.8, 'Dog': 0.0}}
    >>> counts.false_negatives.tolist()
    [[1, 0], [0, 1]]
    """

    files: list[str]
    classes: list[str]
    reference: np.ndarray
    estimate: np.ndarray
    hits: np.ndarray
    unreported: float = 0.0

    @property
    def false_positives(self) -> np.ndarray:
        """Units of the estimate that are not in the reference, ``[F, C]``."""
        return self.estimate - self.hits

    @property
    def false_negatives(self) -> np.ndarray:
        """Units of the reference that were not found, ``[F, C]``."""
        return self.reference - self.hits

    def f1(self) -> dict:
        """F1 over all files, as sed_eval has it.

        Returns
        -------
        scores : dict
            ``macro`` (mean over the classes of the reference), ``micro``
            (all units alike) and ``per_class`` (label -> F1); None where it
            is not defined, as for a class that the reference has not.
        """
        return self._scores(
            *self._f1(np.ones((1, len(self.files)))), lambda x: _number(x[0])
        )

    def intervals(
        self, n_draws: int = 1000, seed: int = 0, level: float = 0.95
    ) -> dict:
        """Percentile bootstrap over the files.

        Arguments
        ---------
        n_draws : int
            How often as many files as there are are drawn with replacement.
        seed : int
            Of the draws; the same seed gives the same intervals.
        level : float
            Share of the draws between the two bounds.

        Returns
        -------
        intervals : dict
            Like :meth:`f1`, with ``[low, high]`` for each number.
        """
        n_files = len(self.files)
        draws = np.random.default_rng(seed).multinomial(
            n_files, np.full(n_files, 1 / n_files), size=n_draws
        )
        tails = [(1 - level) / 2, (1 + level) / 2]

        def _interval(values: np.ndarray) -> list[float] | None:
            values = values[~np.isnan(values)]
            return np.quantile(values, tails).tolist() if len(values) else None

        return self._scores(*self._f1(draws), _interval)

    def _scores(self, macro, micro, per_class, summary) -> dict:
        return {
            "macro": summary(macro),
            "micro": summary(micro),
            "per_class": {
                label: summary(values)
                for label, values in zip(self.classes, per_class.T, strict=True)
            },
        }

    def _f1(self, weights: np.ndarray):
        """Macro [D], micro [D] and class F1 [D, C] of D weightings [D, F]."""
        hits, reference, estimate = (
            weights @ units
            for units in (self.hits, self.reference, self.estimate)
        )
        per_class = self._ratio(hits, reference, estimate)
        present = ~np.isnan(per_class)
        macro = np.divide(
            np.nansum(per_class, axis=1),
            present.sum(axis=1),
            out=np.full(len(weights), np.nan),
            where=present.any(axis=1),
        )
        micro = self._ratio(hits.sum(1), reference.sum(1), estimate.sum(1))
        return macro, micro, per_class

    def _ratio(self, hits, reference, estimate) -> np.ndarray:
        """2 tp / (units of both); NaN where the reference is empty."""
        f1 = np.divide(
            2.0 * hits,
            reference + estimate,
            out=np.full(np.shape(hits), np.nan),
            where=reference > 0,
        )
        f1[(reference > 0) & (estimate == 0)] = self.unreported
        return f1


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
