"""The scenes of MiniDESED: their events, levels and recording conditions.

A synthetic scene is mixed from files of a sound bank, as Scaper does it; a
recorded one has new sounds, set in a room and recorded by one device. How often
a class occurs and how long it lasts follows the validation set of DESED.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.random import Generator
from scipy.signal import fftconvolve, resample_poly

from sb_sed.data.jams import JamsSource, soundscape_jams, tidy_events
from sb_sed.formats import Event
from sb_sed.minidesed.sounds import GENERATORS
from sb_sed.minidesed.synthesis import RATE, draw, faded, level
from sb_sed.minidesed.world import Device, Room, background, distractor

CLIP = 10.0  # seconds
MOST_EVENTS = 8


@dataclass(frozen=True)
class Habits:
    """Statistics of a class: share of clips, repeats, lengths in seconds."""

    weight: float
    repeats: int
    median: float
    spread: float  # of the logarithm
    longest: float
    whole: float = 0.0  # share of events that fill the clip


HABITS = {
    "Alarm_bell_ringing": Habits(1.0, 2, 1.2, 0.8, 9.0),
    "Blender": Habits(1.1, 1, 4.0, 0.5, 9.5, 0.2),
    "Cat": Habits(1.0, 3, 0.85, 0.5, 2.5),
    "Dishes": Habits(1.0, 4, 0.38, 0.4, 1.2),
    "Dog": Habits(1.0, 3, 0.75, 0.6, 2.5),
    "Electric_shaver_toothbrush": Habits(1.1, 1, 6.0, 0.4, 9.5, 0.45),
    "Frying": Habits(1.1, 1, 6.0, 0.4, 9.5, 0.6),
    "Running_water": Habits(1.1, 1, 4.5, 0.6, 9.5, 0.17),
    "Speech": Habits(1.8, 3, 1.15, 0.5, 4.0),
    "Vacuum_cleaner": Habits(1.1, 1, 6.0, 0.4, 9.5, 0.6),
}


@dataclass(frozen=True)
class Repertoire:
    """The classes of a data set: how they sound, and their habits.

    Arguments
    ---------
    generators : Mapping[str, Callable]
        Class to a function of ``rng``, seconds and shift that returns an event.
    habits : Mapping[str, Habits]
        Of each class.
    """

    generators: Mapping[str, Callable[..., np.ndarray]]
    habits: Mapping[str, Habits]


DESED = Repertoire(GENERATORS, HABITS)
_SHORTEST = 0.3
_CLASSES_PER_CLIP = (0.52, 0.41, 0.07)  # one, two, three


@dataclass(frozen=True)
class Synthetic:
    """The synthetic domain: clean mixtures.

    Arguments
    ---------
    snr : (float, float)
        Range of an event's level over the background, dB (root mean square).
    busy : (float, float)
        Range of the liveliness of the backgrounds (0 dull to 1 lively).
    background : float
        Level of the background, dB of full scale.
    """

    snr: tuple[float, float]
    busy: tuple[float, float]
    background: float


@dataclass(frozen=True)
class Recorded:
    """The recorded domain: rooms, other sounds, devices.

    Arguments
    ---------
    snr, busy : (float, float)
        As in the synthetic domain.
    shift : float
        How far the sounds' parameters leave the ranges of the sound bank, as
        a share of the width of each range (drawn within ± shift per event).
    distractors : float
        Probability of a sound of no class in a clip.
    reverberation : (float, float)
        Range of the reverberation time, s.
    direct_ratio : (float, float)
        Range of the direct-to-reverberant ratio, dB.
    device : float
        Strength of the recording device's colour, compression and noise.
    """

    snr: tuple[float, float]
    busy: tuple[float, float]
    shift: float
    distractors: float
    reverberation: tuple[float, float]
    direct_ratio: tuple[float, float]
    device: float


def event_seconds(
    rng: Generator, label: str, repertoire: Repertoire = DESED
) -> float:
    """Draw the seconds of an event that does not fill the clip.

    Example
    -------
    >>> 0.3 <= event_seconds(np.random.default_rng(0), "Dishes") <= 1.2
    True
    """
    habits = repertoire.habits[label]
    length = habits.median * np.exp(habits.spread * rng.standard_normal())
    return float(np.clip(length, _SHORTEST, habits.longest))


def _draw_labels(rng, habits=HABITS):
    """The labels of a scene's events: 1 to 3 classes, 1 to 8 events."""
    weights = np.array([habit.weight for habit in habits.values()])
    classes = rng.choice(
        list(habits),
        size=rng.choice(3, p=_CLASSES_PER_CLIP) + 1,
        replace=False,
        p=weights / weights.sum(),
    )
    events = [
        str(label)
        for label in classes
        for _ in range(rng.integers(1, habits[label].repeats + 1))
    ]
    return events[:MOST_EVENTS]


