"""The figure of the agreement between annotators.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.plots.canvas import canvas, tidy

_EVENT, _SEGMENT, _BEST = "#1f5a94", "#9cc3e6", "#b03a2e"


def plot_agreement(table: pd.DataFrame, path: str | Path) -> None:
    """Draw the agreement of each class, with intervals and what is possible.

    Arguments
    ---------
    table : pandas.DataFrame
        Of :func:`sb_sed.agreement.agreement`.
    path : str | Path
        Of the figure, see :mod:`sb_sed.plots`.
    """
    order = np.argsort(table["event_f1"].fillna(-1), kind="stable")
    table = table.iloc[order]
    rows = np.arange(len(table), dtype=float)
    with canvas(path, 8, 1.4 + 0.42 * len(rows)) as figure:
        axes = figure.add_subplot()
        for metric, label, colour, shift in (
            ("event", "event-based, collar 0.2 s", _EVENT, 0.19),
            ("segment", "segment-based", _SEGMENT, -0.19),
        ):
            value, low, high = (
                100 * table[f"{metric}_{x}"].to_numpy(dtype=float)
                for x in ("f1", "low", "high")
            )
            axes.barh(rows + shift, value, 0.36, color=colour, label=label)
            errors = np.maximum([value - low, high - value], 0)
            axes.errorbar(
                value, rows + shift, xerr=errors, fmt="none", ecolor="#333333"
            )
        best = 100 * table["best_segment_f1"]
        axes.plot(best, rows - 0.19, "|", color=_BEST, label="best possible")
        names = [name.replace("_", " ") for name in table["class"]]
        axes.set_yticks(rows, names, parse_math=False)
        axes.set_xlim(0, 100)
        axes.set_xlabel("F1 of an annotator against another one, in %")
        axes.legend(fontsize=7, loc="lower right")
        tidy([axes])
