"""Which events a soundscape gets, which part of a file, and when it starts.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.data.jams import MIN_EVENT
from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.soundbank import Foreground

ByClass = Mapping[str, Sequence[Foreground]]

# Seconds of a longer file that are searched for something loud.
_WINDOW = 60.0


@dataclass(frozen=True)
class BalancedClasses:
    """Draws every class equally often, and every file within a class.

    Example
    -------
    >>> sources = {"Cat": [Foreground("c.wav", "Cat")] * 9, "Dog": []}
    >>> sources["Dog"] = [Foreground("d.wav", "Dog")]
    >>> drawn = BalancedClasses().draw(np.random.default_rng(0), sources, 1000)
    >>> sum(source.label == "Dog" for source in drawn)
    537
    """

    def check(self, sources: ByClass) -> None:
        """Raise InputError if there is a class without a file."""
        empty = [label for label, files in sources.items() if not files]
        if empty or not sources:
            raise InputError(
                f"The sound bank has no events of {', '.join(empty) or 'any class'}"
                ": add some, or draw files uniformly (UniformFiles)."
            )

    def draw(
        self, rng: Generator, sources: ByClass, n: int
    ) -> list[Foreground]:
        """Draw ``n`` files, with replacement."""
        classes = list(sources)
        drawn = []
        for index in rng.integers(len(classes), size=n):
            files = sources[classes[index]]
            drawn.append(files[int(rng.integers(len(files)))])
        return drawn


@dataclass(frozen=True)
class UniformFiles:
    """Draws every file equally often, whatever its class.

    Example
    -------
    >>> sources = {"Cat": [Foreground("c.wav", "Cat")] * 9, "Dog": []}
    >>> sources["Dog"] = [Foreground("d.wav", "Dog")]
    >>> drawn = UniformFiles().draw(np.random.default_rng(0), sources, 1000)
    >>> sum(source.label == "Dog" for source in drawn)
    106
    """

    def check(self, sources: ByClass) -> None:
        """Raise InputError if there are no files at all."""
        if not any(sources.values()):
            raise InputError(
                "The sound bank has no events of any of the classes: add some."
            )

    def draw(
        self, rng: Generator, sources: ByClass, n: int
    ) -> list[Foreground]:
        """Draw ``n`` files, with replacement."""
        lasts = np.cumsum([len(files) for files in sources.values()])
        classes = list(sources.values())
        drawn = []
        for index in rng.integers(lasts[-1], size=n):
            number = int(np.searchsorted(lasts, index, side="right"))
            drawn.append(classes[number][index - lasts[number]])
        return drawn


@dataclass(frozen=True)
class EventLengths:
    """Draws the part of a file: all of it, or one as long as events are.

    The files of DESED's sound bank hold one event each and need no cut. Other
    collections have recordings of some seconds with several barks or dishes in
    them: used whole, they would be labelled as one event, many times longer
    than those to be detected.

    Arguments
    ---------
    seconds : Mapping[str, Sequence[float]], optional
        Class to the shortest and the longest event, uniform. Shorter files
        and files of other classes stay whole.
    within : float
        A part lies around a moment within this many dB of the file's loudest.

    Raises
    ------
    InputError
        If a range is not in order or begins at 0 or below.

    Example
    -------
    >>> EventLengths({"Dog": [2.0, 1.0]})
    Traceback (most recent call last):
    sb_sed.errors.InputError: Events of Dog cannot last from 2.0 to 1.0 s: ...
    """

    seconds: Mapping[str, Sequence[float]] | None = None
    within: float = 15.0

    def __post_init__(self):
        for label, (low, high) in (self.seconds or {}).items():
            if not 0 < low <= high:
                raise InputError(
                    f"Events of {label} cannot last from {low} to {high} s: "
                    "give the shorter length first, above 0."
                )

    def draw(
        self, rng: Generator, source: Foreground, cache: AudioCache
    ) -> tuple[float, float]:
        """Draw where the part of a file begins and ends, in seconds.

        A file that lacks the event's start or end is cut on that side.
        """
        start, end = cache.extent(source.path)
        limits = (self.seconds or {}).get(source.event_label)
        if limits is None:
            return start, end
        shortest, longest = limits
        length = rng.uniform(shortest, longest)
        if length >= end - start:
            return start, end
        if source.has_onset != source.has_offset:
            first = start if source.has_onset else end - length
        else:
            moment = self._loud_moment(rng, source, (start, end), cache)
            first = moment - rng.uniform(0, length)
            first = min(max(first, start), end - length)
        return first, first + length

    def _loud_moment(
        self,
        rng: Generator,
        source: Foreground,
        extent: tuple[float, float],
        cache: AudioCache,
    ) -> float:
        """A moment, seconds in the file, that is not silent."""
        start, end = extent
        if end - start > _WINDOW:
            start = rng.uniform(start, end - _WINDOW)
            end = start + _WINDOW
        rate = cache.sample_rate
        samples = cache.read(source.path, int(start * rate), int(end * rate))
        block = rate // 100
        blocks = samples[: len(samples) // block * block].reshape(-1, block)
        power = np.einsum("ij,ij->i", blocks, blocks)
        threshold = power.max(initial=0) * 10 ** (-self.within / 10)
        loud = np.flatnonzero(power >= threshold)
        return start + 0.01 * (rng.choice(loud) if len(loud) else 0)


@dataclass(frozen=True)
class RandomPosition:
    """Places an event anywhere in the clip.

    A short event lies entirely within the clip. A longer one may be cut by the
    start or the end of the clip, as in a clip of a longer recording. An event
    without onset (``_nOn``) begins before the clip or with it, one without
    offset (``_nOff``) ends after the clip or with it; one with neither that is
    too short to fill the clip begins with it.

    Arguments
    ---------
    whole : float
        Seconds up to which an event is never cut, unless it is longer than
        the clip.
    overhang : float
        The most of a longer event that may lie before the clip or after it, a
        share of its length.

    Example
    -------
    >>> rng = np.random.default_rng(0)
    >>> source = Foreground("a.wav", "Frying_nOff")
    >>> onset = RandomPosition().draw(rng, source, (0.0, 8.0), 10.0)
    >>> 2.0 <= onset <= 6.0
    True
    """

    whole: float = 3.0
    overhang: float = 0.5

    def draw(
        self,
        rng: Generator,
        source: Foreground,
        extent: tuple[float, float],
        seconds: float,
    ) -> float:
        """Draw when an event starts.

        Arguments
        ---------
        rng : Generator
            Random numbers.
        source : Foreground
            The file.
        extent : tuple[float, float]
            Where in the file the event is, seconds.
        seconds : float
            Length of the clip.

        Returns
        -------
        float
            Seconds from the start of the clip; below 0 if it starts before.
        """
        length = max(extent[1] - extent[0], MIN_EVENT)
        over = self.overhang * length if length > self.whole else 0.0
        # Onsets that leave enough of the event in the clip.
        low, high = sorted((-over, seconds - length + over))
        # Those that put an end that the file lacks outside of the clip.
        if not source.has_offset:
            low = max(low, seconds - length)
            high = max(high, low)
        if not source.has_onset:
            high = min(high, 0.0)
            low = min(low, high)
        return rng.uniform(low, high)


@dataclass(frozen=True)
class OriginalPosition:
    """Places isolated events where they lie in their soundscape.

    Arguments
    ---------
    otherwise : RandomPosition
        For events of which no position is known.

    Example
    -------
    >>> source = Foreground("a.wav", "Dog", soundscape="17")
    >>> OriginalPosition().draw(np.random.default_rng(0), source, (2, 3), 10.0)
    2
    """

    otherwise: RandomPosition = RandomPosition()

    def draw(
        self,
        rng: Generator,
        source: Foreground,
        extent: tuple[float, float],
        seconds: float,
    ) -> float:
        """Draw when an event starts, as ``RandomPosition.draw``."""
        if source.soundscape is None:
            return self.otherwise.draw(rng, source, extent, seconds)
        return extent[0]
