"""How well annotators agree with those that annotated the same recordings.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Overlaps:
    """Frames that the annotators of one recording have in common.

    Arguments
    ---------
    annotators : Sequence[str]
        The A annotators.
    frames : np.ndarray
        Number of frames that both of two annotators marked with a class,
        [A, A, C].
    """

    annotators: Sequence[str]
    frames: np.ndarray

    @classmethod
    def of(cls, annotators: Sequence[str], marks: np.ndarray) -> "Overlaps":
        """Count them from marks [A, T, C], 0 or 1."""
        return cls(list(annotators), np.einsum("atc,btc->abc", marks, marks))


def annotator_quality(
    recordings: Iterable[Overlaps],
    power: float = 16.0,
    prior: float = 5.0,
    n_rounds: int = 10,
) -> dict[str, float]:
    """Estimate each annotator's quality from the agreement with the others.

    The quality is the mean over the recordings of the frame-based F1 (mean of
    the classes that the annotator or the others marked) of the annotator
    against what the others say together. They say it in proportion to their
    own quality to a power, which is estimated in turn, so that to agree with
    good annotators counts for more. RealDESED's baseline takes the mean over
    the pairs instead, which is the first round here.

    Arguments
    ---------
    recordings : Iterable[Overlaps]
        Those of one annotator say nothing.
    power : float
        Of the qualities as weights.
    prior : float
        Recordings of average quality that each annotator is credited with.
    n_rounds : int
        Of the estimation.

    Returns
    -------
    dict[str, float]
        Annotator to quality, 0 to 1; of those who share no recording with
        others the mean. 1 for all where nobody shares any.

    Example
    -------
    >>> marks = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 1]])[..., None]
    >>> found = annotator_quality([Overlaps.of(["a", "b", "c"], marks)])
    >>> found["a"] == found["b"] > found["c"]
    True
    """
    recordings = list(recordings)
    names = sorted({name for r in recordings for name in r.annotators})
    shared = [r for r in recordings if len(r.annotators) > 1]
    quality = dict.fromkeys(names, 1.0)
    if not shared:
        return quality
    for _ in range(n_rounds):
        found: dict[str, list[float]] = {name: [] for name in names}
        for recording in shared:
            values = _against_others(recording, quality, power)
            for name, value in zip(recording.annotators, values, strict=True):
                if not np.isnan(value):
                    found[name].append(value)
        mean = float(np.mean([np.mean(x) for x in found.values() if x]))
        quality = {
            name: float((sum(values) + prior * mean) / (len(values) + prior))
            if values
            else mean
            for name, values in found.items()
        }
    return quality


def _against_others(
    recording: Overlaps, quality: dict[str, float], power: float
) -> np.ndarray:
    """F1 of each annotator against the weighted others, [A]."""
    frames = recording.frames.astype(float)
    weights = np.array([quality[name] for name in recording.annotators])
    weights = np.maximum(weights, 1e-3) ** power
    # Row a: the weights of the others, as shares.
    others = np.tile(weights, (len(weights), 1))
    np.fill_diagonal(others, 0)
    others /= others.sum(axis=1, keepdims=True)
    marked = np.einsum("aac->ac", frames)
    common = np.einsum("ab,abc->ac", others, frames)
    total = marked + others @ marked
    f1 = np.divide(
        2 * common, total, out=np.full_like(total, np.nan), where=total > 0
    )
    defined = (~np.isnan(f1)).sum(axis=1)
    return np.divide(
        np.nansum(f1, axis=1),
        defined,
        out=np.full(len(defined), np.nan),
        where=defined > 0,
    )
