"""Backgrounds, distractors, rooms and devices of MiniDESED.

All of it is drawn from a random generator, as the sounds themselves are
(``sounds.py``), at 16 kHz. The impulse responses are noise that decays
exponentially after a direct path and early reflections (Polack's model of a
diffuse room): no library makes them from a seed without a room geometry.

Authors
 * sb_sed contributors 2026
"""

import numpy as np
from numpy.random import Generator
from scipy.fft import irfft, next_fast_len, rfft

from sb_sed.minidesed.synthesis import (
    RATE,
    coloured_noise,
    curve,
    draw,
    faded,
    gain_curve,
    harmonics,
    level,
    resonant,
    rolled_off,
    sprinkled,
    strike,
    times,
)


def background(rng: Generator, seconds: float, busy: float = 0.0) -> np.ndarray:
    """Return the background of a place without events, RMS 1, float32 [time].

    ``busy`` is 0 for an empty room (dull, steady) and 1 for a lively one:
    brighter, fluctuating, with murmurs and small noises.

    Example
    -------
    >>> background(np.random.default_rng(0), 0.5).shape
    (8000,)
    """
    n = len(times(seconds))
    slope = rng.uniform(4, 8) - busy * rng.uniform(0, 4)  # dB per octave
    points = [(30.0, -30.0), (80.0, 0.0)]
    points += [(80 * 2**o, -slope * o + rng.normal(0, 2)) for o in range(1, 7)]
    sound = coloured_noise(rng, n, points)
    sound *= curve(rng, n, 1.0, 1 - 0.3 - 0.4 * busy, 1)
    if rng.random() < 0.5:  # mains hum
        hum = harmonics(rng, 50 * times(seconds), rolled_off(50, 9, 600))
        sound += rng.uniform(0.1, 0.6) * hum
    if rng.random() < busy:  # people far away, or a street
        murmur = coloured_noise(rng, n, [(100, -12), (400, 0), (3000, -24)])
        murmur *= curve(rng, n, draw(rng, 2, 6), 0, 1) ** 2
        sound += rng.uniform(0.3, 1.0) * level(murmur)
    if rng.random() < 0.2 + 0.6 * busy:  # somebody moves something
        tick = rng.standard_normal(400) * np.exp(-np.arange(400) / 60)
        tick = resonant(tick, [draw(rng, 300, 3000)], [900], [1.0])
        ticks = sprinkled(rng, n, draw(rng, 0.3, 3), tick, 0.5)
        sound += (0.1 + 0.2 * busy) * level(ticks)
    return level(sound)


def _door(rng, n):
    thud = coloured_noise(rng, n, [(40, 0), (300, -6), (2000, -40)])
    return thud * np.exp(-np.arange(n) / (RATE * draw(rng, 0.04, 0.2)))


def _music(rng, n):
    out = np.zeros(n, dtype=np.float32)
    base, step = draw(rng, 180, 500), int(RATE * draw(rng, 0.15, 0.5))
    for start in range(0, n, step):
        f0 = base * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12]) / 12)
        partials = f0 * np.arange(1, 6)
        note = strike(rng, min(n - start, 2 * step), partials, [0.8] * 5)
        out[start : start + len(note)] += note
    return out


def _bird(rng, n):
    t = np.arange(n) / RATE
    f0 = draw(rng, 2500, 4500)
    f0 = f0 * (1 + 0.25 * np.sin(2 * np.pi * draw(rng, 4, 20) * t))
    song = harmonics(rng, np.cumsum(f0) / RATE, [1.0])
    return song * (np.mod(t * draw(rng, 2, 6), 1) < 0.5)


def _typing(rng, n):
    key = rng.standard_normal(320) * np.exp(-np.arange(320) / 40)
    key = resonant(key, [draw(rng, 1500, 4000)], [2000], [1.0])
    return sprinkled(rng, n, draw(rng, 4, 10), key, 0.3)


def _gust(rng, n):
    low = draw(rng, 80, 400)
    rush = coloured_noise(rng, n, [(low / 2, -20), (low, 0), (8 * low, -20)])
    return rush * np.hanning(n)


def distractor(rng: Generator, seconds: float) -> np.ndarray:
    """Return a sound of none of the classes, RMS 1, float32 [time].

    It is a door, music, a bird, typing or wind.

    Example
    -------
    >>> distractor(np.random.default_rng(0), 0.5).shape
    (8000,)
    """
    kinds = (_door, _music, _bird, _typing, _gust)
    kind = kinds[rng.integers(len(kinds))]
    return level(faded(level(kind(rng, len(times(seconds)))), 0.01))


