"""Figures of a detection: spectrogram, scores, reference and detected events.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.audio.reading import read_blocks
from sb_sed.formats import Event
from sb_sed.plots.canvas import (
    class_colours,
    draw_tracks,
    time_canvas,
    tracks_height,
)
from sb_sed.plots.spectrogram import draw_spectrogram, label_bands, log_mel

# The most that a figure shows; of more, events of a second cannot be seen.
_PAGE_SECONDS = 60.0

Events = Sequence[Event]


def plot_detection(
    decibels: np.ndarray,
    seconds: float,
    scores: pd.DataFrame,
    reference: Events | None,
    detected: Events,
    path: str | Path,
    *,
    start: float = 0.0,
    centres_hz: np.ndarray | None = None,
    classes: Sequence[str] | None = None,
    thresholds: Mapping[str, float] | None = None,
    title: str = "",
):
    """Draw a clip's log-mel, scores, reference and detected events.

    Shown are the classes that have an event, or else the one that is scored
    highest; their colours are those of their scores.

    Arguments
    ---------
    decibels : np.ndarray
        Log-mel, [T, F].
    seconds : float
        What its frames span.
    scores : pandas.DataFrame
        The scores table of the clip.
    reference : sequence of (float, float, str), optional
        Onset and offset in seconds, class; None where there is no reference.
    detected : sequence of (float, float, str)
        Likewise.
    path, title
        Of the figure, see :mod:`sb_sed.plots`.
    start : float
        Where the log-mel begins on the time axis of the others, in seconds.
    centres_hz : np.ndarray, optional
        Centre of each band [F]; without it the axis counts bands.
    classes : sequence of str, optional
        All the classes that may occur: gives each the same colour in the
        figures of several clips. By default those of the scores.
    thresholds : Mapping[str, float], optional
        Label -> threshold, drawn as dashes.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> scores = scores_table([[0.9], [0.2]], 0.5, ["Dog"])
    >>> path = getfixture("tmp_path") / "clip.png"
    >>> dog = [(0.0, 0.5, "Dog")]
    >>> figure = plot_detection(np.zeros((9, 4)), 1.0, scores, dog, dog, path)
    >>> [axes.get_title("left") for axes in figure.axes]
    ['log-mel', 'scores', 'reference', 'detected']
    """
    colours = class_colours(classes or list(scores.columns[2:]))
    tracks = {"reference": reference, "detected": detected}
    tracks = {name: some for name, some in tracks.items() if some is not None}
    shown = _shown(scores, tracks.values(), colours)
    heights = [1.9, 1.3] + [tracks_height(len(shown))] * len(tracks)
    end = start + seconds
    with time_canvas(path, heights, title) as (figure, panels):
        draw_spectrogram(panels[0], decibels, (start, end))
        label_bands(panels[0], centres_hz)
        _draw_scores(panels[1], scores, shown, colours, thresholds or {})
        for axes, events in zip(panels[2:], tracks.values(), strict=True):
            draw_tracks(axes, events, shown, colours)
        names = ("log-mel", "scores", *tracks)
        for axes, name in zip(panels, names, strict=True):
            axes.set_title(name, loc="left", fontsize=8, pad=2)
        panels[-1].set_xlim(start, max(end, scores["offset"].iloc[-1]))
    return figure


def plot_recording(
    path: str | Path,
    sample_rate: int,
    scores: pd.DataFrame,
    events: pd.DataFrame,
    figure: Path,
    thresholds: Mapping[str, float] | None = None,
) -> list[Path]:
    """Draw spectrogram, scores and events of a recording, a minute a figure.

    Arguments
    ---------
    path : str | Path
        The recording, of any length: it is read in blocks.
    sample_rate : int
        At which it was processed; the spectrogram ends at half of it.
    scores, events : pd.DataFrame
        Of ``SoundEventDetector``.
    figure : Path
        The figure to write: .png, .svg or .pdf. Where several are needed, the
        second they begin with comes before the ending.
    thresholds : Mapping[str, float], optional
        Label -> threshold, drawn as dashes.

    Returns
    -------
    figures : list of Path
        Those that were written.

    Raises
    ------
    UnusableAudio
        If the file cannot be read.
    """
    columns = [events[name] for name in ("onset", "offset", "event_label")]
    rows = [Event(*row) for row in zip(*columns, strict=True)]
    seconds = scores["offset"].iloc[-1]
    n_pages = max(1, math.ceil(seconds / _PAGE_SECONDS))
    size = math.ceil(seconds / n_pages * sample_rate)
    figures = []
    for number, samples in enumerate(
        _pages(read_blocks(path, sample_rate), size)
    ):
        start = number * size / sample_rate
        end = start + len(samples) / sample_rate
        inside = (scores["offset"] > start) & (scores["onset"] < end)
        if not inside.any():
            break
        figures.append(figure)
        if n_pages > 1:
            name = f"{figure.stem}.{start:04.0f}s{figure.suffix}"
            figures[-1] = figure.with_name(name)
        decibels, centres_hz = log_mel(samples, sample_rate)
        plot_detection(
            decibels,
            len(samples) / sample_rate,
            scores[inside],
            None,
            [row for row in rows if row[0] < end and row[1] > start],
            figures[-1],
            start=start,
            centres_hz=centres_hz,
            classes=list(scores.columns[2:]),
            thresholds=thresholds,
            title=Path(path).name,
        )
    return figures


def _pages(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The samples in pieces of this size; the last may be shorter."""
    kept = np.zeros(0, np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        while len(kept) >= size:
            yield kept[:size]
            kept = kept[size:]
    if len(kept):
        yield kept


def _shown(scores, tracks: Iterable[Events], colours: Mapping) -> list[str]:
    present = {label for events in tracks for *_, label in events}
    present = present or {scores.iloc[:, 2:].max().idxmax()}
    return [label for label in colours if label in present]


def _draw_scores(axes, scores, shown, colours, thresholds) -> None:
    edges = [*scores["onset"], scores["offset"].iloc[-1]]
    for label in shown:
        if label in scores:
            axes.stairs(
                scores[label], edges, baseline=None, color=colours[label]
            )
    for value in {thresholds[label] for label in shown if label in thresholds}:
        axes.axhline(value, color="#666666", linestyle="--", linewidth=0.8)
    # Probabilities on one scale in all figures; other scores on theirs.
    low, high = axes.get_ylim()
    axes.set_ylim(min(-0.03, low), max(1.03, high))
