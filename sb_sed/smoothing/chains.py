"""The events of many two-state chains in many files, block by block.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sb_sed.smoothing.confidence import CONFIDENCES
from sb_sed.smoothing.detections import Detections, runs
from sb_sed.smoothing.packed import PackedScores
from sb_sed.smoothing.viterbi import posteriors, viterbi

# Settings, and chains (settings x files), that are decoded together: what
# fits in a cache, and for long recordings in memory.
_SETTINGS, _CHAINS = 64, 8192
_CELLS = 2**24


def chain_events(
    values: np.ndarray,
    log_emissions: Callable[[np.ndarray], np.ndarray],
    log_transitions: np.ndarray,
    log_initial: np.ndarray,
    lengths: np.ndarray,
    scores: np.ndarray,
    confidence: str,
) -> list[tuple[np.ndarray, ...]]:
    """Find the runs of the active state.

    Arguments
    ---------
    values, log_emissions, log_transitions, log_initial, lengths
        As for :func:`blocks`.
    scores : np.ndarray
        Of the frames, for the confidences, ``[F, T]``.
    confidence : str
        One of :data:`sb_sed.smoothing.confidence.CONFIDENCES`.

    Returns
    -------
    events : list of tuple of np.ndarray
        As for :meth:`sb_sed.smoothing.detections.Detections.from_frames`.
    """
    summarise, from_posteriors = CONFIDENCES[confidence]
    frames, confidences = [np.empty((4, 0), dtype=int)], [np.empty(0)]
    for settings, files, chains in blocks(
        values, log_emissions, log_transitions, log_initial, lengths
    ):
        row, first, end = runs(viterbi(*chains))
        setting, place = np.divmod(row, len(files))
        frames.append(
            np.stack([settings.start + setting, files[place], first, end])
        )
        if from_posteriors:
            certainty = posteriors(*chains).reshape(-1, scores.shape[1])
        else:
            certainty, row = scores[files], place
        confidences.append(summarise(certainty, row, first, end))
    frames, confidences = np.hstack(frames), np.hstack(confidences)
    # Within a setting and a file they are in order already.
    order = np.argsort(frames[0] * len(scores) + frames[1], kind="stable")
    setting, *events = *frames[:, order], confidences[order]
    bounds = np.searchsorted(setting, np.arange(1, len(log_transitions)))
    return list(zip(*(np.split(x, bounds) for x in events), strict=True))


def confident_events(
    packed: PackedScores,
    events: Sequence[Sequence[np.ndarray]],
    thresholds: Sequence[float],
) -> Detections:
    """Keep the events of each setting that reach its threshold.

    See :meth:`sb_sed.smoothing.detections.Detections.from_frames`.
    """
    kept = []
    for columns, threshold in zip(events, thresholds, strict=True):
        # In the precision of the scores.
        keep = np.float32(columns[-1]) >= np.float32(threshold)
        kept.append([column[keep] for column in columns])
    return Detections.from_frames(packed, kept)


def blocks(
    values: np.ndarray,
    log_emissions: Callable[[np.ndarray], np.ndarray],
    log_transitions: np.ndarray,
    log_initial: np.ndarray,
    lengths: np.ndarray,
) -> Iterator[tuple[slice, np.ndarray, tuple]]:
    """Divide chains into blocks that are decoded together.

    Files that no setting of a block could make active are left out.

    Arguments
    ---------
    values : np.ndarray
        Observations of each frame of F files, ``[F, T]``.
    log_emissions : Callable
        From values ``[...]`` to ``[..., 2]``; the higher a value, the likelier
        the active state.
    log_transitions, log_initial, lengths : np.ndarray
        Of F files and S settings, as for
        :func:`sb_sed.smoothing.viterbi.viterbi`.

    Yields
    ------
    settings : slice
        Some of the S.
    files : np.ndarray
        Indices of some of the F.
    chains : tuple
        The arguments of ``viterbi`` for these.
    """
    limit = min(_CHAINS, _CELLS // values.shape[1])
    silent, active = log_emissions(values.max(axis=1)).T
    for first in range(0, len(log_transitions), _SETTINGS):
        settings = slice(first, first + _SETTINGS)
        chains = log_transitions[settings], log_initial[settings]
        possible = np.flatnonzero(active - silent > _least_odds(*chains))
        step = max(1, limit // len(chains[0]))
        for start in range(0, len(possible), step):
            files = possible[start : start + step]
            emissions = log_emissions(values[files])
            yield settings, files, (emissions, *chains, lengths[files])


def _least_odds(log_transitions: np.ndarray, log_initial: np.ndarray) -> float:
    """Return log-odds below which no frame of a file can be active.

    Against the silent path, a run of n active frames gains n emissions and at
    most n + 1 transitions.
    """
    still = log_transitions[:, :1, :1]
    gain = (log_transitions - still).max(axis=(1, 2))
    begin = np.maximum(log_initial[:, 1] - log_initial[:, 0], 0)
    return -np.max(2 * gain + begin) - 1e-6
