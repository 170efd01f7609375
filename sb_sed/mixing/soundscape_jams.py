"""Soundscapes as JAMS, written as Scaper writes them.

Scaper itself writes them only for soundscapes that it has mixed, through SoX
and with its own random numbers, so the document is composed here; the ``jams``
package and Scaper accept it.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Placed:
    """A sound of a soundscape.

    Arguments
    ---------
    label : str
        The folder in the sound bank.
    source_file : str
        The file that it is from.
    time, duration : float
        When it begins in the soundscape and how long it is heard, seconds.
    snr : float
        Level above the background, dB.
    source_time, event_duration : float
        What was taken of the file, seconds: its start and its length.
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


def soundscape_jams(
    background: Placed,
    foregrounds: Sequence[Placed],
    seconds: float,
    *,
    corpus: str,
    isolated: Sequence[str] = (),
    scaper: Mapping[str, object] | None = None,
    sandbox: Mapping[str, object] | None = None,
) -> dict:
    """The JAMS document of a soundscape.

    Arguments
    ---------
    background : Placed
        What is heard all the time.
    foregrounds : sequence of Placed
        The events.
    seconds : float
        Length of the soundscape.
    corpus : str
        What the soundscape is part of.
    isolated : sequence of str
        The isolated audio of each sound, background first, from the folder of
        the JAMS on.
    scaper : mapping, optional
        Further settings of Scaper.
    sandbox : mapping, optional
        What else is to be kept with the annotation, by program.

    Returns
    -------
    dict
        For ``json.dump``: one annotation of the namespace ``scaper``.

    Example
    -------
    >>> room = Placed("sins", "sins/a.wav", 0.0, 10.0, 0.0, 0.0, 10.0)
    >>> cat = Placed("Cat", "Cat/b.wav", 2.5, 1.0, 12.0, 0.0, 1.0)
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
            _observation(background, "background"),
            *(_observation(sound, "foreground") for sound in foregrounds),
        ],
        "sandbox": {
            "scaper": {
                "duration": seconds,
                "fg_labels": sorted({sound.label for sound in foregrounds}),
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


def _observation(sound: Placed, role: str) -> dict:
    return {
        "time": sound.time,
        "duration": sound.duration,
        "value": {
            "label": sound.label,
            "source_file": sound.source_file,
            "source_time": sound.source_time,
            "event_time": sound.time
            if sound.event_time is None
            else sound.event_time,
            "event_duration": sound.event_duration,
            "snr": sound.snr,
            "role": role,
            "pitch_shift": sound.pitch_shift,
            "time_stretch": sound.time_stretch,
        },
        "confidence": 1.0,
    }
