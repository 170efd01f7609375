"""The figure of a detection: what was heard, scored, annotated and detected.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.plots.files import figure_kind, save_figure
from sb_sed.plots.tracks import class_colours, draw_tracks

_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000, 16000)

Events = Sequence[tuple[float, float, str]]


def plot_detection(
    log_mel: np.ndarray,
    seconds: float,
    scores: pd.DataFrame,
    reference: Events | None,
    detected: Events,
    path,
    *,
    start: float = 0.0,
    centres_hz: np.ndarray | None = None,
    classes: Sequence[str] | None = None,
    thresholds: Mapping[str, float] | None = None,
    title: str = "",
):
    """Draws a clip's log-mel, scores, reference and detected events.

    Shown are the classes that have an event, or else the one that is scored
    highest; their colours are those of their scores.

    Arguments
    ---------
    log_mel : np.ndarray
        Decibels [T, F].
    seconds : float
        What its frames span.
    scores : pandas.DataFrame
        The scores table of the clip.
    reference : sequence of (float, float, str), optional
        Onset and offset in seconds, class; None where there is no reference.
    detected : sequence of (float, float, str)
        Likewise.
    path : str or Path
        The figure to write: .png, .svg or .pdf.
    start : float
        Where the log-mel begins on the time axis of the others, in seconds.
    centres_hz : np.ndarray, optional
        Centre of each band [F]; without it the axis counts bands.
    classes : sequence of str, optional
        All the classes that may occur: gives each the same colour in the
        figures of several clips. By default those of the scores.
    thresholds : Mapping[str, float], optional
        Label -> threshold, drawn as dashes.
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
    >>> from sb_sed.formats import scores_table
    >>> scores = scores_table([[0.9], [0.2]], 0.5, ["Dog"])
    >>> path = getfixture("tmp_path") / "clip.png"
    >>> dog = [(0.0, 0.5, "Dog")]
    >>> figure = plot_detection(np.zeros((9, 4)), 1.0, scores, dog, dog, path)
    >>> [axes.get_title("left") for axes in figure.axes]
    ['log-mel', 'scores', 'reference', 'detected']
    """
    figure_kind(path)  # complains before the work
    from matplotlib.figure import Figure

    colours = class_colours(classes or list(scores.columns[2:]))
    tracks = {"reference": reference, "detected": detected}
    tracks = {name: some for name, some in tracks.items() if some is not None}
    shown = _shown(scores, tracks.values(), colours)
    heights = [1.9, 1.3] + [0.15 + 0.16 * len(shown)] * len(tracks)
    figure = Figure(
        figsize=(9, 0.9 + sum(heights) + 0.24 * len(heights)),
        dpi=150,
        layout="constrained",
    )
    figure.suptitle(title, fontsize=10, parse_math=False)
    panels = figure.subplots(len(heights), sharex=True, height_ratios=heights)
    end = start + seconds
    _draw_log_mel(panels[0], log_mel, (start, end), centres_hz)
    _draw_scores(panels[1], scores, shown, colours, thresholds or {})
    for axes, events in zip(panels[2:], tracks.values(), strict=True):
        draw_tracks(axes, events, shown, colours)
    for axes, name in zip(panels, ("log-mel", "scores", *tracks), strict=True):
        axes.set_title(name, loc="left", fontsize=8, pad=2)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlim(start, max(end, scores["offset"].iloc[-1]))
    panels[-1].set_xlabel("time (s)", fontsize=8)
    save_figure(figure, path)
    return figure


def _shown(scores, tracks: Iterable[Events], colours: Mapping) -> list[str]:
    present = {label for events in tracks for *_, label in events}
    present = present or {scores.iloc[:, 2:].max().idxmax()}
    return [label for label in colours if label in present]


def _draw_log_mel(axes, values, span: tuple, centres_hz) -> None:
    axes.imshow(
        values.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(*span, -0.5, values.shape[1] - 0.5),
    )
    if centres_hz is None:
        axes.set_ylabel("band", fontsize=8)
        return
    ticks = [hz for hz in _TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    bands = np.arange(len(centres_hz))
    axes.set_yticks(np.interp(ticks, centres_hz, bands), ticks)
    axes.set_ylabel("Hz", fontsize=8)


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
