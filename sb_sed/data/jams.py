"""Scaper's JAMS files beside soundscapes: their events, and new documents.

A JAMS file is JSON, and few fields of it are needed, so the json module reads
it; the jams package would be one more dependency. Scaper itself writes JAMS
only for soundscapes that it has mixed, through SoX and with its own random
numbers, so documents are composed here; the jams package and Scaper accept
them.

Authors
 * sb_sed contributors 2026
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sb_sed.errors import UNREADABLE, InputError
from sb_sed.formats import TIME_NOISE, Event
from sb_sed.formats.labels import same_label

# DESED's rules for annotated events: none shorter, no gap shorter (seconds).
MIN_EVENT = 0.250
MIN_GAP = 0.150


def strip_suffixes(label: str) -> str:
    """Return a label without DESED's marks of events without onset or offset.

    Example
    -------
    >>> strip_suffixes("Frying_nOn_nOff"), strip_suffixes("Running_water")
    ('Frying', 'Running_water')
    """
    return re.sub(r"(_nOn|_nOff)+$", "", label)


def read_jams(path: str | Path, classes: Sequence[str]) -> list[Event]:
    """Read the foreground events of one soundscape.

    Arguments
    ---------
    path : str | Path
        A JAMS file; its first annotation is Scaper's.
    classes : sequence of str
        The classes that may occur, after :func:`strip_suffixes`.

    Returns
    -------
    list of Event
        As :func:`tidy_events` leaves them.

    Raises
    ------
    InputError
        If the file is not a Scaper JAMS, a class is unknown, or an event is
        negative or reversed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "0.jams"
    >>> value = {"role": "foreground", "label": "Frying_nOn"}
    >>> data = [{"time": 0, "duration": 2.5, "value": value}]
    >>> _ = path.write_text(
    ...     json.dumps({"annotations": [{"data": data, "duration": 10}]})
    ... )
    >>> read_jams(path, ["Frying"])
    [Event(onset=0.0, offset=2.5, event_label='Frying')]
    """
    try:
        annotation = json.loads(Path(path).read_text("utf-8-sig"))[
            "annotations"
        ][0]
        length = annotation.get("duration")
        rows = [
            (
                float(row["time"]),
                float(row["duration"]),
                strip_suffixes(same_label(row["value"]["label"])),
            )
            for row in annotation["data"]
            if row["value"]["role"] == "foreground"
        ]
    except UNREADABLE as error:
        raise _not_jams(path) from error
    for number, (onset, duration, label) in enumerate(rows, start=1):
        if label not in classes:
            raise InputError(
                f"{path}, foreground event {number} has the unknown class "
                f"{label!r}: use one of {', '.join(classes)}."
            )
        # Written so that NaN is caught, too.
        if not (onset > -TIME_NOISE and 0 < duration < float("inf")):
            raise InputError(
                f"{path}, foreground event {number} starts at {onset:g} s and "
                f"lasts {duration:g} s: correct or delete it."
            )
    return tidy_events(
        [
            Event(max(start, 0.0), start + lasts, label)
            for start, lasts, label in rows
        ],
        length,
    )


def read_sounds(path: str | Path) -> list[tuple[str, str]]:
    """Read which files the foreground events of one soundscape are made of.

    Arguments
    ---------
    path : str | Path
        A JAMS file; its first annotation is Scaper's.

    Returns
    -------
    list of (str, str)
        For each event ``<label>/<file>`` in the sound bank, and
        ``<folder>/<file>`` of its isolated audio, empty if there is none.
        Events without a source file are left out.

    Raises
    ------
    InputError
        If the file is not a Scaper JAMS.

    Example
    -------
    >>> path = getfixture("tmp_path") / "7.jams"
    >>> cat = JamsSource("Cat", "/bank/Cat/b.wav", 2.5, 1.0, 12.0, 0.0, 1.0)
    >>> room = JamsSource("sins", "sins/a.wav", 0.0, 10.0, 0.0, 0.0, 10.0)
    >>> isolated = [
    ...     "7_events/background0_sins.wav",
    ...     "7_events/foreground0_Cat.wav",
    ... ]
    >>> document = soundscape_jams(
    ...     room, [cat], 10.0, corpus="mine", isolated=isolated
    ... )
    >>> _ = path.write_text(json.dumps(document))
    >>> read_sounds(path)
    [('Cat/b.wav', '7_events/foreground0_Cat.wav')]
    """
    try:
        annotation = json.loads(Path(path).read_text("utf-8-sig"))[
            "annotations"
        ][0]
        values = [row["value"] for row in annotation["data"]]
        scaper = annotation.get("sandbox", {}).get("scaper", {})
        isolated = [*scaper.get("isolated_events_audio_path", [])]
        # The list goes with the data; copies without the audio have none.
        isolated += [""] * (len(values) - len(isolated))
        return [
            (
                "/".join([value["label"], _names(value["source_file"])[-1]]),
                "/".join(_names(event)[-2:]),
            )
            for value, event in zip(values, isolated, strict=False)
            if value["role"] == "foreground" and value.get("source_file")
        ]
    except UNREADABLE as error:
        raise _not_jams(path) from error


def _names(path: str) -> list[str]:
    """The names in a path of any system."""
    return re.split(r"[/\\]", path)


def _not_jams(path: str | Path) -> InputError:
    return InputError(
        f"{path} is not a JAMS file of a Scaper soundscape: fetch it again."
    )


def tidy_events(
    events: Sequence[Event], length: float | None = None
) -> list[Event]:
    """Apply DESED's rules for annotated events to one recording.

    Events of one class that overlap or lie less than 150 ms apart become one;
    an event shorter than 250 ms is prolonged, or dropped if it would then
    exceed the recording. These are the rules behind every official
    ``soundscapes.tsv`` (``post_process`` of the DESED tool, times with three
    decimals).

    Arguments
    ---------
    events : sequence of Event
        In any order.
    length : float, optional
        Seconds of the recording.

    Returns
    -------
    list of Event
        Sorted by onset.

    Example
    -------
    >>> tidy_events([Event(1.0, 1.5, "Dog"), Event(1.6, 2.0, "Dog")])
    [Event(onset=1.0, offset=2.0, event_label='Dog')]
    """
    # Down to the millisecond, or rounding would put offsets behind it.
    end = math.inf if length is None else math.floor(length * 1e3 + 1e-6) / 1e3
    tidy = []
    for label in {label for *_, label in events}:
        last = None
        for onset, offset in sorted(
            (round(onset, 3), round(min(offset, end), 3))
            for onset, offset, name in events
            if name == label
        ):
            # The rounding wipes out the noise of the binary fractions.
            if last and round(onset - last[1], 6) < MIN_GAP:
                last[1] = max(last[1], offset)
                continue
            offset = max(offset, round(onset + MIN_EVENT, 3))
            if offset > end:
                break
            last = [onset, offset]
            tidy.append((last, label))
    return sorted(Event(start, end, label) for (start, end), label in tidy)


@dataclass(frozen=True)
class JamsSource:
    """A source of a soundscape, as a JAMS document describes it.

    Arguments
    ---------
    label : str
        The folder in the sound bank.
    source_file : str
        Its file.
    time, duration : float
        When it begins in the soundscape and how long it is audible, seconds.
    snr : float
        Level above the background, dB.
    source_time, event_duration : float
        The part of the file that was used, seconds: its start and its length.
    event_time : float, optional
        Where it was put in the soundscape, seconds; default: ``time``.
    pitch_shift : float, optional
        Semitones.
    time_stretch : float, optional
        Factor on the length.
    """

    label: str
    source_file: str
    time: float
    duration: float
    snr: float
    source_time: float
    event_duration: float
    event_time: float | None = None
    pitch_shift: float | None = None
    time_stretch: float | None = None

    def observation(self, role: str) -> dict:
        """Return its row of an annotation of the namespace ``scaper``."""
        event_time = self.time if self.event_time is None else self.event_time
        return {
            "time": self.time,
            "duration": self.duration,
            "value": {
                "label": self.label,
                "source_file": self.source_file,
                "source_time": self.source_time,
                "event_time": event_time,
                "event_duration": self.event_duration,
                "snr": self.snr,
                "role": role,
                "pitch_shift": self.pitch_shift,
                "time_stretch": self.time_stretch,
            },
            "confidence": 1.0,
        }


def soundscape_jams(
    background: JamsSource,
    foregrounds: Sequence[JamsSource],
    seconds: float,
    *,
    corpus: str,
    isolated: Sequence[str] = (),
    scaper: Mapping[str, object] | None = None,
    sandbox: Mapping[str, object] | None = None,
) -> dict:
    """Return the JAMS document of a soundscape.

    Arguments
    ---------
    background : JamsSource
        The place.
    foregrounds : sequence of JamsSource
        The events.
    seconds : float
        Length of the soundscape.
    corpus : str
        What the soundscape is part of.
    isolated : sequence of str
        The isolated audio of each source, background first, relative to the
        folder of the JAMS.
    scaper : mapping, optional
        Further settings of Scaper.
    sandbox : mapping, optional
        Further data to keep with the annotation, by program.

    Returns
    -------
    dict
        For ``json.dump``: one annotation of the namespace ``scaper``.

    Example
    -------
    >>> room = JamsSource("sins", "sins/a.wav", 0.0, 10.0, 0.0, 0.0, 10.0)
    >>> cat = JamsSource("Cat", "Cat/b.wav", 2.5, 1.0, 12.0, 0.0, 1.0)
    >>> document = soundscape_jams(room, [cat], 10.0, corpus="mine")
    >>> [row["time"] for row in document["annotations"][0]["data"]]
    [0.0, 2.5]
    """
    annotation = {
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": corpus,
            "annotation_tools": "",
            "annotation_rules": "",
            "validation": "",
            "data_source": "sb_sed",
        },
        "namespace": "scaper",
        "data": [
            background.observation("background"),
            *(source.observation("foreground") for source in foregrounds),
        ],
        "sandbox": {
            "scaper": {
                "duration": seconds,
                "fg_labels": sorted({source.label for source in foregrounds}),
                "bg_labels": [background.label],
                "n_events": len(foregrounds),
                "isolated_events_audio_path": list(isolated),
                **(scaper or {}),
            },
            **(sandbox or {}),
        },
        "time": 0,
        "duration": seconds,
    }
    return {
        "annotations": [annotation],
        "file_metadata": {
            "title": "",
            "artist": "",
            "release": "",
            "duration": seconds,
            "identifiers": {},
            "jams_version": "0.3.4",
        },
        "sandbox": {},
    }
