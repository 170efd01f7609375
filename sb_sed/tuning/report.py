"""The report of a tuning, as an object, plain values and text.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

# Columns of parameters in the text; a model's weights are more.
_COLUMNS = 6


@dataclass(frozen=True)
class Figure:
    """A macro F1 and its uncertainty.

    Arguments
    ---------
    mean : float
        Over splits and folds.
    std : float
        Likewise; 0 for a single figure.
    interval : list of float
        Bounds of the 95 % bootstrap interval of the mean over draws of the
        files, the parameters being fixed.
    """

    mean: float
    std: float
    interval: list[float]


@dataclass(frozen=True)
class TuningReport:
    """The scores and parameters of a tuned smoother.

    Arguments
    ---------
    smoother : str
        Its name.
    tuned, held_out : Figure
        On the files that the parameters were tuned on and on the others, mean
        over splits and folds.
    cross_validated : Figure
        On all files, each decoded with parameters from folds without it; mean
        over splits.
    whole : Figure
        Tuned and scored on all files, with ``parameters``.
    per_class : dict
        Class -> F1 for ``whole`` (None for classes without reference events).
    parameters : dict
        Class -> name -> value.
    n_files, folds, splits : int
        Files scored; how they were divided and how often.
    seconds : float
        Time of the tuning.
    warnings : list of str
        Sentences on what was left out and on overfitting.
    held_out_parts : list of float
        The values of ``held_out``, split by split and fold by fold, to compare
        smoothers that were tuned on the same parts.
    """

    smoother: str
    tuned: Figure
    held_out: Figure
    cross_validated: Figure
    whole: Figure
    per_class: dict[str, float | None]
    parameters: dict[str, dict[str, float]]
    n_files: int
    folds: int
    splits: int
    seconds: float
    warnings: list[str]
    held_out_parts: list[float] = field(default_factory=list)

    def as_dict(self) -> dict:
        """Return the report as plain values, for JSON, one key a field."""
        return asdict(self)


def format_tuning(report: TuningReport) -> str:
    """Return the report as tables for the terminal.

    Arguments
    ---------
    report : TuningReport
        Of :func:`sb_sed.tuning.tune.tune`.

    Returns
    -------
    text : str

    Example
    -------
    >>> figure = Figure(0.5, 0.01, [0.45, 0.55])
    >>> report = TuningReport(
    ...     smoother="threshold",
    ...     tuned=figure,
    ...     held_out=figure,
    ...     cross_validated=figure,
    ...     whole=figure,
    ...     per_class={"Cat": 0.5, "Dog": None},
    ...     parameters={"Cat": {"threshold": 0.4}, "Dog": {"threshold": 0.3}},
    ...     n_files=9,
    ...     folds=2,
    ...     splits=5,
    ...     seconds=1.234,
    ...     warnings=["The reference has no Dog."],
    ... )
    >>> print(format_tuning(report))
    threshold tuned on 9 files in 1.2 s; macro F1 in %, in brackets the 95 %
    interval. Parts: 5 random splits into 2 folds.
    <BLANKLINE>
    parts that were tuned on   50.00 [45.00, 55.00] +- 1.00
    parts held out             50.00 [45.00, 55.00] +- 1.00
    all parts held out         50.00 [45.00, 55.00] +- 1.00
    all files, tuned on them   50.00 [45.00, 55.00]
    <BLANKLINE>
    class  F1     threshold
    Cat    50.00  0.4
    Dog    -      0.3
    <BLANKLINE>
    Warning: The reference has no Dog.
    """
    lines = [
        f"{report.smoother} tuned on {report.n_files} files in "
        f"{report.seconds:.1f} s; macro F1 in %, in brackets the 95 %",
        f"interval. Parts: {report.splits} random splits into "
        f"{report.folds} folds.",
        "",
        f"parts that were tuned on   {_of_parts(report.tuned)}",
        f"parts held out             {_of_parts(report.held_out)}",
        f"all parts held out         {_of_parts(report.cross_validated)}",
        f"all files, tuned on them   {_of_files(report.whole)}",
        "",
        *_aligned([_header(report), *_rows(report)]),
    ]
    parameters = next(iter(report.parameters.values()))
    if (rest := len(parameters) - _COLUMNS) > 0:
        lines += ["", f"And {rest} further parameters, as in the saved file."]
    if report.warnings:
        lines += ["", *(f"Warning: {warning}" for warning in report.warnings)]
    return "\n".join(lines)


def _of_files(figure: Figure) -> str:
    low, high = figure.interval
    return f"{100 * figure.mean:.2f} [{100 * low:.2f}, {100 * high:.2f}]"


def _of_parts(figure: Figure) -> str:
    return f"{_of_files(figure)} +- {100 * figure.std:.2f}"


def _header(report: TuningReport) -> list[str]:
    names = [*next(iter(report.parameters.values()))]
    return ["class", "F1", *names[:_COLUMNS]]


def _rows(report: TuningReport) -> Iterator[list[str]]:
    for label, setting in report.parameters.items():
        value = report.per_class[label]
        yield [
            label,
            "-" if value is None else f"{100 * value:.2f}",
            *(f"{number:.4g}" for number in [*setting.values()][:_COLUMNS]),
        ]


def _aligned(rows: list[list[str]]) -> list[str]:
    """Pad cells to the widths of their columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
