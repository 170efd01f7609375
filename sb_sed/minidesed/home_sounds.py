"""Fifteen synthesizers, one for each class of RealDESED.

As those of ``sounds.py`` (some are those): ``f(rng, seconds, shift=0.0)``
returns one event of that length, mono, 16 kHz, float32, root mean square 1.
Classes are confused where the real ones are: machines (coffee_machine,
microwave, vacuum_cleaner), water (running_water, toilet_flushing), what opens
and closes (door, wardrobe, window), what clicks (keyboard_typing, light_switch,
footsteps), what rings (bell, phone) and jingles (keychain, cutlery).

Authors
 * sb_sed contributors 2026
"""

import numpy as np
from numpy.random import Generator

from sb_sed.minidesed.scenes import Habits, Repertoire
from sb_sed.minidesed.sounds import dishes, running_water, vacuum_cleaner
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


def _click(rng, decay, centres, n=1600):
    """A knock of some decay (seconds) through resonances (Hz), RMS 1."""
    knock = rng.standard_normal(n) * np.exp(-np.arange(n) / (RATE * decay))
    widths = [0.4 * centre for centre in centres]
    gains = [1.0] * len(centres)
    return level(resonant(knock, centres, widths, gains))


def _put(wave, start, sound, gain):
    part = wave[start : start + len(sound)]
    part += gain * sound[: len(part)]


def _at_ends(rng, seconds, first, last, between):
    """A knock at either end and something between them, as doors sound."""
    n = len(times(seconds))
    wave = between(n).astype(np.float32)
    _put(wave, 0, first, rng.uniform(1.0, 2.0))
    _put(wave, max(0, n - len(last)), last, rng.uniform(1.5, 3.0))
    return level(faded(level(wave), 0.001, 0.01))


