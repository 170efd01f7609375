"""What all figures share: the canvas, its file, panels over time, tracks.

Authors
 * sb_sed contributors 2026
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sb_sed.errors import InputError, printable
from sb_sed.formats import Event, atomic_path

KINDS = ("png", "svg", "pdf")
_TALLEST = 200  # inches; an image has less than 2**16 pixels, 150 an inch


def figure_kind(path: str | Path) -> str:
    """Return which of ``KINDS`` a file name asks for.

    Raises
    ------
    InputError
        If the name has another ending.

    Example
    -------
    >>> figure_kind("report.PNG")
    'png'
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise InputError(
            f"{path} cannot be drawn: end its name in .png, .svg or .pdf."
        )
    return kind


@contextmanager
def canvas(
    path: str | Path, width: float, height: float, title: str = ""
) -> Iterator:
    """Open an empty figure; write it, whole or not at all, when it is left.

    Arguments
    ---------
    path : str | Path
        The figure to write: .png, .svg or .pdf.
    width, height : float
        Inches.
    title : str
        Above the figure.

    Yields
    ------
    figure : matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the name has another ending; nothing is drawn then.

    Example
    -------
    >>> path = getfixture("tmp_path") / "empty.svg"
    >>> with canvas(path, 2, 1) as figure:
    ...     _ = figure.add_subplot()
    >>> path.is_file()
    True
    """
    kind = figure_kind(path)
    # Without pyplot: no window system, no state that outlives the figure.
    from matplotlib.figure import Figure

    size = width, min(height, _TALLEST)
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    if title:
        figure.suptitle(printable(title), fontsize=10, parse_math=False)
    yield figure
    with atomic_path(path) as temporary, warnings.catch_warnings():
        # Names in scripts that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(temporary, format=kind)


@contextmanager
def time_canvas(
    path: str | Path, heights: Sequence[float], title: str = ""
) -> Iterator[tuple]:
    """Open a canvas with panels below each other, on one time axis.

    ``heights`` are those of the panels in inches; the figure and its panels
    are yielded.
    """
    total = 0.9 + sum(heights) + 0.24 * len(heights)
    with canvas(path, 9, total, title) as figure:
        panels = figure.subplots(
            len(heights), sharex=True, squeeze=False, height_ratios=heights
        )[:, 0]
        yield figure, panels
        tidy(panels)
        panels[-1].set_xlabel("time (s)", fontsize=8)


def tidy(panels: Iterable) -> None:
    """Give panels small tick labels and no frame at the top and the right."""
    for axes in panels:
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)


def class_colours(classes: Sequence[str]) -> dict[str, tuple]:
    """Return a colour for each class; figures of the same classes agree."""
    from matplotlib import colormaps

    palette = colormaps["tab10" if len(classes) <= 10 else "tab20"]
    return {name: palette(i % palette.N) for i, name in enumerate(classes)}


def draw_tracks(
    axes,
    events: Iterable[Event],
    classes: Sequence[str],
    colours: Mapping[str, tuple],
) -> None:
    """Draw (onset, offset, class) as bars, the track of the first class on top.

    The colours are those of :func:`class_colours`.
    """
    events = list(events)
    for row, name in enumerate(classes):
        bars = [
            (onset, offset - onset)
            for onset, offset, label in events
            if label == name
        ]
        axes.broken_barh(bars, (row - 0.35, 0.7), color=colours[name])
    labels = [name.replace("_", " ") for name in classes]
    axes.set_yticks(range(len(classes)), labels, parse_math=False)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def tracks_height(n_classes: int) -> float:
    """Return the inches that :func:`draw_tracks` takes for so many classes."""
    return 0.15 + 0.16 * n_classes
