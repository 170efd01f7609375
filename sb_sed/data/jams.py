"""Strong labels from the JAMS files that Scaper writes beside a soundscape.

A JAMS file is JSON, and only three fields of it are needed, so the json module
reads it; the jams package would be one more dependency for that.

Authors
 * sb_sed contributors 2026
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from sb_sed.errors import UNREADABLE, InputError
from sb_sed.formats import Event

# DESED's rules for annotated events: none shorter, no gap shorter (seconds).
MIN_EVENT = 0.250
MIN_GAP = 0.150


def strip_suffixes(label: str) -> str:
    """Removes DESED's marks for events cut off at their start or end.

    Arguments
    ---------
    label : str
        A label such as ``Frying_nOn_nOff`` (no onset, no offset).

    Returns
    -------
    str
        The class.

    Example
    -------
    >>> strip_suffixes("Frying_nOn_nOff"), strip_suffixes("Running_water")
    ('Frying', 'Running_water')
    """
    return re.sub(r"(_nOn|_nOff)+$", "", label)


def read_jams(path: str | Path, classes: Sequence[str]) -> list[Event]:
    """Reads the foreground events of one soundscape.

    Arguments
    ---------
    path : str or Path
        A JAMS file; its first annotation is Scaper's.
    classes : sequence of str
        The classes that may occur, after :func:`strip_suffixes`.

    Returns
    -------
    list of (float, float, str)
        Onset and offset in seconds and class, as :func:`tidy_events` leaves
        them.

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
        annotation = json.loads(Path(path).read_text("utf-8"))["annotations"][0]
        length = annotation.get("duration")
        rows = [
            (
                float(row["time"]),
                float(row["duration"]),
                strip_suffixes(row["value"]["label"]),
            )
            for row in annotation["data"]
            if row["value"]["role"] == "foreground"
        ]
    except UNREADABLE as error:
        raise InputError(
            f"{path} is not a JAMS file of a Scaper soundscape: fetch it again."
        ) from error
    for number, (onset, duration, label) in enumerate(rows, start=1):
        if label not in classes:
            raise InputError(
                f"{path}, foreground event {number} has the unknown class "
                f"{label!r}: use one of {', '.join(classes)}."
            )
        # Written so that NaN is caught, too.
        if not (onset >= 0 and 0 < duration < float("inf")):
            raise InputError(
                f"{path}, foreground event {number} starts at {onset:g} s and "
                f"lasts {duration:g} s: correct or delete it."
            )
    return tidy_events(
        [Event(start, start + lasts, label) for start, lasts, label in rows],
        length,
    )


def tidy_events(
    events: Sequence[Event], length: float | None = None
) -> list[Event]:
    """Applies DESED's rules for annotated events to one recording.

    Same-class events that overlap or lie less than 150 ms apart become one; an
    event shorter than 250 ms is prolonged, or dropped where it would pass the
    end. These are the rules behind every official ``soundscapes.tsv``
    (``post_process`` of the DESED tool, times with three decimals).

    Arguments
    ---------
    events : sequence of (float, float, str)
        Onset and offset in seconds and class.
    length : float, optional
        Seconds of the recording.

    Returns
    -------
    list of (float, float, str)
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
    return sorted(Event(*times, label) for times, label in tidy)
