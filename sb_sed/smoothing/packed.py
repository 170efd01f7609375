"""The scores of a data set as few arrays, so that smoothers work on all files.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sb_sed.errors import InputError

# Frames of one batch, padding included: bounds what a smoother needs at once.
_FRAMES = 2**20
# Share of a batch that padding may be of the frames that it pads.
_PADDING = 0.25


@dataclass(frozen=True)
class PackedScores:
    """A batch of files of similar length.

    Arguments
    ---------
    files : list of str
        The F keys of the scores (file names without extension).
    classes : list of str
        The C labels.
    values : np.ndarray
        Scores, float32, ``[F, T, C]``; 0 after the end of a file.
    lengths : np.ndarray
        Number of frames of each file, ``[F]``.
    onsets, offsets : np.ndarray
        Where each frame begins and ends in seconds, float64, ``[F, T]``; the
        end of the file after its last frame.
    """

    files: list[str]
    classes: list[str]
    values: np.ndarray
    lengths: np.ndarray
    onsets: np.ndarray
    offsets: np.ndarray
    _kept: dict = field(default_factory=dict, repr=False, compare=False)

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what ``make`` returned for the key, made once a batch.

        For what the decodings of a batch with any parameters have in common.
        """
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    @cached_property
    def frame_seconds(self) -> np.ndarray:
        """Return the median length of each file's frames in seconds, [F]."""
        seconds = np.where(self.inside, self.offsets - self.onsets, np.nan)
        return np.nanmedian(seconds, axis=1)

    @property
    def inside(self) -> np.ndarray:
        """Return whether a frame belongs to the file, bool, ``[F, T]``."""
        return np.arange(self.values.shape[1]) < self.lengths[:, None]

    def scores_of(self, label: str) -> np.ndarray:
        """Return the scores of a class, float32, ``[F, T]``, contiguous."""
        column = self.classes.index(label)
        return np.ascontiguousarray(self.values[:, :, column])


def pack(scores: Mapping[str, pd.DataFrame]) -> list[PackedScores]:
    """Pack scores tables into batches of files of similar length.

    So an hour-long recording does not pad short clips. Scores are rounded to
    single precision, in which detectors compute.

    Arguments
    ---------
    scores : Mapping[str, pd.DataFrame]
        For each clip a table of onset, offset (seconds) and one column of
        scores a class.

    Returns
    -------
    batches : list of PackedScores
        Each keeps the order of ``scores``.

    Raises
    ------
    InputError
        If the tables differ in their classes or one has no frame.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> short = scores_table([[0.25], [0.5]], 0.5, ["Dog"])
    >>> batches = pack({"a": short, "long": pd.concat([short] * 9), "b": short})
    >>> [batch.files for batch in batches]
    [['long'], ['a', 'b']]
    >>> batches[1].values.shape
    (2, 2, 1)
    """
    classes = None
    for clip, table in scores.items():
        classes = classes or (clip, list(table.columns[2:]))
        if list(table.columns[2:]) != classes[1]:
            raise InputError(
                f"The scores of {clip} have other classes than those of "
                f"{classes[0]}: all need the same columns in the same order."
            )
        if not len(table):
            raise InputError(
                f"The scores of {clip} have no frame: leave out the clip."
            )
    place = {clip: index for index, clip in enumerate(scores)}
    return [
        _batch(
            {
                clip: scores[clip]
                for clip in sorted(clips, key=place.__getitem__)
            }
        )
        for clips in _groups({clip: len(scores[clip]) for clip in scores})
    ]


def _groups(lengths: Mapping[str, int]) -> list[list[str]]:
    """Fill one batch after the other, beginning with the longest files."""
    groups: list[list[str]] = []
    longest = n_frames = 0
    for clip in sorted(lengths, key=lengths.__getitem__, reverse=True):
        n_frames += lengths[clip]
        padded = longest * (len(groups[-1]) + 1) if groups else 0
        if not groups or padded > min(_FRAMES, (1 + _PADDING) * n_frames):
            groups.append([])
            longest = n_frames = lengths[clip]
        groups[-1].append(clip)
    return groups


def _batch(scores: Mapping[str, pd.DataFrame]) -> PackedScores:
    """Pad some tables to the length of the longest."""
    classes = list(next(iter(scores.values())).columns[2:])
    lengths = np.array([len(table) for table in scores.values()])
    shape = len(scores), lengths.max()
    onsets, offsets = np.empty(shape), np.empty(shape)
    for row, table in enumerate(scores.values()):
        for times, name in ((onsets, "onset"), (offsets, "offset")):
            times[row, : len(table)] = table[name]
            times[row, len(table) :] = table["offset"].iloc[-1]
    values = _values(list(scores.values()), lengths.max())
    return PackedScores(list(scores), classes, values, lengths, onsets, offsets)


def _values(tables: list[pd.DataFrame], n_frames: int) -> np.ndarray:
    """Scores [F, T, C]; those of one file, if they can be shared, no copy."""
    if len(tables) == 1:
        return _matrix(tables[0])[None]
    n_classes = tables[0].shape[1] - 2
    values = np.zeros((len(tables), n_frames, n_classes), np.float32)
    for row, table in enumerate(tables):
        values[row, : len(table)] = _matrix(table)
    return values


def _matrix(table: pd.DataFrame) -> np.ndarray:
    """Scores [T, C]: of hours, and of many classes, they are large."""
    # Any choice of columns would copy them.
    table = table.copy(deep=False)
    del table["onset"], table["offset"]
    return table.to_numpy(np.float32)
