"""Compression of a sound's dynamics.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.mixing.effects.chain import Range, check_ranges, uniform


@dataclass(frozen=True)
class Compression:
    """Amplifies soft samples, as SoX's ``contrast`` does.

    The curve is ``sin(pi / 2 x + a / 750 sin(2 pi x))`` for the amount ``a``:
    small samples are amplified by 3.9 dB (a = 0) to 7.6 dB (a = 100), a sample
    of magnitude 1 stays. A sound is brought to a peak of 1 and back, so that
    the strength of the effect does not depend on the level of its file.

    Arguments
    ---------
    amount : (float, float)
        Range of the amount, within 0 to 100: the whole range in the released
        code of the UNIVPM-INRIA system.

    Raises
    ------
    InputError
        If the range is not in order or out of bounds.

    Example
    -------
    >>> samples = np.array([0.1, 0.5, -1.0], dtype=np.float32)
    >>> Compression().apply(samples, 16000, amount=50).round(2)
    array([ 0.2 ,  0.71, -1.  ], dtype=float32)
    """

    amount: Range = (0.0, 100.0)

    def __post_init__(self):
        check_ranges(self, amount=(0, 100))

    def draw(self, rng: Generator) -> dict[str, float]:
        """Draw the amount."""
        return {"amount": uniform(rng, self.amount)}

    def apply(
        self, samples: np.ndarray, sample_rate: int, *, amount: float
    ) -> np.ndarray:
        """Return the sound [N] compressed, at any sample rate."""
        peak = np.abs(samples).max(initial=0)
        if peak == 0:
            return samples.copy()
        angle = samples * (np.pi / 2 / peak)
        return peak * np.sin(angle + amount / 750 * np.sin(4 * angle))
