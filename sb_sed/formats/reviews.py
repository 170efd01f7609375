"""What a listener says about detections: the reviews TSV.

Authors
 * sb_sed contributors 2026
"""

import math
from pathlib import Path

import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats.events import EVENT_COLUMNS
from sb_sed.formats.labels import to_label
from sb_sed.formats.tsv import (
    atomic_path,
    bad_row,
    join_row,
    read_rows,
    shortened,
    to_number,
    to_seconds,
)

# What was asked about, how probably it was drawn, and the answer.
REVIEW_COLUMNS = [
    *EVENT_COLUMNS,
    "confidence",
    "probability",
    "answer",
    "true_onset",
    "true_offset",
    "true_label",
]
# About a detection: all right; the class right and a boundary wrong; the class
# wrong; not sure.
JUDGEMENTS = "right", "boundary", "wrong", "unsure"
# About a window: all that was missed in it has been added. And an event that
# was added, in a window or beside a detection.
CHECKED, MISSED = "checked", "missed"
_ANSWERS = *JUDGEMENTS, CHECKED, MISSED


def read_reviews(path: str | Path) -> pd.DataFrame:
    """Read what a listener has said.

    Arguments
    ---------
    path : str | Path
        Tab-separated, with the header of :data:`REVIEW_COLUMNS`. The first six
        are what was asked about: a detection, or a window, whose label and
        confidence are empty. Then the answer, and the true event where it is
        known: of ``boundary``, of ``wrong`` if the listener has named the
        class, of ``missed``.

    Returns
    -------
    reviews : pandas.DataFrame
        Columns :data:`REVIEW_COLUMNS`; what is empty is NaN.

    Raises
    ------
    InputError
        If the header is wrong, a row is malformed, or a detection has two
        answers.

    Example
    -------
    >>> path = getfixture("tmp_path") / "reviews.tsv"
    >>> row = ["a.wav", 0.5, 1.0, "Dog", 0.7, 0.1, "right", None, None, None]
    >>> write_reviews(pd.DataFrame([row], columns=REVIEW_COLUMNS), path)
    >>> read_reviews(path).loc[0, "answer"]
    'right'
    """
    rows, seen = [], set()
    for line, cells in read_rows(path, REVIEW_COLUMNS):
        row = _row(path, line, cells)
        item = tuple(map(str, row[:4]))
        if row[6] != MISSED and item in seen:
            raise bad_row(
                path, line, "answers what an earlier line does", "keep one"
            )
        seen.add(item if row[6] != MISSED else line)
        rows.append(row)
    reviews = pd.DataFrame(rows, columns=REVIEW_COLUMNS)
    numbers = ["confidence", "true_onset", "true_offset"]
    return reviews.astype(dict.fromkeys(numbers, float))


def _row(path: str | Path, line: int, cells: list[str]) -> tuple:
    """The values of a row, checked."""
    name, onset, offset, label, confidence, probability, answer, *true = cells
    if answer not in _ANSWERS:
        raise bad_row(
            path,
            line,
            f"has the answer {shortened(answer)}",
            f"write one of {', '.join(_ANSWERS)}",
        )
    if (answer in JUDGEMENTS and not label) or (answer == CHECKED and label):
        raise bad_row(
            path,
            line,
            f"has the answer {answer}, which does not suit what was asked",
            "windows have no event_label and are checked, detections have one",
        )
    span = _span(path, line, "onset", onset, "offset", offset)
    share = to_number(probability)
    if not 0 < share <= 1:
        raise bad_row(
            path,
            line,
            f"has the probability {shortened(probability)}",
            "give a number above 0 and up to 1",
        )
    true_span = math.nan, math.nan
    if any(true[:2]) or answer == MISSED:
        true_span = _span(
            path, line, "true_onset", true[0], "true_offset", true[1]
        )
    if answer == MISSED and not true[2]:
        raise bad_row(path, line, "has no true_label", "name the class")
    return (
        name,
        *span,
        _label(path, line, label),
        to_number(confidence),
        share,
        answer,
        *true_span,
        _label(path, line, true[2]),
    )


def _span(path, line, first: str, begin: str, second: str, end: str) -> tuple:
    onset = to_seconds(path, line, first, begin)
    offset = to_seconds(path, line, second, end)
    if offset <= onset:
        raise bad_row(
            path,
            line,
            f"has the {second} {offset:g} s, which is not after the {first}",
            "correct or delete the row",
        )
    return onset, offset


def _label(path: str | Path, line: int, cell: str) -> str | float:
    """A class; NaN if there is none."""
    if not cell:
        return math.nan
    return to_label(path, line, cell)


def write_reviews(reviews: pd.DataFrame, path: str | Path) -> None:
    """Write what a listener has said: see :func:`read_reviews`."""
    lines = [join_row(REVIEW_COLUMNS), *review_rows(reviews)]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def review_rows(reviews: pd.DataFrame) -> list[str]:
    """Return the rows of the table of reviews, as they are written."""
    return [
        join_row(["" if pd.isna(value) else str(value) for value in row])
        for row in reviews[REVIEW_COLUMNS].itertuples(index=False)
    ]


def reviews_to_events(reviews: pd.DataFrame) -> pd.DataFrame:
    """Return the events that a listener has confirmed, corrected or added.

    Arguments
    ---------
    reviews : pandas.DataFrame
        Of :func:`read_reviews`.

    Returns
    -------
    events : pandas.DataFrame
        filename, onset, offset (seconds), event_label; each once, by file and
        onset. A boundary that is wrong and was not corrected is left as it was.

    Raises
    ------
    InputError
        If there is none.

    Example
    -------
    >>> rows = [
    ...     ["a.wav", 0.5, 1.0, "Dog", 0.7, 0.1, "boundary", 0.4, 1.2, "Dog"],
    ...     ["a.wav", 3.0, 4.0, "Dog", 0.3, 0.1, "wrong", None, None, None],
    ... ]
    >>> reviews_to_events(pd.DataFrame(rows, columns=REVIEW_COLUMNS))
      filename  onset  offset event_label
    0    a.wav    0.4     1.2         Dog
    """
    rows = []
    for row in reviews.itertuples(index=False):
        corrected = not pd.isna(row.true_onset)
        label = row.event_label
        if row.answer == "wrong":
            label = row.true_label
        elif row.answer == MISSED:
            label = row.true_label
        elif row.answer not in ("right", "boundary"):
            continue
        if pd.isna(label):
            continue
        span = row.onset, row.offset
        if corrected:
            span = row.true_onset, row.true_offset
        rows.append((row.filename, *span, label))
    if not rows:
        raise InputError(
            "The reviews have no event that is right or was added: answer more."
        )
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS).drop_duplicates()
    return events.sort_values(
        ["filename", "onset", "offset", "event_label"], ignore_index=True
    )
