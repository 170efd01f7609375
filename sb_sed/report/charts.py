"""Geometry of the charts: numbers to the paths of SVG.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

import numpy as np

from sb_sed.report.curves import OperatingCurve

LEAST_SHARE = 1e-3  # where the logarithmic scale of shares begins


def curve_paths(
    curve: OperatingCurve, low: float, high: float, width: int, height: float
) -> dict[str, str]:
    """Precision, recall and F1 over the threshold, a value a unit of width.

    Arguments
    ---------
    curve : OperatingCurve
        Of a class.
    low, high : float
        Thresholds at the left and the right edge.
    width, height : float
        Of the chart; 1 is at its top.

    Returns
    -------
    paths : dict
        ``precision``, ``recall`` and ``f1``: the attribute ``d`` of a path.

    Example
    -------
    >>> ones = np.ones(1)
    >>> curve_paths(OperatingCurve(ones, ones, ones / 2), 0, 1, 2, 40)["recall"]
    'M0 20L1 20L2 20'
    """
    at = np.linspace(low, high, width + 1)
    # A point holds for thresholds up to its own; beyond the last is nothing.
    index = np.searchsorted(curve.thresholds, at)
    some = index < len(curve.thresholds)
    index = index[some]
    return {
        name: _line(np.arange(width + 1)[some], height * (1 - values[index]))
        for name, values in (
            ("precision", curve.precision),
            ("recall", curve.recall),
            ("f1", curve.f1),
        )
    }


def bar_path(
    shares: Sequence[float], width: float, base: float, height: float
) -> str:
    """Bars side by side, their logarithmic heights from 0.1 to 100 %.

    Arguments
    ---------
    shares : sequence of float
        0 to 1, one a bar.
    width, height : float
        Of the chart; a negative height draws downwards.
    base : float
        The y that the bars stand on.

    Returns
    -------
    path : str
        The attribute ``d`` of a path.

    Example
    -------
    >>> bar_path([1.0, 0.0], 20, 30, 30)
    'M0 30L0 0L10 0L10 30L20 30L20 30Z'
    """
    decades = np.log10(np.maximum(shares, LEAST_SHARE) / LEAST_SHARE)
    tops = base - height * decades / -np.log10(LEAST_SHARE)
    edges = np.linspace(0, width, len(tops) + 1)
    x = [0, *np.repeat(edges, 2)[1:-1], width]
    return _line(x, [base, *np.repeat(tops, 2), base]) + "Z"


def _line(x: Sequence[float], y: Sequence[float]) -> str:
    points = (f"{a:.4g} {b:.4g}" for a, b in zip(x, y, strict=True))
    return "M" + "L".join(points) if len(x) else ""
