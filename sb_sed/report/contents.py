"""All that a page shows except for its clips, as plain values.

Authors
 * sb_sed contributors 2026
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sb_sed.formats import same_name
from sb_sed.report.charts import (
    bar_path,
    curve_paths,
    distributions,
    operating_curves,
    score_range,
)
from sb_sed.report.inputs import Inputs
from sb_sed.report.outcomes import HIT, WRONG, JudgedFile, judge
from sb_sed.scoring.breakdown import Group, breakdown
from sb_sed.scoring.collar import event_counts
from sb_sed.scoring.report import make_report, match_analysed

CHART = {"width": 240, "curves": 96, "bars": 32}  # pixels, as in the template
_BINS = 40


@dataclass
class Contents:
    """All that a page shows except for its clips.

    Arguments
    ---------
    report : dict
        Of :func:`sb_sed.scoring.report.make_report`.
    files : dict
        File of the reference (as ``same_name`` has it) -> JudgedFile.
    scores : dict
        The same -> scores table.
    classes : list of dict
        A row of the table of classes each.
    confusions : Counter
        (class, class that it was found as) -> number of reference events;
        twice the same class: the hits.
    panels : list of dict
        The charts of each class.
    thresholds : dict
        Label -> threshold, as far as known.
    low, high : float
        The range of the scores.
    groups : list of Group
        Scores of the files that share a value of the metadata.
    """

    report: dict
    files: dict[str, JudgedFile]
    scores: dict[str, pd.DataFrame]
    classes: list[dict]
    confusions: Counter
    panels: list[dict]
    thresholds: dict[str, float]
    low: float
    high: float
    groups: list[Group]

    @property
    def labels(self) -> list[str]:
        """The classes, in order."""
        return [row["label"] for row in self.classes]


def make_contents(inputs: Inputs) -> Contents:
    """Score the detections; compute tables and charts.

    Raises an ``InputError`` if no file of the reference has scores.
    """
    thresholds, smoothed = inputs.thresholds(), inputs.smoothed()
    names = inputs.reference["filename"].map(same_name)
    keys, found = match_analysed(names, inputs.events, inputs.scores)
    report = make_report(
        inputs.reference, inputs.events, smoothed, inputs.durations
    )
    report["psds"] = inputs.psds or report["psds"]
    reference = inputs.reference[names.isin(keys)]
    files = judge(reference, inputs.events, partners=found)
    classes = [
        _row(label, report, files) for label in report["event_f1"]["per_class"]
    ]
    low, high = score_range(inputs.scores)
    contents = Contents(
        report=report,
        files=files,
        scores={name: inputs.scores[key] for name, key in keys.items()},
        classes=classes,
        confusions=_confusions(files),
        panels=[],
        thresholds=thresholds,
        low=low,
        high=high,
        groups=_groups(reference, inputs, found),
    )
    contents.panels = _panels(
        contents, {name: smoothed[key] for name, key in keys.items()}, reference
    )
    return contents


def _groups(
    reference: pd.DataFrame, inputs: Inputs, partners: Mapping[str, str]
) -> list[Group]:
    """The scores by device, room and what else the metadata has."""
    if not inputs.metadata:
        return []
    counts = event_counts(reference, inputs.events, partners=partners)
    return breakdown(counts, inputs.metadata)


def _row(label: str, report: dict, files: Mapping[str, JudgedFile]) -> dict:
    """F1, precision, recall and the kinds of the events of a class."""
    sides = {
        side: Counter(
            event.kind
            for file in files.values()
            for event in getattr(file, side)
            if event.label == label
        )
        for side in ("reference", "detected")
    }
    hits = sides["reference"][HIT]
    n_reference, n_detected = (side.total() for side in sides.values())
    return {
        "label": label,
        **sides,
        "n_reference": n_reference,
        "n_detected": n_detected,
        "precision": hits / n_detected if n_detected else None,
        "recall": hits / n_reference if n_reference else None,
        **{
            name: {
                "value": report[name]["per_class"][label],
                "interval": report["confidence_intervals"][name]["per_class"][
                    label
                ],
            }
            for name in ("event_f1", "segment_f1")
        },
    }


def _confusions(files: Mapping[str, JudgedFile]) -> Counter:
    return Counter(
        (event.label, file.detected[event.partner].label)
        for file in files.values()
        for event in file.reference
        if event.kind in (HIT, WRONG)
    )


def _panels(contents: Contents, smoothed, reference) -> list[dict]:
    """The charts of the classes that have scores."""
    low, high = contents.low, contents.high
    shares = distributions(
        reference, contents.scores, np.linspace(low, high, _BINS + 1)
    )
    curves = operating_curves(reference, smoothed)
    panels = []
    for row in contents.classes:
        label = row["label"]
        if label not in shares:
            continue
        panel = {
            "row": row,
            "with": bar_path(
                shares[label][0], CHART["width"], CHART["bars"], CHART["bars"]
            ),
            "without": bar_path(
                shares[label][1], CHART["width"], CHART["bars"], -CHART["bars"]
            ),
            "threshold": contents.thresholds.get(label),
        }
        if label in curves:
            curve = curves[label]
            best = int(curve.f1.argmax())
            panel["curves"] = curve_paths(
                curve, low, high, CHART["width"], CHART["curves"]
            )
            panel["best"] = {
                "f1": float(curve.f1[best]),
                "threshold": float(curve.thresholds[best]),
            }
        panels.append(panel)
    return panels
