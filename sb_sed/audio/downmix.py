"""From channels to one, also where they cancel each other.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Callable

import numpy as np

# The mean of independent channels has their mean power divided by their number.
# With less than the first share of that they cancel; they do until there is
# more than the second share.
_CANCELLED, _NOT_CANCELLED = 0.05, 0.2
# Of less than so many seconds that would be chance: there it is this share.
_LEAST, _NOTHING = 0.1, 1e-6
# A channel that is so much weaker than the loudest is replaced by that.
_FADED = 0.1
# Seconds for which the powers are remembered, and those of a fade.
_MEMORY, _FADE = 1.0, 0.01
NOTE = (
    "has channels that cancel each other: where they do, one of them is used "
    "alone"
)


class Downmix:
    """The mean of the channels, or the loudest of them while they cancel.

    A channel with the opposite sign of the other, as wrong wiring makes it,
    leaves nothing of the mean. What lies at one side of 0 does not count. The
    choice depends on the last seconds only, so it is the same for recordings
    and for streams.

    Arguments
    ---------
    rate : int
        Samples per second.
    note : Callable[[str], None], optional
        Called once, with a phrase to follow the name of the recording, when
        channels cancel for the first time.

    Example
    -------
    >>> noise = np.random.default_rng(0).normal(size=8000)
    >>> downmix = Downmix(8000, print)
    >>> mono = downmix(np.stack([noise, -noise], axis=1))
    has channels that cancel each other: where they do, one of them is ...
    >>> np.array_equal(mono, noise)
    True
    """

    def __init__(self, rate: int, note: Callable[[str], None] | None = None):
        self._rate, self._note = rate, note
        # Weighted number, sums and sums of squares, of the channels and of
        # their mean.
        self._sums: np.ndarray | None = None
        self._chosen: int | None = None

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return one channel [time] of the next samples [time, channels]."""
        mixed = samples.mean(axis=1)
        if samples.shape[1] == 1:
            return mixed
        size = max(1, round(_MEMORY * self._rate))
        for start in range(0, len(mixed), size):
            piece = slice(start, start + size)
            self._replace(samples[piece], mixed[piece])
        return mixed

    def _replace(self, samples: np.ndarray, mixed: np.ndarray) -> None:
        """Put one channel in the place of the mean where they cancel."""
        is_first, before = self._sums is None, self._chosen
        self._choose(samples, mixed)
        if before is None is self._chosen:
            return
        if before is None and self._note:
            self._note(NOTE)
            self._note = None
        old, new = (
            mixed.copy() if chosen is None else samples[:, chosen]
            for chosen in (before, self._chosen)
        )
        mixed[:] = new
        if not is_first and before != self._chosen:
            n = min(len(mixed), round(_FADE * self._rate))
            weights = np.arange(1, n + 1, dtype=mixed.dtype) / (n + 1)
            mixed[:n] = old[:n] + weights * (new[:n] - old[:n])

    def _choose(self, samples: np.ndarray, mixed: np.ndarray) -> None:
        """Decide which channel is used, if not the mean of all."""
        *powers, power = self._powers(np.column_stack([samples, mixed]))
        powers = np.array(powers)
        share = _CANCELLED if self._chosen is None else _NOT_CANCELLED
        if self._sums[0, 0] < _LEAST * self._rate:
            share = _NOTHING
        if power >= share * powers.mean() / len(powers):
            self._chosen = None
        elif (
            self._chosen is None or powers[self._chosen] < _FADED * powers.max()
        ):
            # Of those that are about as loud as the loudest, the first.
            self._chosen = int((powers >= 0.9 * powers.max()).argmax())

    def _powers(self, signals: np.ndarray) -> np.ndarray:
        """Return the power of the latest of each signal [time, signals]."""
        signals = signals.astype(np.float64)
        sums = np.stack(
            [
                np.full(signals.shape[1], float(len(signals))),
                signals.sum(axis=0),
                np.einsum("ij,ij->j", signals, signals),
            ]
        )
        if self._sums is not None:
            decay = math.exp(-len(signals) / (_MEMORY * self._rate))
            sums += decay * self._sums
        self._sums = sums
        means, squares = sums[1:] / sums[0]
        powers = squares - means**2
        # What is left of a constant is rounding.
        return np.where(powers > 1e-12 * squares, powers, 0)