def bell_ringing(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """Struck bells of a door: one or two tones that ring out, repeated."""
    n = len(times(seconds))
    wave = np.zeros(n, dtype=np.float32)
    base, step = draw(rng, 500, 1100, shift), draw(rng, 0.4, 0.9, shift)
    for number, start in enumerate(range(0, n, round(step * RATE))):
        f0 = base * (1.0, 0.8)[number % 2]
        partials = f0 * np.array([1, 2.0, 2.76, 4.07, 5.4])
        partials = partials[partials < 7800]
        decays = draw(rng, 0.8, 2.0, shift) / np.arange(1, len(partials) + 1)
        _put(wave, start, strike(rng, n - start, partials, decays), 1.0)
    return level(faded(level(wave), 0.002, 0.05))


def phone_ringing(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A melody of electronic notes, with pauses."""
    t = times(seconds)
    notes = rng.choice([0, 3, 5, 7, 10, 12], 8)
    note = (t / draw(rng, 0.09, 0.25, shift)).astype(int) % 8
    f0 = draw(rng, 600, 1500, shift) * 2.0 ** (notes[note] / 12)
    wave = harmonics(rng, cycles(f0), rolled_off(f0.max(), 6))
    wave = wave * (np.mod(t, 1.6) < draw(rng, 0.9, 1.5, shift))
    return level(faded(level(wave), 0.004, 0.02))


def coffee_machine(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A grinder that gives way to the hum and gurgle of a pump."""
    n = len(times(seconds))
    peak = draw(rng, 900, 2500, shift)
    grind = coloured_noise(rng, n, [(100, -20), (peak, 0), (7900, -18)])
    hum = harmonics(rng, 50 * times(seconds), rolled_off(50, 4, 1500))
    hum = hum * curve(rng, n, draw(rng, 8, 20, shift), 0.3, 1.0)
    turn = np.clip((times(seconds) / seconds - 0.4) * 8 + 0.5, 0, 1)
    wave = (1 - turn) * grind + turn * level(hum + 0.4 * grind)
    return level(faded(level(wave), 0.02, 0.05))


def microwave(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """A steady low hum of a fan, closed by beeps."""
    t = times(seconds)
    f0 = draw(rng, 95, 130, shift)
    hum = harmonics(rng, f0 * t, rolled_off(f0, 5, 2500))
    wave = hum + 0.4 * coloured_noise(
        rng, len(t), [(60, -6), (300, 0), (4000, -30)]
    )
    left = t[-1] - t
    beeps = (left < 1.2) & (np.mod(left, 0.6) < 0.3)
    beep = np.sin(2 * np.pi * draw(rng, 1800, 2600, shift) * t)
    wave = np.where(left < 1.2, 0.15, 1.0) * level(wave) + 1.5 * beeps * beep
    return level(faded(level(wave), 0.05, 0.01))


def toilet_flushing(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A rush of water that swells, sinks in pitch and runs out."""
    n = len(times(seconds))
    low = coloured_noise(rng, n, [(80, -10), (250, 0), (1500, -8), (7900, -30)])
    high = running_water(rng, seconds, shift)
    place = np.arange(n) / n
    swell = np.minimum(place / 0.12, 1) * (1 - place) ** draw(rng, 0.3, 0.8)
    return level(faded(level((low + place * high) * swell), 0.02, 0.05))


def _knocks(rng, seconds, gap, spread, kernel):
    """Knocks at about equal times, of strengths that vary."""
    n = len(times(seconds))
    wave = np.zeros(n, dtype=np.float32)
    start = 0.0
    while start < seconds - 0.03:
        gain = np.exp(spread * rng.standard_normal())
        _put(wave, round(start * RATE), kernel(), gain)
        start += gap * rng.uniform(0.8, 1.25)
    return level(faded(level(wave), 0.0005, 0.01))


def footsteps(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """Dull steps at a walking pace."""
    low = draw(rng, 90, 250, shift)
    decay = draw(rng, 0.015, 0.04, shift)
    return _knocks(
        rng,
        seconds,
        draw(rng, 0.4, 0.65, shift),
        0.2,
        lambda: _click(rng, decay, [low, draw(rng, 600, 1400)]),
    )


def keyboard_typing(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """Short clicks of keys, irregular and many."""
    high = draw(rng, 1800, 4500, shift)
    return _knocks(
        rng,
        seconds,
        draw(rng, 0.1, 0.2, shift),
        0.4,
        lambda: _click(rng, 0.004, [high * rng.uniform(0.9, 1.1)], 800),
    )


def keychain(rng: Generator, seconds: float, shift: float = 0.0) -> np.ndarray:
    """Small pieces of metal that jingle: high, dense, ringing."""
    n = len(times(seconds))
    wave = np.zeros(n, dtype=np.float32)
    for _ in range(5):
        partials = draw(rng, 3000, 5500, shift) * np.array([1, 1.17, 1.36])
        ring = strike(rng, RATE // 5, partials, [draw(rng, 0.05, 0.2)] * 3)
        wave += sprinkled(rng, n, draw(rng, 4, 10, shift), ring, 0.5)
    _put(wave, 0, ring, 2.0)
    _put(wave, max(0, n - len(ring)), ring, 2.0)
    return level(faded(level(wave), 0.001, 0.02))


def light_switch(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A click and, where there is time, the click back."""
    centres = [draw(rng, 1000, 2200, shift), draw(rng, 3000, 6000, shift)]
    decay = draw(rng, 0.003, 0.009, shift)
    return _at_ends(
        rng,
        seconds,
        _click(rng, decay, centres),
        _click(rng, decay, centres),
        np.zeros,
    )


def door_open_close(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A handle, hinges that creak, and a thud."""
    f0 = draw(rng, 300, 800, shift)

    def _creak(n):
        pitch = f0 * curve(rng, n, 5, 0.8, 1.4)
        return 0.5 * harmonics(rng, cycles(pitch), rolled_off(f0, 4, 4000))

    thud = _click(rng, draw(rng, 0.03, 0.08, shift), [draw(rng, 60, 160)], 4800)
    return _at_ends(rng, seconds, _click(rng, 0.01, [1500.0]), thud, _creak)


def wardrobe_drawer_open_close(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """Wood that slides, rumbling, up to a knock."""
    bump = draw(rng, 180, 500, shift)

    def _slide(n):
        points = [(60, -12), (bump, 0), (4 * bump, -10), (7900, -40)]
        return coloured_noise(rng, n, points) * curve(rng, n, 12, 0.3, 1)

    knock = _click(rng, draw(rng, 0.01, 0.03, shift), [bump, 2 * bump], 3200)
    return _at_ends(rng, seconds, knock, knock, _slide)


def window_open_close(
    rng: Generator, seconds: float, shift: float = 0.0
) -> np.ndarray:
    """A lever that snaps, a rubber seal and the air of a street."""
    peak = draw(rng, 1500, 4000, shift)

    def _air(n):
        points = [(100, -6), (peak, 0), (7900, -10)]
        return 0.4 * coloured_noise(rng, n, points) * curve(rng, n, 3, 0.2, 1)

    snap = _click(rng, 0.012, [draw(rng, 400, 900, shift), peak], 2400)
    return _at_ends(rng, seconds, snap, snap, _air)


REALDESED = Repertoire(
    {
        "bell_ringing": bell_ringing,
        "coffee_machine": coffee_machine,
        "cutlery_dishes": dishes,
        "door_open_close": door_open_close,
        "footsteps": footsteps,
        "keyboard_typing": keyboard_typing,
        "keychain": keychain,
        "light_switch": light_switch,
        "microwave": microwave,
        "phone_ringing": phone_ringing,
        "running_water": running_water,
        "toilet_flushing": toilet_flushing,
        "vacuum_cleaner": vacuum_cleaner,
        "wardrobe_drawer_open_close": wardrobe_drawer_open_close,
        "window_open_close": window_open_close,
    },
    {
        "bell_ringing": Habits(1.0, 2, 1.5, 0.5, 5.0),
        "coffee_machine": Habits(0.8, 1, 6.0, 0.4, 15.0),
        "cutlery_dishes": Habits(1.0, 3, 0.8, 0.5, 3.0),
        "door_open_close": Habits(1.0, 2, 1.2, 0.4, 3.0),
        "footsteps": Habits(1.2, 2, 2.5, 0.5, 6.0),
        "keyboard_typing": Habits(1.0, 2, 3.0, 0.5, 8.0),
        "keychain": Habits(1.0, 2, 1.2, 0.5, 4.0),
        "light_switch": Habits(1.0, 2, 0.5, 0.3, 1.0),
        "microwave": Habits(0.8, 1, 6.0, 0.4, 15.0),
        "phone_ringing": Habits(1.0, 1, 3.5, 0.5, 8.0),
        "running_water": Habits(1.0, 1, 4.5, 0.6, 12.0),
        "toilet_flushing": Habits(0.8, 1, 6.0, 0.3, 12.0),
        "vacuum_cleaner": Habits(0.8, 1, 6.0, 0.4, 15.0, 0.3),
        "wardrobe_drawer_open_close": Habits(1.0, 2, 1.3, 0.4, 3.0),
        "window_open_close": Habits(1.0, 2, 1.2, 0.4, 3.0),
    },
)
