"""Bursts of noise or of a tone, added to a part of a sound.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.mixing.effects.chain import Range, check_ranges, uniform


@dataclass(frozen=True)
class NoiseBurst:
    """Adds white noise to a part of a sound.

    Distribution (uniform) and level of the noise are those of the released
    code of the UNIVPM-INRIA system; its mean is zero, where there it is half
    of the range.

    Arguments
    ---------
    level : (float, float)
        Range of the largest magnitude of the noise over the RMS of the sound.
    length : (float, float)
        Range of the burst's share of the sound, 0 to 1.

    Raises
    ------
    InputError
        If a range is not in order or out of bounds.

    Example
    -------
    >>> samples = np.sin(np.arange(1000, dtype=np.float32))
    >>> burst = NoiseBurst(length=(0.2, 0.2))
    >>> drawn = burst.draw(np.random.default_rng(0))
    >>> noise = burst.apply(samples, 16000, **drawn) - samples
    >>> int(np.count_nonzero(noise))
    200
    """

    level: Range = (0.0, 1.0)
    length: Range = (0.0, 1.0)

    def __post_init__(self):
        check_ranges(self, level=(0, np.inf), length=(0, 1))

    def draw(self, rng: Generator) -> dict[str, float]:
        """Draw level, length, place (0 to 1) and the noise's seed."""
        return {
            "level": uniform(rng, self.level),
            "length": uniform(rng, self.length),
            "place": rng.random(),
            "seed": int(rng.integers(2**32)),
        }

    def apply(
        self,
        samples: np.ndarray,
        sample_rate: int,
        *,
        level: float,
        length: float,
        place: float,
        seed: int,
    ) -> np.ndarray:
        """Return the sound [N] with a burst, at any sample rate."""
        burst = _part(len(samples), length, place)
        noise = np.random.default_rng(seed).random(
            burst.stop - burst.start, dtype=np.float32
        )
        return _with_burst(samples, burst, level, 2 * noise - 1)


@dataclass(frozen=True)
class SineBurst:
    """Adds a tone to a part of a sound.

    Levels and lengths as in the released code of the UNIVPM-INRIA system.

    Arguments
    ---------
    level : (float, float)
        Range of the tone's amplitude over the RMS of the sound.
    length : (float, float)
        Range of the burst's share of the sound, 0 to 1.
    frequency : (float, float)
        Range of the tone's frequency in Hz; the released code begins at 0,
        which is inaudible.

    Raises
    ------
    InputError
        If a range is not in order or out of bounds.

    Example
    -------
    >>> samples = np.ones(1000, dtype=np.float32)
    >>> burst = SineBurst()
    >>> drawn = burst.draw(np.random.default_rng(0))
    >>> sorted(drawn)
    ['frequency', 'length', 'level', 'place']
    >>> burst.apply(samples, 16000, **drawn).shape
    (1000,)
    """

    level: Range = (0.0, 1.0)
    length: Range = (0.0, 1.0)
    frequency: Range = (20.0, 4000.0)

    def __post_init__(self):
        check_ranges(
            self, level=(0, np.inf), length=(0, 1), frequency=(0, np.inf)
        )

    def draw(self, rng: Generator) -> dict[str, float]:
        """Draw level, length, place (0 to 1) and frequency."""
        return {
            "level": uniform(rng, self.level),
            "length": uniform(rng, self.length),
            "place": rng.random(),
            "frequency": uniform(rng, self.frequency),
        }

    def apply(
        self,
        samples: np.ndarray,
        sample_rate: int,
        *,
        level: float,
        length: float,
        place: float,
        frequency: float,
    ) -> np.ndarray:
        """Return the sound [N] with a burst."""
        burst = _part(len(samples), length, place)
        # Single precision is fast, and enough for the part within a turn.
        turns = frequency / sample_rate * np.arange(burst.stop - burst.start)
        angle = (2 * np.pi * (turns - np.floor(turns))).astype(np.float32)
        return _with_burst(samples, burst, level, np.sin(angle))


def _part(n: int, length: float, place: float) -> slice:
    """A share of n samples; ``place``, 0 to 1, moves it from begin to end."""
    size = int(length * n)
    first = round(place * (n - size))
    return slice(first, first + size)


def _with_burst(
    samples: np.ndarray, part: slice, level: float, burst: np.ndarray
) -> np.ndarray:
    samples = samples.copy()
    if part.start < part.stop:
        rms = np.sqrt(np.dot(samples, samples) / len(samples))
        samples[part] += (level * rms) * burst
    return samples
