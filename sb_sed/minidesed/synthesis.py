"""Building blocks of procedural sounds: noise, harmonics, resonances, strikes.

They work on 16 kHz signals [time] and draw all that is random from the given
generator ``rng``: the same state gives the same bits.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve

RATE = 16000
_TABLE = 1 << 15


Values = Sequence[float] | np.ndarray


def draw(rng: Generator, low: float, high: float, shift: float = 0.0) -> float:
    """Draw a log-uniform number above 0.

    ``shift`` moves the range by that share of its (logarithmic) width.

    Example
    -------
    >>> 2 <= draw(np.random.default_rng(0), 2, 8) < 8
    True
    """
    return float(low * (high / low) ** (rng.random() + shift))


def times(seconds: float) -> np.ndarray:
    """Return the sample times of a sound in seconds, float32 [time].

    Example
    -------
    >>> len(times(0.5))
    8000
    """
    return np.arange(max(1, round(seconds * RATE)), dtype=np.float32) / RATE


def cycles(f0: np.ndarray) -> np.ndarray:
    """Return the phase of a tone in cycles, float64 [time].

    ``f0`` is its frequency at each sample in Hz, [time].

    Example
    -------
    >>> float(cycles(np.full(16000, 100.0))[-1].round(3))
    100.0
    """
    return np.cumsum(np.asarray(f0, dtype=np.float64)) / RATE


def curve(
    rng: Generator, n: int, per_second: float, low: float, high: float
) -> np.ndarray:
    """Return a random line of ``n`` samples between two values, float64.

    It has ``per_second`` corners in a second, joined by straight lines.

    Example
    -------
    >>> len(curve(np.random.default_rng(0), 100, 5, 2, 3))
    100
    """
    knots = max(2, int(np.ceil(n / RATE * per_second)) + 1)
    x = np.linspace(0, knots - 1, n)
    return np.interp(x, np.arange(knots), rng.uniform(low, high, knots))


def coloured_noise(
    rng: Generator, n: int, points: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Return ``n`` samples of Gaussian noise with a spectrum, RMS 1, float32.

    ``points`` are those of :func:`gain_curve`.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> coloured_noise(rng, 1600, [(100, 0), (8000, -20)]).shape
    (1600,)
    """
    size = next_fast_len(n, real=True)
    spectrum = rfft(rng.standard_normal(size, dtype=np.float32))
    spectrum *= gain_curve(size, points)
    return level(irfft(spectrum, size)[:n])


