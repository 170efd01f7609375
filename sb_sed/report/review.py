"""The page on which a listener judges detections one by one.

It opens from disk, and answers stay in the browser until they are saved. Sounds
are files beside it, an excerpt for each question, which a browser loads when
they are listened to: so many questions, and long recordings, stay light.

Authors
 * sb_sed contributors 2026
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from tqdm import tqdm

from sb_sed.audio.excerpts import read_excerpt
from sb_sed.audio.reading import UnusableAudio
from sb_sed.formats import atomic_path, under_names, write_events
from sb_sed.formats.reviews import review_rows
from sb_sed.formats.tsv import join_row
from sb_sed.plots.spectrogram import log_mel
from sb_sed.report.media import SOUND_TYPES, sound_file, spectrogram_file
from sb_sed.report.page import digest, joined

PAGE, SOUNDS, DETECTIONS = "index.html", "sounds", "detections.tsv"
_SCRIPTS = (
    "review_store.js",
    "review_view.js",
    "review_sound.js",
    "review_main.js",
)
_STYLES = ("base.css", "review.css")
_AROUND = 2.0  # seconds before and after a box
_LONGEST = 60.0  # seconds of sound of a question
_SIDES = "detections", "recordings"


def write_review(
    folder: str | Path,
    title: str,
    items: pd.DataFrame,
    boxes: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    thresholds: Mapping[str, float],
    audio: Mapping[str, Path],
    before: pd.DataFrame | None = None,
) -> list[str]:
    """Write the page, and the sound and spectrogram of each question.

    What is there already is not computed again, so that a run that was
    interrupted goes on.

    Arguments
    ---------
    folder : str | Path
        Gets ``index.html``, ``sounds/`` and ``detections.tsv``, all boxes.
    title : str
        Of the page.
    items : pd.DataFrame
        The questions, of :func:`sb_sed.reviewing.sampling.draw`.
    boxes : pd.DataFrame
        All boxes: those near a question are shown.
    scores : Mapping[str, pd.DataFrame]
        File name, as in the items -> table.
    thresholds : Mapping[str, float]
        Of each class, in the order that is shown.
    audio : Mapping[str, Path]
        Name -> recording.
    before : pd.DataFrame, optional
        Answers of earlier pages, of
        :func:`sb_sed.formats.reviews.read_reviews`: what is saved has them,
        too.

    Returns
    -------
    notes : list of str
        What could not be shown: sentences.
    """
    folder, classes = Path(folder), [*thresholds]
    near = dict(iter(boxes.groupby("filename")))
    paths = under_names(items["filename"].unique(), audio, _SIDES)
    excerpts = _Excerpts(folder / SOUNDS)
    described = []
    for item in tqdm(
        items.itertuples(index=False),
        "excerpts",
        total=len(items),
        delay=1,
        leave=False,
        disable=None,
    ):
        table = scores[item.filename]
        entry = _describe(item, table, near.get(item.filename), thresholds)
        span = entry["start"], entry["end"]
        entry["clip"] = excerpts.write(paths.get(item.filename), *span)
        described.append(entry)
    rows = [] if before is None else review_rows(before)
    page = _render(title, classes, thresholds, described, excerpts.suffix, rows)
    with atomic_path(folder / PAGE) as temporary:
        temporary.write_text(page, "utf-8")
    write_events(boxes, folder / DETECTIONS)
    return excerpts.notes


def _describe(
    item,
    table: pd.DataFrame,
    boxes: pd.DataFrame | None,
    thresholds: Mapping[str, float],
) -> dict:
    """An item as the page's script has it: see ``review_store.js``."""
    classes = [*thresholds]
    is_window = not isinstance(item.event_label, str)
    around = 0.0 if is_window else _AROUND
    start = max(0.0, item.onset - around)
    end = min(float(table["offset"].iloc[-1]), item.offset + around)
    end = max(min(end, start + _LONGEST), item.onset + 0.1)
    others = []
    if boxes is not None:
        shown = boxes[(boxes["onset"] < end) & (boxes["offset"] > start)]
        if not is_window:
            least = shown["event_label"].map(thresholds)
            same = shown["event_label"] == item.event_label
            shown = shown[same | (shown["confidence"] >= least)]
        others = [
            [
                round(b.onset, 3),
                round(b.offset, 3),
                classes.index(b.event_label),
            ]
            for b in shown.itertuples(index=False)
            if (b.onset, b.event_label) != (item.onset, item.event_label)
        ]
    cells = [
        item.filename,
        f"{item.onset:.3f}",
        f"{item.offset:.3f}",
        "" if is_window else item.event_label,
        "" if is_window else f"{item.confidence:.6g}",
        f"{item.probability:.6g}",
    ]
    return {
        "row": join_row(cells),
        "start": round(start, 3),
        "end": round(end, 3),
        "onset": round(item.onset, 3),
        "offset": round(item.offset, 3),
        "label": -1 if is_window else classes.index(item.event_label),
        "confidence": None if is_window else round(item.confidence, 4),
        "weight": round(1 / item.probability, 3),
        "scores": None if is_window else _scores(table, item, start, end),
        "others": others,
    }


