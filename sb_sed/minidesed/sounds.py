"""Ten synthesizers, one for each class of DESED.

Each generator is ``f(rng, seconds, shift=0.0)`` and returns one event of
exactly that length: mono, 16 kHz, float32, root mean square 1. All of its
parameters (pitch, timbre, rate, texture) are drawn from ``rng`` over wide
ranges, so that no two events of a class are alike; ``shift`` moves the ranges
by that share of their width (on a logarithmic scale). Classes are confused
where the real ones are: motors (Blender, Electric_shaver_toothbrush,
Vacuum_cleaner), water and fat (Running_water, Frying), voices (Cat, Dog,
Speech).

Authors
 * sb_sed contributors 2026
"""

import numpy as np
from numpy.random import Generator
from scipy.signal import fftconvolve

from sb_sed.minidesed.synthesis import (
    RATE,
    coloured_noise,
    curve,
    cycles,
    draw,
    faded,
    harmonics,
    level,
    resonant,
    rolled_off,
    sprinkled,
    strike,
    times,
)


def _spin(n, up, down):
    """The speed of a motor, 0.6 → 1 while it starts and back as it stops."""
    t = np.arange(n) / RATE
    return 1 - 0.4 * np.exp(-t / up) - 0.4 * np.exp(-(t[-1] - t) / down)


def _turns(t, period, on):
    """Periods passed, in about ``period`` s; the last stops at its ``on``."""
    count = max(1, round(len(t) / RATE / period))
    return t / t[-1] * (count - 1 + on)


