"""How often boxes are right, as a logistic curve of the confidence a class.

With twenty answers a class, curves that are fitted class by class are worse
than none. Here the classes share a curve, and each departs from it as far as
the answers ask for: a logistic regression with a normal prior on the
departures, whose width is averaged over, by how likely each makes the answers.
The common slope has a prior, too: a confidence that is a probability has the
slope 1.

What was drawn depends on confidence, class and the number of its boxes, and the
curve knows all three. The last matters for sums over all boxes: each class has
as many answers, so departures are drawn towards the mean of the classes, not of
the boxes; where classes with many boxes are right more often, as they tend to
be, the sums would be too low by a tenth (R. Little, "To model or not to model?
Competing modes of inference for finite population sampling", Journal of the
American Statistical Association 99, 2004).

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

# Prior of the common curve: intercept, slope, and what the intercept gains with
# the logarithm of the number of boxes of a class; mean and standard deviation.
_MEAN, _SPREAD = (0.0, 1.0, 0.0), (1.5, 0.3, 1.0)
# Standard deviations of the departures of a class in the intercept, that are
# averaged over; those in the slope are this share of them.
_DEPARTURES = (0.1, 0.2, 0.4, 0.8, 1.2)
_SLOPE_SHARE = 0.3
# The log-odds in which both are nearly independent: above most boxes.
_CENTRE = 0.5
_STEPS, _TOLERANCE = 60, 1e-6


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
    sizes : np.ndarray
        Number of boxes of each class, ``[C]``.

    Example
    -------
    >>> x = np.linspace(-3, 3, 40)
    >>> answers = Answers(x, np.zeros(40, dtype=int), (x > 0).astype(float))
    >>> curves = Curves(answers, sizes=np.array([40, 40]))
    >>> curves(np.array([-2.0, 2.0]), np.array([0, 1])).round(1)
    array([0. , 0.9])
    """

    def __init__(self, answers: Answers, sizes: np.ndarray):
        self.answers = answers
        size = np.log(np.asarray(sizes) + 1.0)
        self._size = size - size.mean()
        self._member = np.eye(len(size))[answers.group]
        self._precision = np.stack([self._precise(x) for x in _DEPARTURES])
        one = np.ones((len(_DEPARTURES), len(answers.y)))
        prior = np.tile(self._prior(), (len(_DEPARTURES), 1))
        self._fits, evidence = self._fit(self._precision, prior, one, prior)
        self.weights = np.exp(evidence - logsumexp(evidence))

    def __call__(self, x: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Return the probability that boxes are right, ``[N]``."""
        return self.weights @ expit(self._odds(self._fits, x, group))

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
            How often each answer counts in each of B draws, ``[B, A]``.
        x, group : np.ndarray
            Boxes, ``[N]``.

        Returns
        -------
        probabilities : np.ndarray
            ``[B, N]``.
        """
        places = generator.choice(len(_DEPARTURES), len(counts), p=self.weights)
        precision, start = self._precision[places], self._fits[places]
        away = generator.standard_normal(precision.shape) / np.sqrt(precision)
        modes, _ = self._fit(precision, self._prior() + away, counts, start)
        return expit(self._odds(modes, x, group))

    def _odds(
        self, values: np.ndarray, x: np.ndarray, group: np.ndarray
    ) -> np.ndarray:
        """The log-odds ``[B, N]`` of B curves, ``[B, P]``: what is common, then
        the departures in intercept of the classes, then in slope."""
        common, own = _parts(values)
        level = common[:, :1] + common[:, 2:] * self._size + own[:, 0]
        slope = common[:, 1:2] + own[:, 1]
        return level[:, group] + slope[:, group] * (x - _CENTRE)

    def _prior(self) -> np.ndarray:
        return np.concatenate([_MEAN, np.zeros(2 * len(self._size))])

    def _precise(self, width: float) -> np.ndarray:
        widths = np.repeat([width, _SLOPE_SHARE * width], len(self._size))
        return np.concatenate([_SPREAD, widths]) ** -2

    def _fit(
        self,
        precision: np.ndarray,
        prior: np.ndarray,
        counts: np.ndarray,
        start: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Newton's method for B priors ``[B, P]`` and counts ``[B, A]``; the
        modes and Laplace's log-evidence ``[B]``."""
        x, group, y = self.answers.x, self.answers.group, self.answers.y

        def _value(modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            odds = self._odds(modes, x, group)
            fit = (counts * (y * odds - np.logaddexp(0, odds))).sum(axis=1)
            fit -= 0.5 * (precision * (modes - prior) ** 2).sum(axis=1)
            return fit, expit(odds)

        modes = start.copy()
        value, p = _value(modes)
        share = np.ones((len(modes), 1))
        for _ in range(_STEPS):
            step, volume = self._step(
                counts * (y - p),
                counts * p * (1 - p),
                precision * (prior - modes),
                precision,
            )
            if np.abs(step).max() < _TOLERANCE:
                break
            further = modes + share * step
            higher, there = _value(further)
            # A long step can overshoot where the curve is flat.
            better = higher >= value - 1e-9
            modes[better], p[better] = further[better], there[better]
            value = np.where(better, higher, value)
            share *= np.where(better, 2.0, 0.25)[:, None]
            share = np.minimum(share, 1.0)
        return modes, value + 0.5 * (np.log(precision).sum(axis=1) - volume)

    def _step(
        self,
        rest: np.ndarray,
        weight: np.ndarray,
        pull: np.ndarray,
        precision: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """A step ``[B, P]`` from residuals and weights ``[B, A]``, and the
        curvature's log-determinant ``[B]``.

        The departures of a class meet those of no other, so they are eliminated
        class by class: the equations that are left are those in common.
        """
        x, size = self.answers.x - _CENTRE, self._size
        s0, s1, s2 = ((weight * x**n) @ self._member for n in range(3))
        g0, g1 = ((rest * x**n) @ self._member for n in range(2))
        pull_common, pull_own = _parts(pull)
        precise_common, precise_own = _parts(precision)
        ahead = np.stack([g0, g1, g0 * size], axis=1).sum(axis=2) + pull_common
        own = np.stack([g0, g1], axis=1) + pull_own
        # The curvature [B, common, own, C] in both, that in the own ones
        # inverted, and that in common.
        across = np.stack([s0, s1, s1, s2, s0 * size, s1 * size], axis=1)
        across = across.reshape(len(rest), 3, 2, -1)
        first, last = s0 + precise_own[:, 0], s2 + precise_own[:, 1]
        area = first * last - s1**2
        inverse = np.stack([last, -s1, -s1, first], axis=1) / area[:, None]
        inverse = inverse.reshape(len(rest), 2, 2, -1)
        shared = across[:, :, 0]
        shared = np.stack([shared, across[:, :, 1], shared * size], axis=2)
        shared = shared.sum(axis=3)
        each = np.arange(shared.shape[1])
        shared[:, each, each] += precise_common
        turned = np.einsum("bikc,bklc->bilc", across, inverse)
        left = shared - np.einsum("bilc,bjlc->bij", turned, across)
        ahead = ahead - np.einsum("bilc,blc->bi", turned, own)
        common = np.linalg.solve(left, ahead[:, :, None])[:, :, 0]
        own = np.einsum("bklc,blc->bkc", inverse, own)
        own -= np.einsum("bilc,bi->blc", turned, common)
        volume = np.linalg.slogdet(left)[1] + np.log(area).sum(axis=1)
        return np.hstack([common, own.reshape(len(own), -1)]), volume


def _parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is common ``[B, 3]`` and the departures ``[B, 2, C]``."""
    n_common = len(_MEAN)
    own = values[:, n_common:]
    return values[:, :n_common], own.reshape(len(own), 2, -1)