def _scores(table: pd.DataFrame, item, start: float, end: float) -> str:
    """The scores of a class between two times, a byte for each of 120 cells."""
    at = start + (np.arange(120) + 0.5) / 120 * (end - start)
    frame = np.searchsorted(table["offset"].to_numpy(), at, side="right")
    frame = np.minimum(frame, len(table) - 1)
    values = np.clip(table[item.event_label].to_numpy()[frame], 0, 1)
    return b64encode(np.round(255 * values).astype(np.uint8).tobytes()).decode()


class _Excerpts:
    """Writes excerpts of recordings; notes what cannot be read."""

    def __init__(self, folder: Path):
        self.folder, self.notes, self.suffix = folder, [], "mp3"
        folder.mkdir(parents=True, exist_ok=True)
        self._unusable: set[Path | None] = set()

    def write(self, path: Path | None, start: float, end: float) -> str:
        """Write sound and spectrogram of a part; return their name."""
        key = f"{path and path.absolute()}\n{start:.3f}\n{end:.3f}"
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape"))
        name = name.hexdigest()[:16]
        image = self.folder / f"{name}.png"
        for suffix in SOUND_TYPES:
            if (self.folder / f"{name}.{suffix}").exists() and image.exists():
                self.suffix = suffix
                return name
        if path in self._unusable:
            return name
        try:
            samples, rate = _read(path, start, end)
        except UnusableAudio as reason:
            self._unusable.add(path)
            self.notes.append(f"{path} cannot be played: {reason}.")
            return name
        self.suffix, sound = sound_file(samples, rate)
        decibels, _ = log_mel(samples, rate)
        for file, content in (
            (self.folder / f"{name}.{self.suffix}", sound),
            (image, spectrogram_file(decibels)),
        ):
            with atomic_path(file) as temporary:
                temporary.write_bytes(content)
        return name


def _read(
    path: Path | None, start: float, end: float
) -> tuple[np.ndarray, int]:
    """Samples [time] and rate of a part of a recording."""
    if path is None:
        raise UnusableAudio("no recording has its name")
    samples, rate = read_excerpt(path, start, end)
    # Spectrograms need some samples.
    return np.pad(samples, (0, max(0, rate // 10 - len(samples)))), rate


def _render(
    title, classes, thresholds, items: list[dict], sound: str, before: list[str]
) -> str:
    environment = Environment(
        loader=PackageLoader("sb_sed.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script, style = joined(_SCRIPTS), joined(_STYLES)
    name = hashlib.sha256("\n".join(i["row"] for i in items).encode())
    return environment.get_template("review.html").render(
        title=title,
        classes=classes,
        n_items=len(items),
        script=script,
        style=style,
        script_hash=digest(script),
        style_hash=digest(style),
        data={
            "id": name.hexdigest()[:16],
            "classes": classes,
            "thresholds": [round(thresholds[x], 4) for x in classes],
            "sound": sound,
            "items": items,
            "before": before,
        },
    )
