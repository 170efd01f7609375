"""Collar-based matching of all settings and files of a class at once.

The result is sed_eval's with ``event_matching_type="optimal"``, for the collars
of :mod:`sb_sed.scoring.collar`: a largest one-to-one matching. sed_eval takes
2 s for one setting of ten classes; a search compares hundreds.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sb_sed.formats import same_name
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO
from sb_sed.smoothing.detections import Detections

# Candidates are looked up with this much to spare and then compared exactly.
_SPARE = 0.01


@dataclass(frozen=True)
class Reference:
    """The reference events of one class, sorted by file and onset.

    Arguments
    ---------
    n_files : int
        Number F of files.
    file : np.ndarray
        Each event's file, from 0 to F - 1, int, ``[R]``.
    onset, offset : np.ndarray
        In seconds, ``[R]``.
    """

    n_files: int
    file: np.ndarray
    onset: np.ndarray
    offset: np.ndarray

    @classmethod
    def from_events(
        cls, events: pd.DataFrame, label: str, files: Sequence[str]
    ) -> Reference:
        """Take the events of a class in some files.

        Their names are those of the events, as ``same_name`` has them.
        """
        place = {clip: index for index, clip in enumerate(files)}
        some = events[events["event_label"] == label]
        file = some["filename"].map(same_name).map(place)
        some, file = some[file.notna()], file.dropna().to_numpy(dtype=int)
        onset = some["onset"].to_numpy(dtype=float)
        offset = some["offset"].to_numpy(dtype=float)
        order = np.lexsort((onset, file))
        return cls(len(files), file[order], onset[order], offset[order])

    @property
    def counts(self) -> np.ndarray:
        """Return the number of events in each file, ``[F]``."""
        return np.bincount(self.file, minlength=self.n_files)


def collar_hits(
    reference: Reference, detections: Detections, n_settings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count the hits of each setting in each file.

    Arguments
    ---------
    reference : Reference
        Events of the class.
    detections : Detections
        Events that S settings found in the same files.
    n_settings : int
        S.

    Returns
    -------
    hits, estimates : np.ndarray
        Matched and all estimated events, int, ``[S, F]``.

    Example
    -------
    >>> one = np.zeros(1, dtype=int)
    >>> reference = Reference(1, one, np.array([1.0]), np.array([2.0]))
    >>> found = Detections(
    ...     setting=np.array([0, 1, 1]),
    ...     file=np.array([0, 0, 0]),
    ...     onset=np.array([1.3, 0.9, 1.1]),
    ...     offset=np.array([2.0, 2.0, 2.0]),
    ...     confidence=np.ones(3),
    ... )
    >>> hits, estimates = collar_hits(reference, found, n_settings=2)
    >>> hits.tolist(), estimates.tolist()
    ([[0], [1]], [[1], [2]])
    """
    shape = n_settings, reference.n_files
    cell = detections.setting * reference.n_files + detections.file
    estimates = np.bincount(cell, minlength=n_settings * reference.n_files)
    hit = _matched(reference, detections)
    hits = np.bincount(cell[hit], minlength=n_settings * reference.n_files)
    return hits.reshape(shape), estimates.reshape(shape)


def _matched(reference: Reference, detections: Detections) -> np.ndarray:
    """Return the detections with a partner in a largest matching."""
    event, target = within_collars(reference, detections)
    # A reference event is a node of its own in each setting.
    node = detections.setting[event] * len(reference.onset) + target
    _, node = np.unique(node, return_inverse=True)
    alone = (np.bincount(event)[event] == 1) & (np.bincount(node)[node] == 1)
    if alone.all():
        return event
    rivals, columns = np.unique(event[~alone]), node[~alone]
    graph = csr_array(
        (
            np.ones(len(columns), dtype=np.int8),
            (np.searchsorted(rivals, event[~alone]), columns),
        ),
        shape=(len(rivals), columns.max() + 1),
    )
    matched = maximum_bipartite_matching(graph, perm_type="column") >= 0
    return np.concatenate([event[alone], rivals[matched]])


def within_collars(
    reference: Reference, detections: Detections
) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs within the collars.

    Arguments
    ---------
    reference, detections
        As of :func:`collar_hits`; the detections in any order.

    Returns
    -------
    detection, event : np.ndarray
        Their places in both, int, ``[P]``.
    """
    # Files one after the other on one time line, too far apart to meet.
    ends = [*reference.onset, 0.0]
    period = max(np.max(ends), detections.onset.max(initial=0)) + 1
    line = reference.file * period + reference.onset
    onset = detections.file * period + detections.onset
    low = np.searchsorted(line, onset - COLLAR - _SPARE)
    n_near = np.searchsorted(line, onset + COLLAR + _SPARE) - low
    event = np.repeat(np.arange(len(onset)), n_near)
    nth = np.arange(len(event)) - np.repeat(np.cumsum(n_near) - n_near, n_near)
    target = low[event] + nth
    # From here on with the same numbers and operations as sed_eval.
    begins, ends = reference.onset[target], reference.offset[target]
    within = np.abs(begins - detections.onset[event]) <= COLLAR
    collar = np.maximum(COLLAR, OFFSET_RATIO * (ends - begins))
    within &= np.abs(ends - detections.offset[event]) <= collar
    return event[within], target[within]
