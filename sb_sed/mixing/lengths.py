"""Which part of a file is an event.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.soundbank import Foreground

# Of a longer file, a minute is looked through for something loud.
_WINDOW = 60.0


@dataclass(frozen=True)
class EventLengths:
    """The whole file, or a part that is as long as events of its class are.

    The files of DESED's sound bank hold one event each and need no cut. Other
    collections have recordings of some seconds with several barks or dishes in
    them: taken whole, they would be labelled as one event, many times longer
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
        If a range is none.

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
        """Draw the part of a file.

        A file that lacks the event's start or end is cut on that side.

        Arguments
        ---------
        rng : Generator
            Where it is drawn from.
        source : Foreground
            The file.
        cache : AudioCache
            Reads it.

        Returns
        -------
        tuple[float, float]
            Where the part begins and ends in the file, seconds.
        """
        start, end = cache.extent(source.path)
        limits = (self.seconds or {}).get(source.event_label)
        if limits is None:
            return start, end
        length = rng.uniform(*limits)
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
        """A moment, seconds in the file, at which something is heard."""
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
