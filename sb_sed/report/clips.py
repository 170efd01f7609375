"""The files of a report as the page's script reads them.

Authors
 * sb_sed contributors 2026
"""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
from tqdm import tqdm

from sb_sed.plots.recording import log_mel
from sb_sed.report.choice import choose_clips
from sb_sed.report.contents import Contents
from sb_sed.report.inputs import Inputs
from sb_sed.report.matching import KINDS, JudgedEvent
from sb_sed.report.media import (
    encode_audio,
    encode_scores,
    encode_spectrogram,
    read_clip,
)

# Characters of the page.
_MOST_MEDIA = 8_000_000
_MOST_SCORES = 1_500_000
_LONGEST = 120  # seconds; what is longer is linked
_TICKS_HZ = (500, 1000, 2000, 4000, 8000, 16000)


def describe_files(
    contents: Contents, inputs: Inputs, n_clips: int, page: Path
) -> list[dict]:
    """Describes the files, those with the most errors first.

    The chosen ones (:func:`~sb_sed.report.choice.choose_clips`) carry their
    sound and spectrogram, as far as 8 MB reach; of the others, the page links
    the audio. Scores are carried, the worst files first, as far as 1.5 MB
    reach.

    Arguments
    ---------
    contents : Contents
        What was found out.
    inputs : Inputs
        What it was made of.
    n_clips : int
        How many files may carry their sound.
    page : Path
        The page that will link to audio.

    Returns
    -------
    files : list of dict
        Plain values; see ``templates/data.js`` for the keys.
    """
    chosen = set(choose_clips(contents.files, n_clips))
    place = {label: index for index, label in enumerate(contents.labels)}
    order = sorted(contents.files, key=lambda n: -contents.files[n].n_errors)
    files, media, scored = [], 0, 0
    for name in tqdm(
        order, "clips", unit="file", delay=1, leave=False, disable=None
    ):
        judged, table = contents.files[name], inputs.scores[name]
        events = judged.reference + judged.detected
        ends = [float(table["offset"].iloc[-1]), *(e.offset for e in events)]
        file = {
            "name": judged.name,
            "seconds": max(ends),
            "reference": _rows(judged.reference, place),
            "detected": _rows(judged.detected, place),
        }
        if scored < _MOST_SCORES:
            ours = table.reindex(
                columns=["onset", "offset", *contents.labels],
                fill_value=contents.low,
            )
            cell, text = encode_scores(ours, contents.low, contents.high)
            file["scores"] = {"cell": cell, "text": text}
            scored += len(text)
        if path := inputs.audio.get(name):
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
    clip = read_clip(path)
    if clip is None or len(clip[0]) > _LONGEST * clip[1]:
        return {}
    decibels, centres = log_mel(*clip)
    ticks = [hz for hz in _TICKS_HZ if centres[0] <= hz <= centres[-1]]
    heights = np.interp(ticks, centres, np.linspace(0, 1, len(centres)))
    return {
        "audio": encode_audio(*clip),
        "image": encode_spectrogram(decibels),
        "imageSeconds": len(clip[0]) / clip[1],
        "ticks": [
            [hz, round(h, 3)] for hz, h in zip(ticks, heights, strict=True)
        ],
    }


def _link(path: Path, page: Path) -> str:
    """The URL from the page to a file."""
    try:
        relative = os.path.relpath(path.absolute(), page.absolute().parent)
    except ValueError:  # another drive
        return path.absolute().as_uri()
    return "./" + quote(Path(relative).as_posix())
