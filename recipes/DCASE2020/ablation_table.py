"""The table of an ablation: the paper's figures beside those of finished runs.

Authors
 * sb_sed contributors 2026
"""

import json
import math
from pathlib import Path
from statistics import mean, variance

import pandas as pd
from scipy.stats import kendalltau, spearmanr

HEADLINE = "event F1"
DASH = "–"


class AblationTable:
    """A table of the paper with all that is finished in a folder of runs.

    F1 scores are in percent.

    Arguments
    ---------
    table : dict
        ``title``, ``metric`` and ``rows`` as in ``tables.yaml``.
    folder : Path
        Holds ``<row>/<seed>/<test set>/<network>/report.json``.
    arguments : list[str]
        What the runs were given beside recipe, seed and folder.
    """

    def __init__(self, table: dict, folder: Path, arguments: list[str]):
        self.title, self.metric = table["title"], table["metric"]
        self.rows = {row["name"]: row for row in table["rows"]}
        self.arguments = arguments
        found = [
            {"row": name, "seed": int(run.name), **figures}
            for name in self.rows
            for run in (folder / name).glob("*")
            if run.name.isdecimal() and (figures := read_figures(run))
        ]
        columns = None if found else ["row", "seed", "files", HEADLINE]
        self.runs = pd.DataFrame(found, columns=columns).sort_values("seed")

    def markdown(self) -> str:
        """The table and what it says, as Markdown."""
        figures = self.runs.columns.drop(["row", "seed", "files"])
        rows = [
            [
                self._system(name),
                _number(row.get("paper")),
                *(self._cell(name, figure) for figure in figures),
                ", ".join(map(str, self._values(name, "seed"))) or DASH,
            ]
            for name, row in self.rows.items()
        ]
        return "\n\n".join(
            [
                f"{self.title} ({self.metric})",
                _table(["system", "paper", *figures, "seeds"], rows),
                self._origin(),
                *self._order(),
                *self._differences(),
            ]
        )

    def as_dict(self) -> dict:
        """The same as plain values: each row's runs and their mean."""
        rows = []
        for name, row in self.rows.items():
            runs = self.runs[self.runs["row"] == name].drop(columns="row")
            means = runs.drop(columns=["seed", "files"]).mean()
            rows.append(
                {
                    **row,
                    "runs": json.loads(runs.to_json(orient="records")),
                    "mean": json.loads(means.to_json()),
                }
            )
        return {
            "title": self.title,
            "metric": self.metric,
            "arguments": self.arguments,
            "rows": rows,
            "agreement": self.agreement(),
        }

    def agreement(self) -> dict | None:
        """How far the order of our figures is that of the paper's.

        Returns
        -------
        dict or None
            The number of ``rows`` compared, the rank correlations ``spearman``
            and ``kendall``, and ``p``, how probable so high a Kendall is
            without any relation. None below three rows, or where all figures
            are equal.
        """
        pairs = [
            (row["paper"], mean(ours))
            for name, row in self.rows.items()
            if row.get("paper") is not None
            and (ours := self._values(name, HEADLINE))
        ]
        if len(pairs) < 3:
            return None
        paper, ours = zip(*pairs, strict=True)
        if len(set(paper)) == 1 or len(set(ours)) == 1:
            return None
        kendall = kendalltau(paper, ours, alternative="greater")
        return {
            "rows": len(pairs),
            "spearman": float(spearmanr(paper, ours).statistic),
            "kendall": float(kendall.statistic),
            "p": float(kendall.pvalue),
        }

    def _system(self, name: str) -> str:
        return self.rows[name].get("system", name)

    def _values(self, name: str, figure: str) -> list:
        """A figure of all runs of a row that have it, by seed."""
        return self.runs.loc[self.runs["row"] == name, figure].dropna().tolist()

    def _cell(self, name: str, figure: str) -> str:
        """The mean; of the headline also each seed's value."""
        values = self._values(name, figure)
        if not values:
            return DASH
        text = _number(mean(values), 3 if "PSDS" in figure else 2)
        if figure == HEADLINE and len(values) > 1:
            text += f" ({', '.join(map(_number, values))})"
        return text

    def _origin(self) -> str:
        """On which data and with which arguments."""
        if self.runs.empty:
            return "No run is finished."
        files = ", ".join(sorted(set(self.runs["files"])))
        given = " ".join(f"`{argument}`" for argument in self.arguments)
        if "--data_folder=" not in given:
            given += " (no --data_folder: MiniDESED)"
        return (
            "Ours: the student of the best epoch, mean over seeds; validation "
            f"set of {files} files. Options of the runs: {given.strip()}."
        )

    def _order(self) -> list[str]:
        if not (order := self.agreement()):
            return []
        return [
            f"Order of the {order['rows']} rows, ours against the paper's: "
            f"Spearman {order['spearman']:.2f}, Kendall {order['kendall']:.2f} "
            f"(one-sided p = {order['p']:.3f})."
        ]

    def _differences(self) -> list[str]:
        """Of each row to the first one."""
        first, *others = self.rows
        base = self._values(first, HEADLINE)
        rows = [
            [
                self._system(name),
                _difference(_paper(self.rows[name]), _paper(self.rows[first])),
                _difference(ours, base),
            ]
            for name in others
            if base and (ours := self._values(name, HEADLINE))
        ]
        if not rows:
            return []
        head = [f"difference to {self._system(first)}", "paper", "ours"]
        text = _table(head, rows)
        note = "±: standard error of the difference over the seeds."
        return [text, note] if "±" in text else [text]


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
        there is none. None if the student has not been scored.
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
    return {
        "files": files,
        HEADLINE: _percent(student, "event_f1"),
        "teacher event F1": _percent(teacher, "event_f1"),
        "segment F1": _percent(student, "segment_f1"),
        **{f"PSDS {k}": psds.get(k, math.nan) for k in ("2020", "1", "2")},
        **{
            f"{name.split('/')[0]} event F1": _percent(report, "event_f1")
            for name, report in reports.items()
            if name.endswith("/student") and report is not student
        },
    }


def _percent(report: dict | None, metric: str) -> float:
    """The macro mean of a metric in percent, or NaN."""
    value = report and report[metric]["macro"]
    return math.nan if value is None else 100 * value


def _paper(row: dict) -> list[float]:
    """The paper's figure of a row, if there is one."""
    return [] if row.get("paper") is None else [row["paper"]]


def _difference(values: list[float], base: list[float]) -> str:
    """The difference of two means, with its standard error if there is one."""
    if not values or not base:
        return DASH
    text = f"{mean(values) - mean(base):+.2f}"
    if len(values) > 1 and len(base) > 1:
        error = sum(variance(x) / len(x) for x in (values, base)) ** 0.5
        text += f" ± {error:.2f}"
    return text


def _number(value: float | None, decimals: int = 2) -> str:
    """A figure, or a dash where there is none."""
    return DASH if value is None else f"{value:.{decimals}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Lines of cells as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
