"""Scores of recordings of any length, by a network that is made for clips.

A network processes its clips as a whole: features are normalised and the
recurrent layers run over the length that they were trained on. So a long
recording is processed in overlapping windows of that length, each on its own.
Windows begin where an output frame begins, so the scores of all of them lie on
one frame grid.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from sb_sed.audio.reading import Recording, UnusableAudio
from sb_sed.errors import InputError
from sb_sed.formats import scores_table

Key = TypeVar("Key", bound=Hashable)


class Network(Protocol):
    """What scores clips, on this machine."""

    @property
    def key(self) -> str:
        """What the scores of a clip depend on, as a digest."""

    def use_threads(self, number: int) -> None:
        """Let so many threads work for the one that calls this."""

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Score clips [B, N], float32; returns [B, T, C]."""


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
        Share of a window that is also in the next one, in [0, 1).

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
        """Cut a recording while it is read.

        Arguments
        ---------
        blocks : Iterable[np.ndarray]
            The samples, in blocks [N] of any length.

        Yields
        ------
        start : int
            The output frame with which the window begins.
        window : np.ndarray
            Its samples, [n_samples].
        """
        hop = max(1, round(self.n_frames * (1 - self.overlap)))
        # What is kept begins with the last window that was yielded.
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
        """Join the windows' scores, fading from each to the next.

        Arguments
        ---------
        scores : Iterable[tuple[int, np.ndarray]]
            Start (a frame) and scores [n_frames, C] of each window, in the
            order of ``cut``.

        Returns
        -------
        np.ndarray
            [T, C]; in the overlap of two windows, the weight goes linearly
            from the one to the other, because the ends of a clip are scored
            without what is around them.
        """
        joined, begin, last = _Rows(), 0, None
        for start, window in scores:
            if last is not None:
                joined.append(last[: start - begin])
                window = _faded(last[start - begin :], window)
            begin, last = start, window
        joined.append(last)
        return joined.whole()

    def _samples(self, frames: int, more: bool = False) -> int:
        return frames * self.frame_samples + self.n_samples * more

    def _padded(self, samples: np.ndarray) -> np.ndarray:
        return np.pad(samples, (0, self.n_samples - len(samples)))


class _Rows:
    """Rows as one array, which grows where it is: hours are not held twice."""

    def __init__(self) -> None:
        self._rows, self._number = np.zeros((0, 0)), 0

    def append(self, rows: np.ndarray) -> None:
        """Add rows [N, C]."""
        if not self._number:
            self._rows = np.empty_like(rows)
        end = self._number + len(rows)
        if end > len(self._rows):
            self._resize(end + end // 8)
        self._rows[self._number : end] = rows
        self._number = end

    def whole(self) -> np.ndarray:
        """Return all of them."""
        self._resize(self._number)
        return self._rows

    def _resize(self, number: int) -> None:
        # No view of it is given out before ``whole``.
        shape = number, *self._rows.shape[1:]
        self._rows.resize(shape, refcheck=False)


def _faded(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Fade ``new`` in over its first frames, which are also in ``old``."""
    both = len(old)
    weights = (np.arange(both, dtype=new.dtype)[:, None] + 0.5) / max(both, 1)
    # In this form two equal scores give exactly that score.
    return np.concatenate([old + weights * (new[:both] - old), new[both:]])


@dataclass(frozen=True)
class WindowScorer:
    """Scores recordings window by window, a few windows at once.

    Arguments
    ---------
    network : Callable[[np.ndarray], np.ndarray]
        From clips [B, N], float32, to scores [B, T, C].
    windows : Windows
        How recordings are cut.
    classes : Sequence[str]
        The C labels.
    sample_rate : int
        Of the recordings, in Hz.
    batch_size : int
        Most windows at once.

    Example
    -------
    >>> def network(clips):
    ...     return clips.reshape(len(clips), 4, -1).mean(-1, keepdims=True)
    >>> scorer = WindowScorer(network, Windows(8, 4, 2), ["A"], sample_rate=4)
    >>> scorer(Recording([np.ones(3, np.float32)]))
       onset  offset    A
    0    0.0    0.50  1.0
    1    0.5    0.75  0.5
    """

    network: Network
    windows: Windows
    classes: Sequence[str]
    sample_rate: int
    batch_size: int = 8

    def __call__(self, recording: Recording) -> pd.DataFrame:
        """Score a recording while it is read.

        Arguments
        ---------
        recording : Recording
            Blocks at the sample rate.

        Returns
        -------
        pd.DataFrame
            ``onset``, ``offset`` (seconds) and a column of scores per class.

        Raises
        ------
        UnusableAudio
            If the recording cannot be read, or its scores are not finite.
        """
        matrix = self.windows.join(self._scored(self.windows.cut(recording)))
        return self._table(matrix, recording.n_samples)

    def batch(self, clips: Sequence[np.ndarray]) -> list[pd.DataFrame]:
        """Score clips of any lengths, all of their windows together.

        Arguments
        ---------
        clips : Sequence[np.ndarray]
            Samples, float32 [N], at least one each.

        Returns
        -------
        list[pd.DataFrame]
            A table per clip.

        Raises
        ------
        InputError
            If the scores of a clip are not finite.
        """
        windows = (
            ((place, start), window)
            for place, clip in enumerate(clips)
            for start, window in self.windows.cut([clip])
        )
        tables = []
        for place, scored in groupby(self._scored(windows), lambda x: x[0][0]):
            scores = ((start, window) for (_, start), window in scored)
            matrix = self.windows.join(scores)
            try:
                tables.append(self._table(matrix, len(clips[place])))
            except UnusableAudio as reason:
                raise InputError(
                    f"Waveform {place} of the batch {reason}: leave it out."
                ) from reason
        return tables

    def _scored(
        self, windows: Iterator[tuple[Key, np.ndarray]]
    ) -> Iterator[tuple[Key, np.ndarray]]:
        """Yield the scores [T, C] of each window, under the same key."""
        while some := list(islice(windows, self.batch_size)):
            keys, clips = zip(*some, strict=True)
            scores = self.network(
                np.stack(clips).astype(np.float32, copy=False)
            )
            yield from zip(keys, scores, strict=True)

    def _table(self, matrix: np.ndarray, n_samples: int) -> pd.DataFrame:
        check_scores(matrix)
        return scores_table(
            matrix,
            self.windows.frame_samples / self.sample_rate,
            self.classes,
            n_samples / self.sample_rate,
        )


def check_scores(scores: np.ndarray) -> None:
    """Raise ``UnusableAudio`` if some of the scores [T, C] are not finite."""
    # Neither grows with the recording, as ``isfinite`` of all scores would.
    if not np.isfinite([scores.min(), scores.max()]).all():
        raise UnusableAudio("has scores that are not finite")
