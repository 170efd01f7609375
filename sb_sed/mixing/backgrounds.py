"""The background of a clip: a recording of a place, looped if it is short.

Authors
 * sb_sed contributors 2026
"""

import os
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.levels import at_level
from sb_sed.mixing.scene import SceneSource


class Backgrounds:
    """Draws the background of a clip and reads it.

    Arguments
    ---------
    paths : Sequence[str]
        Recordings of places.
    cache : AudioCache
        Reads them.

    Raises
    ------
    InputError
        If there are none.
    """

    def __init__(self, paths: Sequence[str], cache: AudioCache):
        if not paths:
            raise InputError(
                "There are no backgrounds to mix: name a folder of the sound "
                "bank that has some."
            )
        self.paths = paths
        self.cache = cache

    def draw(self, rng: Generator, level: float, seconds: float) -> SceneSource:
        """Draw a recording and the part of it that a clip gets.

        Arguments
        ---------
        rng : Generator
            Random numbers.
        level : float
            Peak in dB of full scale.
        seconds : float
            Length of the clip.

        Returns
        -------
        SceneSource
            Its label is the name of the file's folder.
        """
        path = self.paths[int(rng.integers(len(self.paths)))]
        start, end = self.cache.extent(path)
        start = rng.uniform(start, max(start, end - seconds))
        length = min(end - start, seconds)
        label = os.path.basename(os.path.dirname(path))
        return SceneSource(path, label, start, length, 0.0, level)

    def render(self, source: SceneSource, n: int) -> np.ndarray:
        """Return the background of a clip of ``n`` samples, float32 [n]."""
        rate = self.cache.sample_rate
        first = round(source.start * rate)
        last = first + min(n, round(source.seconds * rate))
        samples = self.cache.read(source.path, first, last)
        if len(samples) < n:
            samples = _looped(samples, n, rate // 10)
        return at_level(samples, source.level)


def _looped(samples: np.ndarray, n: int, fade: int) -> np.ndarray:
    """The samples again and again, their end faded into their start."""
    fade = min(fade, len(samples) // 2)
    period = len(samples) - fade
    angle = np.linspace(0, np.pi / 2, fade, dtype=np.float32)
    loop = samples[:period].copy()
    loop[:fade] *= np.sin(angle)
    loop[:fade] += samples[period:] * np.cos(angle)
    return np.resize(loop, n)
