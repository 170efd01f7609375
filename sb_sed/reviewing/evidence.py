"""Answers of a listener, beside the boxes that they are about.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import match_names, same_name
from sb_sed.formats.reviews import CHECKED, MISSED
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO

# Seconds by which the times of a box may differ in two files.
_NOISE = 2e-3
_SIDES = "reviews", "scores"


@dataclass(frozen=True)
class Evidence:
    """What is known of N boxes and of W windows.

    Arguments
    ---------
    box : np.ndarray
        The boxes that were judged, as places among all, int, ``[A]``.
    hit : np.ndarray
        Whether each is right, ``[A]``.
    event : np.ndarray
        Its share in an event of the reference, 0 to 1: an event that several
        boxes are in is shared by them, ``[A]``.
    weight : np.ndarray
        One over the probability with which it was drawn, ``[A]``.
    recording : np.ndarray
        Its recording, int, ``[A]``.
    missed : np.ndarray
        Events without a box of their own in the windows listened to,
        ``[w, C]``.
    unsure : int
        Answers that say nothing.
    """

    box: np.ndarray
    hit: np.ndarray
    event: np.ndarray
    weight: np.ndarray
    recording: np.ndarray
    missed: np.ndarray
    unsure: int


def gather(
    reviews: pd.DataFrame,
    boxes: pd.DataFrame,
    classes: list[str],
    by_class: bool = False,
) -> Evidence:
    """Match reviews to the boxes of the same scores.

    Arguments
    ---------
    reviews : pd.DataFrame
        Of :func:`sb_sed.formats.reviews.read_reviews`.
    boxes : pd.DataFrame
        All boxes, of :func:`sb_sed.reviewing.boxes.find_boxes`.
    classes : list of str
        The C labels.
    by_class : bool
        Whether the right class suffices; else the boundaries must be right,
        too: as the listener says, or within the collars of the corrected ones.

    Returns
    -------
    evidence : Evidence

    Raises
    ------
    InputError
        If no review is about one of the boxes, or some are not.
    """
    names = _same_recordings(reviews, boxes)
    reviews = reviews.assign(
        filename=[names.get(n, same_name(n)) for n in reviews["filename"]]
    )
    place = _Places(boxes, reviews["filename"])
    judged = reviews["answer"].isin(["right", "boundary", "wrong"])
    rows = [*reviews[judged].itertuples(index=False)]
    found = [place.of(row) for row in rows]
    lost = [row for row, box in zip(rows, found, strict=True) if box is None]
    if lost or not rows:
        what = (
            f"{len(lost)} of {len(rows)} reviewed detections are none of these "
            f"scores and this smoother (first: {lost[0].event_label} in "
            f"{lost[0].filename} at {lost[0].onset:g} s)"
            if lost
            else "No detection is judged right or wrong in the reviews"
        )
        raise InputError(
            f"{what}: give the scores and the smoother that were reviewed, and "
            "answers."
        )
    recordings = {name: n for n, name in enumerate(boxes["filename"].unique())}
    hits = [_is_hit(row, by_class) for row in rows]
    return Evidence(
        box=np.array(found),
        hit=np.array(hits, dtype=float),
        event=np.array([place.share(row) for row in rows]),
        weight=np.array([1 / row.probability for row in rows]),
        recording=np.array([recordings[row.filename] for row in rows]),
        missed=_missed(reviews, classes),
        unsure=int((reviews["answer"] == "unsure").sum()),
    )


def already_asked(reviews: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """Return which boxes, or windows, reviews have an answer about, ``[N]``.

    Arguments
    ---------
    reviews : pd.DataFrame
        Of :func:`sb_sed.formats.reviews.read_reviews`.
    table : pd.DataFrame
        Of :func:`sb_sed.reviewing.boxes.find_boxes` or of
        :func:`sb_sed.reviewing.boxes.cut_windows`.
    """
    of_windows = "event_label" not in table
    table = table.assign(event_label="") if of_windows else table
    reviews = reviews[reviews["event_label"].isna() == of_windows]
    reviews = reviews[reviews["answer"] != MISSED].fillna({"event_label": ""})
    names = _same_recordings(reviews, table)
    place = _Places(table, names.values())
    asked = np.zeros(len(table), dtype=bool)
    for row in reviews.itertuples(index=False):
        name = names.get(row.filename, same_name(row.filename))
        box = place.of(row._replace(filename=name))
        if box is not None:
            asked[box] = True
    return asked


def _same_recordings(
    reviews: pd.DataFrame, table: pd.DataFrame
) -> dict[str, str]:
    """The recordings of reviews, as a table names them."""
    mine, other = (some["filename"].unique() for some in (reviews, table))
    if set(mine) <= set(other):
        return dict(zip(mine, mine, strict=True))
    return match_names(mine, other, _SIDES)


class _Places:
    """Boxes of some recordings, by recording and class."""

    def __init__(self, boxes: pd.DataFrame, names: Iterable[str]):
        mine = np.flatnonzero(boxes["filename"].isin(set(names)))
        boxes = boxes.iloc[mine]
        times = boxes["onset"].to_numpy(), boxes["offset"].to_numpy()
        groups = boxes.groupby(["filename", "event_label"]).indices
        self._groups = {
            key: (mine[index], times[0][index], times[1][index])
            for key, index in groups.items()
        }
        none = np.empty(0)
        self._none = none.astype(int), none, none

    def of(self, row) -> int | None:
        """The place of a reviewed box."""
        index, onset, offset = self._group(row.filename, row.event_label)
        same = np.abs(onset - row.onset) < _NOISE
        same &= np.abs(offset - row.offset) < _NOISE
        return int(index[same][0]) if same.any() else None

    def near(self, name: str, label: str, onset: float, offset: float) -> int:
        """The number of boxes of a class that overlap a span."""
        _, first, last = self._group(name, label)
        return int((np.minimum(last, offset) > np.maximum(first, onset)).sum())

    def share(self, row) -> float:
        """The share of a judged box in an event."""
        if row.answer == "wrong":
            return 0.0
        span = row.onset, row.offset
        if not np.isnan(row.true_onset):
            span = row.true_onset, row.true_offset
        return 1 / max(1, self.near(row.filename, row.event_label, *span))

    def _group(self, name: str, label: str) -> tuple:
        return self._groups.get((name, label), self._none)


def _is_hit(row, by_class: bool) -> bool:
    if row.answer == "boundary" and not by_class:
        onset, offset = row.true_onset, row.true_offset
        collar = max(COLLAR, OFFSET_RATIO * (offset - onset))
        # Without a correction, NaN: no.
        return (
            abs(row.onset - onset) <= COLLAR
            and abs(row.offset - offset) <= collar
        )
    return row.answer != "wrong"


def _missed(reviews: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """Count the events that were added in each window, [w, C]."""
    column = {label: index for index, label in enumerate(classes)}
    windows = reviews[reviews["answer"] == CHECKED]
    order = {
        key: n
        for n, key in enumerate(
            zip(
                windows["filename"],
                windows["onset"],
                windows["offset"],
                strict=True,
            )
        )
    }
    counts = np.zeros((len(order), len(classes)))
    added = reviews[reviews["answer"] == MISSED]
    for row in added[added["event_label"].isna()].itertuples(index=False):
        window = order.get((row.filename, row.onset, row.offset))
        if window is None or row.true_label not in column:
            continue
        # One that goes on outside would be found in two windows.
        if row.onset <= row.true_onset < row.offset:
            counts[window, column[row.true_label]] += 1
    return counts
