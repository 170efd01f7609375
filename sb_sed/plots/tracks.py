"""Events under a figure: a track of bars for each class.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Mapping, Sequence


def class_colours(classes: Sequence[str]) -> dict[str, tuple]:
    """A colour for each class; figures of the same classes agree.

    Arguments
    ---------
    classes : sequence of str
        In their order.

    Returns
    -------
    dict of str to tuple
        Red, green, blue and opacity, 0 to 1.

    Example
    -------
    >>> sorted(class_colours(["Cat", "Dog"]))
    ['Cat', 'Dog']
    """
    from matplotlib import colormaps

    palette = colormaps["tab10" if len(classes) <= 10 else "tab20"]
    return {name: palette(i % palette.N) for i, name in enumerate(classes)}


def draw_tracks(
    axes,
    events: Iterable[tuple[float, float, str]],
    classes: Sequence[str],
    colours: Mapping[str, tuple],
) -> None:
    """Draws events, the first class on top.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        The panel.
    events : iterable of (float, float, str)
        Onset and offset in seconds, class.
    classes : sequence of str
        The tracks.
    colours : Mapping
        Of ``class_colours``.
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
