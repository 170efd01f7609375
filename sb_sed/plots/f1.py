"""The figure of the results: the F1 of each class.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

import numpy as np

from sb_sed.plots.canvas import canvas

_EVENT, _SEGMENT, _INK = "#1f5a94", "#9cc3e6", "#333333"


def plot_f1(report: dict, path: str | Path):
    """Draw the F1 scores of each class with their confidence intervals.

    Arguments
    ---------
    report : dict
        Of :func:`sb_sed.scoring.report.make_report`.
    path
        Of the figure, see :mod:`sb_sed.plots`.

    Example
    -------
    >>> f1 = {"macro": 0.5, "micro": 0.6, "per_class": {"Dog": 0.5}}
    >>> bounds = {
    ...     "macro": [0.4, 0.6],
    ...     "micro": None,
    ...     "per_class": {"Dog": None},
    ... }
    >>> report = {
    ...     "event_f1": f1,
    ...     "segment_f1": f1,
    ...     "confidence_intervals": {"event_f1": bounds, "segment_f1": bounds},
    ...     "psds": None,
    ...     "n_files": 3,
    ... }
    >>> figure = plot_f1(report, getfixture("tmp_path") / "report.png")
    >>> figure.axes[0].get_title("left")
    '3 files'
    """
    names = _by_event_f1(report)
    rows = np.arange(len(names) + 2, dtype=float)
    with canvas(path, 8, 1.6 + 0.42 * len(rows)) as figure:
        axes = figure.add_subplot()
        rows[2:] += 0.5  # a gap between the means and the classes
        for metric, label, colour, shift in (
            ("event_f1", "event-based, collar 0.2 s", _EVENT, -0.19),
            ("segment_f1", "segment-based, 1 s", _SEGMENT, 0.19),
        ):
            values, errors = _values(report, metric, names)
            axes.barh(rows + shift, values, 0.36, color=colour, label=label)
            axes.errorbar(
                values,
                rows + shift,
                xerr=errors,
                fmt="none",
                ecolor=_INK,
                elinewidth=1,
                capsize=2,
            )
        labels = [name.replace("_", " ") for name in names]
        means = ["macro mean", "micro mean"]
        axes.set_yticks(rows, [*means, *labels], parse_math=False)
        for tick in axes.get_yticklabels()[:2]:
            tick.set_fontweight("bold")
        axes.set_ylim(rows[-1] + 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.set_xlabel(
            "F1 in % (whiskers: 95 % bootstrap interval over files)"
        )
        axes.xaxis.grid(True, color="#dddddd")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        figure.legend(
            *axes.get_legend_handles_labels(),
            loc="outside upper right",
            ncols=2,
            frameon=False,
        )
        axes.set_title(_title(report), loc="left", fontsize=10, color=_INK)
    return figure


def _by_event_f1(report: dict) -> list[str]:
    """The classes, the best first and those without an F1 last."""
    per_class = report["event_f1"]["per_class"]
    return sorted(per_class, key=lambda name: -(per_class[name] or 0))


def _values(
    report: dict, metric: str, names: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """F1 in percent [rows] and the lengths of its error bars [2, rows]."""

    def _column(table):
        per_class = table["per_class"]
        return [table["macro"], table["micro"], *(per_class[n] for n in names)]

    values = np.array(
        [np.nan if v is None else 100 * v for v in _column(report[metric])]
    )
    bounds = np.array(
        [
            (np.nan, np.nan) if pair is None else np.multiply(100, pair)
            for pair in _column(report["confidence_intervals"][metric])
        ]
    )
    errors = np.stack([values - bounds[:, 0], bounds[:, 1] - values])
    # A skewed resampling can leave the value outside of its interval.
    return values, np.maximum(errors, 0)


def _title(report: dict) -> str:
    """The number of files and, where there are any, the PSDS."""
    text = f"{report['n_files']} files"
    if report["psds"]:
        psds = report["psds"]
        text += (
            f"     PSDS 2020: {psds['2020']:.4f}"
            f"     PSDS 1: {psds['1']:.4f}     PSDS 2: {psds['2']:.4f}"
        )
    return text
