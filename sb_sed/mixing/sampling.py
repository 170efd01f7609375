"""Which events a soundscape gets, and where they lie.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.data.jams import MIN_EVENT
from sb_sed.errors import InputError
from sb_sed.mixing.soundbank import Foreground

ByClass = Mapping[str, Sequence[Foreground]]


@dataclass(frozen=True)
class BalancedClasses:
    """Every class as often as any other, every file of a class as well.

    Example
    -------
    >>> sources = {"Cat": [Foreground("c.wav", "Cat")] * 9, "Dog": []}
    >>> sources["Dog"] = [Foreground("d.wav", "Dog")]
    >>> drawn = BalancedClasses().draw(np.random.default_rng(0), sources, 1000)
    >>> sum(source.label == "Dog" for source in drawn)
    537
    """

    def check(self, sources: ByClass) -> None:
        """Complain of classes without a file."""
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
            drawn.append(files[rng.integers(len(files))])
        return drawn


@dataclass(frozen=True)
class UniformFiles:
    """Every file as often as any other, whatever its class.

    Example
    -------
    >>> sources = {"Cat": [Foreground("c.wav", "Cat")] * 9, "Dog": []}
    >>> sources["Dog"] = [Foreground("d.wav", "Dog")]
    >>> drawn = UniformFiles().draw(np.random.default_rng(0), sources, 1000)
    >>> sum(source.label == "Dog" for source in drawn)
    106
    """

    def check(self, sources: ByClass) -> None:
        """Complain if there are no files at all."""
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
class RandomPosition:
    """An event anywhere in the clip.

    A short event lies within the clip as a whole. The clip may cut a longer
    one at its start or at its end, as a clip from a recording would. An event
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
            Where it is drawn from.
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
    """Isolated events where they lie in their soundscape, others at random.

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
        """The same as ``RandomPosition.draw``."""
        if source.soundscape is None:
            return self.otherwise.draw(rng, source, extent, seconds)
        return extent[0]