def _find_place(rng, label, length, seconds, taken):
    """An onset for an event of ``length`` s, away from others of its class.

    Long events may begin before the clip and run past its end; what is cut
    off is less than half of the event.
    """
    early = 0.3 * length if length > 3 else 0.0
    late = seconds - (0.6 * length if length > 3 else length)
    for _ in range(10):
        onset = rng.uniform(-early, max(-early, late))
        clear = all(
            onset > offset + 0.2 or onset + length < start - 0.2
            for start, offset, other in taken
            if other == label
        )
        if clear:
            break
    return float(onset)


@dataclass
class Source:
    """One line of a synthetic scene: a sound at its level in the mixture.

    ``sound`` is [time], as long as the clip; ``time`` and ``duration`` say
    where in it the event is; ``label`` is the folder in the sound bank.
    """

    label: str
    file: Path
    time: float
    duration: float
    snr: float
    pitch_shift: float
    time_stretch: float
    sound: np.ndarray


def to_jams(
    sources: list[Source], isolated: list[str], root: Path, seconds: float
) -> dict:
    """Return the JAMS document of a synthetic scene.

    ``isolated`` are the files of the sources, relative to that of the JAMS.
    ``source_file`` is relative to ``root``, so that the document does not
    depend on where the data set is.
    """
    background, *events = (_jams_source(source, root) for source in sources)
    return soundscape_jams(
        background, events, seconds, corpus="MiniDESED", isolated=isolated
    )


def _jams_source(source: Source, root: Path) -> JamsSource:
    stretched = source.time_stretch != 1
    return JamsSource(
        label=source.label,
        source_file=source.file.relative_to(root).as_posix(),
        time=source.time,
        duration=source.duration,
        snr=source.snr,
        source_time=0.0,
        event_duration=source.duration / source.time_stretch,
        pitch_shift=source.pitch_shift if stretched else None,
        time_stretch=source.time_stretch if stretched else None,
    )


def synthetic_scene(
    rng: Generator, bank: Path, domain: Synthetic
) -> list[Source]:
    """Mix files of the sound bank.

    ``bank`` has the folders ``foreground/<label>`` and ``background/<label>``.
    The background comes first, then the events by onset; their sum is the
    mixture.
    """
    n = round(CLIP * RATE)
    file = _pick(rng, sorted((bank / "background").glob("*/*.wav")))
    floor = np.float32(10 ** (domain.background / 20))
    behind = floor * level(_read(file))[:n]
    sources = [Source(file.parent.name, file, 0.0, CLIP, 0.0, 0.0, 1.0, behind)]
    taken = []
    for label in _draw_labels(rng):
        file = _pick(rng, sorted((bank / "foreground").glob(f"{label}*/*.wav")))
        steps = int(rng.integers(-3, 4))  # 20 steps down, 20 + steps up
        sound = _at_speed(_read(file), 20, 20 + steps)
        length = min(len(sound) / RATE, CLIP)
        onset = _find_place(rng, label, length, CLIP, taken)
        begins, ends = _anchors(file.parent.name)
        onset = 0.0 if begins else max(onset, 0.0)
        sound = sound[: n - round(onset * RATE)]
        if ends:
            onset = CLIP - len(sound) / RATE
        snr = rng.uniform(*domain.snr)
        start, length = round(onset * RATE), len(sound)
        gain = floor * np.float32(10 ** (snr / 20))
        padded = np.zeros(n, dtype=np.float32)
        padded[start : start + length] = gain * level(faded(sound, 0.001, 0.01))
        taken.append((onset, onset + length / RATE, label))
        sources.append(
            Source(
                file.parent.name,
                file,
                start / RATE,
                length / RATE,
                round(snr, 6),
                round(-12 * np.log2((20 + steps) / 20), 6),
                (20 + steps) / 20,
                padded,
            )
        )
    _avoid_clipping(sources)
    return sources[:1] + sorted(sources[1:], key=lambda s: (s.time, s.label))


