"""The figures by which the best checkpoint of a training is chosen.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from sb_sed.errors import InputError
from sb_sed.scoring.collar import event_counts
from sb_sed.scoring.psds import VARIANTS, only_classes, psds
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
    name: ClassVar[str] = "event_f1"

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


@dataclass(frozen=True)
class Psds:
    """PSDS of scores, smoothed by one smoother.

    RealDESED's baseline chooses its checkpoint by ``realdesed_1_macro`` of
    scores that are median-filtered.

    Arguments
    ---------
    smoother : Smoother
        Its ``to_scores`` are scored, at all thresholds.
    reference : pd.DataFrame
        The true events of files that are scored whole.
    classes : Sequence[str]
        The classes to score; the reference has events of some.
    variant : str
        One of those of ``sb_sed.scoring.psds.psds``.

    Raises
    ------
    InputError
        If there is no such variant.

    Example
    -------
    >>> from sb_sed.formats import EVENT_COLUMNS, scores_table
    >>> from sb_sed.smoothing.median import MedianSmoother
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 1, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> figure = Psds(MedianSmoother(0.5, 0.1), reference, ["Dog"])
    >>> figure({"a": scores_table([[0.1], [0.9], [0.1]], 1.0, ["Dog"])}, {})
    1.0
    """

    smoother: Smoother
    reference: pd.DataFrame
    classes: Sequence[str]
    variant: str = "1"

    def __post_init__(self):
        """Refuse what would fail at the end of the first epoch."""
        if self.variant not in VARIANTS:
            raise InputError(
                f"There is no PSDS {self.variant!r} to choose a checkpoint by: "
                f"take one of {', '.join(VARIANTS)}."
            )

    @property
    def name(self) -> str:
        """``psds_`` and the variant."""
        return f"psds_{self.variant}"

    def __call__(
        self,
        scores: Mapping[str, pd.DataFrame],
        weak: Mapping[str, Mapping[str, float]],
    ) -> float:
        """Return it for scores (clip to table) and weak scores."""
        scores = gated_for(self.smoother, scores, weak)
        reference = only_classes(self.reference, self.classes)
        found = psds(reference, self.smoother.to_scores(scores))
        return found[self.variant]
