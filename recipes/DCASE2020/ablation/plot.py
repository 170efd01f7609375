"""The figure of an ablation: the paper's results beside ours.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path
from statistics import mean

from table import DASH, HEADLINE, AblationTable

from sb_sed.plots.canvas import canvas

_PAPER, _OURS, _BAR = "#d1495b", "#1f5a94", "#9cc3e6"
_INK, _PALE = "#333333", "#dddddd"
_ABOVE, _BELOW = -0.26, 0.12  # the paper's and ours, in a row
_POINT = {"linestyle": "none", "markeredgecolor": "white"}


def plot_table(table: AblationTable, path: str | Path) -> None:
    """Draw each row's result in the paper and ours, as .png, .svg or .pdf.

    On the left the F1 scores: of ours the mean, each seed and the 95 %
    interval. On the right the difference to the first row, with the standard
    error over seeds.
    """
    with canvas(path, 11, 1.8 + 0.42 * len(table.rows)) as figure:
        scores, gains, numbers = figure.subplots(
            1, 3, sharey=True, width_ratios=(5, 3, 1.5)
        )
        _draw_scores(scores, table)
        _draw_gains(gains, table)
        _write_numbers(numbers, table)
        for axes in (scores, gains):
            axes.xaxis.grid(True, color=_PALE)
            axes.set_axisbelow(True)
            axes.tick_params(axis="y", length=0)
            axes.spines[["top", "right", "left"]].set_visible(False)
        scores.set_yticks(range(len(table.rows)), map(table.system, table.rows))
        scores.set_ylim(len(table.rows) - 0.5, -0.5)
        figure.suptitle(
            f"{table.title} ({table.metric})", x=0.01, ha="left", fontsize=11
        )
        figure.legend(
            *scores.get_legend_handles_labels(),
            loc="outside lower left",
            ncols=4,
            frameon=False,
        )


def _draw_scores(axes, table: AblationTable) -> None:
    """Draw the scores; each kind in one call, for the legend."""
    paper = [
        (y, row["paper"])
        for y, row in enumerate(table.rows.values())
        if row.get("paper") is not None
    ]
    axes.plot(
        [value for _, value in paper],
        [y + _ABOVE for y, _ in paper],
        "D",
        color=_PAPER,
        markersize=8,
        label="paper",
        **_POINT,
    )
    files = "no run finished"
    if table.files:
        files = f"{table.files} files scored"
        _draw_ours(axes, table)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{HEADLINE} in % (ours: student, {files})")


def _draw_ours(axes, table: AblationTable) -> None:
    """Draw means, seeds, intervals."""
    rows = list(enumerate(table.rows))
    ours = [
        (y, values) for y, n in rows if (values := table.values(n, HEADLINE))
    ]
    bounds = [(y, *pair) for y, n in rows if (pair := table.interval(n))]
    axes.barh(
        [y + _BELOW for y, _ in ours],
        [mean(values) for _, values in ours],
        0.42,
        color=_BAR,
        label="ours, mean over seeds",
    )
    axes.hlines(
        [y + _BELOW for y, _, _ in bounds],
        [low for _, low, _ in bounds],
        [high for _, _, high in bounds],
        color=_INK,
        linewidth=1.2,
        label="95 % interval of resampling the files",
    )
    axes.plot(
        [value for _, values in ours for value in values],
        [
            # Apart, so that equal ones are seen
            y + _BELOW + 0.12 * (i - (len(values) - 1) / 2)
            for y, values in ours
            for i in range(len(values))
        ],
        "o",
        color=_OURS,
        markersize=6,
        label="each seed",
        **_POINT,
    )


def _draw_gains(axes, table: AblationTable) -> None:
    """Draw the differences to the first row."""
    axes.axvline(0, color=_INK, linewidth=0.8)
    for y, (paper, ours, error) in enumerate(table.differences().values(), 1):
        if paper is not None:
            axes.plot(
                paper, y + _ABOVE, "D", color=_PAPER, markersize=8, **_POINT
            )
        if ours is not None:
            axes.errorbar(
                ours, y + _BELOW, xerr=error, color=_OURS, fmt="o", capsize=2
            )
    first = table.system(next(iter(table.rows)))
    axes.set_xlabel(f"difference to {first} (± standard error)")


def _write_numbers(axes, table: AblationTable) -> None:
    """Write the paper's score, ours and the number of seeds."""
    axes.set_axis_off()
    for x, head, colour in (
        (0.2, "paper", _PAPER),
        (0.58, "ours", _OURS),
        (1.0, "seeds", _INK),
    ):
        style = {"color": colour, "ha": "right", "va": "center"}
        axes.text(x, -0.75, head, fontweight="bold", **style)
        for y, name in enumerate(table.rows):
            axes.text(x, y, _number(table, name, head), **style)


def _number(table: AblationTable, name: str, head: str) -> str:
    """Format a row's number in a column."""
    values = table.values(name, HEADLINE)
    if head == "paper":
        paper = table.rows[name].get("paper")
        return DASH if paper is None else f"{paper:.2f}"
    if not values:
        return DASH
    return f"{mean(values):.2f}" if head == "ours" else str(len(values))
