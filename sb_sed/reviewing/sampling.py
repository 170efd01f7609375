"""Which boxes a listener is asked about, and with which probability.

Classes get the same number of questions each; within a class, each tenth of the
scale of confidence the same, times a factor that falls with the distance from
the threshold. Windows in which to look for missed events are drawn evenly.

The draw is Rosén's Pareto sampling: the number of questions is fixed, and their
order is such that the first few are a draw of their own. So whoever stops
early has a sample, too, with probabilities in nearly the same proportions, and
whoever goes on keeps the answers.

B. Rosén, "On sampling with probability proportional to size", Journal of
Statistical Planning and Inference 62 (1997).

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sb_sed.smoothing.calibration import log_odds

ITEM_COLUMNS = [
    "filename",
    "onset",
    "offset",
    "event_label",
    "confidence",
    "probability",
]
SILENCE = 0.1  # share of the questions that are windows
# Distance from the threshold, in log-odds, at which a box counts half as much;
# and what counts wherever it is.
_WIDTH, _ANYWHERE = 1.5, 0.25
_BINS = 10


def draw(
    boxes: pd.DataFrame,
    windows: pd.DataFrame,
    thresholds: Mapping[str, float],
    n: int,
    silence: float = SILENCE,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw what a listener is asked about.

    Arguments
    ---------
    boxes : pd.DataFrame
        Of :func:`sb_sed.reviewing.boxes.find_boxes`.
    windows : pd.DataFrame
        Of :func:`sb_sed.reviewing.boxes.cut_windows`.
    thresholds : Mapping[str, float]
        The threshold of each class, near which answers say most.
    n : int
        Number of questions; fewer where there are not as many.
    silence : float
        Share of them that are windows.
    seed : int
        Of the draw.

    Returns
    -------
    items : pd.DataFrame
        :data:`ITEM_COLUMNS`, in the order of asking; a window has no class and
        no confidence. ``probability`` is that of being drawn.

    Example
    -------
    >>> boxes = pd.DataFrame(
    ...     [[f"{i}.wav", 0.0, 1.0, "Dog", i / 99] for i in range(1, 99)],
    ...     columns=ITEM_COLUMNS[:5],
    ... )
    >>> windows = boxes[["filename", "onset", "offset"]]
    >>> items = draw(boxes, windows, {"Dog": 0.5}, n=20)
    >>> len(items), int(items["event_label"].isna().sum())
    (20, 2)
    """
    generator = np.random.default_rng(seed)
    n_windows = min(round(silence * n), len(windows))
    groups: dict[Any, pd.DataFrame]
    groups = {None: windows.assign(event_label=None, confidence=np.nan)}
    groups.update(dict(iter(boxes.groupby("event_label", sort=True))))
    sizes = {label: len(group) for label, group in groups.items()}
    del sizes[None]
    numbers = {None: n_windows, **_shares(sizes, n - n_windows)}
    worth = {
        label: _sizes(group["confidence"].to_numpy(), thresholds[label])
        for label, group in groups.items()
        if label is not None
    }
    return ask(groups, worth, numbers, generator)


def ask(
    groups: Mapping[Any, pd.DataFrame],
    worth: Mapping[Any, np.ndarray],
    numbers: Mapping[Any, int],
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Draw from each group, with probabilities in proportion to a worth.

    Arguments
    ---------
    groups : Mapping
        The boxes of each class; those of None are windows.
    worth : Mapping
        What probabilities are in proportion to, ``[N]`` of a group; those of
        a group without are equal.
    numbers : Mapping
        How many of each group.
    generator : np.random.Generator
        Of the draw.

    Returns
    -------
    items : pd.DataFrame
        As of :func:`draw`.
    """
    parts = [
        _pareto(
            group,
            worth.get(label, np.ones(len(group))),
            numbers[label],
            generator,
        )
        for label, group in groups.items()
        if len(group) and numbers[label]
    ]
    items = pd.concat(parts)
    order = np.argsort(items.pop("_turn").to_numpy(), kind="stable")
    return items.iloc[order][ITEM_COLUMNS].reset_index(drop=True)


def _sizes(confidence: np.ndarray, threshold: float) -> np.ndarray:
    """What the probabilities of boxes [N] are in proportion to."""
    far = (log_odds(confidence) - log_odds(np.array(threshold))) / _WIDTH
    return (_ANYWHERE + 1 / (1 + far**2)) / crowd(confidence)


def crowd(confidence: np.ndarray) -> np.ndarray:
    """Return how many boxes are in the same tenth of the scale, ``[N]``."""
    part = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return np.bincount(part)[part]


def _shares(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Divide n questions evenly; what a class has no boxes for, others get."""
    numbers: dict[str, int] = {}
    for left, label in enumerate(sorted(sizes, key=sizes.get)):
        share = (n - sum(numbers.values())) / (len(sizes) - left)
        numbers[label] = min(sizes[label], round(share))
    return numbers


def _pareto(
    group: pd.DataFrame, size: np.ndarray, n: int, generator
) -> pd.DataFrame:
    """Draw n rows; with their probabilities and when it is their turn."""
    probability = inclusion(size, n)
    uniform = generator.random(len(group))
    with np.errstate(divide="ignore", invalid="ignore"):
        rank = (uniform / (1 - uniform)) * (1 - probability) / probability
    chosen = np.argsort(rank, kind="stable")[:n]
    turn = (np.arange(len(chosen)) + generator.random(len(chosen))) / max(n, 1)
    return group.iloc[chosen].assign(
        probability=probability[chosen], _turn=turn
    )


def inclusion(size: np.ndarray, n: int) -> np.ndarray:
    """Return probabilities in proportion to sizes, up to 1, that sum to n.

    Example
    -------
    >>> inclusion(np.array([1.0, 1.0, 2.0, 8.0]), 2)
    array([0.25, 0.25, 0.5 , 1.  ])
    """
    if n >= len(size):
        return np.ones(len(size))
    probability = np.zeros(len(size))
    certain = np.zeros(len(size), dtype=bool)
    while True:
        rest = size[~certain].sum()
        probability = np.where(
            certain, 1.0, size * (n - certain.sum()) / max(rest, 1e-300)
        )
        over = probability > 1
        if not over.any():
            return probability
        certain |= over
