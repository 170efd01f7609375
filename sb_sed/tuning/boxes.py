"""Learns which boxes are events.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.special import expit

from sb_sed.errors import InputError
from sb_sed.smoothing.box_features import NAMES
from sb_sed.smoothing.boxes import BoxSmoother
from sb_sed.smoothing.detections import Detections
from sb_sed.tuning.matching import within_collars
from sb_sed.tuning.regularise import Shrink
from sb_sed.tuning.trials import Trials

_STEPS = 25  # of Newton's method, at most
_LONGEST = 2.0  # change of a weight in a step
_SMALL = 1e-4  # change of a weight that is the end


@dataclass(frozen=True)
class FitBoxes:
    """Logistic regression of hits, and a threshold for each class.

    A box is a hit if it is within the collars of a reference event. All classes
    share a model, from which that of each class departs as far as its own boxes
    show: both are ridge regressions, the second towards the first, so a class
    without events has the shared one. The thresholds are the best for
    probabilities of files that the model has not seen (it is fitted once more
    for each part of the files), with Shrink.

    Arguments
    ---------
    ridge : float
        Price of the squared weights of the shared model, for features of unit
        variance.
    own : float
        Price of a class's squared departure from it.
    parts : int
        Of the files, for the thresholds.
    shrink : float
        Events of an average class, as of
        :class:`~sb_sed.tuning.regularise.Shrink`.
    seed : int
        Of the division into parts.

    Raises
    ------
    InputError
        If the smoother is another one than ``boxes``.
    """

    ridge: float = 30.0
    own: float = 100.0
    parts: int = 3
    shrink: float = 20.0
    seed: int = 0

    def __call__(self, trials: Trials, weights: np.ndarray) -> dict:
        """See :class:`~sb_sed.tuning.search.Search`."""
        if not isinstance(trials.smoother, BoxSmoother):
            raise InputError(
                f"The smoother {trials.smoother.name} has no boxes to learn: "
                "take the exact search, or the smoother boxes."
            )
        weights = weights.astype(float)
        known = np.flatnonzero(weights)
        part = np.full(len(weights), -1)
        shuffled = np.random.default_rng(self.seed).permutation(len(known))
        part[known] = shuffled % self.parts
        axes = trials.smoother.axes["threshold"]
        hits, estimates = np.zeros((2, len(trials.classes), len(axes)))
        for index in range(self.parts):
            unseen = weights * (part == index)
            models = self._models(trials, weights - unseen)
            for row, label in enumerate(trials.classes):
                settings = [{**models[label], "threshold": x} for x in axes]
                found = trials.try_settings(label, settings)
                hits[row] += found[0] @ unseen
                estimates[row] += found[1] @ unseen
        reference = weights @ trials.reference
        goal = Shrink(self.shrink)(hits, estimates, reference)
        best = np.array(axes)[goal.argmax(axis=1)].tolist()
        models = self._models(trials, weights)
        return {
            label: {"threshold": threshold, **models[label]}
            for label, threshold in zip(trials.classes, best, strict=True)
        }

    def _models(self, trials: Trials, weights: np.ndarray) -> dict:
        """Return bias and weights of each class, from weighted files [F]."""
        tables = {x: _table(trials, x, weights) for x in trials.classes}
        columns = zip(*tables.values(), strict=True)
        features, hit, number = (np.concatenate(some) for some in columns)
        centre = _mean(features, number)
        scale = np.sqrt(_mean((features - centre) ** 2, number))
        scale[scale < 0.01] = 1.0

        def _fit(features, hit, number, price, start):
            scaled = np.append(
                (features - centre) / scale, np.ones((len(hit), 1)), axis=1
            )
            prices = np.append(np.full(len(NAMES), price), 1.0)
            return _ridge_logistic(scaled, hit, number, prices, start)

        rest = np.zeros(len(NAMES) + 1)
        shared = _fit(features, hit, number, self.ridge, rest)
        models = {}
        for label, table in tables.items():
            own = _fit(*table, self.own, shared)
            slopes = own[:-1] / scale
            models[label] = {
                "bias": float(own[-1] - slopes @ centre),
                **dict(zip(NAMES, slopes.tolist(), strict=True)),
            }
        return models


def _table(
    trials: Trials, label: str, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features [N, D], whether a hit [N] and weight [N] of boxes."""
    smoother = cast(BoxSmoother, trials.smoother)
    parts, start = [], 0
    for packed, reference in zip(
        trials.packs, trials.references[label], strict=True
    ):
        boxes, features = smoother.described(packed, label)
        found = Detections(
            setting=0 * boxes.file,
            file=boxes.file,
            onset=packed.onsets[boxes.file, boxes.first],
            offset=packed.offsets[boxes.file, boxes.end - 1],
            confidence=np.ones(len(boxes.file)),
        )
        hit = np.zeros(len(boxes.file))
        hit[within_collars(reference, found)[0]] = 1
        number = weights[start + boxes.file].astype(float)
        parts.append([x[number > 0] for x in (features, hit, number)])
        start += len(packed.files)
    features, hit, number = map(np.concatenate, zip(*parts, strict=True))
    return features, hit, number


def _mean(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Weighted mean of rows; 0 of none."""
    return number @ values / max(1.0, number.sum())


def _ridge_logistic(
    features: np.ndarray,
    hit: np.ndarray,
    number: np.ndarray,
    prices: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """Return the weights of the least penalised deviance, by Newton steps.

    The penalty is ``prices / 2 @ (weights - start) ** 2``. (scikit-learn's
    penalty draws to zero alone, not to another model.)
    """
    weights = start.copy()
    for _ in range(_STEPS):
        probability = expit(features @ weights)
        slope = features.T @ (number * (hit - probability))
        slope -= prices * (weights - start)
        curved = number * probability * (1 - probability)
        curve = features.T @ (curved[:, None] * features) + np.diag(prices)
        step = np.linalg.solve(curve, slope)
        # Where probabilities are far from 0.5, whole steps may overshoot.
        step /= max(1.0, np.abs(step).max() / _LONGEST)
        weights = weights + step
        if np.abs(step).max() < _SMALL:
            break
    return weights
