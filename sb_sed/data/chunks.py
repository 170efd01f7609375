"""Which part of a long recording a training clip is.

Authors
 * sb_sed contributors 2026
"""

from math import ceil
from typing import Protocol

from numpy.random import Generator


class Chunks(Protocol):
    """Where the chunks of a recording begin, drawn anew in each epoch."""

    def count(self, duration: float, length: float) -> int:
        """Return how many chunks an epoch has of a recording (seconds)."""

    def start(
        self, rng: Generator, number: int, duration: float, length: float
    ) -> float:
        """Draw where one of them begins, in seconds."""


class RandomChunk:
    """One chunk of a recording an epoch, anywhere in it.

    Arguments
    ---------
    grid : float
        Chunks begin at its multiples, in seconds: that of the frames of a
        pretrained encoder, whose embeddings are then cut as the audio is.

    Example
    -------
    >>> import numpy as np
    >>> chunks = RandomChunk(grid=0.5)
    >>> chunks.count(30.0, 10.0), chunks.count(5.0, 10.0)
    (1, 1)
    >>> chunks.start(np.random.default_rng(0), 0, 12.0, 10.0) in (
    ...     0,
    ...     0.5,
    ...     1,
    ...     1.5,
    ...     2,
    ... )
    True
    """

    def __init__(self, grid: float = 0.16):
        self.grid = grid

    def count(self, duration: float, length: float) -> int:
        """Return 1."""
        return 1

    def start(
        self, rng: Generator, number: int, duration: float, length: float
    ) -> float:
        """Draw where the chunk begins, in seconds."""
        return self.grid * int(rng.integers(self._places(duration, length)))

    def _places(self, duration: float, length: float) -> int:
        """Where a chunk that ends in the recording may begin: how many."""
        return int(max(0.0, duration - length) / self.grid + 1e-6) + 1


class OverlappingChunks(RandomChunk):
    """All of a recording an epoch, as chunks that overlap.

    They begin about ``hop`` seconds apart, each moved by a draw of less
    than that, so that borders are elsewhere in each epoch.

    Arguments
    ---------
    hop : float
        Seconds from one chunk to the next.
    grid : float
        As for ``RandomChunk``.

    Example
    -------
    >>> import numpy as np
    >>> chunks = OverlappingChunks(hop=5.0)
    >>> chunks.count(24.0, 10.0), chunks.count(8.0, 10.0)
    (4, 1)
    >>> 5 <= chunks.start(np.random.default_rng(0), 1, 24.0, 10.0) < 10
    True
    """

    def __init__(self, hop: float = 5.0, grid: float = 0.16):
        super().__init__(grid)
        self.hop = hop

    def count(self, duration: float, length: float) -> int:
        """Return how many chunks cover the recording."""
        return 1 + ceil(max(0.0, duration - length - 1e-6) / self.hop)

    def start(
        self, rng: Generator, number: int, duration: float, length: float
    ) -> float:
        """Draw where one of the chunks begins, in seconds."""
        last = self._places(duration, length) - 1
        moved = number * self.hop + rng.uniform(0, self.hop)
        return self.grid * min(last, int(moved / self.grid))
