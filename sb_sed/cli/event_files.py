"""Events as the files that other programs open.

Authors
 * sb_sed contributors 2026
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from sb_sed.formats import EVENT_COLUMNS, write_events
from sb_sed.inference.batch import FileResult


def tsv(results: Sequence[FileResult]) -> str:
    """All events as a DESED TSV, with confidences.

    Arguments
    ---------
    results : sequence of FileResult
        Files that were skipped are left out.

    Returns
    -------
    str
        See ``sb_sed.formats.write_events``.
    """
    heard = [result for result in results if not result.reason]
    events = pd.DataFrame(columns=[*EVENT_COLUMNS, "confidence"])
    if found := [result.events for result in heard if len(result.events)]:
        events = pd.concat(found).round({"confidence": 6})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.tsv")
        write_events(events, path, [result.filename for result in heard])
        return path.read_text("utf-8")


def as_json(results: Sequence[FileResult]) -> str:
    """All that there is to say of all files, as JSON.

    Arguments
    ---------
    results : sequence of FileResult
        Of any files.

    Returns
    -------
    str
        ``files``: filename, duration, notes and events (onset, offset,
        event_label, confidence); ``skipped``: filename and reason.
    """
    files, skipped = [], []
    for result in results:
        if result.reason:
            skipped.append(
                {"filename": result.filename, "reason": result.reason}
            )
            continue
        events = result.events.drop(columns="filename").round(6)
        files.append(
            {
                "filename": result.filename,
                "duration": round(result.duration, 6),
                "notes": result.notes,
                "events": events.to_dict("records"),
            }
        )
    content = {"files": files, "skipped": skipped}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def audacity(result: FileResult) -> str:
    """The events of one file as a label track of Audacity.

    Arguments
    ---------
    result : FileResult
        Of one file.

    Returns
    -------
    str
        Onset, offset and label, divided by tabs.
    """
    return "".join(
        f"{event.onset:.6f}\t{event.offset:.6f}\t{event.event_label}\n"
        for event in result.events.itertuples()
    )


def raven(result: FileResult) -> str:
    """The events of one file as a selection table of Raven.

    Arguments
    ---------
    result : FileResult
        Of one file.

    Returns
    -------
    str
        The columns that Raven asks for, then the label and its confidence.
        The frequencies are all that was heard: a detector does not tell any.
    """
    columns = (
        "Selection, View, Channel, Begin Time (s), End Time (s), "
        "Low Freq (Hz), High Freq (Hz), Event, Confidence"
    ).split(", ")
    lines = ["\t".join(columns)]
    for number, event in enumerate(result.events.itertuples(), start=1):
        lines.append(
            f"{number}\tSpectrogram 1\t1\t{event.onset:.6f}\t"
            f"{event.offset:.6f}\t0\t{result.sample_rate / 2:g}\t"
            f"{event.event_label}\t"
            f"{event.confidence:.4f}"
        )
    return "\n".join(lines) + "\n"


# Formats that have all files in one table, and those of one file each.
ONE_TABLE: dict[str, Callable[[Sequence[FileResult]], str]] = {
    "tsv": tsv,
    "json": as_json,
}
ONE_EACH: dict[str, Callable[[FileResult], str]] = {
    "audacity": audacity,
    "raven": raven,
}
