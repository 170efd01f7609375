"""Low-pass and high-pass filters.

Authors
 * sb_sed contributors 2026
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from sb_sed.mixing.effects.chain import Range, check_ranges, log_uniform


@dataclass(frozen=True)
class _Filter:
    """What has a cut-off, drawn log-uniformly."""

    cutoff: Range

    def __post_init__(self):
        check_ranges(self, cutoff=(1, np.inf))

    def draw(self, rng: Generator) -> dict[str, float]:
        """Draw the cut-off."""
        return {"cutoff": log_uniform(rng, self.cutoff)}


@dataclass(frozen=True)
class LowPass(_Filter):
    """Attenuates the high frequencies of a sound.

    A causal Butterworth filter of second order, as SoX's ``lowpass``: -3 dB at
    the cut-off, then 12 dB per octave. The paper gives no ranges; the released
    code has shelving filters of 1 to 4 kHz instead. A cut-off above half the
    sample rate leaves the sound as it is.

    Arguments
    ---------
    cutoff : (float, float)
        Range of the cut-off in Hz, log-uniform.

    Raises
    ------
    InputError
        If the range is not in order or out of bounds.

    Example
    -------
    >>> alternating = np.resize(np.float32([1, -1]), 1000)
    >>> filtered = LowPass().apply(alternating, 16000, cutoff=1000)
    >>> bool(abs(filtered[500:]).max() < 1e-6)
    True
    """

    cutoff: Range = (1000.0, 4000.0)

    def apply(
        self, samples: np.ndarray, sample_rate: int, *, cutoff: float
    ) -> np.ndarray:
        """Return the sound [N] filtered."""
        if cutoff >= sample_rate / 2:
            return samples.copy()
        w = math.tan(math.pi * cutoff / sample_rate)
        return _filtered(samples, [w * w, 2 * w * w, w * w], w)


@dataclass(frozen=True)
class HighPass(_Filter):
    """Attenuates the low frequencies of a sound.

    A causal Butterworth filter of second order, as SoX's ``highpass``: -3 dB
    at the cut-off, then 12 dB per octave. The paper gives no ranges; the
    released code's shelf of 20 to 400 Hz hardly changes most sounds, so these
    cut-offs begin at 100 Hz and end at 1 kHz. One above half the sample rate is
    set to just below it.

    Arguments
    ---------
    cutoff : (float, float)
        Range of the cut-off in Hz, log-uniform.

    Raises
    ------
    InputError
        If the range is not in order or out of bounds.

    Example
    -------
    >>> constant = np.ones(4000, dtype=np.float32)
    >>> filtered = HighPass().apply(constant, 16000, cutoff=200)
    >>> bool(abs(filtered[2000:]).max() < 1e-6)
    True
    """

    cutoff: Range = (100.0, 1000.0)

    def apply(
        self, samples: np.ndarray, sample_rate: int, *, cutoff: float
    ) -> np.ndarray:
        """Return the sound [N] filtered."""
        cutoff = min(cutoff, 0.49 * sample_rate)
        w = math.tan(math.pi * cutoff / sample_rate)
        return _filtered(samples, [1.0, -2.0, 1.0], w)


def _filtered(samples: np.ndarray, gains: list[float], w: float) -> np.ndarray:
    """Filter with the poles of 1 / (s^2 + sqrt(2) s + 1), made digital.

    Gains and poles are those of ``scipy.signal.butter``, which takes longer
    than the filtering; ``w`` is the cut-off as the bilinear transform warps it.
    """
    if len(samples) == 0:  # which SciPy does not take
        return samples.copy()
    damping = math.sqrt(2) * w
    poles = [1 + damping + w * w, 2 * (w * w - 1), 1 - damping + w * w]
    return lfilter(gains, poles, samples).astype(samples.dtype)
