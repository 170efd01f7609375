"""The events of one class that many settings of a smoother find.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sb_sed.smoothing.packed import PackedScores


@dataclass(frozen=True)
class Detections:
    """Events of one class as arrays of one length D.

    Sorted by setting, then file, then onset.

    Arguments
    ---------
    setting : np.ndarray
        Which of the settings found the event, int, ``[D]``.
    file : np.ndarray
        Its file's place in the batch of scores, int, ``[D]``.
    onset, offset : np.ndarray
        In seconds, ``[D]``.
    confidence : np.ndarray
        From 0 to 1, ``[D]``.
    """

    setting: np.ndarray
    file: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    confidence: np.ndarray

    @classmethod
    def from_frames(
        cls,
        packed: PackedScores,
        events: Sequence[Sequence[np.ndarray]],
    ) -> Detections:
        """Make the events that each setting has found.

        Arguments
        ---------
        packed : PackedScores
            The batch that they were found in.
        events : sequence of sequence of np.ndarray
            Of each setting: file, first frame, the one after the last,
            confidence.

        Returns
        -------
        detections : Detections
        """
        setting = np.repeat(range(len(events)), [len(e[0]) for e in events])
        file, first, end, confidence = (
            np.concatenate(column) for column in zip(*events, strict=True)
        )
        return cls(
            setting,
            file,
            packed.onsets[file, first],
            packed.offsets[file, end - 1],
            confidence,
        )


def runs(active: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the runs of True along the last axis.

    Arguments
    ---------
    active : np.ndarray
        bool, ``[..., T]``.

    Returns
    -------
    row, first, end : np.ndarray
        For each run the row it is in (of ``active.reshape(-1, T)``), its first
        frame and the one after its last; sorted by row, then frame.

    Example
    -------
    >>> runs(np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool))
    (array([0, 0, 2]), array([0, 3, 0]), array([2, 4, 4]))
    """
    n_frames = active.shape[-1]
    rows = active.reshape(-1, n_frames)
    # One silent frame before the first row and after each: runs end there.
    line = np.zeros(rows.shape[0] * (n_frames + 1) + 1, dtype=bool)
    line[1:].reshape(-1, n_frames + 1)[:, :-1] = rows
    edges = np.flatnonzero(line[1:] != line[:-1])
    row, first = np.divmod(edges[::2], n_frames + 1)
    return row, first, first + edges[1::2] - edges[::2]
