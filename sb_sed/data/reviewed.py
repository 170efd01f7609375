"""What a listener has said of recordings as clips to train on.

A review says something of what was asked about, and nothing of the rest of the
recording: as the labels of a whole recording, its events would make silence of
all that nobody has asked about. Nor does it say anything of other classes than
that which was asked about. What is known whole are windows in which the
listener has looked for what was missed: they show most of what is no event.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sb_sed.audio.excerpts import read_excerpt
from sb_sed.audio.reading import UnusableAudio, open_audio
from sb_sed.audio.store import write_wav
from sb_sed.data.recordings import clip_name, shifted
from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, Event, match_names, under_names
from sb_sed.formats.reviews import CHECKED, MISSED, reviews_to_events

# Seconds around what was asked about: so much of silence or of another sound
# shows where an event begins and ends.
MARGIN = 0.5
# Of a clip: as much as the template's clips have.
SECONDS = 10.0
# Between the recording's name and the part in the name of a clip.
MARK = "@"
PART_COLUMNS = [*EVENT_COLUMNS[:3], "judged"]
_SIDES = "reviews", "recordings"
# Tables round times to milliseconds, or not.
_SAME = 0.002


def reviewed_parts(
    reviews: pd.DataFrame,
    boxes: pd.DataFrame | None = None,
    margin: float = MARGIN,
) -> pd.DataFrame:
    """Return the parts of recordings of which some classes are known whole.

    Arguments
    ---------
    reviews : pd.DataFrame
        Of :func:`sb_sed.formats.reviews.read_reviews`.
    boxes : pd.DataFrame, optional
        filename, onset, offset, event_label of all detections that the page
        showed. In a window, the listener has added what has none; so of a class
        with one that nobody was asked about, the window says nothing. Without
        them, windows are left out.
    margin : float
        Seconds around each detection that was judged, and around each event
        that was corrected or added; windows have none.

    Returns
    -------
    parts : pd.DataFrame
        filename, onset, offset (seconds), judged: the classes that are known,
        a sorted tuple. Of the same classes, parts that touch are one; those
        that touch a detection of which the listener was not sure are left out.

    Example
    -------
    >>> from sb_sed.formats.reviews import REVIEW_COLUMNS
    >>> none = [None] * 3
    >>> rows = [
    ...     ["a.wav", 2.0, 3.0, "Owl", 0.7, 1.0, "right", *none],
    ...     ["a.wav", 6.0, 7.0, "Owl", 0.3, 1.0, "wrong", *none],
    ... ]
    >>> reviewed_parts(pd.DataFrame(rows, columns=REVIEW_COLUMNS))
      filename  onset  offset  judged
    0    a.wav    1.5     3.5  (Owl,)
    1    a.wav    5.5     7.5  (Owl,)
    """
    spans = [*_judged_spans(reviews, margin)]
    if boxes is not None:
        spans += _windows(reviews, boxes)
    groups: dict[tuple, list[list[float]]] = {}
    for name, onset, offset, judged in sorted(spans):
        joined = groups.setdefault((name, judged), [])
        if joined and onset <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], offset)
        else:
            joined.append([onset, offset])
    unsure = reviews[reviews["answer"] == "unsure"]
    rows = [
        (name, onset, offset, judged)
        for (name, judged), joined in groups.items()
        for onset, offset in joined
        if not len(_inside(unsure, name, onset, offset, judged))
    ]
    return pd.DataFrame(sorted(_largest(rows)), columns=PART_COLUMNS)


def _judged_spans(reviews: pd.DataFrame, margin: float) -> Iterator[tuple]:
    """Yield what was asked about and the events in it: name, onset, offset,
    classes."""
    for row in reviews.itertuples(index=False):
        labels = row.event_label, row.true_label
        known = {label for label in labels if isinstance(label, str)}
        ends = [(row.onset, row.offset)]
        if row.answer in (CHECKED, "unsure"):
            continue
        if row.answer == MISSED:
            known, ends = {row.true_label}, []
        if not pd.isna(row.true_onset):
            ends.append((row.true_onset, row.true_offset))
        for onset, offset in ends:
            span = max(0.0, onset - margin), offset + margin
            yield row.filename, *span, tuple(sorted(known))


def _windows(reviews: pd.DataFrame, boxes: pd.DataFrame) -> Iterator[tuple]:
    """Yield the windows with the classes that are known in them."""
    boxes = boxes.dropna(subset=["event_label"])
    names = match_names(
        boxes["filename"].unique(),
        reviews["filename"].unique(),
        ("detections", "reviews"),
    )
    boxes = boxes.assign(filename=boxes["filename"].map(names))
    judged: dict[tuple, list[tuple[float, float]]] = {}
    sure = reviews[~reviews["answer"].isin(["unsure", MISSED])]
    for name, *span, label in sure[EVENT_COLUMNS].itertuples(index=False):
        judged.setdefault((name, label), []).append(span)
    is_open = [
        not any(
            abs(onset - begin) < _SAME and abs(offset - end) < _SAME
            for begin, end in judged.get((name, label), ())
        )
        for name, onset, offset, label in boxes[EVENT_COLUMNS].itertuples(
            index=False
        )
    ]
    left = boxes[is_open]
    columns = reviews[["event_label", "true_label"]], boxes[["event_label"]]
    classes = {x for some in columns for x in some.stack().dropna()}
    windows = reviews[reviews["answer"] == CHECKED]
    for row in windows.itertuples(index=False):
        span = row.filename, row.onset, row.offset
        some = _inside(left, *span, classes)
        known = classes - set(some["event_label"])
        if known:
            yield *span, tuple(sorted(known))


def _inside(
    events: pd.DataFrame,
    name: str,
    onset: float,
    offset: float,
    classes: Iterable[str],
) -> pd.DataFrame:
    """The events of some classes that overlap a part."""
    return events[
        (events["filename"] == name)
        & (events["onset"] < offset)
        & (events["offset"] > onset)
        & events["event_label"].isin([*classes])
    ]


def _largest(parts: Sequence[tuple]) -> list[tuple]:
    """Leave out parts that are in another of which no less is known; those of
    equal times are one."""
    known: dict[tuple, set[str]] = {}
    for *span, judged in parts:
        known.setdefault(tuple(span), set()).update(judged)
    return [
        (name, onset, offset, tuple(sorted(judged)))
        for (name, onset, offset), judged in known.items()
        if not any(
            name == of
            and begin <= onset
            and end >= offset
            and more >= judged
            and (begin, end) != (onset, offset)
            for (of, begin, end), more in known.items()
        )
    ]


def origin(clip: str) -> str:
    """Return what clips of the recording are called that a clip is cut of.

    Example
    -------
    >>> origin("reviewed/monday__garden@00001500-00003500.wav")
    'monday__garden'
    """
    return clip.rpartition("/")[2].rpartition(MARK)[0]


def cut_reviewed(
    rounds: Iterable[tuple[pd.DataFrame, pd.DataFrame | None]],
    audio: Mapping[str, Path],
    folder: str | Path,
    seconds: float = SECONDS,
) -> tuple[pd.DataFrame, dict[str, list[Event]], list[str]]:
    """Write clips of all parts of which some classes are known whole.

    What is around the parts is in the clips, too, as in the recordings that a
    detector is for: in parts alone, followed by silence, the silence would tell
    what is known, and so mostly an event, from whole windows, which are mostly
    none.

    Arguments
    ---------
    rounds : Iterable
        Reviews, of :func:`sb_sed.formats.reviews.read_reviews`, each with the
        detections that its page showed, or None: see :func:`reviewed_parts`.
    audio : Mapping[str, Path]
        Name to recording, of :func:`sb_sed.audio.search.find_recordings`.
    folder : str | Path
        Gets the clips, as 16-bit WAV at the rate of their recording.
    seconds : float
        Their length; less where the recording is shorter, more where a part is
        longer.

    Returns
    -------
    events : pd.DataFrame
        filename (of the clip), onset, offset (seconds in it), event_label: all
        that are right, corrected or added.
    judged : dict
        Each clip, also those without an event -> its parts (seconds in it) and
        the classes that are known in them.
    skipped : list of str
        Recordings that cannot be used, and why: sentences.

    Raises
    ------
    InputError
        If no event is right or was added, or there is no clip.
    """
    rounds = [*rounds]
    events = reviews_to_events(pd.concat([reviews for reviews, _ in rounds]))
    found = pd.concat([reviewed_parts(*one) for one in rounds])
    parts: dict[str, list[tuple]] = {}
    for name, *part in sorted(_largest([*found.itertuples(False, None)])):
        parts.setdefault(name, []).append(tuple(part))
    paths = under_names(parts, audio, _SIDES)
    rows: list[tuple] = []
    judged: dict[str, list[Event]] = {}
    skipped = []
    for name, some in parts.items():
        own = events[events["filename"] == name]
        try:
            if name not in paths:
                raise UnusableAudio("it is not among the recordings")
            with open_audio(paths[name]) as file:
                end = file.frames / file.samplerate
            for start, stop in _clips(some, end, seconds):
                samples, rate = read_excerpt(paths[name], start, stop)
                span = f"{round(1000 * start):08d}-{round(1000 * stop):08d}"
                clip = f"{clip_name(name)}{MARK}{span}.wav"
                write_wav(Path(folder, clip), samples, rate)
                known = [
                    Event(begin, close, label)
                    for begin, close, labels in some
                    for label in labels
                ]
                judged[clip] = shifted(known, start, stop)
                labels = {label for *_, label in judged[clip]}
                true = own[own["event_label"].isin(labels)]
                inside = true[EVENT_COLUMNS[1:]].itertuples(index=False)
                rows += [(clip, *x) for x in shifted(inside, start, stop)]
        except UnusableAudio as reason:
            skipped.append(f"{name} was skipped: {reason}.")
    if not judged:
        raise InputError(
            "No part of the recordings can be cut "
            f"({(skipped or ['nobody was sure of any'])[0]}): give the "
            "recordings that were reviewed."
        )
    return pd.DataFrame(rows, columns=EVENT_COLUMNS), judged, skipped


def _clips(
    parts: Sequence[tuple], end: float, seconds: float
) -> Iterator[tuple[float, float]]:
    """Yield times of clips of a recording that hold parts, in order: as many
    in each as there is room for."""
    held: list[list[float]] = []
    for onset, offset, _ in parts:
        offset = min(offset, end)
        if onset >= end:
            continue
        if held and max(offset, held[-1][1]) - held[-1][0] <= seconds:
            held[-1][1] = max(offset, held[-1][1])
        else:
            held.append([onset, offset])
    for onset, offset in held:
        length = min(max(seconds, offset - onset), end)
        start = min(max(0.0, (onset + offset - length) / 2), end - length)
        yield round(start, 3), round(start + length, 3)