def alarm_bell_ringing(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """Beeps, a siren, a struck bell or an old telephone."""
    t = times(seconds)
    kind = rng.integers(4)
    if kind == 0:  # an alarm clock's beeps, on one or two pitches
        f0 = draw(rng, 700, 3200, shift)
        turn = _turns(t, draw(rng, 0.12, 0.5, shift), 0.6)
        pitch = np.where(turn % 2 < 1, 1, rng.choice([1, 1.25]))
        turn %= 1
        wave = harmonics(rng, cycles(f0 * pitch), rolled_off(f0 * 1.3, 9))
        wave = wave * np.clip(80 * np.minimum(turn, 0.6 - turn), 0, 1)
    elif kind == 1:  # a siren
        f0 = draw(rng, 500, 1500, shift)
        sweep = np.abs(2 * np.mod(t * draw(rng, 0.6, 5, shift), 1) - 1)
        f0 = f0 * 2 ** (rng.uniform(0.3, 1.0) * sweep)
        wave = harmonics(rng, cycles(f0), rolled_off(f0.max(), 9))
    else:  # a clapper: bell (fast strokes), telephone (in bursts)
        base = draw(rng, 500, 1800, shift)
        ratios = np.array([1, 1.52, 2.0, 2.74, 3.76, 4.07, 5.2, 6.7])
        partials = base * ratios * rng.uniform(0.97, 1.03, 8)
        partials = partials[partials < 7800]
        decays = draw(rng, 0.2, 1.2, shift) / np.sqrt(partials / base)
        stroke = strike(rng, RATE // 2, partials, decays)
        strokes = np.zeros(len(t), dtype=np.float32)
        step = max(1, int(RATE / draw(rng, 10, 26, shift)))
        strokes[::step] = rng.uniform(0.7, 1, len(strokes[::step]))
        if kind == 3:
            strokes *= _turns(t, draw(rng, 0.4, 1.0, shift), 0.75) % 1 < 0.75
        wave = fftconvolve(strokes, stroke)[: len(t)]
    return level(faded(level(wave), 0.004, 0.02))


def _motor(rng, f0, speed, slope, points, tonal):
    """A rotating machine: harmonics of its speed plus the noise of its air."""
    whine = harmonics(rng, cycles(f0 * speed), rolled_off(f0 * 1.15, slope))
    air = coloured_noise(rng, len(speed), points)
    return (tonal * whine + (1 - tonal) * air) * np.clip(speed, 0.1, 2) ** 2


def blender(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """A motor under a load that changes fast."""
    n = len(times(seconds))
    load = curve(rng, n, draw(rng, 1, 6, shift), 0.84, 1.12)
    speed = _spin(n, rng.uniform(0.03, 0.12), rng.uniform(0.04, 0.15)) * load
    peak = draw(rng, 1200, 4500, shift)
    points = [(80, -25), (peak / 4, -8), (peak, 0), (7900, -14)]
    f0 = draw(rng, 110, 330, shift)
    wave = _motor(rng, f0, speed, 5, points, rng.uniform(0.35, 0.7))
    chunks = curve(rng, n, draw(rng, 6, 16, shift), 0.35, 1.0)
    return level(faded(level(wave * chunks), 0.01, 0.03))


def vacuum_cleaner(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """Steady rushing air under a faint whine, slow to start and to stop."""
    n = len(times(seconds))
    steady = curve(rng, n, 0.5, 0.985, 1.015)
    speed = _spin(n, rng.uniform(0.08, 0.25), rng.uniform(0.08, 0.25)) * steady
    bump = draw(rng, 250, 1200, shift)
    points: list[tuple[float, float]]
    points = [(60, -16), (bump / 2, -4), (bump, 0), (3 * bump, -8)]
    points += [(7900, draw(rng, 14, 34, shift) * -1)]
    f0 = draw(rng, 280, 900, shift)
    wave = _motor(rng, f0, speed, 10, points, rng.uniform(0.08, 0.35))
    wave = wave * curve(rng, n, 0.7, 0.8, 1.0)
    return level(faded(level(wave), 0.02, 0.03))


def electric_shaver_toothbrush(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A thin bright buzz whose colour changes as it moves over the skin."""
    n = len(times(seconds))
    speed = curve(rng, n, 1.5, 0.97, 1.03)
    speed = speed * _spin(n, 0.03, 0.03)
    f0 = draw(rng, 75, 260, shift)
    tonal = rng.uniform(0.5, 0.8)
    low, high = draw(rng, 2200, 4000, shift), draw(rng, 4500, 7000, shift)
    points = [(200, -30), (low, -4), (high, 0), (7900, -8)]
    near = _motor(rng, f0, speed, 1.5, points, tonal)
    far = _motor(rng, f0, speed, 6, points, tonal)
    share = curve(rng, n, draw(rng, 0.8, 3, shift), 0, 1)
    return level(faded(level(share * near + (1 - share) * far), 0.01))


def frying(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """A bright hiss full of crackles."""
    n = len(times(seconds))
    edge = draw(rng, 1500, 4000, shift)
    points = [(100, -35), (edge / 2, -14), (edge, 0), (7900, -3)]
    hiss = coloured_noise(rng, n, points)
    hiss = hiss * curve(rng, n, draw(rng, 3, 20, shift), 0.6, 1.0)
    crackles = np.zeros(n, dtype=np.float32)
    for _ in range(3):
        kernel = rng.standard_normal(160) * np.exp(
            -np.arange(160) / (RATE * draw(rng, 0.0004, 0.003, shift))
        )
        kernel = resonant(kernel, [draw(rng, 1500, 6000)], [2500], [1.0])
        rate = draw(rng, 6, 70, shift)
        crackles += level(sprinkled(rng, n, rate, kernel, 0.6))
    wave = hiss + draw(rng, 0.3, 1.2, shift) * level(crackles)
    wave = level(wave) * curve(rng, n, 0.6, 0.6, 1.0)
    return level(faded(level(wave), 0.03, 0.05))


def running_water(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """Splashing noise with the chirps of bubbles."""
    n = len(times(seconds))
    peak = draw(rng, 400, 3000, shift)
    points = [(80, -30), (peak / 3, -9), (peak, 0), (7900, -12)]
    wave = coloured_noise(rng, n, points)
    wave = wave * curve(rng, n, draw(rng, 5, 30, shift), 0.7, 1.0)
    bubbles = np.zeros(n, dtype=np.float32)
    t = np.arange(RATE // 20) / RATE
    for _ in range(8):
        f0, rise = draw(rng, 350, 2600, shift), rng.uniform(2, 12)
        drop = np.sin(2 * np.pi * f0 * t * (1 + rise * t))
        drop = drop * np.exp(-t / draw(rng, 0.004, 0.015)) * np.sqrt(t)
        bubbles += level(sprinkled(rng, n, draw(rng, 2, 12, shift), drop, 0.7))
    wave = wave + draw(rng, 0.25, 1.0, shift) * level(bubbles)
    return level(faded(level(wave), 0.03, 0.05))


def dishes(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """Knocks of stoneware and metal: inharmonic, hard, short."""
    n = len(times(seconds))
    wave = np.zeros(n, dtype=np.float32)
    hits = rng.poisson(2 * seconds)
    starts = np.r_[0, rng.integers(0, max(1, int(0.7 * n)), hits)]
    if seconds > 0.35:  # a last one, so that the sound is audible until its end
        starts = np.r_[starts, int(rng.uniform(0.45, 0.75) * n)]
    for start in starts:
        length = min(n - start, RATE // 2)
        base = draw(rng, 900, 3200, shift)
        partials = base * np.cumsum(rng.uniform(0.3, 1.0, 8))
        partials = partials[partials < 7800]
        damping = rng.uniform(0.4, 1, len(partials))
        decays = draw(rng, 0.15, 0.7, shift) * damping
        hit = strike(rng, length, partials, decays)
        click = rng.standard_normal(length) * np.exp(
            -np.arange(length) / (RATE * draw(rng, 0.001, 0.006))
        )
        hit = hit + rng.uniform(0.1, 0.5) * click
        wave[start : start + length] += rng.uniform(0.4, 1) * hit
    return level(faded(level(wave), 0.0005, 0.3 * seconds))


_VOWELS = {  # typical formants of an adult voice, Hz
    "a": (750, 1250, 2600),
    "e": (500, 1900, 2600),
    "i": (300, 2300, 3000),
    "o": (480, 900, 2500),
    "u": (320, 800, 2300),
    "y": (300, 1700, 2300),
    "@": (550, 1450, 2500),
}


def speech(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """Syllables: gliding harmonics through formants, and consonants."""
    n = len(times(seconds))
    f0 = draw(rng, 85, 290, shift)
    tract = (f0 / 150) ** 0.25 * rng.uniform(0.93, 1.07)
    melody = f0 * curve(rng, n, 4, 0.8, 1.25)
    melody *= np.linspace(1.08, 0.9, n)
    breath = 0.08 * rng.standard_normal(n, dtype=np.float32)
    source = harmonics(rng, cycles(melody), rolled_off(f0 * 1.3, 9)) + breath
    wave = np.zeros(n, dtype=np.float32)
    count = max(1, round(seconds * draw(rng, 2.8, 6.0, shift)))
    edges = np.linspace(0, n, count + 1).astype(int)
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        formants = np.array(_VOWELS[str(rng.choice(list(_VOWELS)))]) * tract
        b = min(n, b + (b - a) // 6)
        place = np.linspace(0, 1, b - a)
        hump = np.sin(np.pi * place) ** rng.uniform(0.7, 1.8)
        vowel = resonant(
            source[a:b] * hump, formants, [90, 130, 200], [1, 0.5, 0.25]
        )
        wave[a:b] += rng.uniform(0.5, 1.0) * level(vowel)
        if rng.random() < 0.6:  # a consonant opens the syllable
            k = min(b - a, int(RATE * rng.uniform(0.03, 0.11)))
            hiss = rng.standard_normal(k) * np.hanning(k)
            hiss = resonant(hiss, [rng.uniform(1800, 6500)], [2200], [1.0])
            wave[a : a + k] += rng.uniform(0.1, 0.6) * level(hiss)
    return level(faded(level(wave), 0.01, 0.03))


def cat(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """A meow: one long glide up and down while the mouth opens and shuts."""
    n = len(times(seconds))
    f0 = draw(rng, 330, 800, shift)
    top, peak = rng.uniform(1.15, 1.9), rng.uniform(0.2, 0.6)
    glide = np.interp(
        np.linspace(0, 1, n),
        [0, peak, 1],
        [rng.uniform(0.8, 1.05), top, rng.uniform(0.7, 1.1)],
    )
    shake = np.sin(2 * np.pi * rng.uniform(5, 11) * np.arange(n) / RATE)
    pitch = f0 * glide * (1 + rng.uniform(0, 0.025) * shake)
    source = harmonics(rng, cycles(pitch), rolled_off(f0 * top, 5))
    rough = coloured_noise(rng, n, [(300, -20), (2000, 0), (7900, -10)])
    source = source + rng.uniform(0.02, 0.15) * rough
    shut = resonant(source, [600, 2400], [400, 900], [1, 0.3])
    opened = resonant(source, [1300, 3200], [700, 1200], [1, 0.6])
    mouth = np.sin(np.pi * np.linspace(0, 1, n)) ** 1.5
    wave = level(shut) * (1 - mouth) * 0.5 + level(opened) * mouth
    return level(faded(level(wave), 0.03, 0.06))


def dog(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """Barks, now and then a howl: rough, fast falling, hard attack."""
    n = len(times(seconds))
    wave = np.zeros(n, dtype=np.float32)
    size = draw(rng, 170, 560, shift)
    if seconds > 0.7 and rng.random() < 0.15:
        starts, length = [0], n  # a howl
    else:
        length = min(n, int(draw(rng, 0.12, 0.26, shift) * RATE))
        pause = int(rng.uniform(0.02, 0.14) * RATE)  # a longer one would end
        count = 1 + int(np.ceil((n - length) / (length + pause)))  # the event
        starts = np.linspace(0, n - length, count).astype(int)
    place = np.linspace(0, 1, length)
    hollow = np.array([1.0, 2.1, 4.2]) * draw(rng, 500, 950, shift)
    for start in starts:
        pitch = size * rng.uniform(0.9, 1.1)
        bend = [rng.uniform(0.6, 0.9), rng.uniform(1.2, 1.7), 0.6]
        glide = pitch * np.interp(place, [0, 0.25, 1], bend)
        tone = harmonics(rng, cycles(glide), rolled_off(pitch * 1.7, 4))
        noise = rng.standard_normal(length, dtype=np.float32)
        bark = tone + rng.uniform(0.3, 0.9) * noise
        bark = bark * np.minimum(place / 0.06, 1) * (1 - place) ** 0.7
        bark = resonant(bark, hollow, [350, 600, 1200], [1, 0.7, 0.3])
        wave[start : start + length] += rng.uniform(0.7, 1) * level(bark)
    return level(faded(level(wave), 0.004, 0.02))


# Class -> generator of its events.
GENERATORS = {
    "Alarm_bell_ringing": alarm_bell_ringing,
    "Blender": blender,
    "Cat": cat,
    "Dishes": dishes,
    "Dog": dog,
    "Electric_shaver_toothbrush": electric_shaver_toothbrush,
    "Frying": frying,
    "Running_water": running_water,
    "Speech": speech,
    "Vacuum_cleaner": vacuum_cleaner,
}
