"""What to ask next, once there are answers.

Twenty answers a class, drawn alike, are too many for one class and too few for
another. What has been answered tells which: of each class, how much better
another threshold could be, and which boxes would tell. The next round asks
about these. Rounds of 25 bring more than as many answers at once, where there
are a hundred or more (benchmarks/reviews.py).

The curves know what was drawn by (class, number of its boxes and confidence),
so answers of all rounds are fitted together as they are.

Authors
 * sb_sed contributors 2026
"""

from typing import Any

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.reviewing.estimate import Estimate, levels_of
from sb_sed.reviewing.evidence import already_asked, gather
from sb_sed.reviewing.sampling import SILENCE, ask, crowd

# What a box counts that no draw has between the thresholds in question.
_ANYWHERE = 0.01
_DRAWS = 200


def draw_next(
    boxes: pd.DataFrame,
    windows: pd.DataFrame,
    reviews: pd.DataFrame,
    classes: list[str],
    n: int,
    silence: float = SILENCE,
    seed: int = 0,
    by_class: bool = False,
) -> pd.DataFrame:
    """Draw what a listener is asked about after the answers so far.

    Arguments
    ---------
    boxes : pd.DataFrame
        Of :func:`sb_sed.reviewing.boxes.find_boxes`, all.
    windows : pd.DataFrame
        Of :func:`sb_sed.reviewing.boxes.cut_windows`, all.
    reviews : pd.DataFrame
        The answers so far.
    classes : list of str
        The labels of the boxes.
    n : int
        Number of questions; fewer where there are not as many left.
    silence : float
        Share of them that are windows.
    seed : int
        Of the draw.
    by_class : bool
        As for :func:`sb_sed.reviewing.evidence.gather`.

    Returns
    -------
    items : pd.DataFrame
        As of :func:`sb_sed.reviewing.sampling.draw`; ``probability`` is that of
        being drawn in this round.

    Raises
    ------
    InputError
        If the answers are about other boxes, or nothing is left to ask.
    """
    generator = np.random.default_rng([seed, len(reviews)])
    evidence = gather(reviews, boxes, classes, by_class)
    estimate = Estimate(boxes, evidence, classes, len(windows), _DRAWS, seed)
    worth, where = estimate.doubts()
    boxes, windows = (
        table[~already_asked(reviews, table)] for table in (boxes, windows)
    )
    if not len(boxes):
        raise InputError(
            "Every detection has been asked about: sb-sed tune --reviews needs "
            "no more."
        )
    groups: dict[Any, pd.DataFrame] = dict(iter(boxes.groupby("event_label")))
    column = {label: index for index, label in enumerate(classes)}
    sizes = {}
    for label, group in groups.items():
        confidence = group["confidence"].to_numpy()
        level = levels_of(confidence)
        share = where[column[label], level]
        sizes[label] = (share + _ANYWHERE) / crowd(confidence)
    n_windows = min(round(silence * n), len(windows))
    numbers = _allot(
        {label: worth[column[label]] for label in groups},
        {label: len(group) for label, group in groups.items()},
        n - n_windows,
    )
    windows = windows.assign(event_label=None, confidence=np.nan)
    groups, numbers = groups | {None: windows}, numbers | {None: n_windows}
    return ask(groups, sizes, numbers, generator)


def _allot(worth: dict, most: dict, n: int) -> dict[Any, int]:
    """Divide n questions in proportion to a worth, up to what there is."""
    limit = np.array(list(most.values()), dtype=float)
    share = np.maximum(list(worth.values()), 1e-9)
    given = np.zeros(len(share))
    n = min(n, int(limit.sum()))
    while n - given.sum() > 1e-6:
        open_ = given < limit - 1e-9
        more = (n - given.sum()) * share * open_ / share[open_].sum()
        given = np.minimum(given + more, limit)
    whole = np.floor(given + 1e-9).astype(int)
    most_left = np.argsort(whole - given, kind="stable")
    whole[most_left[: n - whole.sum()]] += 1
    return dict(zip(worth, whole.tolist(), strict=True))
