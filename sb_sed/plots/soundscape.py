"""The figure of a mixed soundscape: its sounds, its labels, the mixture.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sb_sed.plots.canvas import (
    class_colours,
    draw_tracks,
    time_canvas,
    tracks_height,
)
from sb_sed.plots.spectrogram import (
    RANGE_DB,
    draw_spectrogram,
    label_bands,
    log_mel,
)

if TYPE_CHECKING:
    from sb_sed.mixing.scene import Scene, SceneSource, Soundscape

_INK, _GREY = "#333333", "#bbbbbb"
_COLUMNS = 2000  # of a waveform


def plot_soundscape(
    scene: Scene,
    soundscape: Soundscape,
    sample_rate: int,
    path: str | Path,
    *,
    classes: Sequence[str] | None = None,
    title: str = "",
):
    """Draw a soundscape: each sound as mixed, their sum, the labels.

    Each waveform fills its panel; over it stand the level of its peak, its
    room and its effects, in the order in which they act. Shaded is what counts
    as audible.

    Arguments
    ---------
    scene : Scene
        What was drawn.
    soundscape : Soundscape
        What it was mixed to.
    sample_rate : int
        Samples per second.
    path, title
        Of the figure, see :mod:`sb_sed.plots`.
    classes : sequence of str, optional
        All the classes that may occur: gives each the same colour in the
        figures of several soundscapes. By default those of the labels.

    Example
    -------
    >>> from sb_sed.mixing.scene import Scene, SceneSource, Sound, Soundscape
    >>> hum = np.sin(np.arange(16000, dtype=np.float32))
    >>> scene = Scene(1.0, SceneSource("hum.wav", "room", 0, 1, 0, 0), [])
    >>> soundscape = Soundscape(hum, [], Sound(0, hum, 0, 1), [])
    >>> path = getfixture("tmp_path") / "hum.png"
    >>> figure = plot_soundscape(scene, soundscape, 16000, path)
    >>> [axes.get_title("left") for axes in figure.axes]
    ['hum.wav     0.0 dB', '0.0 dB', 'log-mel of the mixture, the upper 70 dB']
    """
    labels = sorted({label for *_, label in soundscape.events})
    colours = class_colours(classes or labels)
    n_sounds = 1 + len(scene.foregrounds)
    heights = [0.5] * n_sounds + [0.8, 1.9]
    if labels:
        heights.append(tracks_height(len(labels)))
    with time_canvas(path, heights, title) as (figure, panels):
        _draw_sounds(panels, scene, soundscape, colours)
        mixture, spectrogram = panels[n_sounds : n_sounds + 2]
        _draw_mixture(mixture, soundscape, scene.seconds)
        decibels, centres_hz = log_mel(soundscape.samples, sample_rate)
        draw_spectrogram(spectrogram, decibels, (0, scene.seconds))
        label_bands(spectrogram, centres_hz)
        _caption(
            spectrogram, [f"log-mel of the mixture, the upper {RANGE_DB} dB"]
        )
        if labels:
            draw_tracks(panels[-1], soundscape.events, labels, colours)
            _caption(panels[-1], ["labels"])
        panels[-1].set_xlim(0, scene.seconds)
    return figure


def _draw_sounds(panels, scene, soundscape, colours) -> None:
    """The background and the foregrounds, each on a panel."""
    for axes, source, sound, stem in zip(
        panels,
        [scene.background, *scene.foregrounds],
        [soundscape.background, *soundscape.foregrounds],
        soundscape.stems(),
        strict=False,  # more panels follow
    ):
        colour = colours.get(source.event_label, _GREY)
        _draw_waveform(axes, stem, scene.seconds, colour)
        _name(axes, source.label)
        level = _decibels(stem) if sound else "left out: hardly in the clip"
        _caption(axes, [Path(source.path).name, level, *_treatment(source)])
        if sound and source is not scene.background:
            axes.axvspan(
                sound.onset, sound.offset, color=colour, alpha=0.15, lw=0
            )


def _treatment(source: SceneSource) -> list[str]:
    """The room and the effects of a sound."""
    facts = []
    if source.rir:
        facts.append("/".join(Path(source.rir).with_suffix("").parts[-2:]))
    for effect in source.effects:
        values = [
            f"{name} {value:.4g}"
            for name, value in effect.items()
            if name not in ("effect", "seed")
        ]
        facts.append(f"{effect['effect']} ({', '.join(values)})")
    return facts


def _name(axes, name: str) -> None:
    """Write the name of a waveform, where its axis would have numbers."""
    axes.set_yticks([0], [name.replace("_", " ")], parse_math=False)
    axes.tick_params(axis="y", length=0)


def _caption(axes, facts: Sequence[str]) -> None:
    """Write facts above a panel; lines are broken only between them."""
    unbroken = "     ".join(fact.replace(" ", "\0") for fact in facts)
    text = textwrap.fill(unbroken, 140).replace("\0", " ")
    axes.set_title(
        text, loc="left", fontsize=7, color=_INK, pad=2, parse_math=False
    )


def _decibels(samples: np.ndarray) -> str:
    """The peak in dB of full scale."""
    level = 20 * log10(max(np.abs(samples).max(), 1e-10))
    return f"{round(level, 1) + 0:.1f} dB"  # + 0: no minus before 0.0


def _draw_waveform(axes, samples, seconds: float, colour) -> None:
    """Draw the samples' range in each of many columns, at its own scale."""
    n = min(_COLUMNS, len(samples))
    starts = np.arange(n) * len(samples) // n
    low = np.minimum.reduceat(samples, starts)
    high = np.maximum.reduceat(samples, starts)
    times = (np.arange(n) + 0.5) * seconds / n
    axes.fill_between(times, low, high, color=colour, lw=0.3)
    peak = np.abs(samples).max() or 1.0
    axes.set_ylim(-1.05 * peak, 1.05 * peak)


def _draw_mixture(axes, soundscape: Soundscape, seconds: float) -> None:
    _draw_waveform(axes, soundscape.samples, seconds, _INK)
    _name(axes, "mixture")
    _caption(axes, [_decibels(soundscape.samples)])
