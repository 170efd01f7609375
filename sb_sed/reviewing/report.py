"""What a listener's answers say, as a smoother, values and a text.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.reviewing.boxes import (
    FLOOR,
    WINDOW,
    cut_windows,
    find_boxes,
    reviewable,
)
from sb_sed.reviewing.estimate import ClassFigures, Estimate, interval
from sb_sed.reviewing.evidence import gather
from sb_sed.smoothing.base import Smoother

# Half of an interval of precision that is wider needs more answers.
_WANTED = 0.15


@dataclass(frozen=True)
class Quantity:
    """An estimate and its 95 % interval; NaN where it is not known."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the width of the interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class ClassReview:
    """What is known of a class: its answers, threshold before and after, and
    the figures at the latter."""

    label: str
    answers: int
    before: float
    threshold: float
    precision: Quantity
    recall: Quantity
    f1: Quantity


@dataclass(frozen=True)
class ReviewReport:
    """What the answers say.

    Arguments
    ---------
    classes : list of ClassReview
        Of each class that has boxes.
    before, after : Quantity
        Expected macro F1 with the thresholds that the smoother had, and with
        those that were fitted.
    windows : int
        Windows that were listened to for missed events.
    unsure : int
        Answers that say nothing.
    warnings : list of str
        Sentences.
    """

    classes: list[ClassReview]
    before: Quantity
    after: Quantity
    windows: int
    unsure: int
    warnings: list[str]

    def as_dict(self) -> dict:
        """Return plain values, for JSON; None for what is not known."""

        def _plain(value):
            if isinstance(value, dict):
                return {k: _plain(v) for k, v in value.items()}
            if isinstance(value, list):
                return [_plain(v) for v in value]
            if isinstance(value, float) and not math.isfinite(value):
                return None
            return value

        return _plain(asdict(self))


def tune_by_reviews(
    smoother: Smoother,
    scores: Mapping[str, pd.DataFrame],
    reviews: pd.DataFrame,
    by_class: bool = False,
    isotonic: bool = False,
    floor: float = FLOOR,
    n_draws: int = 400,
    seed: int = 0,
) -> tuple[Smoother, ReviewReport]:
    """Fit the thresholds and the calibration of a smoother to answers.

    Arguments
    ---------
    smoother : Smoother
        The one whose events were reviewed.
    scores : Mapping[str, pd.DataFrame]
        Of all recordings that the questions were drawn from.
    reviews : pd.DataFrame
        Of :func:`sb_sed.formats.reviews.read_reviews`.
    by_class : bool
        Whether a detection with the right class and wrong boundaries is right.
    isotonic : bool
        Whether the calibration is any rising curve; else a logistic one.
    floor : float
        The least confidence of what was drawn from.
    n_draws : int
        Of what is not known, for thresholds and intervals.
    seed : int
        Of these draws.

    Returns
    -------
    smoother : Smoother
        With the thresholds and the calibration.
    report : ReviewReport

    Raises
    ------
    InputError
        If the reviews are not about this smoother's events of these scores.
    """
    smoother = reviewable(smoother)
    every = [str(label) for label in next(iter(scores.values())).columns[2:]]
    boxes = find_boxes(smoother, scores, floor)
    classes = [x for x in every if x in set(boxes["event_label"])]
    evidence = gather(reviews, boxes, classes, by_class)
    n_windows = len(cut_windows(scores, WINDOW))
    estimate = Estimate(boxes, evidence, classes, n_windows, n_draws, seed)
    before = {x: float(smoother.setting_of(x)["threshold"]) for x in every}
    chosen = before | estimate.thresholds()
    tuned = smoother.at(chosen)
    tuned.calibration = estimate.calibration(isotonic)
    figures = estimate.at(chosen)
    answers = np.bincount(
        estimate.group[evidence.box], minlength=len(classes)
    ).tolist()
    rows = [
        ClassReview(
            label,
            answers[column],
            before[label],
            chosen[label],
            _quantity(figures.precision[:, column]),
            _known(figures.recall[:, column], estimate),
            _known(figures.f1[:, column], estimate),
        )
        for column, label in enumerate(classes)
    ]
    report = ReviewReport(
        rows,
        _known(_macro(estimate.at(before)), estimate),
        _known(_macro(figures), estimate),
        len(evidence.missed),
        evidence.unsure,
        [*_warnings(rows, estimate)],
    )
    return tuned, report


def _macro(figures: ClassFigures) -> np.ndarray:
    return np.nan_to_num(figures.f1).mean(axis=1)


def _quantity(draws: np.ndarray) -> Quantity:
    if np.isnan(draws[1:]).all():
        return Quantity(math.nan, math.nan, math.nan)
    low, high = interval(draws)
    # The estimate is from other sums than the draws.
    value = float(np.clip(draws[0], low, high))
    return Quantity(value, float(low), float(high))


def _known(draws: np.ndarray, estimate: Estimate) -> Quantity:
    """As :func:`_quantity`, where it is known what was missed."""
    if estimate.knows_misses:
        return _quantity(draws)
    return Quantity(math.nan, math.nan, math.nan)


def _warnings(rows: list[ClassReview], estimate: Estimate) -> Iterator[str]:
    for row in rows:
        half = row.precision.half
        if not row.answers:
            yield (
                f"{row.label} has no answer: its curve is that of the other "
                "classes."
            )
        elif half > _WANTED:
            more = math.ceil(row.answers * ((half / _WANTED) ** 2 - 1))
            yield (
                f"{row.label}: precision is known to ± {half:.2f} from "
                f"{row.answers} answers; about {max(1, more)} more would make "
                f"it ± {_WANTED}."
            )
    if not estimate.knows_misses:
        yield (
            "No window was checked for missed events: recall and F1 are not "
            "known, and the thresholds count on nothing being missed."
        )


def format_review(report: ReviewReport) -> str:
    """Return a report as a text.

    Raises
    ------
    InputError
        If there is no class in it.
    """
    if not report.classes:
        raise InputError("The report has no class: review some detections.")
    width = max(5, *(len(row.label) for row in report.classes))
    lines = [
        f"{'class':{width}} {'answers':>7} {'threshold':>14} "
        f"{'precision':>18} {'recall':>18} {'F1':>18}"
    ]
    for row in report.classes:
        change = f"{row.before:.2f} -> {row.threshold:.2f}"
        lines.append(
            f"{row.label:{width}} {row.answers:7} {change:>14} "
            f"{_text(row.precision):>18} {_text(row.recall):>18} "
            f"{_text(row.f1):>18}"
        )
    lines += [
        "",
        f"Expected macro F1: {_text(report.before)} with the thresholds as "
        f"they were, {_text(report.after)} with these (95 % intervals: "
        "recordings drawn anew, and what is not known of the curves).",
        f"{report.windows} windows were checked for missed events; "
        f"{report.unsure} answers are not sure.",
        *report.warnings,
    ]
    return "\n".join(lines)


def _text(quantity: Quantity) -> str:
    if math.isnan(quantity.value):
        return "–"
    low, high = quantity.low, quantity.high
    return f"{quantity.value:.2f} [{low:.2f}, {high:.2f}]"
