"""Recordings of any length, cut into windows, and the windows' scores joined.

A network hears its clips whole: features are normalised and the recurrent
layers run over the clip that they were trained on. So a long recording is
heard as overlapping clips of that length, each on its own. Windows begin where
an output frame begins, so the scores of all of them lie on one frame grid.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Where the windows lie, and how their scores become one table.

    A recording that fits in one window is that window, padded with silence.
    Of a longer one, the last window ends where the recording ends (as near as
    the frame grid allows), so that it is not filled with silence.

    Arguments
    ---------
    n_samples : int
        Length of a window.
    n_frames : int
        The network's output frames for that many samples.
    frame_samples : int
        Samples from one output frame to the next.
    overlap : float
        Share of a window that the next one hears again, in [0, 1).

    Example
    -------
    >>> windows = Windows(160000, 157, 1020)
    >>> recording = [np.zeros(100000)] * 3
    >>> starts, clips = zip(*windows.cut(recording), strict=True)
    >>> starts, {len(clip) for clip in clips}
    ((0, 118, 138), {160000})
    >>> windows.join((start, np.ones((157, 10))) for start in starts).shape
    (295, 10)
    """

    n_samples: int
    n_frames: int
    frame_samples: int
    overlap: float = 0.25

    def cut(
        self, blocks: Iterable[np.ndarray]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Cuts a recording that comes in pieces, as it comes.

        Arguments
        ---------
        blocks : Iterable[np.ndarray]
            The samples, in pieces [N] of any length.

        Yields
        ------
        start : int
            The output frame with which the window begins.
        window : np.ndarray
            Its samples, [n_samples].
        """
        hop = max(1, round(self.n_frames * (1 - self.overlap)))
        # What is kept begins with the last window that was given away.
        kept, first, following = np.zeros(0, np.float32), 0, 0
        for block in blocks:
            kept = np.concatenate([kept, block])
            while len(kept) >= self._samples(following - first, more=True):
                kept = kept[self._samples(following - first) :]
                first, following = following, following + hop
                yield first, kept[: self.n_samples]
        if following == 0:
            yield 0, self._padded(kept)
        elif len(kept) > self.n_samples:
            # Rounded up to the grid, so that nothing of the end is lost.
            shift = -((self.n_samples - len(kept)) // self.frame_samples)
            yield first + shift, self._padded(kept[self._samples(shift) :])

    def join(self, scores: Iterable[tuple[int, np.ndarray]]) -> np.ndarray:
        """Joins the windows' scores, fading from each to the next.

        Arguments
        ---------
        scores : Iterable[tuple[int, np.ndarray]]
            Start (a frame) and scores [n_frames, C] of each window, in the
            order of ``cut``.

        Returns
        -------
        np.ndarray
            [T, C]; in the overlap of two windows, the weight goes linearly
            from the one to the other, as the ends of a clip are heard without
            what is around them.
        """
        joined, begin, last = [], 0, None
        for start, window in scores:
            if last is not None:
                joined.append(last[: start - begin])
                window = _faded(last[start - begin :], window)
            begin, last = start, window
        return np.concatenate([*joined, last])

    def _samples(self, frames: int, more: bool = False) -> int:
        return frames * self.frame_samples + self.n_samples * more

    def _padded(self, samples: np.ndarray) -> np.ndarray:
        return np.pad(samples, (0, self.n_samples - len(samples)))


def _faded(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """``new``, whose first frames are also in ``old``, faded in over them."""
    both = len(old)
    weights = (np.arange(both, dtype=new.dtype)[:, None] + 0.5) / max(both, 1)
    # In this form two equal scores give exactly that score.
    return np.concatenate([old + weights * (new[:both] - old), new[both:]])
