"""The mixer: draws scenes at random and mixes them into soundscapes.

Drawing and mixing are apart: a scene holds everything that was drawn, so it
can be logged, and mixed again to the same samples.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from sb_sed.data.jams import MIN_EVENT, tidy_events
from sb_sed.formats import Event
from sb_sed.mixing.backgrounds import Backgrounds
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.effects import NoEffects
from sb_sed.mixing.levels import UniformLevels, at_level, peak
from sb_sed.mixing.rooms import ANECHOIC, direct_path, reverberate
from sb_sed.mixing.sampling import (
    BalancedClasses,
    EventLengths,
    RandomPosition,
)
from sb_sed.mixing.scene import Scene, SceneSource, Sound, Soundscape
from sb_sed.mixing.soundbank import Foreground


@dataclass(eq=False, repr=False)
class Mixer:
    """Draws scenes and mixes them.

    As in section 3.2 of the UNIVPM-INRIA paper: some events and a background,
    each event in its own room, through its own chain of effects, at its own
    level. Levels are those of the peak in the clip, after room and effects. A
    mixture beyond full scale is divided by its peak.

    The labels are those of what is audible: an event lasts from its direct
    sound to the end of its reverberation, that is while its 10 ms blocks are
    within ``audible`` dB of the loudest one. Silence at the ends of a file does
    not count, nor does what lies outside of the clip. Events of one class that
    touch become one, and DESED's other rules apply (``tidy_events``). An event
    that begins too late to have a label is not mixed either.

    Arguments
    ---------
    foregrounds : Sequence[Foreground]
        Files with one event each.
    backgrounds : Sequence[str]
        Recordings of places. Of one longer than the clip a part is taken, a
        shorter one is looped with a crossfade.
    rirs : Sequence[str]
        Room impulse responses; none leaves the events dry.
    effects : EffectChain
        The effects of each event.
    levels : UniformLevels | GaussianLevels
        The levels of the events and of the background.
    choice : BalancedClasses | UniformFiles
        Which events.
    lengths : EventLengths
        Which part of a file is the event.
    placement : RandomPosition | OriginalPosition
        When an event starts.
    n_foregrounds : Sequence[int]
        Fewest and most events, uniform.
    seconds : float
        Length of a soundscape.
    sample_rate : int
        Samples per second.
    cache : AudioCache, optional
        Reads the files; default: one of 512 MB.
    classes : Sequence[str], optional
        Events of other classes are not used; default: all.
    audible : float
        Range of an event that is audible, dB.

    Raises
    ------
    InputError
        If there are no backgrounds, or no events as ``choice`` needs them.

    Example
    -------
    >>> import soundfile
    >>> folder = getfixture("tmp_path")
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    >>> for name in ("dog.wav", "kitchen.wav"):
    ...     soundfile.write(folder / name, noise, 16000)
    >>> mixer = Mixer(
    ...     [Foreground(str(folder / "dog.wav"), "Dog")],
    ...     [str(folder / "kitchen.wav")],
    ...     n_foregrounds=(1, 1),
    ... )
    >>> scene = mixer.draw(np.random.default_rng(1))
    >>> soundscape = mixer.render(scene)
    >>> soundscape.samples.shape, soundscape.stems().shape
    ((160000,), (2, 160000))
    >>> [(onset, offset, label)] = soundscape.events
    >>> abs(onset - scene.foregrounds[0].onset) < 0.02, label
    (True, 'Dog')
    """

    foregrounds: Sequence[Foreground]
    backgrounds: Sequence[str]
    rirs: Sequence[str] = ()
    effects: Any = NoEffects()
    levels: Any = UniformLevels()
    choice: Any = BalancedClasses()
    lengths: EventLengths = EventLengths()
    placement: Any = RandomPosition()
    n_foregrounds: Sequence[int] = (1, 5)
    seconds: float = 10.0
    sample_rate: int = 16000
    cache: AudioCache | None = None
    classes: Sequence[str] | None = None
    audible: float = 30.0

    def __post_init__(self):
        self.cache = self.cache or AudioCache(sample_rate=self.sample_rate)
        self._backgrounds = Backgrounds(self.backgrounds, self.cache)
        self.by_class: dict[str, list[Foreground]] = {
            label: [] for label in self.classes or ()
        }
        for source in self.foregrounds:
            label = source.event_label
            if self.classes is None or label in self.classes:
                self.by_class.setdefault(label, []).append(source)
        self.choice.check(self.by_class)

    def draw(self, rng: Generator) -> Scene:
        """Draw a scene."""
        fewest, most = self.n_foregrounds
        n = int(rng.integers(fewest, most + 1))
        sources = self.choice.draw(rng, self.by_class, n)
        levels, background_level = self.levels.draw(rng, n)
        return Scene(
            self.seconds,
            self._backgrounds.draw(rng, background_level, self.seconds),
            [
                self._draw_foreground(rng, source, level)
                for source, level in zip(sources, levels, strict=True)
            ],
        )

    def redraw(self, rng: Generator, scene: Scene) -> Scene:
        """Draw another scene with the same events at the same times.

        Levels, rooms, effects and the background are independent of those of
        the given scene.
        """
        levels, background_level = self.levels.draw(rng, len(scene.foregrounds))
        return Scene(
            scene.seconds,
            self._backgrounds.draw(rng, background_level, scene.seconds),
            [
                replace(
                    source,
                    level=level,
                    rir=self._draw_rir(rng),
                    effects=self.effects.draw(rng),
                )
                for source, level in zip(scene.foregrounds, levels, strict=True)
            ],
        )

    def render(self, scene: Scene) -> Soundscape:
        """Mix a scene; the same scene always gives the same samples."""
        n = round(scene.seconds * self.sample_rate)
        background = self._backgrounds.render(scene.background, n)
        sounds = [self._foreground(source, n) for source in scene.foregrounds]
        mixture = background.copy()
        for sound in filter(None, sounds):
            mixture[sound.first :][: len(sound.samples)] += sound.samples
        loudest = peak(mixture)
        if loudest > 1:
            for samples in (mixture, background):
                samples /= loudest
            for sound in filter(None, sounds):
                sound.samples[:] /= loudest
        events = [
            Event(sound.onset, sound.offset, source.event_label)
            for source, sound in zip(scene.foregrounds, sounds, strict=True)
            if sound
        ]
        return Soundscape(
            mixture,
            tidy_events(events, scene.seconds),
            Sound(0, background, 0.0, scene.seconds),
            sounds,
        )

    def _draw_foreground(
        self, rng: Generator, source: Foreground, level: float
    ) -> SceneSource:
        start, end = self.lengths.draw(rng, source, self.cache)
        return SceneSource(
            path=source.path,
            label=source.label,
            start=start,
            seconds=end - start,
            onset=self.placement.draw(rng, source, (start, end), self.seconds),
            level=level,
            rir=self._draw_rir(rng),
            effects=self.effects.draw(rng),
        )

    def _draw_rir(self, rng: Generator) -> str | None:
        if not self.rirs:
            return None
        return self.rirs[int(rng.integers(len(self.rirs)))]

    def _foreground(self, source: SceneSource, n: int) -> Sound | None:
        """The part of an event in the clip; None if it cannot have a label."""
        onset, wet = self._in_room(source, n)
        extent = self._audible_extent(wet)
        latest = n - MIN_EVENT * self.sample_rate
        if extent is None or onset + extent[0] > latest:
            return None
        wet = self.effects.apply(wet, self.sample_rate, source.effects)
        first, last = (onset + edge for edge in extent)
        return Sound(
            onset,
            at_level(wet, source.level),
            first / self.sample_rate,
            last / self.sample_rate,
        )

    def _in_room(self, source: SceneSource, n: int) -> tuple[int, np.ndarray]:
        """Where the clip's part of an event begins, and its samples."""
        rir = self.cache.rir(source.rir) if source.rir else ANECHOIC
        onset = round(source.onset * self.sample_rate)
        length = round(source.seconds * self.sample_rate)
        # Samples before the clip are needed for the length of the response,
        # and those after it for the delay of the direct path.
        first = max(0, -onset - len(rir) + 1)
        last = max(first, min(length, n - onset + direct_path(rir)))
        start = round(source.start * self.sample_rate)
        dry = self.cache.read(source.path, start + first, start + last)
        dry = _faded(dry, self.sample_rate // 100, first == 0, last == length)
        wet = reverberate(dry, rir)[max(0, -onset - first) :]
        onset = max(0, onset)
        return onset, wet[: n - onset]

    def _audible_extent(self, wet: np.ndarray) -> tuple[int, int] | None:
        """First sample of what is audible, and the one after the last."""
        block = self.sample_rate // 100
        whole = len(wet) - len(wet) % block
        blocks, rest = wet[:whole].reshape(-1, block), wet[whole:]
        power = np.append(
            np.einsum("ij,ij->i", blocks, blocks), np.dot(rest, rest)
        )
        threshold = power.max(initial=0) * 10 ** (-self.audible / 10)
        (loud,) = np.nonzero(power > threshold)
        if len(loud) == 0:
            return None
        last = int(loud[-1] + 1) * block
        return int(loud[0]) * block, min(last, len(wet))


def _faded(
    samples: np.ndarray, fade: int, at_start: bool, at_end: bool
) -> np.ndarray:
    """A copy with a short ramp at the ends of the file, so that none clicks."""
    samples = samples.copy()
    fade = min(fade, len(samples) // 2)
    ramp = np.arange(1, fade + 1, dtype=np.float32) / (fade + 1)
    if at_start:
        samples[:fade] *= ramp
    if at_end:
        samples[len(samples) - fade :] *= ramp[::-1]
    return samples
