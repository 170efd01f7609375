"""The figure of a training: its curves, small and side by side.

Authors
 * sb_sed contributors 2026
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sb_sed.plots.canvas import canvas, tidy

# Which panel a name is drawn in and as what, in the order of the figure; the
# first that fits the whole name counts.
_PANELS = (
    (r"loss/(\w+)", r"loss", r"\1"),
    (r"(.+_gradient)/train", r"\1, norm", r""),
    (r"(.+)/train", r"terms of the training loss", r"\1"),
    (r"(.+)_event_f1/valid", r"event-based F1, validation", r"\1"),
    (r"([^_]+)_psds_(.+)/valid", r"PSDS \2, validation", r"\1"),
    (r"(.+)_accuracy_(.+)/valid", r"\1 accuracy, validation", r"\2"),
    (r"(.+)/(valid|test)", r"\1", r"\2"),
    (r"lr_(.+)", r"learning rate", r"\1"),
    (r"([^/]+)", r"\1", r""),
    (r"(.+)/(.+)_(\d+)", r"\1: \2", r"layer \3"),
    (r"(.+)/(.+?)(\d*)", r"\1: \2", r"\3"),
    (r"(.*)", r"\1", r""),
)


def plot_training(
    curves: Mapping[str, pd.Series], path: str | Path, title: str = ""
):
    """Draw what a training logged over its epochs.

    Related curves share a panel: the losses, the F1 of the networks,
    the learning rates, and of parallel layers (``pcen/alpha_1``,
    ``pcen/alpha_2``) each parameter.

    Arguments
    ---------
    curves : Mapping[str, pandas.Series]
        Name -> values by epoch, see ``Run.curves``.
    path, title
        Of the figure, see :mod:`sb_sed.plots`.

    Example
    -------
    >>> falling = pd.Series([3.0, 2.0], index=[1, 2])
    >>> path = getfixture("tmp_path") / "curves.png"
    >>> figure = plot_training({"loss/train": falling, "lr_net": falling}, path)
    >>> [axes.get_title() for axes in figure.axes]
    ['loss', 'learning rate']
    """
    from matplotlib.ticker import MaxNLocator

    panels = _panels(curves)
    n_columns = min(4, math.ceil(math.sqrt(len(panels))))
    n_rows = math.ceil(len(panels) / n_columns)
    size = 0.4 + 3.2 * n_columns, 0.4 + 2.3 * n_rows
    with canvas(path, *size, title) as figure:
        grid = figure.subplots(n_rows, n_columns, sharex=True, squeeze=False)
        for axes, (name, lines) in zip(grid.flat, panels.items(), strict=False):
            _draw_panel(axes, lines)
            axes.set_title(name, fontsize=9, parse_math=False)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in grid.flat[len(panels) :]:
            axes.remove()
        for axes in grid.flat[: len(panels)][-n_columns:]:  # lowest of a column
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("epoch", fontsize=8)
    return figure


def _draw_panel(axes, lines: Mapping[str, pd.Series]) -> None:
    for label, curve in lines.items():
        axes.plot(
            curve.index,
            curve,
            label=label,
            linewidth=1.2,
            marker="." if len(curve) <= 50 else "",
            markersize=3,
        )
    if any(lines):
        axes.legend(fontsize=7, frameon=False)
    tidy([axes])
    axes.grid(color="#dddddd")


def _panels(curves: Mapping[str, pd.Series]) -> dict[str, dict]:
    """The curves by panel and label, in the order of the figure."""
    panels: dict[str, dict] = {}
    for name in sorted(curves, key=lambda name: _place(name)[0]):
        _, panel, label = _place(name)
        panels.setdefault(panel, {})[label] = curves[name]
    return panels


def _place(name: str) -> tuple[int, str, str]:
    """Rank in the figure, panel and label of a curve."""
    rank, panel, label = next(
        (rank, match.expand(panel), match.expand(label))
        for rank, (pattern, panel, label) in enumerate(_PANELS)
        if (match := re.fullmatch(pattern, name))
    )
    return rank, panel.replace("_", " "), label.replace("_", " ")