def gain_curve(size: int, points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return linear gains for a real Fourier transform of ``size`` samples.

    ``points`` are frequencies in Hz and levels in dB, joined by straight lines
    over the logarithm of the frequency. float32 [size // 2 + 1].

    Example
    -------
    >>> float(gain_curve(16, [(100, -20), (8000, 0)])[-1])
    1.0
    """
    hz, db = np.array(points, dtype=float).T
    bins = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 1.0)
    gains = 10 ** (np.interp(np.log(bins), np.log(hz), db) / 20)
    return gains.astype(np.float32)


def level(x: np.ndarray) -> np.ndarray:
    """Return the sound at root mean square 1, float32 [time].

    Example
    -------
    >>> level(np.array([4.0, -4.0]))
    array([ 1., -1.], dtype=float32)
    """
    x = np.asarray(x, dtype=np.float32)
    return x / (np.sqrt(np.mean(x * x)) + np.float32(1e-9))


def faded(
    x: np.ndarray, seconds: float = 0.005, end: float | None = None
) -> np.ndarray:
    """Fade a sound linearly in and out, in place, and return it.

    ``end`` is the length of the fade at the end in seconds, if different.

    Example
    -------
    >>> faded(np.ones(1000))[[0, 500, -1]]
    array([0., 1., 0.])
    """
    for part, length in ((x, seconds), (x[::-1], end or seconds)):
        k = min(round(length * RATE), len(x) // 2)
        part[:k] *= np.linspace(0, 1, k, dtype=x.dtype)
    return x


def harmonics(
    rng: Generator, phase: np.ndarray, amplitudes: Values
) -> np.ndarray:
    """Return a periodic wave with random phases, RMS 1, float32 [time].

    ``phase`` is in cycles, see :func:`cycles`; ``amplitudes`` are those of 1
    f0, 2 f0, … The wave is read from a table of one period.

    Example
    -------
    >>> phase = cycles(np.full(16000, 100.0))
    >>> wave = harmonics(np.random.default_rng(0), phase, [1.0, 0.5])
    >>> int(np.abs(np.fft.rfft(wave)).argmax())
    100
    """
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=complex)
    turn = rng.uniform(0, 2 * np.pi, len(amplitudes))
    spectrum[1 : len(amplitudes) + 1] = amplitudes * np.exp(1j * turn)
    table = level(irfft(spectrum))
    return table[(phase * _TABLE).astype(np.int64) & (_TABLE - 1)]


def rolled_off(
    f0: float, slope: float, brightest: float = 7500.0
) -> np.ndarray:
    """Return amplitudes of harmonics that fall by ``slope`` dB per octave.

    ``f0`` is the highest fundamental that occurs; they end at ``brightest`` Hz.

    Example
    -------
    >>> rolled_off(2000, 6.02).round(2)
    array([1.  , 0.5 , 0.33])
    """
    h = np.arange(1, max(2, int(brightest / f0)) + 1)
    return h ** (-slope / 6.02)


def resonant(
    x: np.ndarray,
    centres: Values,
    widths: Values,
    gains: Values,
) -> np.ndarray:
    """Return the sound through parallel resonances without phase, [time].

    ``centres`` and ``widths`` (at half of the gain) in Hz; ``gains`` are
    linear.

    Example
    -------
    >>> impulse = np.eye(1, 1600)[0]
    >>> ringing = resonant(impulse, [1000], [50], [1.0])
    >>> 10 * int(np.abs(np.fft.rfft(ringing)).argmax())
    1000
    """
    size = next_fast_len(len(x) + 256, real=True)
    hz = np.fft.rfftfreq(size, 1 / RATE)
    shape = sum(
        g / (1 + ((hz - c) / (0.5 * w)) ** 2)
        for c, w, g in zip(centres, widths, gains, strict=True)
    )
    return irfft(rfft(x, size) * (shape + 0.01), size)[: len(x)]


def strike(
    rng: Generator, n: int, partials: Values, decays: Values
) -> np.ndarray:
    """Return ``n`` samples of partials struck together that decay, float32.

    ``partials`` in Hz; ``decays`` are their times to fall by 60 dB in seconds.

    Example
    -------
    >>> hit = strike(np.random.default_rng(0), 16000, [500, 1310], [1, 0.5])
    >>> bool(np.abs(hit[-100:]).max() < 0.002)
    True
    """
    t = np.arange(n, dtype=np.float32)[:, None] / RATE
    hz = np.asarray(partials, dtype=np.float32)
    turn = rng.uniform(0, 2 * np.pi, len(hz)).astype(np.float32)
    amplitude = rng.uniform(0.2, 1.0, len(hz)).astype(np.float32)
    ringing = np.sin(2 * np.pi * t * hz + turn)
    ringing *= amplitude * np.exp(-6.9 * t / np.asarray(decays, np.float32))
    return ringing.sum(axis=1)  # no BLAS: its threads may change the last bit


def sprinkled(
    rng: Generator,
    n: int,
    per_second: float,
    kernel: np.ndarray,
    spread: float,
) -> np.ndarray:
    """Return ``n`` samples with copies of a short sound at random times.

    On average ``per_second`` copies of ``kernel`` [time], at least one;
    ``spread`` is the standard deviation of the logarithm of their strengths.

    Example
    -------
    >>> drops = sprinkled(np.random.default_rng(0), 999, 5, np.ones(3), 0.5)
    >>> drops.shape
    (999,)
    """
    train = np.zeros(n, dtype=np.float32)
    count = max(1, rng.poisson(per_second * n / RATE))
    strengths = np.exp(spread * rng.standard_normal(count))
    np.add.at(train, rng.integers(0, n, count), strengths)
    return fftconvolve(train, kernel)[:n]