def _pick(rng, files):
    return files[rng.integers(len(files))]


def _read(file):
    return sf.read(file, dtype="float32")[0]


def _at_speed(sound, old, new):
    """The sound ``new / old`` times as long, and as much lower."""
    if old == new:
        return sound
    by = gcd(old, new)
    return resample_poly(sound, new // by, old // by)


def _anchors(label):
    """Whether an event must begin with the clip, and end with it."""
    return "_nOn" in label, "_nOff" in label


def _avoid_clipping(sources):
    mixture = sum(source.sound for source in sources)
    peak = max(np.abs(s).max() for s in [mixture, *(s.sound for s in sources)])
    if peak > 0.95:
        for source in sources:
            source.sound *= np.float32(0.95 / peak)


def recorded_scene(
    rng: Generator,
    seconds: float,
    domain: Recorded,
    empty: bool = False,
    repertoire: Repertoire = DESED,
) -> tuple[np.ndarray, list[Event]]:
    """Return a scene in a room, as a device has recorded it, and its events.

    A scene of several times 10 s has as many times the events. One lasts from
    the direct path of a sound to where its reverberation is masked by the
    background. An ``empty`` scene has none.
    """
    mix = background(rng, seconds, rng.uniform(*domain.busy))
    room = Room(rng, domain.reverberation, domain.direct_ratio)
    events, levels, habits = [], {}, repertoire.habits
    rounds = 0 if empty else max(1, round(seconds / CLIP))
    labels = [x for _ in range(rounds) for x in _draw_labels(rng, habits)]
    for label in labels:
        if label not in levels:
            levels[label] = rng.uniform(*domain.snr)
        if rng.random() < habits[label].whole:
            onset, length = -0.5, seconds + 1.0
        else:
            length = event_seconds(rng, label, repertoire)
            length = min(length, 0.95 * seconds)
            onset = _find_place(rng, label, length, seconds, events)
        shift = domain.shift * rng.uniform(-1, 1)
        sound = repertoire.generators[label](rng, length, shift)
        gain = 10 ** ((levels[label] + rng.normal(0, 1.5)) / 20)
        start = max(0, round(onset * RATE))
        sound = sound[start - round(onset * RATE) :]
        wet = _in_room(gain * sound, room.response())[: len(mix) - start]
        mix[start : start + len(wet)] += wet
        offset = start / RATE + _audible_seconds(wet)
        events.append(Event(start / RATE, offset, label))
    if empty or rng.random() < domain.distractors:
        length = draw(rng, 0.3, 3.0)
        gain = 10 ** (rng.uniform(*domain.snr) / 20)
        wet = gain * _in_room(distractor(rng, length), room.response())
        start = round(rng.uniform(0, seconds - length) * RATE)
        wet = wet[: len(mix) - start]
        mix[start : start + len(wet)] += wet
    sound = Device(rng, domain.device)(mix).astype(np.float32)
    return sound, tidy_events(events, seconds)


def _in_room(sound, response):
    """The sound at the microphone, its direct path without delay."""
    response = response[np.argmax(np.abs(response)) :]
    return fftconvolve(sound, response.astype(np.float32)).astype(np.float32)


def _audible_seconds(wet, background_power=1.0):
    """How long a sound is within 30 dB of its peak and above the background.

    It is audible down to 10 dB below the background, most of whose power is in
    the bass, where the events have little.
    """
    hop = RATE // 100
    blocks = np.pad(wet, (0, -len(wet) % hop)).reshape(-1, hop)
    power = np.mean(blocks**2, axis=1)
    audible = power > max(1e-3 * power.max(), 0.1 * background_power)
    last = np.flatnonzero(audible)[-1] if audible.any() else 0
    return min((last + 1) * hop, len(wet)) / RATE
