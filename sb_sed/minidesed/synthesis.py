"""The bricks of procedural sound: noise, harmonics, resonances, strikes.

They work on 16 kHz signals [time] and draw all that is random from the given
generator: the same state gives the same bits. No library of ours synthesises.

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


def draw(rng: Generator, low: float, high: float, shift: float = 0.0) -> float:
    """Draws a log-uniform number.

    Arguments
    ---------
    rng : Generator
        Where it comes from.
    low, high : float
        The range, above 0.
    shift : float
        Moves the range by this share of its (logarithmic) width.

    Returns
    -------
    number : float

    Example
    -------
    >>> 2 <= draw(np.random.default_rng(0), 2, 8) < 8
    True
    """
    return float(low * (high / low) ** (rng.random() + shift))


def times(seconds: float) -> np.ndarray:
    """The sample times of a sound.

    Arguments
    ---------
    seconds : float
        Its length.

    Returns
    -------
    times : np.ndarray
        [time] float32, in seconds.

    Example
    -------
    >>> len(times(0.5))
    8000
    """
    return np.arange(max(1, round(seconds * RATE)), dtype=np.float32) / RATE


def cycles(f0: np.ndarray) -> np.ndarray:
    """The phase of a tone.

    Arguments
    ---------
    f0 : np.ndarray
        Its frequency at each sample in Hz, [time].

    Returns
    -------
    phase : np.ndarray
        [time] float64, in cycles.

    Example
    -------
    >>> float(cycles(np.full(16000, 100.0))[-1].round(3))
    100.0
    """
    return np.cumsum(np.asarray(f0, dtype=np.float64)) / RATE


def curve(
    rng: Generator, n: int, per_second: float, low: float, high: float
) -> np.ndarray:
    """A line that wanders.

    Arguments
    ---------
    rng : Generator
        Where its corners come from.
    n : int
        Samples.
    per_second : float
        Corners in a second.
    low, high : float
        Its range.

    Returns
    -------
    line : np.ndarray
        [n] float64.

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
    """Gaussian noise whose spectrum follows ``points``.

    Arguments
    ---------
    rng : Generator
        Where the noise comes from.
    n : int
        Samples.
    points : sequence of (float, float)
        As in :func:`gain_curve`.

    Returns
    -------
    noise : np.ndarray
        [n] float32, root mean square 1.

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
    """Gains along the frequency axis of a real Fourier transform.

    Arguments
    ---------
    size : int
        Samples that are transformed.
    points : sequence of (float, float)
        Frequency in Hz and level in dB, joined by straight lines over the
        logarithm of the frequency.

    Returns
    -------
    gains : np.ndarray
        [size // 2 + 1] float32, linear.

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
    """The sound at root mean square 1.

    Arguments
    ---------
    x : np.ndarray
        [time].

    Returns
    -------
    sound : np.ndarray
        [time] float32.

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
    """Fades a sound linearly in and out, in place.

    Arguments
    ---------
    x : np.ndarray
        [time], changed.
    seconds : float
        Length of the fade at the beginning.
    end : float, optional
        Length of the fade at the end, if another.

    Returns
    -------
    x : np.ndarray
        The same array.

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
    rng: Generator, phase: np.ndarray, amplitudes: Sequence[float]
) -> np.ndarray:
    """A periodic wave, read from a table of one period.

    Arguments
    ---------
    rng : Generator
        Where the phases of the harmonics come from.
    phase : np.ndarray
        In cycles, [time]; see :func:`cycles`.
    amplitudes : sequence of float
        Of 1 f0, 2 f0, …

    Returns
    -------
    wave : np.ndarray
        [time] float32, root mean square 1 over a period.

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
    """Amplitudes of harmonics that fall steadily.

    Arguments
    ---------
    f0 : float
        The highest fundamental that will occur, in Hz.
    slope : float
        Fall in dB per octave.
    brightest : float
        Where they end, in Hz.

    Returns
    -------
    amplitudes : np.ndarray
        For :func:`harmonics`.

    Example
    -------
    >>> rolled_off(2000, 6.02).round(2)
    array([1.  , 0.5 , 0.33])
    """
    h = np.arange(1, max(2, int(brightest / f0)) + 1)
    return h ** (-slope / 6.02)


def resonant(
    x: np.ndarray,
    centres: Sequence[float],
    widths: Sequence[float],
    gains: Sequence[float],
) -> np.ndarray:
    """The sound through parallel resonances without phase.

    Arguments
    ---------
    x : np.ndarray
        [time].
    centres, widths : sequence of float
        In Hz; a width is taken at half of the gain.
    gains : sequence of float
        Linear.

    Returns
    -------
    sound : np.ndarray
        [time].

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
    rng: Generator, n: int, partials: Sequence[float], decays: Sequence[float]
) -> np.ndarray:
    """Partials that are struck together and die away.

    Arguments
    ---------
    rng : Generator
        Where their strengths and phases come from.
    n : int
        Samples.
    partials : sequence of float
        In Hz.
    decays : sequence of float
        The time of each to fall by 60 dB, in seconds.

    Returns
    -------
    sound : np.ndarray
        [n] float32.

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
    ringing *= amplitude * np.exp(-6.9 * t / np.float32(decays))
    return ringing.sum(axis=1)  # no BLAS: its threads may change the last bit


def sprinkled(
    rng: Generator,
    n: int,
    per_second: float,
    kernel: np.ndarray,
    spread: float,
) -> np.ndarray:
    """Copies of a short sound at random times.

    Arguments
    ---------
    rng : Generator
        Where times and strengths come from.
    n : int
        Samples.
    per_second : float
        Mean number of copies in a second.
    kernel : np.ndarray
        The short sound, [time].
    spread : float
        Standard deviation of the logarithm of their strengths.

    Returns
    -------
    sound : np.ndarray
        [n]; at least one copy.

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
