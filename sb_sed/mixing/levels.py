"""Levels of foregrounds and backgrounds: peaks in the clip, dB of full scale.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator


@dataclass(frozen=True)
class BackgroundLevel:
    """Draws the level of the background: normal, bound by the quietest event.

    Arguments
    ---------
    mean, deviation, low : float
        Peak in dB of full scale: its mean, its standard deviation and its
        least value.
    margin : float
        The most by which the background's peak may exceed that of the
        quietest event, dB.
    """

    mean: float = -30.0
    deviation: float = 12.0
    low: float = -50.0
    margin: float = 5.0

    def draw(self, rng: Generator, quietest: float) -> float:
        """Draw a peak level in dB of full scale."""
        level = max(rng.normal(self.mean, self.deviation), self.low)
        return min(level, quietest + self.margin)


@dataclass(frozen=True)
class UniformLevels:
    """Draws the levels of events uniformly, as in the paper.

    Arguments
    ---------
    low, high : float
        Range of an event's peak, dB of full scale.
    background : BackgroundLevel
        The level of the background.

    Example
    -------
    >>> events, background = UniformLevels().draw(np.random.default_rng(0), 3)
    >>> [round(level) for level in events], background <= min(events) + 5
    ([-13, -26, -34], True)
    """

    low: float = -35.0
    high: float = 0.0
    background: BackgroundLevel = BackgroundLevel()

    def draw(self, rng: Generator, n: int) -> tuple[list[float], float]:
        """Draw the levels of ``n`` events and of the background."""
        levels = rng.uniform(self.low, self.high, n)
        background = self.background.draw(rng, levels.min())
        return levels.tolist(), background


@dataclass(frozen=True)
class GaussianLevels:
    """Draws the levels of events as the paper's released code: normal, clipped.

    Arguments
    ---------
    mean, deviation, low, high : float
        Of an event's peak, dB of full scale.
    background : BackgroundLevel
        The level of the background.
    """

    mean: float = -30.0
    deviation: float = 7.0
    low: float = -45.0
    high: float = 0.0
    background: BackgroundLevel = BackgroundLevel()

    def draw(self, rng: Generator, n: int) -> tuple[list[float], float]:
        """Draw the levels of ``n`` events and of the background."""
        levels = rng.normal(self.mean, self.deviation, n)
        levels = levels.clip(self.low, self.high)
        background = self.background.draw(rng, levels.min())
        return levels.tolist(), background


def peak(samples: np.ndarray) -> float:
    """Return the largest magnitude; 0 if there are no samples."""
    # Without the copy that np.abs would make.
    return max(samples.max(initial=0), -samples.min(initial=0))


def at_level(samples: np.ndarray, level: float) -> np.ndarray:
    """Return a copy of samples, float32 [N], with this peak in dB.

    Silence stays silence.

    Example
    -------
    >>> at_level(np.array([2.0, -4.0], dtype=np.float32), -20.0)
    array([ 0.05, -0.1 ], dtype=float32)
    """
    loudest = peak(samples)
    gain = 10 ** (level / 20) / loudest if loudest else 0.0
    return samples * np.float32(gain)