class Room:
    """A room whose impulse responses share one reverberation time.

    Arguments
    ---------
    rng : numpy.random.Generator
        Random numbers of the room and its positions.
    reverberation : (float, float)
        Range of the reverberation time (60 dB), in seconds.
    direct_ratio : (float, float)
        Range of the direct-to-reverberant energy ratio in dB.

    Example
    -------
    >>> room = Room(np.random.default_rng(0), (0.2, 0.9), (0, 10))
    >>> response = room.response()
    >>> bool(0.003 * RATE <= abs(response).argmax() < 0.016 * RATE)
    True
    """

    def __init__(
        self,
        rng: Generator,
        reverberation: tuple[float, float],
        direct_ratio: tuple[float, float],
    ):
        self.rng = rng
        self.t60 = draw(rng, *reverberation)
        self.damping = rng.uniform(0.3, 0.8)  # treble decays faster
        self.direct_ratio = direct_ratio

    def response(self) -> np.ndarray:
        """Return the impulse response from a new position, float32 [time].

        Its energy is 1; the direct path, its largest sample, is 3 to 15 ms
        after the beginning.
        """
        rng = self.rng
        n = int(1.1 * self.t60 * RATE)
        t = np.arange(n) / RATE
        bass = coloured_noise(rng, n, [(50, -20), (200, 0), (1500, -30)])
        treble = coloured_noise(rng, n, [(300, -30), (1500, 0), (7900, -8)])
        tail = bass * np.exp(-6.9 * t / self.t60)
        tail += treble * np.exp(-6.9 * t / (self.t60 * self.damping))
        early = rng.integers(int(0.002 * RATE), int(0.04 * RATE), 8)
        tail[early] += rng.choice([-1, 1], 8) * 3 * np.exp(-early / 400)
        tail[: int(0.001 * RATE)] = 0
        ratio = 10 ** (-rng.uniform(*self.direct_ratio) / 20)
        tail *= ratio / np.sqrt(np.sum(tail**2))
        tail = np.clip(tail, -0.9, 0.9)
        delay = int(rng.uniform(0.003, 0.015) * RATE)
        response = np.r_[np.zeros(delay), 1.0, tail]
        response /= np.sqrt(np.sum(response**2))
        return response.astype(np.float32)


class Device:
    """One recording device: colour, automatic gain, saturation, noise, level.

    Arguments
    ---------
    rng : numpy.random.Generator
        Random numbers of the device.
    strength : float
        0 changes the level only; 1 is a common telephone; above, worse.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> out = Device(rng)(coloured_noise(rng, 16000, [(100, 0), (8000, 0)]))
    >>> bool(abs(out).max() < 1)
    True
    """

    def __init__(self, rng: Generator, strength: float = 1.0):
        self.rng = rng
        bands = 100 * 2 ** np.arange(0, 6.5, 0.5)
        ripple = strength * rng.normal(0, 2.5, len(bands))
        tilt = strength * rng.uniform(-2.5, 2.0)  # dB per octave about 1 kHz
        self.colour = list(
            zip(bands, ripple + tilt * np.log2(bands / 1000), strict=True)
        )
        low, high = draw(rng, 40, 220), draw(rng, 3600, 7800)
        self.edges = [(low / 4, -36 * strength), (low, 0), (high, 0)]
        self.edges += [(1.5 * high, -36 * strength)]
        self.flattening = strength * rng.uniform(0, 0.5)  # of levels in dB
        self.drive = max(1e-3, strength * rng.uniform(0.3, 2.5))
        self.hiss = 10 ** (rng.uniform(-62, -42) / 20) * strength
        self.peak = 10 ** (rng.uniform(-20, -1) / 20)

    def __call__(self, sound: np.ndarray) -> np.ndarray:
        """Return the recording of a sound [time], below 1 in magnitude."""
        n = len(sound)
        size = next_fast_len(n + RATE // 10, real=True)
        gains = gain_curve(size, self.colour) * gain_curve(size, self.edges)
        sound = irfft(rfft(sound, size) * gains, size)[:n]
        sound = sound * self._automatic_gain(sound)
        sound /= np.abs(sound).max() + 1e-9
        sound = np.tanh(self.drive * sound) / np.tanh(self.drive)
        colour = [(50, 0), (1000, -3), (7900, self.rng.uniform(-15, 3))]
        sound += self.hiss * coloured_noise(self.rng, n, colour)
        return self.peak * sound / (np.abs(sound).max() + 1e-9)

    def _automatic_gain(self, sound):
        """Gain against the slow level: fast attack, slow release."""
        hop = RATE // 50
        blocks = np.pad(sound, (0, -len(sound) % hop)).reshape(-1, hop)
        power = np.mean(blocks**2, axis=1) + 1e-8
        held = np.empty_like(power)
        now = power[0]
        for i, p in enumerate(power):
            now += (0.5 if p > now else 0.04) * (p - now)
            held[i] = now
        middle = hop * (np.arange(len(held)) + 0.5)
        gain = held ** (-0.5 * self.flattening)
        return np.interp(np.arange(len(sound)), middle, gain)
