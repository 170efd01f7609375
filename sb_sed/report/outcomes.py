"""The outcome of each event: found, missed, or confused, and with what.

The hits are those of the event-based F1 (sed_eval's criteria and its largest
matching), so that their number is that of
:func:`sb_sed.scoring.collar.event_counts`. sed_eval itself gives numbers only;
here the pairs of events are needed, the closest ones.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from sb_sed.formats import EVENT_COLUMNS, match_names, same_name
from sb_sed.scoring.collar import COLLAR, OFFSET_RATIO

HIT, BOUNDARY, WRONG, MISSED, FALSE_ALARM = KINDS = (
    "hit",
    "boundary",
    "wrong class",
    "missed",
    "false alarm",
)
# Events of two classes are confused if they share this much of the time that
# either lasts; otherwise a long event would be confused with all others.
LEAST_OVERLAP = 0.3


@dataclass
class JudgedEvent:
    """An event and its outcome.

    Arguments
    ---------
    onset, offset : float
        Seconds.
    label : str
        Its class.
    kind : str
        One of ``KINDS``: ``hit`` (matched), ``boundary`` (not matched, but
        overlapped by an event of its class), ``wrong class`` (else, confused
        with an event of another class), ``missed`` or ``false alarm``.
    partner : int or None
        Index, among the file's events of the other side, of the event that it
        was matched with, has other boundaries than, or was confused with.
    """

    onset: float
    offset: float
    label: str
    kind: str
    partner: int | None = None


@dataclass
class JudgedFile:
    """The events of a file, each side in order of onset and class.

    The name is that of the audio file in the reference.
    """

    name: str
    reference: list[JudgedEvent]
    detected: list[JudgedEvent]

    @property
    def n_errors(self) -> int:
        """Number of missed reference events and wrong detected events."""
        return sum(e.kind != HIT for e in self.reference + self.detected)


def judge(
    reference: pd.DataFrame,
    detected: pd.DataFrame,
    classes: Sequence[str] | None = None,
    partners: Mapping[str, str] | None = None,
) -> dict[str, JudgedFile]:
    """Find the outcome of each event in the files of the reference.

    ``classes`` are the labels to judge, by default all that occur. Returns
    file (as ``same_name`` has it) -> JudgedFile, in the order of the reference.
    ``partners`` are those of :func:`sb_sed.scoring.collar.event_counts`.

    Example
    -------
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"], ["a.wav", 5, 6, "Cat"]],
    ...     columns=EVENT_COLUMNS,
    ... )
    >>> detected = pd.DataFrame(
    ...     [["a.wav", 0.1, 2, "Dog"], ["a.wav", 5, 7, "Dog"]],
    ...     columns=EVENT_COLUMNS,
    ... )
    >>> file = judge(reference, detected)["a.wav"]
    >>> [event.kind for event in file.reference + file.detected]
    ['hit', 'wrong class', 'hit', 'wrong class']
    """
    names: dict[str, str] = {}
    for name in reference["filename"]:
        names.setdefault(same_name(name), name)
    true, found = (_by_file(x, classes) for x in (reference, detected))
    if partners is None:
        partners = match_names(names, found)
    files = {}
    for key, name in names.items():
        pair = [
            [
                JudgedEvent(onset, offset, label, kind)
                for onset, offset, label in events
            ]
            for events, kind in (
                (true.get(key, []), MISSED),
                (found.get(partners.get(key), []), FALSE_ALARM),
            )
        ]
        _judge(*pair)
        files[key] = JudgedFile(name, *pair)
    return files


def _by_file(events: pd.DataFrame, classes) -> dict[str, list[tuple]]:
    """File -> (onset, offset, label), sorted; only files with events."""
    events = events.dropna(subset=["event_label"])
    if classes is not None:
        events = events[events["event_label"].isin(classes)]
    files: dict[str, list[tuple]] = {}
    for name, *event in events[EVENT_COLUMNS].itertuples(index=False):
        files.setdefault(same_name(name), []).append(tuple(event))
    return {
        key: sorted(found, key=lambda event: (event[0], event[2]))
        for key, found in files.items()
    }


def _judge(reference: list[JudgedEvent], detected: list[JudgedEvent]) -> None:
    """Set kind and partner of the events of one file."""
    if not (reference and detected):
        return
    begin, end, label = _columns(reference, -1)
    found_begin, found_end, found_label = _columns(detected, 0)
    same = label == found_label
    deviation = abs(begin - found_begin), abs(end - found_end)
    collar = np.maximum(COLLAR, OFFSET_RATIO * (end - begin))
    fits = same & (deviation[0] <= COLLAR) & (deviation[1] <= collar)
    shared = np.minimum(end, found_end) - np.maximum(begin, found_begin)
    _pair(HIT, _matched(fits, sum(deviation)), reference, detected)

    touches = same & (shared > 0)
    for side, overlaps in ((reference, touches), (detected, touches.T)):
        _mark(
            BOUNDARY, side, overlaps, shared if side is reference else shared.T
        )
    union = np.maximum(end, found_end) - np.minimum(begin, found_begin)
    alike = np.where(shared >= LEAST_OVERLAP * union, shared, 0.0)
    alike *= _is(MISSED, reference)[:, None] * _is(FALSE_ALARM, detected)
    for side, overlaps in ((reference, alike), (detected, alike.T)):
        _mark(WRONG, side, overlaps > 0, overlaps)


def _columns(events: list[JudgedEvent], axis: int) -> list[np.ndarray]:
    """Onsets, offsets and labels, as a column (axis -1) or a row (0)."""
    fields = zip(*((e.onset, e.offset, e.label) for e in events), strict=True)
    return [np.expand_dims(np.array(field), axis) for field in fields]


def _matched(fits: np.ndarray, deviation: np.ndarray) -> list[tuple[int, int]]:
    """As many pairs that fit as there can be, the closest among those."""
    cost = np.where(fits, deviation, 1 + deviation[fits].sum())
    rows, columns = linear_sum_assignment(cost)
    return [(r, c) for r, c in zip(rows, columns, strict=True) if fits[r, c]]


def _pair(kind, pairs, reference, detected) -> None:
    for row, column in pairs:
        reference[row].kind = detected[column].kind = kind
        reference[row].partner, detected[column].partner = int(column), int(row)


def _is(kind: str, events: list[JudgedEvent]) -> np.ndarray:
    return np.array([event.kind == kind for event in events])


def _mark(kind, events, overlaps, shared) -> None:
    """Mark events that are overlapped and no hits, by the longest overlap."""
    for event, candidates, seconds in zip(
        events, overlaps, shared, strict=True
    ):
        if event.kind in (MISSED, FALSE_ALARM) and candidates.any():
            event.kind = kind
            event.partner = int(np.where(candidates, seconds, -1).argmax())
