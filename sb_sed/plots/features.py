"""The figure of a recording's features: the output of each layer.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.plots.canvas import (
    canvas,
    class_colours,
    draw_tracks,
    tracks_height,
)
from sb_sed.plots.spectrogram import draw_spectrogram, label_bands


def plot_features(
    log_mel: np.ndarray,
    layers: np.ndarray,
    frame_shift: float,
    path: str | Path,
    *,
    centres_hz: np.ndarray | None = None,
    events: pd.DataFrame | None = None,
    classes: Sequence[str] | None = None,
    layer_titles: Sequence[str] | None = None,
    title: str = "",
):
    """Draw the log-mels of a recording beside the outputs of a front-end.

    As in figure 2 of the UNIVPM-INRIA paper: one panel each, on the same axes
    of time and frequency, with the annotated events under it. The colours of a
    layer span all of its values but the 0.5 % at each end.

    Arguments
    ---------
    log_mel : np.ndarray
        Decibels [T, F].
    layers : np.ndarray
        Outputs of the front-end's layers, [T, F, N].
    frame_shift : float
        Distance of the frames, in seconds; frame 0 is at 0 s.
    path, title
        Of the figure, see :mod:`sb_sed.plots`.
    centres_hz : np.ndarray, optional
        Centre of each band [F]; without it the axis counts bands.
    events : pandas.DataFrame, optional
        The recording's events: ``onset`` and ``offset`` in seconds,
        ``event_label``.
    classes : sequence of str, optional
        All the classes that may occur: gives each the same colour in the
        figures of several recordings. By default those of ``events``.
    layer_titles : sequence of str, optional
        One for each layer; by default they are numbered.

    Example
    -------
    >>> log_mel = np.random.default_rng(0).normal(size=(50, 16))
    >>> path = getfixture("tmp_path") / "features.png"
    >>> figure = plot_features(log_mel, np.stack([log_mel] * 2, -1), 0.1, path)
    >>> [axes.get_title() for axes in figure.axes if axes.images]
    ['log-mel (dB)', 'layer 1', 'layer 2']
    """
    n_layers = layers.shape[-1]
    titles = layer_titles or [f"layer {1 + i}" for i in range(n_layers)]
    events = _known(events)
    present = sorted(events["event_label"].unique())
    colours = class_colours(classes or present)
    heights = [2.8, *([tracks_height(len(present))] if present else [])]
    size = 0.8 + 4.2 * (1 + n_layers), 1.1 + sum(heights)
    with canvas(path, *size, title) as figure:
        grid = figure.subplots(
            len(heights),
            1 + n_layers,
            sharex=True,
            sharey="row",
            squeeze=False,
            height_ratios=heights,
        )
        span = (-frame_shift / 2, (len(log_mel) - 0.5) * frame_shift)
        for axes, values, name in zip(
            grid[0],
            [log_mel, *np.moveaxis(layers, -1, 0)],
            ["log-mel (dB)", *titles],
            strict=True,
        ):
            _draw_image(axes, values, span)
            axes.set_title(name, fontsize=9, parse_math=False)
        label_bands(grid[0, 0], centres_hz, lowest=125)
        if present:
            for axes in grid[1]:
                tracks = events.itertuples(index=False, name=None)
                draw_tracks(axes, tracks, present, colours)
                axes.spines[["top", "right", "left"]].set_visible(False)
        for axes in grid[-1]:
            axes.set_xlim(0, span[1])
            axes.set_xlabel("time (s)", fontsize=8)
        for axes in grid.flat:
            axes.tick_params(labelsize=7)
    return figure


def _known(events: pd.DataFrame | None) -> pd.DataFrame:
    """The events without the row that says that there is none."""
    columns = ["onset", "offset", "event_label"]
    if events is None:
        return pd.DataFrame(columns=columns)
    return events[columns].dropna()


def _draw_image(axes, values: np.ndarray, span: tuple[float, float]) -> None:
    """One panel and its colour bar; ``span`` are seconds."""
    low, high = np.nanpercentile(values, [0.5, 99.5])
    image = draw_spectrogram(axes, values, span, vmin=low, vmax=high)
    bar = axes.figure.colorbar(
        image, ax=axes, extend="both", fraction=0.05, pad=0.02
    )
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
