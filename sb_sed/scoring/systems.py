"""A trained system's scores on a test set: all files, and one line each.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd

from sb_sed.formats import write_events, write_scores
from sb_sed.plots import plot_f1
from sb_sed.scoring.report import make_report, write_json, write_markdown


class Smoothed(Protocol):
    """Events and smoothed scores, as of ``sb_sed.tuning.crossfit``."""

    events: pd.DataFrame
    scores: Mapping[str, pd.DataFrame]


def score_networks(
    scores: Mapping[str, Mapping[str, pd.DataFrame]],
    smoothed: Mapping[str, Smoothed],
    reference: pd.DataFrame,
    durations: Mapping[str, float],
    classes: Sequence[str],
    folder: str | Path,
) -> dict[str, dict]:
    """Score what each network says; write everything down.

    Below ``folder`` each network gets ``scores/*.tsv`` (not smoothed),
    ``events.tsv`` and ``report.json``, ``.md`` and ``.png``.

    Arguments
    ---------
    scores : Mapping[str, Mapping[str, pd.DataFrame]]
        For each network (``student``, ``teacher``) its scores: clip to table.
    smoothed : Mapping[str, Smoothed]
        For each network its events, which F1 is computed from, and smoothed
        scores, which PSDS is computed from.
    reference : pd.DataFrame
        The true events.
    durations : Mapping[str, float]
        File name to seconds.
    classes : Sequence[str]
        The classes to score.
    folder : str | Path
        Where to write.

    Returns
    -------
    dict[str, dict]
        For each network its report (``sb_sed.scoring.report.make_report``).
    """
    reports = {}
    for network, tables in scores.items():
        target = Path(folder) / network
        events = smoothed[network].events
        reports[network] = make_report(
            reference,
            events,
            smoothed[network].scores,
            durations,
            classes=classes,
        )
        write_scores(tables, target / "scores")
        files = [f"{clip}.wav" for clip in tables]
        write_events(events, target / "events.tsv", files)
        write_json(reports[network], target / "report.json")
        write_markdown(reports[network], target / "report.md")
        plot_f1(reports[network], target / "report.png")
    return reports


def summary_table(reports: Mapping[str, Mapping[str, dict]]) -> str:
    """One line for each test set and network, as Markdown.

    Arguments
    ---------
    reports : Mapping[str, Mapping[str, dict]]
        Test set to network to report.

    Returns
    -------
    str
        Event-based macro F1 with its 95 % interval, segment-based macro F1
        (percent), PSDS 2020, 1 and 2, and the number of files scored.
    """
    header = (
        "| set | network | files | event F1 [95 %] | segment F1 "
        "| PSDS 2020 | PSDS 1 | PSDS 2 |"
    )
    lines = [header, "|---" * 8 + "|"]
    for name, networks in reports.items():
        for network, report in networks.items():
            psds = report["psds"] or {}
            cells = [
                name,
                network,
                str(report["n_files"]),
                _percent_with_interval(report),
                _number(report["segment_f1"]["macro"], "{:.2f}", 100),
                *(_number(psds.get(k), "{:.3f}") for k in ("2020", "1", "2")),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent_with_interval(report: Mapping) -> str:
    """The event-based macro F1 and its interval in percent."""
    text = _number(report["event_f1"]["macro"], "{:.2f}", 100)
    interval = report["confidence_intervals"]["event_f1"]["macro"]
    if interval is None:
        return text
    low, high = interval
    return f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


def _number(value: float | None, form: str, factor: float = 1.0) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else form.format(factor * value)
