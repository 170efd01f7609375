"""The figure by which the best checkpoint of a training is chosen.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.gate import gated_for


@dataclass(frozen=True)
class EventF1:
    """Event-based macro F1 of scores, decoded by one smoother.

    Arguments
    ---------
    smoother : Smoother
        From scores to events.
    reference : pd.DataFrame
        The true events.
    classes : Sequence[str]
        The classes to score.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> from sb_sed.smoothing.median import MedianSmoother
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 1, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> figure = EventF1(MedianSmoother(0.5, 0.1), reference, ["Dog"])
    >>> figure({"a": scores_table([[0.1], [0.9], [0.1]], 1.0, ["Dog"])}, {})
    1.0
    """

    smoother: Smoother
    reference: pd.DataFrame
    classes: Sequence[str]

    def __call__(
        self,
        scores: Mapping[str, pd.DataFrame],
        weak: Mapping[str, Mapping[str, float]],
    ) -> float:
        """Return it for scores (clip to table) and weak scores."""
        scores = gated_for(self.smoother, scores, weak)
        events = self.smoother(scores)
        counts = event_counts(self.reference, events, self.classes)
        return counts.f1()["macro"]
