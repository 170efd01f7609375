"""Searches for the parameters of a smoother that give the best macro F1.

:mod:`sb_sed.tuning.learned` has two more that learn in place of searching.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sb_sed.errors import InputError
from sb_sed.smoothing.base import Smoother
from sb_sed.tuning.boxes import FitBoxes
from sb_sed.tuning.regularise import Shrink, class_f1
from sb_sed.tuning.trials import Trials, progress


class Search(Protocol):
    """What finds the parameters of a smoother."""

    def __call__(
        self, trials: Trials, weights: np.ndarray
    ) -> dict[str, dict[str, float]]:
        """Find the parameters on some of the files.

        Arguments
        ---------
        trials : Trials
            The smoother, the scores, the reference and the counts.
        weights : np.ndarray
            How often each file counts, ``[F]``.

        Returns
        -------
        parameters : dict
            Class -> name -> value.
        """


@dataclass(frozen=True)
class ExactSearch:
    """Find the best point of the grid without trying combinations.

    Macro F1 is a mean over classes, and each class has its own parameters but
    for those that are tied. So for each value of the tied parameters every
    class has its own optimum, and the best of these sums is the optimum of
    all. Of equally good settings of a class, the one that suits all classes
    together best is taken, also for a class without reference events.

    Arguments
    ---------
    regularise : Callable, optional
        The goal in place of the F1 of each class, such as
        :class:`~sb_sed.tuning.regularise.Flattest`.
    """

    regularise: Callable | None = None

    def __call__(self, trials: Trials, weights: np.ndarray) -> dict:
        """See :class:`Search`."""
        axes = trials.smoother.axes
        shape = [len(values) for values in axes.values()]
        weights = weights.astype(np.float32)
        hits, estimates = (
            (table @ weights).reshape(-1, *shape) for table in trials.grid
        )
        reference = weights @ trials.reference
        goal = (self.regularise or class_f1)(hits, estimates, reference)
        goal[reference == 0] = 0
        pooled = [n.sum(0, keepdims=True) for n in (hits, estimates, reference)]
        goal = goal + 1e-9 * class_f1(*pooled)
        # As [class, tied, own]: the tied parameters are one axis.
        tied = [name in trials.smoother.tied for name in axes]
        points = np.arange(goal[0].size).reshape(shape)
        points = points.transpose(
            np.argsort(np.logical_not(tied), kind="stable")
        )
        points = points.reshape(np.prod(shape, where=tied, dtype=int), -1)
        goal = goal.reshape(len(goal), -1)[:, points]
        best = goal.max(axis=2).sum(axis=0).argmax()
        chosen = points[best][goal[:, best].argmax(axis=1)]
        return {
            label: dict(trials.settings[point])
            for label, point in zip(trials.classes, chosen, strict=True)
        }


@dataclass(frozen=True)
class ForestSearch:
    """Search as the paper does: a forest of extra trees predicts the F1.

    ``skopt.forest_minimize`` with its defaults. All parameters of all classes
    are one point, on the grid or between its points; each call decodes the data
    set.

    S. Cornell et al., "Domain-adversarial training and trainable parallel
    front-end for the DCASE 2020 Task 4 sound event detection challenge", DCASE
    2020, section 3.4.

    Arguments
    ---------
    n_calls : int
        Points to try.
    seed : int
        Of the first points and of the trees.

    Raises
    ------
    InputError
        In a search, if scikit-optimize is not installed.
    """

    n_calls: int = 200
    seed: int = 0

    def __call__(self, trials: Trials, weights: np.ndarray) -> dict:
        """See :class:`Search`."""
        try:
            from skopt import forest_minimize
        except ImportError:
            raise InputError(
                "The forest search needs scikit-optimize: "
                "pip install scikit-optimize, or take the exact search."
            ) from None
        axes, tied = trials.smoother.axes, trials.smoother.tied
        # A tied parameter is one dimension, another is one a class, and one
        # that has a single value is none.
        free = [name for name in axes if min(axes[name]) < max(axes[name])]
        names: list[tuple[str, str | None]]
        names = [(name, None) for name in free if name in tied]
        names += [
            (name, label)
            for label in trials.classes
            for name in free
            if name not in tied
        ]

        def _parameters(point: list[float]) -> dict:
            values = dict(zip(names, point, strict=True))

            def _value(name: str, label: str) -> float:
                if name not in free:
                    return axes[name][0]
                return float(values[name, None if name in tied else label])

            return {
                label: {name: _value(name, label) for name in axes}
                for label in trials.classes
            }

        with progress(total=self.n_calls, desc="forest search") as bar:

            def _loss(point: list[float]) -> float:
                bar.update()
                return 1 - trials.macro_f1(_parameters(point), weights)

            found = forest_minimize(
                _loss,
                [(min(axes[name]), max(axes[name])) for name, _ in names],
                n_calls=self.n_calls,
                random_state=self.seed,
            )
        return _parameters(found.x)


# What did best on held-out halves, where it was not the plain exact search.
_RECOMMENDED: dict[str, Search] = {
    "boxes": FitBoxes(),
    "contrast_hmm": ExactSearch(Shrink(10.0)),
}


def recommended_search(smoother: Smoother) -> Search:
    """Return the search that is taken for a smoother when none is given."""
    return _RECOMMENDED.get(smoother.name, ExactSearch())
