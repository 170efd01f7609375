"""Evaluation of systems on test sets: smooth, score, write; ensembles.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.formats import (
    WeakScores,
    audio_names,
    match_names,
    rounding,
    under_names,
    write_events,
    write_scores,
    write_weak_scores,
)
from sb_sed.plots import plot_f1
from sb_sed.runs.results import Results
from sb_sed.runs.run import Run
from sb_sed.scoring.report import make_report, write_json
from sb_sed.scoring.tagging import clip_average_precision
from sb_sed.scoring.written import write_markdown
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.gate import gated_for
from sb_sed.smoothing.saved import save_smoother
from sb_sed.tuning.crossfit import AsGiven, Smoothed

Scores = Mapping[str, pd.DataFrame]


class Evaluator:
    """Smooth and score one test set after the other, and write the results.

    Parameters are tuned on the first set alone and kept for the others.

    Arguments
    ---------
    smoother : Smoother
        From scores to events.
    tuning : Callable
        ``AsGiven`` or ``CrossFit`` of ``sb_sed.tuning.crossfit``.
    classes : Sequence[str]
        The classes to score.
    folder : str | Path
        The output folder. Each set gets a folder in it, each network one in
        that, with ``scores/*.tsv`` (neither gated nor smoothed),
        ``weak_scores.tsv`` where there are some, ``events.tsv``,
        ``report.json``, ``.md`` and ``.png``, and ``tuning.json`` where
        something was tuned. The smoother for other recordings is written to
        ``save/<network>_smoother.json``.
    computation : str
        What the scores depend on beside seed and data, a sentence: the
        precision. It is among the notes of every report, and alone as its
        ``computation``.
    """

    def __init__(
        self,
        smoother: Smoother,
        tuning: Callable[..., Smoothed],
        classes: Sequence[str],
        folder: str | Path,
        computation: str = "",
    ):
        self.smoother = smoother
        self.tuning = tuning
        self.classes = classes
        self.folder = Path(folder)
        self.computation = computation
        self.fitted: dict[str, Smoother] = {}

    def score(
        self,
        name: str,
        scores: Mapping[str, Scores],
        reference: pd.DataFrame,
        durations: Mapping[str, float],
        weak: Mapping[str, WeakScores] | None = None,
    ) -> dict[str, dict]:
        """Smooth and score a set.

        Arguments
        ---------
        name : str
            Of the set.
        scores : Mapping[str, Mapping[str, pd.DataFrame]]
            For each network (``student``, ``teacher``) its scores: clip to
            table.
        reference : pd.DataFrame
            The true events.
        durations : Mapping[str, float]
            File name to seconds.
        weak : Mapping[str, Mapping[str, Mapping[str, float]]], optional
            For each network its weak scores (clip to class to score), or those
            of another system: what a smoother with a clip gate needs.

        Returns
        -------
        dict[str, dict]
            For each network its report (``sb_sed.scoring.report.make_report``).
        """
        weak = weak or {}
        # All are smoothed before the first result is written.
        smoothed = {
            network: self._smooth(
                network,
                gated_for(self.smoother, tables, weak.get(network)),
                reference,
            )
            for network, tables in scores.items()
        }
        return {
            network: self._write(
                Results(self.folder / name / network),
                scores[network],
                weak.get(network),
                reference,
                result,
                make_report(
                    reference,
                    result.events,
                    result.scores,
                    durations,
                    classes=self.classes,
                ),
            )
            for network, result in smoothed.items()
        }

    def _smooth(
        self, network: str, scores: Scores, reference: pd.DataFrame
    ) -> Smoothed:
        """Decode with what was tuned for the network, or tune it."""
        if network in self.fitted:
            return AsGiven()(self.fitted[network], scores, reference)
        smoothed = self.tuning(self.smoother, scores, reference)
        self.fitted[network] = smoothed.smoother
        save_smoother(
            smoothed.smoother, Run(self.folder).smoother_file(network)
        )
        return smoothed

    def _write(
        self,
        results: Results,
        scores: Scores,
        weak: WeakScores | None,
        reference: pd.DataFrame,
        smoothed: Smoothed,
        report: dict,
    ) -> dict:
        """Write the results of one network; return its report."""
        if self.computation:
            report["computation"] = self.computation
            report["notes"].append(self.computation)
        if weak is not None:
            report["clip_map"] = clip_average_precision(reference, weak)
        files = list(audio_names(scores).values())
        write_scores(scores, results.scores)
        if weak is not None:
            write_weak_scores(weak, results.weak_scores)
        write_events(smoothed.events, results.events, files)
        write_json(report, results.report)
        write_markdown(report, results.report.with_suffix(".md"))
        plot_f1(report, results.report.with_suffix(".png"))
        if smoothed.report is not None:
            write_json(smoothed.report.as_dict(), results.tuning)
        return report


def summary_table(
    reports: Mapping[str, Mapping[str, dict]],
    note: str = "",
    further: Callable[[dict], Mapping[str, float | None]] = lambda _: {},
) -> str:
    """Return one line for each test set and network, as Markdown.

    Arguments
    ---------
    reports : Mapping[str, Mapping[str, dict]]
        Test set to network to report.
    note : str
        A sentence below the table.
    further : Callable
        From a report to further figures by their names, such as
        ``sb_sed.scoring.written.realdesed_figures``.

    Returns
    -------
    str
        Event-based macro F1 with its 95 % interval, segment-based macro F1
        (percent), PSDS 2020, 1 and 2, and the number of files scored.
    """
    header = ["set", "network", "files", "event F1 [95 %]", "segment F1"]
    header += ["PSDS 2020", "PSDS 1", "PSDS 2"]
    every = [x for networks in reports.values() for x in networks.values()]
    header += further(every[0]) if every else []
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
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
                *(_number(x, "{:.3f}") for x in further(report).values()),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    if note:
        lines += ["", note]
    return "\n".join(lines)


def average_scores(systems: Sequence[Scores]) -> dict[str, pd.DataFrame]:
    """Average the scores of several systems, clip by clip and class by class.

    A score holds from the onset to the offset of its frame. Systems may have
    frames of other lengths: the mean is then given on all their boundaries,
    so that nothing is interpolated. The plain average of the UNIVPM-INRIA
    paper, section 4.

    Arguments
    ---------
    systems : Sequence[Mapping[str, pd.DataFrame]]
        Of each system a table a clip, as of ``sb_sed.formats.read_scores``;
        all of the same clips and classes (in any order). Where one ends
        earlier than the others, the common part is kept.

    Returns
    -------
    dict[str, pd.DataFrame]
        Clip to table, with the clips and classes in the first system's order.

    Raises
    ------
    InputError
        If there is no system, or they differ in clips or classes.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> fine = {"clip": scores_table([[0.0], [0.5], [1.0], [1.0]], 0.5, ["A"])}
    >>> coarse = {"clip": scores_table([[0.5], [0.0]], 1.0, ["A"])}
    >>> average_scores([fine, coarse])["clip"]["A"].tolist()
    [0.25, 0.5, 0.5, 0.5]
    """
    if not systems:
        raise InputError("An ensemble needs at least one system: name some.")
    first, *others = systems
    alike = [first]
    for number, system in enumerate(others, start=2):
        sides = "ensemble's system 1", f"ensemble's system {number}"
        partners = match_names(first, system, sides)
        differ = first.keys() - partners.keys()
        if differ := sorted(differ | system.keys() - {*partners.values()}):
            raise InputError(
                f"Systems 1 and {number} of the ensemble have scored other "
                f"files ({len(differ)} are missing in one, {differ[0]!r} for "
                "one): score the same files with each."
            )
        alike.append({clip: system[partners[clip]] for clip in first})
    return {clip: _average([x[clip] for x in alike], clip) for clip in first}


def average_weak_scores(
    systems: Sequence[WeakScores],
) -> dict[str, dict[str, float]]:
    """Average the weak scores of several systems.

    Arguments
    ---------
    systems : Sequence[Mapping[str, Mapping[str, float]]]
        Of each system the score of each class in each clip.

    Returns
    -------
    dict[str, dict[str, float]]
        Of the clips and classes of the first system.

    Raises
    ------
    InputError
        If one of the others lacks a clip or a class of the first.

    Example
    -------
    >>> average_weak_scores([{"a": {"Dog": 0.5}}, {"a": {"Dog": 1.0}}])
    {'a': {'Dog': 0.75}}
    """
    first, *others = systems
    alike = [first]
    for number, system in enumerate(others, start=2):
        sides = "ensemble's system 1", f"ensemble's system {number}"
        alike.append(under_names(first, system, sides))
        for clip, scores in first.items():
            if scores.keys() - alike[-1].get(clip, {}).keys():
                raise InputError(
                    f"System {number} of the ensemble has no weak score of "
                    f"{clip!r}, or not of all classes: score the same files "
                    "with each."
                )
    return {
        clip: {
            label: sum(x[clip][label] for x in alike) / len(systems)
            for label in scores
        }
        for clip, scores in first.items()
    }


def _average(tables: list[pd.DataFrame], clip: str) -> pd.DataFrame:
    """Average tables of one clip on the boundaries of all their frames."""
    classes = list(tables[0].columns[2:])
    if any(set(table.columns[2:]) != set(classes) for table in tables):
        raise InputError(
            f"The systems of the ensemble have other classes for {clip!r}: "
            "give systems that were trained on the same."
        )
    begin = max(table["onset"].iloc[0] for table in tables)
    end = min(table["offset"].iloc[-1] for table in tables)
    if end - begin <= rounding(end):
        raise InputError(
            f"The scores of the ensemble's systems for {clip!r} have no time "
            "in common: score the same recording with each."
        )
    edges = np.unique(
        np.concatenate(
            [[*table["onset"], table["offset"].iloc[-1]] for table in tables]
        )
    )
    edges = edges[(edges >= begin) & (edges <= end)]
    # Boundaries that differ by rounding only are one.
    edges = edges[np.append(True, np.diff(edges) > rounding(edges[1:]))]
    edges[-1] = end
    centres = (edges[:-1] + edges[1:]) / 2
    mean = np.mean(
        [
            table[classes].to_numpy()[
                np.searchsorted(table["onset"], centres) - 1
            ]
            for table in tables
        ],
        axis=0,
    )
    table = pd.DataFrame(mean, columns=classes)
    table.insert(0, "onset", edges[:-1])
    table.insert(1, "offset", edges[1:])
    return table


def _percent_with_interval(report: Mapping) -> str:
    """Return the event-based macro F1 and its interval in percent."""
    text = _number(report["event_f1"]["macro"], "{:.2f}", 100)
    interval = report["confidence_intervals"]["event_f1"]["macro"]
    if interval is None:
        return text
    low, high = interval
    return f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


def _number(value: float | None, form: str, factor: float = 1.0) -> str:
    """Return a figure, or a dash where there is none."""
    return "–" if value is None else form.format(factor * value)
