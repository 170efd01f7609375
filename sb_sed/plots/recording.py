"""A recording: its spectrogram, and figures of what was detected in it.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sb_sed.audio.recordings import read_blocks
from sb_sed.features.mel import AmplitudeToDB, MelSpectrogram
from sb_sed.plots.detection import plot_detection

# The most that a figure shows; of more, events of a second cannot be seen.
_PAGE_SECONDS = 60.0
_COLUMNS, _BANDS = 800, 96  # of a spectrogram
RANGE_DB = 70


def draw_recording(
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
        Of the detector, in Hz; the spectrogram ends at half of it.
    scores, events : pd.DataFrame
        Of ``SoundEventDetector``.
    figure : Path
        The figure to write: .png, .svg or .pdf. Where several are needed, the
        second they begin with comes before the ending.
    thresholds : Mapping[str, float], optional
        By class, to be drawn with the scores.

    Returns
    -------
    list[Path]
        The figures that were written.

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
            thresholds=thresholds,
            title=Path(path).name,
        )
    return figures


def log_mel(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the spectrogram that is shown of a recording.

    Arguments
    ---------
    samples : np.ndarray
        [time].
    rate : int
        Samples per second.

    Returns
    -------
    decibels : np.ndarray
        [T, F], the loudest at 0, at least -70.
    centres : np.ndarray
        Of the bands in Hz, [F].

    Example
    -------
    >>> decibels, centres = log_mel(np.ones(8000, dtype="float32"), 16000)
    >>> decibels.shape, round(centres[-1])
    ((801, 96), 7750)
    """
    n_fft = 1 << max(9, round(np.log2(0.1 * rate)))
    spectrogram = MelSpectrogram(
        rate,
        n_fft,
        hop_length=max(1, len(samples) // _COLUMNS),
        n_mels=_BANDS,
        f_max=rate / 2,
    )
    mel = spectrogram(torch.from_numpy(samples)[None])
    values = AmplitudeToDB(amin=1e-7, top_db=RANGE_DB)(mel)[0].numpy()
    bins = np.arange(len(spectrogram.filters)) * rate / n_fft
    filters = spectrogram.filters.double().numpy()
    return values - values.max(), bins @ filters / filters.sum(0)


def _pages(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The samples in pages of this size; the last may be shorter."""
    kept = np.zeros(0, np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        while len(kept) >= size:
            yield kept[:size]
            kept = kept[size:]
    if len(kept):
        yield kept
