"""The clip gate: no frame has a higher score than its clip.

The field's weak mask drops the events of classes whose weak score, that of the
clip as a whole, does not reach the threshold. At any threshold that is what
thresholding ``min(strong, weak)`` does; so it is done once, before smoothing,
and works with all smoothers, their tuning, and figures over all thresholds.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import WEAK_SCORES, WeakScores, match_names


def gate(
    scores: Mapping[str, pd.DataFrame], weak: WeakScores
) -> dict[str, pd.DataFrame]:
    """Return ``min(strong, weak)`` of each frame and class.

    Arguments
    ---------
    scores : Mapping[str, pd.DataFrame]
        Clip to table, as of ``sb_sed.formats.read_scores``.
    weak : Mapping[str, Mapping[str, float]]
        Clip to class to score, also of another system: of the same classes in
        any order, or of more; the names are matched as those of tables.

    Returns
    -------
    dict[str, pd.DataFrame]
        The same clips, frames and classes.

    Raises
    ------
    InputError
        If a clip or a class has no weak score.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> scores = {"clip": scores_table([[0.2, 0.9]], 1.0, ["Cat", "Dog"])}
    >>> gate(scores, {"clip.wav": {"Cat": 0.5, "Dog": 0.3}})["clip"]
       onset  offset  Cat  Dog
    0    0.0     1.0  0.2  0.3
    """
    names = match_names(scores, weak, ("scores", "weak scores"))
    gated = {}
    for clip, table in scores.items():
        if clip not in names:
            raise InputError(
                f"{clip!r} has no weak score, which the clip gate needs: give "
                "weak scores of the same recordings."
            )
        most, table = weak[names[clip]], table.copy()
        for label in table.columns[2:]:
            if label not in most:
                raise InputError(
                    f"{clip!r} has no weak score of {label}, which the clip "
                    "gate needs: give weak scores of the same classes."
                )
            table[label] = np.minimum(table[label], float(most[label]))
        gated[clip] = table
    return gated


def gated_for(
    smoother: Any,
    scores: Mapping[str, pd.DataFrame],
    weak: WeakScores | None,
) -> Mapping[str, pd.DataFrame]:
    """Return the scores that a smoother is to decode.

    Arguments
    ---------
    smoother : Smoother | Callable
        The scores are gated if its ``clip_gate`` is set, and else left.
    scores, weak
        As of :func:`gate`; None where there are no weak scores.

    Returns
    -------
    Mapping[str, pd.DataFrame]

    Raises
    ------
    InputError
        If weak scores are needed and missing.
    """
    if not getattr(smoother, "clip_gate", False):
        return scores
    if weak is None:
        raise InputError(
            f"The smoother {smoother.name} has a clip gate, and the scores have "
            f"no weak scores ({WEAK_SCORES} beside their folder): add them, or "
            "take a smoother without clip_gate."
        )
    return gate(scores, weak)
