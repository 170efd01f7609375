"""The figures of a finished run of an ablation.

Authors
 * sb_sed contributors 2026
"""

import json
import math
import re
from pathlib import Path
from statistics import mean

HEADLINE = "event F1"
LOW, HIGH = f"{HEADLINE} low", f"{HEADLINE} high"
LAST_EPOCHS = 5
# How well held-out recordings and soundscapes are told apart, in train_log.txt.
DOMAIN = {
    "domain accuracy": "domain_accuracy_mean",
    "domain AUC": "domain_auc",
}


def read_json(path: Path) -> dict | None:
    """What a file of JSON holds; None where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def read_figures(run: Path) -> dict | None:
    """The figures of a run.

    Arguments
    ---------
    run : Path
        Its output folder.

    Returns
    -------
    dict or None
        ``files`` of the validation set (str) and figures by heading, NaN where
        there is none; F1 scores in percent, with the bounds of the headline's
        95 % interval. None if the student has not been scored.
    """
    reports = {
        path.parent.relative_to(run).as_posix(): read_json(path)
        for path in sorted(run.glob("*/*/report.json"))
    }
    student = reports.get("validation/student")
    if student is None:
        return None
    files = str(student["n_files"])
    if student["n_files"] != student["n_reference"]:
        files += f" of {student['n_reference']}"
    psds = student["psds"] or {}
    teacher = reports.get("validation/teacher")
    bounds = student["confidence_intervals"]["event_f1"]["macro"]
    low, high = bounds or (math.nan, math.nan)
    return {
        "files": files,
        HEADLINE: _percent(student, "event_f1"),
        LOW: 100 * low,
        HIGH: 100 * high,
        "teacher event F1": _percent(teacher, "event_f1"),
        "segment F1": _percent(student, "segment_f1"),
        **{f"PSDS {k}": psds.get(k, math.nan) for k in ("2020", "1", "2")},
        **{
            f"{name.split('/')[0]} event F1": _percent(report, "event_f1")
            for name, report in reports.items()
            if name.endswith("/student") and report is not student
        },
        **_domain(run / "train_log.txt"),
    }


def _percent(report: dict | None, metric: str) -> float:
    """The macro mean of a metric in percent, or NaN."""
    value = report and report[metric]["macro"]
    return math.nan if value is None else 100 * value


def _domain(log: Path) -> dict[str, float]:
    """Of an adversarial training: means over its last epochs."""
    if not log.exists():
        return {}
    text = log.read_text(encoding="utf-8")
    found = {
        heading: re.findall(rf"\b{name}: ([^\s,]+)", text)[-LAST_EPOCHS:]
        for heading, name in DOMAIN.items()
    }
    return {
        heading: mean(map(float, values))
        for heading, values in found.items()
        if values
    }
