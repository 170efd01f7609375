"""How often boxes are right, as a logistic curve of the confidence a class.

With twenty answers a class, curves that are fitted class by class are worse
than none. Here the classes share a curve, and each departs from it as far as
the answers ask for: a logistic regression with a normal prior on the departures,
whose width is averaged over, by how likely each makes the answers. The common
slope has a prior, too: a confidence that is a probability has the slope 1.

What was drawn depends on class and confidence alone, which the curve knows; so
it needs no weights for how probably a box was drawn.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

# Prior of the common curve: intercept and slope, mean and standard deviation.
_MEAN, _SPREAD = (0.0, 1.0), (1.5, 0.3)
# Standard deviations of the departures of a class in the intercept, that are
# averaged over; those in the slope are this share of them.
_DEPARTURES = (0.1, 0.2, 0.4, 0.8, 1.2)
_SLOPE_SHARE = 0.3
# The log-odds in which both are nearly independent: above most boxes.
_CENTRE = 0.5
_STEPS, _TOLERANCE = 25, 1e-6


@dataclass(frozen=True)
class Answers:
    """What is known of A boxes.

    Arguments
    ---------
    x : np.ndarray
        Log-odds of their confidence, ``[A]``.
    group : np.ndarray
        Their class, from 0 to C - 1, int, ``[A]``.
    y : np.ndarray
        How far each is right, 0 to 1, ``[A]``.
    """

    x: np.ndarray
    group: np.ndarray
    y: np.ndarray


class Curves:
    """Logistic curves of C classes that depart from a common one.

    Arguments
    ---------
    answers : Answers
        What they are fitted to.
    n_classes : int
        C.

    Example
    -------
    >>> x = np.linspace(-3, 3, 40)
    >>> answers = Answers(x, np.zeros(40, dtype=int), (x > 0).astype(float))
    >>> curves = Curves(answers, n_classes=2)
    >>> curves(np.array([-2.0, 2.0]), np.array([0, 1])).round(1)
    array([0. , 0.9])
    """

    def __init__(self, answers: Answers, n_classes: int):
        self.answers, self.n_classes = answers, n_classes
        self._design = self._rows(answers.x, answers.group)
        one = np.ones(len(answers.y))
        self._fits, evidence = [], []
        for width in _DEPARTURES:
            precision = self._precision(width)
            mode, log_evidence = self._fit(precision, self._prior(), one)
            self._fits.append(mode)
            evidence.append(log_evidence)
        self.weights = np.exp(evidence - logsumexp(evidence))

    def __call__(self, x: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Return the probability that boxes are right, ``[N]``."""
        rows = self._rows(x, group)
        return sum(
            weight * expit(rows @ mode)
            for weight, mode in zip(self.weights, self._fits, strict=True)
        )

    def drawn(
        self,
        generator: np.random.Generator,
        counts: np.ndarray,
        x: np.ndarray,
        group: np.ndarray,
    ) -> np.ndarray:
        """Return what the curves could as well be.

        The weighted Bayesian bootstrap: the answers count differently often,
        and the prior is elsewhere.

        M. Newton et al., "Weighted Bayesian bootstrap for scalable posterior
        distributions", Canadian Journal of Statistics 49 (2021).

        Arguments
        ---------
        generator : np.random.Generator
            Of the place of the prior.
        counts : np.ndarray
            How often each answer counts, ``[A]``.
        x, group : np.ndarray
            Boxes, ``[N]``.

        Returns
        -------
        probabilities : np.ndarray
            ``[N]``.
        """
        place = generator.choice(len(_DEPARTURES), p=self.weights)
        precision = self._precision(_DEPARTURES[place])
        away = generator.standard_normal(len(precision)) / np.sqrt(precision)
        mode, _ = self._fit(
            precision, self._prior() + away, counts, self._fits[place]
        )
        return expit(self._rows(x, group) @ mode)

    def _rows(self, x: np.ndarray, group: np.ndarray) -> np.ndarray:
        """The design: a common intercept and slope, then those a class."""
        x, each = x - _CENTRE, np.arange(len(x))
        rows = np.zeros((len(x), 2 + 2 * self.n_classes))
        rows[:, 0], rows[:, 1] = 1, x
        rows[each, 2 + group] = 1
        rows[each, 2 + self.n_classes + group] = x
        return rows

    def _prior(self) -> np.ndarray:
        return np.concatenate([_MEAN, np.zeros(2 * self.n_classes)])

    def _precision(self, width: float) -> np.ndarray:
        widths = np.repeat([width, _SLOPE_SHARE * width], self.n_classes)
        return np.concatenate([_SPREAD, widths]) ** -2

    def _fit(
        self,
        precision: np.ndarray,
        prior: np.ndarray,
        counts: np.ndarray,
        start: np.ndarray | None = None,
    ) -> tuple[np.ndarray, float]:
        """Newton's method; the mode and Laplace's log-evidence."""
        design, y = self._design, self.answers.y
        mode = prior if start is None else start
        for _ in range(_STEPS):
            p = expit(design @ mode)
            slope = design.T @ (counts * (y - p)) - precision * (mode - prior)
            weight = (counts * p * (1 - p))[:, None]
            curvature = (design * weight).T @ design + np.diag(precision)
            step = np.linalg.solve(curvature, slope)
            # A long step can overshoot where the curve is flat.
            mode = mode + step * min(1.0, 3.0 / max(np.abs(step).max(), 1e-9))
            if np.abs(step).max() < _TOLERANCE:
                break
        odds = design @ mode
        fit = counts @ (y * odds - np.logaddexp(0, odds))
        fit -= 0.5 * precision @ (mode - prior) ** 2
        _, volume = np.linalg.slogdet(curvature)
        return mode, fit + 0.5 * (np.log(precision).sum() - volume)
