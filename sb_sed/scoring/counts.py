"""Hits and misses per file and class, and the F1 scores made of them.

sed_eval gives one figure for a data set. Its counts are sums over files, so
keeping them per file gives the same figure and, by resampling the files, its
confidence interval.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95  # of confidence intervals


def f1(
    hits: np.ndarray,
    estimate: np.ndarray,
    reference: np.ndarray,
    undefined: float = np.nan,
) -> np.ndarray:
    """Return F1 of numbers of units (events or segments).

    Arguments
    ---------
    hits, estimate, reference : np.ndarray
        Units that agree, of the estimate and of the reference, of shapes that
        broadcast.
    undefined : float
        The value where the reference has none.

    Returns
    -------
    f1 : np.ndarray

    Example
    -------
    >>> f1(np.array([1, 0, 0]), np.array([1, 0, 1]), np.array([3, 2, 0]))
    array([0.5, 0. , nan])
    """
    total = estimate + reference
    return np.divide(
        2.0 * hits,
        total,
        out=np.full(total.shape, undefined),
        where=np.broadcast_to(reference > 0, total.shape),
    )


def macro_mean(per_class: np.ndarray) -> np.ndarray:
    """Return the mean ``[...]`` of the F1 ``[..., C]`` that are not NaN.

    Example
    -------
    >>> macro_mean(np.array([[0.5, 1.0, np.nan], [np.nan] * 3]))
    array([0.75,  nan])
    """
    n_defined = (~np.isnan(per_class)).sum(axis=-1)
    return np.divide(
        np.nansum(per_class, axis=-1),
        n_defined,
        out=np.full(n_defined.shape, np.nan),
        where=n_defined > 0,
    )


@dataclass(frozen=True)
class Counts:
    """Counts of a comparison of estimated with reference events.

    Arguments
    ---------
    files : list of str
        The F files that were scored: names without extension, unless several
        files have one of these.
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
        """Return the false positives, ``[F, C]``."""
        return self.estimate - self.hits

    @property
    def false_negatives(self) -> np.ndarray:
        """Return the units of the reference that were missed, ``[F, C]``."""
        return self.reference - self.hits

    def f1(self) -> dict:
        """Return F1 over all files, equal to sed_eval's.

        Returns
        -------
        scores : dict
            ``macro`` (mean over the classes of the reference), ``micro``
            (all units alike) and ``per_class`` (label -> F1); None where it
            is not defined, as for a class that the reference lacks.
        """
        return self._scores(
            *self._f1(np.ones((1, len(self.files)))), lambda x: _number(x[0])
        )

    def intervals(
        self, n_draws: int = 1000, seed: int = 0, level: float = LEVEL
    ) -> dict:
        """Return confidence intervals: a percentile bootstrap over the files.

        Arguments
        ---------
        n_draws : int
            Number of draws of as many files, with replacement.
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

    def _scores(
        self,
        macro: np.ndarray,
        micro: np.ndarray,
        per_class: np.ndarray,
        summary: Callable,
    ) -> dict:
        """Summarise the F1 of all draws."""
        return {
            "macro": summary(macro),
            "micro": summary(micro),
            "per_class": {
                label: summary(values)
                for label, values in zip(self.classes, per_class.T, strict=True)
            },
        }

    def _f1(
        self, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return macro [D], micro [D], class F1 [D, C] of weights [D, F]."""
        sums = [
            weights @ units
            for units in (self.hits, self.estimate, self.reference)
        ]
        per_class = self._reported(*sums)
        micro = self._reported(*(n.sum(axis=1) for n in sums))
        return macro_mean(per_class), micro, per_class

    def _reported(
        self, hits: np.ndarray, estimate: np.ndarray, reference: np.ndarray
    ) -> np.ndarray:
        """Return F1, ``unreported`` where there is no estimate."""
        values = f1(hits, estimate, reference)
        values[(reference > 0) & (estimate == 0)] = self.unreported
        return values


def _number(value: float) -> float | None:
    """Return None for NaN."""
    return None if np.isnan(value) else float(value)
