"""What a listener has said of recordings as clips to train on.

A review says something of what was asked about, and nothing of the rest of the
recording: as the labels of a whole recording, its events would make silence of
all that nobody has asked about.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sb_sed.audio.excerpts import read_excerpt
from sb_sed.audio.reading import UnusableAudio
from sb_sed.audio.store import write_wav
from sb_sed.data.recordings import clip_name
from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, under_names
from sb_sed.formats.reviews import CHECKED, MISSED, reviews_to_events

# Seconds around what was asked about: so much of silence or of another sound
# shows where an event begins and ends.
MARGIN = 0.5
# Between the recording's name and the part in the name of a clip.
MARK = "@"
_SIDES = "reviews", "recordings"


def reviewed_parts(
    reviews: pd.DataFrame, margin: float = MARGIN
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the parts of recordings of which everything asked is known.

    Arguments
    ---------
    reviews : pd.DataFrame
        Of :func:`sb_sed.formats.reviews.read_reviews`.
    margin : float
        Seconds around each detection that was judged, and around each event
        that was corrected or added. Parts that touch are one; those that touch
        a detection of which the listener was not sure are left out.

    Returns
    -------
    parts : pd.DataFrame
        filename, onset, offset (seconds).
    events : pd.DataFrame
        filename, onset, offset (seconds in the recording), event_label: all
        that are right, corrected or added.

    Raises
    ------
    InputError
        If no event is right or was added.

    Example
    -------
    >>> from sb_sed.formats.reviews import REVIEW_COLUMNS
    >>> none = [None] * 3
    >>> rows = [
    ...     ["a.wav", 2.0, 3.0, "Owl", 0.7, 1.0, "right", *none],
    ...     ["a.wav", 6.0, 7.0, "Owl", 0.3, 1.0, "wrong", *none],
    ... ]
    >>> parts, _ = reviewed_parts(pd.DataFrame(rows, columns=REVIEW_COLUMNS))
    >>> parts
      filename  onset  offset
    0    a.wav    1.5     3.5
    1    a.wav    5.5     7.5
    """
    events = reviews_to_events(reviews)
    asked = reviews[~reviews["answer"].isin([CHECKED, MISSED])]
    judged = asked[asked["answer"] != "unsure"]
    columns = EVENT_COLUMNS[:3]
    spans = pd.concat([judged[columns], events[columns]])
    unsure = asked[asked["answer"] == "unsure"]
    rows = []
    for name, own in spans.sort_values("onset").groupby("filename"):
        doubt = unsure[unsure["filename"] == name]
        joined: list[list[float]] = []
        for onset, offset in own[["onset", "offset"]].to_numpy():
            onset, offset = max(0.0, onset - margin), offset + margin
            if joined and onset <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], offset)
            else:
                joined.append([onset, offset])
        for onset, offset in joined:
            near = (doubt["onset"] < offset) & (doubt["offset"] > onset)
            if not near.any():
                rows.append((name, onset, offset))
    return pd.DataFrame(rows, columns=columns), events


def origin(clip: str) -> str:
    """Return what clips of the recording are called that a clip is cut of.

    Example
    -------
    >>> origin("reviewed/monday__garden@00001500-00003500.wav")
    'monday__garden'
    """
    return clip.rpartition("/")[2].rpartition(MARK)[0]


def cut_reviewed(
    reviews: pd.DataFrame, audio: Mapping[str, Path], folder: str | Path
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Write a clip of each part of which everything asked is known.

    Arguments
    ---------
    reviews : pd.DataFrame
        Of :func:`sb_sed.formats.reviews.read_reviews`.
    audio : Mapping[str, Path]
        Name to recording, of :func:`sb_sed.audio.search.find_recordings`.
    folder : str | Path
        Gets the clips, as 16-bit WAV at the rate of their recording.

    Returns
    -------
    events : pd.DataFrame
        filename (of the clip), onset, offset (seconds in it), event_label.
    clips : list of str
        All of them, also those without an event.
    skipped : list of str
        Recordings that cannot be used, and why: sentences.

    Raises
    ------
    InputError
        If there is no clip.
    """
    parts, events = reviewed_parts(reviews)
    paths = under_names(parts["filename"].unique(), audio, _SIDES)
    rows, clips, skipped = [], [], {}
    for name, onset, offset in parts.itertuples(index=False):
        span = f"{round(1000 * onset):08d}-{round(1000 * offset):08d}"
        clip = f"{clip_name(name)}{MARK}{span}.wav"
        try:
            if name not in paths:
                raise UnusableAudio("it is not among the recordings")
            samples, rate = read_excerpt(paths[name], onset, offset)
        except UnusableAudio as reason:
            skipped[name] = f"{name} was skipped: {reason}."
            continue
        write_wav(Path(folder, clip), samples, rate)
        clips.append(clip)
        own = events[
            (events["filename"] == name)
            & (events["onset"] < offset)
            & (events["offset"] > onset)
        ]
        end = len(samples) / rate
        for event in own.itertuples(index=False):
            begin = max(0.0, event.onset - onset)
            stop = min(end, event.offset - onset)
            if begin < stop:
                rows.append((clip, begin, stop, event.event_label))
    if not clips:
        raise InputError(
            "No part of the recordings can be cut "
            f"({next(iter(skipped.values()), 'nobody was sure of any')}): give "
            "the recordings that were reviewed."
        )
    found = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    return found, clips, [*skipped.values()]
