"""What was detected in a recording, as figures.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.audio.recordings import read_blocks
from sb_sed.plots.detection import plot_detection
from sb_sed.report.media import log_mel
from sb_sed.smoothing.threshold import thresholds_of

# The most that a figure shows; of more, events of a second cannot be seen.
_PAGE_SECONDS = 60.0


def draw_recording(
    path: str | Path,
    sample_rate: int,
    scores: pd.DataFrame,
    events: pd.DataFrame,
    figure: Path,
    smoother: Callable | None = None,
) -> list[Path]:
    """Draws spectrogram, scores and events of a recording, a minute a figure.

    Arguments
    ---------
    path : str | Path
        The recording, of any length: it is read in pieces.
    sample_rate : int
        At which it was heard; the spectrogram ends at half of it.
    scores, events : pd.DataFrame
        Of ``SoundEventDetector``.
    figure : Path
        The figure to write: .png, .svg or .pdf. Where several are needed, the
        second they begin with comes before the ending.
    smoother : Callable, optional
        Whose thresholds are drawn, if it has any.

    Returns
    -------
    figures : list of Path
        Those that were written.

    Raises
    ------
    UnusableAudio
        If the file cannot be read.
    """
    labels = list(scores.columns[2:])
    rows = zip(
        events["onset"], events["offset"], events["event_label"], strict=True
    )
    rows = list(rows)
    seconds = scores["offset"].iloc[-1]
    n_pages = max(1, math.ceil(seconds / _PAGE_SECONDS))
    size = math.ceil(seconds / n_pages * sample_rate)
    figures = []
    for number, samples in enumerate(
        _pages(read_blocks(path, sample_rate), size)
    ):
        start = number * size / sample_rate
        end = start + len(samples) / sample_rate
        decibels, centres = log_mel(samples, sample_rate)
        inside = (scores["offset"] > start) & (scores["onset"] < end)
        if not inside.any():
            break
        figures.append(figure)
        if n_pages > 1:
            name = f"{figure.stem}.{start:04.0f}s{figure.suffix}"
            figures[-1] = figure.with_name(name)
        plot_detection(
            decibels,
            len(samples) / sample_rate,
            scores[inside],
            None,
            [row for row in rows if row[0] < end and row[1] > start],
            figures[-1],
            start=start,
            centres_hz=centres,
            classes=labels,
            thresholds=thresholds_of(smoother, labels),
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
