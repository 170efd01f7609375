"""Figures as files.

Authors
 * sb_sed contributors 2026
"""

import warnings
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path

KINDS = ("png", "svg", "pdf")


def figure_kind(path) -> str:
    """The kind of figure that a file name asks for.

    Arguments
    ---------
    path : str or Path
        The figure to write.

    Returns
    -------
    kind : str
        One of ``KINDS``.

    Raises
    ------
    InputError
        When the name ends otherwise.

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


def save_figure(figure, path) -> None:
    """Writes a figure, whole or not at all.

    Arguments
    ---------
    figure : matplotlib.figure.Figure
        What was drawn.
    path : str or Path
        The file; its ending says which kind.
    """
    kind = figure_kind(path)
    with atomic_path(path) as temporary, warnings.catch_warnings():
        # Names in scripts that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(temporary, format=kind)
