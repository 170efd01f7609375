"""A comb filter that varies in time.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.mixing.effects.chain import (
    Range,
    check_ranges,
    log_uniform,
    uniform,
)


@dataclass(frozen=True)
class CombFilter:
    """Adds a sound to itself with a delay that swings back and forth.

    ``y(t) = x(t) + g x(t - d(t))`` with
    ``d(t) = d (1 + s (1 + sin(2 pi r t + p)))``, interpolated between samples.
    The spectrum has notches ``1 / d`` Hz apart that sweep up and down. What
    comes after the end of the sound is cut.

    The released code of the UNIVPM-INRIA system, which never uses this effect,
    has delays of 100 to 280 ms (``delay: [0.1, 0.1]``) that reach forward in
    time. That is an echo of wavering pitch; the paper has a comb filter.

    Arguments
    ---------
    gain : (float, float)
        Range of the gain g of what is added.
    delay : (float, float)
        Range of the shortest delay d in seconds, log-uniform.
    sweep : (float, float)
        Range of the depth s: the longest delay is 1 + 2 s times the shortest.
    rate : (float, float)
        Range of the sweep's rate r in Hz.

    Raises
    ------
    InputError
        If a range is not in order or out of bounds.

    Example
    -------
    >>> samples = np.zeros(100, dtype=np.float32)
    >>> samples[0] = 1
    >>> comb = CombFilter()
    >>> drawn = {"gain": 0.5, "delay": 1e-3, "sweep": 0, "rate": 1, "phase": 0}
    >>> filtered = comb.apply(samples, 16000, **drawn)
    >>> np.flatnonzero(filtered), filtered[16]
    (array([ 0, 16]), np.float32(0.5))
    """

    gain: Range = (0.0, 1.0)
    delay: Range = (0.001, 0.01)
    sweep: Range = (0.9, 0.9)
    rate: Range = (0.5, 0.5)

    def __post_init__(self):
        check_ranges(
            self, gain=(-1, 1), delay=(1e-5, 1), sweep=(0, 10), rate=(0, 20)
        )

    def draw(self, rng: Generator) -> dict[str, float]:
        """Draw gain, delay, sweep, rate and the phase of the sweep."""
        return {
            "gain": uniform(rng, self.gain),
            "delay": log_uniform(rng, self.delay),
            "sweep": uniform(rng, self.sweep),
            "rate": uniform(rng, self.rate),
            "phase": uniform(rng, (0, 2 * np.pi)),
        }

    def apply(
        self,
        samples: np.ndarray,
        sample_rate: int,
        *,
        gain: float,
        delay: float,
        sweep: float,
        rate: float,
        phase: float,
    ) -> np.ndarray:
        """Return the sound [N] filtered."""
        if len(samples) == 0:
            return samples.copy()
        angle = np.arange(len(samples), dtype=np.float32)
        angle *= 2 * np.pi * rate / sample_rate
        angle += phase
        delays = delay * sample_rate * (1 + sweep * (1 + np.sin(angle)))
        # Linear interpolation; np.interp takes twice the time.
        whole = np.floor(delays)
        margin = int(whole.max()) + 1
        source = np.pad(samples, (margin, 0))
        places = np.arange(margin, len(source))
        places -= whole.astype(places.dtype)
        delayed, before = source[places], source[places - 1]
        delayed += (delays - whole) * (before - delayed)
        return samples + gain * delayed
