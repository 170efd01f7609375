"""The figure of a mixed soundscape: its sounds, its labels, the mixture.

Authors
 * sb_sed contributors 2026
"""

import textwrap
from collections.abc import Sequence
from math import log10
from pathlib import Path

import numpy as np

from sb_sed.data.jams import strip_suffixes
from sb_sed.mixing.scene import Scene, SceneSource, Soundscape
from sb_sed.plots.files import figure_kind, save_figure
from sb_sed.plots.tracks import class_colours, draw_tracks

_INK, _GREY = "#333333", "#bbbbbb"
_COLUMNS = 2000  # of a waveform
_TICKS_HZ = (250, 1000, 4000, 16000)


def plot_soundscape(
    scene: Scene,
    soundscape: Soundscape,
    sample_rate: int,
    path,
    *,
    classes: Sequence[str] | None = None,
    title: str = "",
):
    """Draws a soundscape: each sound as it is in it, their sum, the labels.

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
    path : str or Path
        The figure to write: .png, .svg or .pdf.
    classes : sequence of str, optional
        All the classes that may occur: gives each the same colour in the
        figures of several soundscapes. By default those of the labels.
    title : str
        Stands over the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure

    Raises
    ------
    InputError
        When the name of the figure ends otherwise.

    Example
    -------
    >>> from sb_sed.mixing.scene import Sound
    >>> hum = np.sin(np.arange(16000, dtype=np.float32))
    >>> scene = Scene(1.0, SceneSource("hum.wav", "room", 0, 1, 0, 0), [])
    >>> soundscape = Soundscape(hum, [], Sound(0, hum, 0, 1), [])
    >>> path = getfixture("tmp_path") / "hum.png"
    >>> figure = plot_soundscape(scene, soundscape, 16000, path)
    >>> [axes.get_title("left") for axes in figure.axes]
    ['hum.wav     0.0 dB', '0.0 dB', 'log-mel of the mixture, the upper 80 dB']
    """
    figure_kind(path)  # complains before the work
    from matplotlib.figure import Figure

    labels = sorted({label for *_, label in soundscape.events})
    colours = class_colours(classes or labels)
    n_sounds = 1 + len(scene.foregrounds)
    heights = [0.5] * n_sounds + [0.8, 1.9]
    if labels:
        heights.append(0.12 + 0.16 * len(labels))
    figure = Figure(
        figsize=(9, 0.7 + sum(heights) + 0.24 * len(heights)),
        dpi=150,
        layout="constrained",
    )
    figure.suptitle(title, fontsize=10, parse_math=False)
    panels = figure.subplots(
        len(heights), sharex=True, squeeze=False, height_ratios=heights
    )[:, 0]
    _draw_sounds(panels, scene, soundscape, colours)
    _draw_mixture(panels[n_sounds], soundscape, scene.seconds)
    _draw_log_mel(panels[n_sounds + 1], soundscape, sample_rate, scene.seconds)
    if labels:
        draw_tracks(panels[-1], soundscape.events, labels, colours)
        _caption(panels[-1], ["labels"])
    for axes in panels:
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlim(0, scene.seconds)
    panels[-1].set_xlabel("time (s)", fontsize=8)
    save_figure(figure, path)
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
        colour = colours.get(strip_suffixes(source.label), _GREY)
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
    """Says what a waveform is of, where its axis would have numbers."""
    axes.set_yticks([0], [name.replace("_", " ")], parse_math=False)
    axes.tick_params(axis="y", length=0)


def _caption(axes, facts: Sequence[str]) -> None:
    """Write over a panel, in as many lines as it takes; no fact is broken."""
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
    """The span of the samples in each of many columns, to its own scale."""
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


def _draw_log_mel(axes, soundscape, sample_rate: int, seconds: float) -> None:
    import torch

    from sb_sed.features.mel import AmplitudeToDB, MelSpectrogram

    spectrogram = MelSpectrogram(sample_rate, f_max=sample_rate / 2)
    mel = spectrogram(torch.from_numpy(soundscape.samples)[None])
    values = AmplitudeToDB()(mel)[0].numpy()
    axes.imshow(
        values.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, seconds, -0.5, values.shape[1] - 0.5),
    )
    highest = spectrogram.filters.argmax(dim=0).numpy()
    centres = highest * sample_rate / spectrogram.n_fft
    ticks = [hz for hz in _TICKS_HZ if hz < sample_rate / 2]
    axes.set_yticks(np.interp(ticks, centres, np.arange(len(centres))), ticks)
    axes.set_ylabel("Hz", fontsize=8)
    _caption(axes, ["log-mel of the mixture, the upper 80 dB"])
