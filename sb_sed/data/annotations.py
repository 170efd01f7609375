"""Annotations of recordings by several annotators, as a prepared table.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sb_sed.errors import InputError
from sb_sed.formats import Event, atomic_path
from sb_sed.formats.tsv import bad_row, join_row, read_rows, to_seconds

COLUMNS = ["filename", "onset", "offset", "event_label"]
COLUMNS += ["annotator", "is_collector", "review"]
REVIEWS = ("accepted", "unreviewed", "rejected")


class AnnotatedEvent(NamedTuple):
    """An event as one annotator marked it.

    ``is_collector`` tells whether the annotator made the recording, ``review``
    is one of ``REVIEWS``.
    """

    event: Event
    annotator: str
    is_collector: bool
    review: str


@dataclass(frozen=True)
class Annotation:
    """What one annotator marked in one recording.

    Arguments
    ---------
    annotator : str
        Who.
    events : list[Event]
        In seconds.
    is_collector : bool
        Whether the annotator made the recording.
    """

    annotator: str
    events: list[Event]
    is_collector: bool = False


def write_annotations(
    events: Mapping[str, Sequence[AnnotatedEvent]], path: str | Path
) -> None:
    """Write the events of all annotators, one a row, as TSV.

    Arguments
    ---------
    events : Mapping[str, Sequence[AnnotatedEvent]]
        File name to events.
    path : str | Path
        The table.
    """
    rows = [
        join_row(
            [
                filename,
                repr(event.onset),
                repr(event.offset),
                event.event_label,
                annotator,
                str(int(is_collector)),
                review,
            ]
        )
        for filename, marked in events.items()
        for event, annotator, is_collector, review in marked
    ]
    with atomic_path(path) as temporary:
        text = "\n".join(["\t".join(COLUMNS), *rows, ""])
        temporary.write_text(text, encoding="utf-8")


def read_annotations(
    path: str | Path, reviews: Sequence[str] = ("accepted", "unreviewed")
) -> dict[str, list[Annotation]]:
    """Read who marked what in which recording.

    Arguments
    ---------
    path : str | Path
        Of :func:`write_annotations`.
    reviews : Sequence[str]
        States of a review, in order of preference: of a recording only events
        in the first state that any of its events is in are taken.

    Returns
    -------
    dict[str, list[Annotation]]
        File name to annotations, sorted by annotator; recordings without any
        event in one of these states are left out.

    Raises
    ------
    InputError
        If the file is not such a table, or a state is unknown.

    Example
    -------
    >>> path = getfixture("tmp_path") / "annotations.tsv"
    >>> event = AnnotatedEvent(
    ...     Event(0.5, 2.0, "Dog"), "Ann", True, "unreviewed"
    ... )
    >>> write_annotations({"a.wav": [event]}, path)
    >>> [x.annotator for x in read_annotations(path)["a.wav"]]
    ['Ann']
    """
    if unknown := [review for review in reviews if review not in REVIEWS]:
        raise InputError(
            f"The state of review {unknown[0]!r} is none of "
            f"{', '.join(REVIEWS)}: name some of these."
        )
    marked: dict[str, list[AnnotatedEvent]] = {}
    for filename, event in _rows(path):
        marked.setdefault(filename, []).append(event)
    return {
        filename: by_annotator(chosen)
        for filename, events in marked.items()
        if (chosen := reviewed(events, reviews))
    }


def reviewed(
    events: Iterable[AnnotatedEvent], reviews: Sequence[str]
) -> list[AnnotatedEvent]:
    """Return the events in the first of several states that there are any in.

    Example
    -------
    >>> events = [AnnotatedEvent(None, "Ann", True, x) for x in REVIEWS]
    >>> [x.review for x in reviewed(events, ["unreviewed", "accepted"])]
    ['unreviewed']
    """
    events = list(events)
    for review in reviews:
        if chosen := [event for event in events if event.review == review]:
            return chosen
    return []


def by_annotator(events: Iterable[AnnotatedEvent]) -> list[Annotation]:
    """Return the events of one recording by annotator, sorted by the name.

    Example
    -------
    >>> event = AnnotatedEvent(Event(0, 1, "Dog"), "Ann", False, "unreviewed")
    >>> by_annotator([event])[0].events
    [Event(onset=0, offset=1, event_label='Dog')]
    """
    found: dict[str, list[AnnotatedEvent]] = {}
    for event in events:
        found.setdefault(event.annotator, []).append(event)
    return [
        Annotation(
            name,
            sorted(x.event for x in events),
            any(x.is_collector for x in events),
        )
        for name, events in sorted(found.items())
    ]


def _rows(path: str | Path) -> Iterator[tuple[str, AnnotatedEvent]]:
    """File name and event of each row of a prepared table."""
    for line, cells in read_rows(path, COLUMNS):
        filename, onset, offset, label, annotator, collector, review = cells
        begin = to_seconds(path, line, "onset", onset)
        end = to_seconds(path, line, "offset", offset)
        if begin >= end or review not in REVIEWS or collector not in ("0", "1"):
            raise bad_row(
                path, line, "is no annotated event", "prepare the data again"
            )
        yield (
            filename,
            AnnotatedEvent(
                Event(begin, end, label), annotator, collector == "1", review
            ),
        )
