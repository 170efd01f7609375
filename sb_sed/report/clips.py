"""The clips of a report: which are shown with their sound, and how.

Authors
 * sb_sed contributors 2026
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tqdm import tqdm

from sb_sed.formats import Event, short_names, under_names
from sb_sed.plots.detection import plot_detection
from sb_sed.plots.spectrogram import band_ticks, log_mel
from sb_sed.report.contents import Contents
from sb_sed.report.inputs import Inputs
from sb_sed.report.media import (
    encode_audio,
    encode_scores,
    encode_spectrogram,
    read_clip,
)
from sb_sed.report.outcomes import KINDS, JudgedEvent, JudgedFile

# Characters of the page.
_MOST_MEDIA = 8_000_000
_MOST_SCORES = 1_500_000
_SIDES = "reference", "recordings"
_LONGEST = 120  # seconds; what is longer is linked


def choose_clips(files: Mapping[str, JudgedFile], n_clips: int) -> list[str]:
    """Choose the clips that show the most about a detector.

    Half of them are those with the most errors. Each of the others shows, as
    far as there is one left, a class with a kind of error (or a hit) that none
    of the others shows.

    ``files`` are name -> JudgedFile. Returns names; the more errors, the
    earlier.

    Example
    -------
    >>> from sb_sed.report.outcomes import JudgedEvent
    >>> bad = [JudgedEvent(0, 1, "Dog", "missed")] * 2
    >>> good = [JudgedEvent(0, 1, "Cat", "hit", 0)]
    >>> files = {
    ...     "a": JudgedFile("a.wav", bad[:1], []),
    ...     "b": JudgedFile("b.wav", bad, []),
    ...     "c": JudgedFile("c.wav", good, good),
    ... }
    >>> choose_clips(files, 2)
    ['b', 'c']
    """
    hardest = sorted(files, key=lambda name: -files[name].n_errors)
    n_hardest = (n_clips + 1) // 2
    chosen, rest = hardest[:n_hardest], hardest[n_hardest:]
    shown = set().union(*(_shows(files[name]) for name in chosen))
    while rest and len(chosen) < n_clips:
        # max takes the first, and so the hardest, of those that show as many
        best = max(rest, key=lambda name: len(_shows(files[name]) - shown))
        rest.remove(best)
        chosen.append(best)
        shown |= _shows(files[best])
    return sorted(chosen, key=hardest.index)


def _shows(file: JudgedFile) -> set[tuple[str, str]]:
    return {(e.label, e.kind) for e in file.reference + file.detected}


def describe_files(
    contents: Contents, inputs: Inputs, n_clips: int, page: Path
) -> list[dict]:
    """Describe the files for the page's script, most errors first.

    Those of :func:`choose_clips` contain their sound and spectrogram, up to
    8 MB in all; of the others, the page links the audio. Scores are contained,
    the files with the most errors first, up to 1.5 MB. ``page`` is the file
    that will link to audio. See ``templates/data.js`` for the keys.
    """
    chosen = set(choose_clips(contents.files, n_clips))
    place = {label: index for index, label in enumerate(contents.labels)}
    order = sorted(contents.files, key=lambda n: -contents.files[n].n_errors)
    audio = under_names(contents.files, inputs.audio, _SIDES)
    members = [set(group.files) for group in contents.groups]
    short = short_names(contents.files)
    files, media, scored = [], 0, 0
    for name in tqdm(
        order, "clips", unit="file", delay=1, leave=False, disable=None
    ):
        judged, table = contents.files[name], contents.scores[name]
        events = judged.reference + judged.detected
        ends = [float(table["offset"].iloc[-1]), *(e.offset for e in events)]
        file: dict[str, Any] = {
            "name": judged.name,
            "seconds": max(ends),
            "reference": _rows(judged.reference, place),
            "detected": _rows(judged.detected, place),
            "groups": [
                number
                for number, names in enumerate(members)
                if short[name] in names
            ],
        }
        if scored < _MOST_SCORES:
            ours = table.reindex(
                columns=["onset", "offset", *contents.labels],
                fill_value=contents.low,
            )
            cell, text = encode_scores(ours, contents.low, contents.high)
            file["scores"] = {"cell": cell, "text": text}
            scored += len(text)
        if path := audio.get(name):
            if name in chosen and media < _MOST_MEDIA:
                file |= _media(path)
                media += sum(len(file.get(k, "")) for k in ("audio", "image"))
            if "audio" not in file and path.is_file():
                file["link"] = _link(path, page)
        files.append(file)
    return files


def _rows(events: Sequence[JudgedEvent], place: dict[str, int]) -> list[list]:
    return [
        [
            round(event.onset, 3),
            round(event.offset, 3),
            place[event.label],
            KINDS.index(event.kind),
            -1 if event.partner is None else event.partner,
        ]
        for event in events
    ]


def _media(path: Path) -> dict:
    """Sound and spectrogram of a recording, if it can be read and is short."""
    notes: list[str] = []
    clip = read_clip(path, notes.append, _LONGEST)
    if clip is None:
        return {}
    decibels, centres_hz = log_mel(*clip)
    highest = len(centres_hz) - 1
    return {
        "audio": encode_audio(*clip),
        "image": encode_spectrogram(decibels),
        "imageSeconds": len(clip[0]) / clip[1],
        "notes": [f"The recording {note}." for note in notes],
        "ticks": [
            [hz, round(band / highest, 3)]
            for hz, band in zip(*band_ticks(centres_hz, 500), strict=True)
        ],
    }


def _link(path: Path, page: Path) -> str:
    """The URL from the page to a file."""
    try:
        relative = os.path.relpath(path.absolute(), page.absolute().parent)
    except ValueError:  # another drive
        return path.absolute().as_uri()
    return "./" + quote(os.fsencode(Path(relative).as_posix()))


def write_figures(
    contents: Contents, inputs: Inputs, n_clips: int, folder: str | Path
) -> list[Path]:
    """Draw the clips that a page shows with their sound.

    Arguments
    ---------
    contents, inputs, n_clips
        Of :func:`~sb_sed.report.page.write_page`, and what it returned.
    folder : str | Path
        Gets ``<stem>.png`` of each clip with readable audio, or, where several
        have that stem, ``<name>.png``.

    Returns
    -------
    figures : list of Path
    """
    figures = []
    audio = under_names(contents.files, inputs.audio, _SIDES)
    short = short_names(contents.files)
    chosen = choose_clips(contents.files, n_clips)
    for name in tqdm(
        chosen, "figures", unit="file", delay=1, leave=False, disable=None
    ):
        path = audio.get(name)
        clip = read_clip(path) if path else None
        if clip is None:
            continue
        samples, rate = clip
        decibels, centres_hz = log_mel(samples, rate)
        file = contents.files[name]
        reference, detected = (
            [Event(event.onset, event.offset, event.label) for event in side]
            for side in (file.reference, file.detected)
        )
        figures.append(_inside(folder, f"{short[name]}.png"))
        plot_detection(
            decibels,
            len(samples) / rate,
            contents.scores[name],
            reference,
            detected,
            figures[-1],
            centres_hz=centres_hz,
            classes=contents.labels,
            thresholds=contents.thresholds,
            title=file.name,
        )
    return figures


def _inside(folder: str | Path, name: str) -> Path:
    """A path below a folder, whatever the folders in the name."""
    parts = [x for x in name.split("/") if x not in ("", ".", "..")]
    return Path(folder, *parts)
