"""Reports as Markdown and as text.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Iterator
from pathlib import Path

from sb_sed.formats import atomic_path
from sb_sed.scoring.counts import LEVEL
from sb_sed.scoring.report import CLASS_PSDS

PSDS_NAMES = {
    "2020": "PSDS 2020",
    "2020_ct": "PSDS 2020, cross triggers",
    "2020_st": "PSDS 2020, spread over classes",
    "1": "PSDS 1",
    "2": "PSDS 2",
    "realdesed_2": "RealDESED psds2",
    "realdesed_1_macro": "RealDESED psds1_macro",
    "realdesed_2_macro": "RealDESED psds2_macro",
}


def write_markdown(report: dict, path: str | Path) -> None:
    """Write a report of :func:`~.report.make_report` as Markdown, F1 in %."""
    lines = ["# Sound event detection scores", "", _summary(report), ""]
    header, *rows = _class_rows(report)
    lines += _markdown(["class", *header[1:]], rows)
    if report["psds"]:
        rows = [[PSDS_NAMES[k], f"{v:.4f}"] for k, v in report["psds"].items()]
        lines += ["", *_markdown(["PSDS", "value"], rows)]
    if (precision := report.get("clip_map")) is not None:
        lines += ["", f"Mean average precision of the clips: {precision:.4f}"]
    if report["notes"]:
        lines += ["", *(f"- {note}" for note in report["notes"])]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf-8")


def format_report(report: dict) -> str:
    """Return the report as a table for the terminal.

    Arguments
    ---------
    report : dict
        Of :func:`~.report.make_report`.

    Returns
    -------
    text : str

    Example
    -------
    >>> import pandas as pd
    >>> from sb_sed.formats import EVENT_COLUMNS
    >>> from sb_sed.scoring.report import make_report
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> report = make_report(reference, reference, n_draws=10)
    >>> print(format_report(report))
    1 of 1 reference files scored; F1 in %, in brackets the 95 % interval.
    <BLANKLINE>
                 event F1                 segment F1
    macro mean   100.00 [100.00, 100.00]  100.00 [100.00, 100.00]
    micro mean   100.00 [100.00, 100.00]  100.00 [100.00, 100.00]
    Dog          100.00 [100.00, 100.00]  100.00 [100.00, 100.00]
    <BLANKLINE>
    Note: PSDS needs scores; it is not defined for events.
    """
    rows = _class_rows(report)
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    widths[0] += 1
    lines = [_summary(report), ""]
    lines += [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    if report["psds"]:
        width = max(map(len, PSDS_NAMES.values()))
        lines += [
            "",
            *(
                f"{PSDS_NAMES[name]:<{width}}   {value:.4f}"
                for name, value in report["psds"].items()
            ),
        ]
    if report["notes"]:
        lines += ["", *(f"Note: {note}" for note in report["notes"])]
    return "\n".join(lines)


def realdesed_figures(report: dict) -> dict[str, float | None]:
    """Return the figures of RealDESED's scorer that DCASE does not have.

    Arguments
    ---------
    report : dict
        Of :func:`~.report.make_report`.

    Returns
    -------
    dict
        Name to value; None where it is not defined. Its "psds1" is PSDS 1.

    Example
    -------
    >>> import pandas as pd
    >>> from sb_sed.formats import EVENT_COLUMNS
    >>> from sb_sed.scoring.report import make_report
    >>> reference = pd.DataFrame(
    ...     [["a.wav", 0, 2, "Dog"]], columns=EVENT_COLUMNS
    ... )
    >>> figures = realdesed_figures(make_report(reference, reference))
    >>> ", ".join(figures)
    'psds1_macro, psds2, psds2_macro, pauroc'
    """
    areas = report["psds"] or {}
    return {
        "psds1_macro": areas.get("realdesed_1_macro"),
        "psds2": areas.get("realdesed_2"),
        "psds2_macro": areas.get("realdesed_2_macro"),
        "pauroc": (report["pauroc"] or {}).get("macro"),
    }


def _summary(report: dict) -> str:
    """Return the first line of a report."""
    threshold = report["threshold"]
    at = "" if threshold is None else f" at threshold {threshold:g}"
    return (
        f"{report['n_files']} of {report['n_reference']} reference files "
        f"scored{at}; F1 in %, in brackets the {LEVEL:.0%} interval."
    ).replace("95%", "95 %")


def _class_rows(report: dict) -> list[list[str]]:
    """Return a header and a row for each mean and class; F1 in percent."""
    rows = [["", "event F1", "segment F1"], *_f1_rows(report)]
    for heading, values in _threshold_free(report).items():
        rows[0].append(heading)
        for row in rows[1:]:
            value = values.get(row[0])
            row.append("-" if value is None else f"{value:.3f}")
    return rows


def _threshold_free(report: dict) -> dict[str, dict[str, float | None]]:
    """Return PSDS and pAUROC of each class and their mean, if there are any."""
    found = {}
    if report["psds"]:
        for variant, mean in CLASS_PSDS.items():
            found[PSDS_NAMES[variant]] = {
                "macro mean": report["psds"][mean],
                **report["class_psds"][variant],
            }
    if report["pauroc"]:
        pauroc = report["pauroc"]
        found["pAUROC"] = {
            "macro mean": pauroc["macro"],
            **pauroc["per_class"],
        }
    return found


def _f1_rows(report: dict) -> list[list[str]]:
    """Return name, event F1 and segment F1 of the means and the classes."""

    def _cells(*keys: str) -> Iterator[str]:
        for metric in ("event_f1", "segment_f1"):
            value = report[metric]
            interval = report["confidence_intervals"][metric]
            for key in keys:
                value, interval = value[key], interval[key]
            if value is None:
                yield "-"
                continue
            # None where a rare class is in no draw.
            low, high = interval or (math.nan, math.nan)
            yield f"{100 * value:.2f} [{100 * low:.2f}, {100 * high:.2f}]"

    return [
        ["macro mean", *_cells("macro")],
        ["micro mean", *_cells("micro")],
        *(
            [label, *_cells("per_class", label)]
            for label in report["event_f1"]["per_class"]
        ),
    ]


def _markdown(header: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    table = [header, ["---"] * len(header), *rows]
    return [
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
        for row in table
    ]
