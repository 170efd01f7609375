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

from sb_sed.errors import InputError
from sb_sed.runs.run import Run

DASH = "–"
HEADLINE = "event F1"
LOW, HIGH = f"{HEADLINE} low", f"{HEADLINE} high"
CLIPS, TIME = "clip mAP", "minutes"
SECONDS = "seconds.txt"  # in a run's folder
LAST_EPOCHS = 5
_TEXTS = ["files", "computation"]
_NO_FIGURES = ["seed", *_TEXTS, LOW, HIGH]
# How well held-out recordings and soundscapes are told apart, in train_log.txt.
DOMAIN = {
    "domain accuracy": "domain_accuracy_mean",
    "domain AUC": "domain_auc",
}


class AblationTable:
    """A table of the paper with all that is finished in a folder of runs.

    F1 scores are in percent.

    Arguments
    ---------
    table : dict
        ``title``, ``metric`` and ``rows`` as in ``tables.yaml``.
    folder : Path
        The folder of the runs, ``<row>/<seed>``.
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
        columns = None if found else [*_NO_FIGURES, "row", HEADLINE]
        self.runs = pd.DataFrame(found, columns=columns).sort_values("seed")

    def markdown(self) -> str:
        """Return the table and what follows from it, as Markdown."""
        figures = self.runs.columns.drop(["row", *_NO_FIGURES])
        rows = [
            [
                self.system(name),
                _number(row.get("paper")),
                *(self._cell(name, figure) for figure in figures),
                ", ".join(map(str, self.values(name, "seed"))) or DASH,
            ]
            for name, row in self.rows.items()
        ]
        return "\n\n".join(
            [
                f"{self.title} ({self.metric})",
                _table(["system", "paper", *figures, "seeds"], rows),
                self._origin(),
                *self._columns(),
                *self._order(),
                *self._differences(),
            ]
        )

    def as_dict(self) -> dict:
        """Return the same as plain values: each row's runs and their mean."""
        rows = []
        for name, row in self.rows.items():
            runs = self.runs[self.runs["row"] == name].drop(columns="row")
            means = runs.drop(columns=["seed", *_TEXTS]).mean()
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
        """Compare the order of our figures with the paper's.

        Returns the number of ``rows`` compared, the rank correlations
        ``spearman`` and ``kendall``, and ``p``, how probable so high a Kendall
        is without any relation. None below three rows, or where all figures are
        equal.
        """
        pairs = [
            (row["paper"], mean(ours))
            for name, row in self.rows.items()
            if row.get("paper") is not None
            and (ours := self.values(name, HEADLINE))
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

    def differences(self) -> dict[str, tuple[float | None, ...]]:
        """Return how much each other row is above the first one.

        For each row the difference in the paper, ours (of the means over
        seeds), and the standard error of ours; None where there is none.
        """
        first, *others = self.rows
        found = {}
        for name in others:
            papers = [self.rows[x].get("paper") for x in (name, first)]
            ours = [self.values(x, HEADLINE) for x in (name, first)]
            means = [mean(x) if x else None for x in ours]
            error = None
            if all(len(x) > 1 for x in ours):
                error = sum(variance(x) / len(x) for x in ours) ** 0.5
            found[name] = (_difference(*papers), _difference(*means), error)
        return found

    @property
    def files(self) -> str:
        """The number of files of the validation set that were scored."""
        return ", ".join(sorted(set(self.runs["files"])))

    def system(self, name: str) -> str:
        """Return what the paper calls a row."""
        return self.rows[name].get("system", name)

    def values(self, name: str, figure: str) -> list:
        """Return a figure of all runs of a row that have it, by seed."""
        return self.runs.loc[self.runs["row"] == name, figure].dropna().tolist()

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the headline's 95 % interval, bounds averaged over seeds."""
        low, high = self.values(name, LOW), self.values(name, HIGH)
        return (mean(low), mean(high)) if low else None

    def _cell(self, name: str, figure: str) -> str:
        """Return the mean; of the headline also each seed's, the interval."""
        values = self.values(name, figure)
        if not values:
            return DASH
        decimals = 2 if figure.endswith("F1") else 0 if figure == TIME else 3
        text = _number(mean(values), decimals)
        if figure == HEADLINE and len(values) > 1:
            text += f" ({', '.join(map(_number, values))})"
        if figure == HEADLINE and (interval := self.interval(name)):
            text += " [{:.1f}, {:.1f}]".format(*interval)
        return text

    def _origin(self) -> str:
        """Say on which data and with which arguments the runs were made."""
        if self.runs.empty:
            return "No run is finished."
        given = " ".join(f"`{argument}`" for argument in self.arguments)
        if "--data_folder=" not in given:
            given += " (no --data_folder: MiniDESED)"
        return (
            "Ours: the student of the best epoch, mean over seeds (each) [95 % "
            "interval of resampling the files, its bounds averaged over seeds]; "
            f"validation set of {self.files} files. Options of the runs: "
            f"{given.strip()}. {self._computation()}"
        )

    def _computation(self) -> str:
        """Say in which precision the runs were made; figures depend on it."""
        by_sentence: dict[str, list[str]] = {}
        for run in self.runs.itertuples():
            sentence = run.computation or "Precision not recorded."
            by_sentence.setdefault(sentence, []).append(f"{run.row}/{run.seed}")
        if len(by_sentence) == 1:
            return next(iter(by_sentence))
        return " ".join(
            f"{', '.join(runs)}: {sentence}"
            for sentence, runs in by_sentence.items()
        )

    def _columns(self) -> list[str]:
        """Explain the columns that not every table has."""
        notes, columns = [], set(self.runs.columns)
        if CLIPS in columns:
            notes.append(
                "Clip mAP: mean average precision of the weak scores, the mean "
                "over classes."
            )
        if TIME in columns:
            notes.append(
                "Minutes: of a run from its start to its last score, data "
                "preparation and other runs beside it included."
            )
        return notes + self._domain()

    def _domain(self) -> list[str]:
        if not set(DOMAIN) & set(self.runs.columns):
            return []
        return [
            "Domain accuracy (mean of both domains) and AUC: how well the "
            "discriminator tells held-out recordings and soundscapes apart, "
            f"mean over the last {LAST_EPOCHS} epochs; 0.5 is chance. What is "
            "left of the domains takes a probe fitted to the embeddings: "
            "sb-sed plot-embeddings."
        ]

    def _order(self) -> list[str]:
        if not (order := self.agreement()):
            return []
        return [
            f"Order of the {order['rows']} rows, ours against the paper's: "
            f"Spearman {order['spearman']:.2f}, Kendall {order['kendall']:.2f} "
            f"(one-sided p = {order['p']:.3f})."
        ]

    def _differences(self) -> list[str]:
        first = next(iter(self.rows))
        rows = [
            [self.system(name), _signed(paper), _signed(ours, error)]
            for name, (paper, ours, error) in self.differences().items()
            if ours is not None
        ]
        if not rows:
            return []
        head = [f"difference to {self.system(first)}", "paper", "ours"]
        text = _table(head, rows)
        note = "±: standard error of the difference over the seeds."
        return [text, note] if "±" in text else [text]


def _signed(difference: float | None, error: float | None = None) -> str:
    """Format a difference, with its standard error if there is one."""
    if difference is None:
        return DASH
    return f"{difference:+.2f}" + ("" if error is None else f" ± {error:.2f}")


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _number(value: float | None, decimals: int = 2) -> str:
    """Format a figure, or a dash where there is none."""
    return DASH if value is None else f"{value:.{decimals}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Format lines of cells as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def student_report(folder: Path) -> dict | None:
    """Read the student's report on a run's validation set, if it is valid."""
    return _read_report(Run(folder).test_set("validation").results("student"))


def read_figures(folder: Path) -> dict | None:
    """Read the figures of a run from its output folder.

    Returns ``files`` of the validation set and ``computation``, a sentence on
    the precision, empty if it is not known (str), and figures by heading, NaN
    where there is none; F1 scores in percent, with the bounds of the headline's
    95 % interval. None if the student has not been scored.
    """
    student = student_report(folder)
    if student is None:
        return None
    files = str(student["n_files"])
    if student["n_files"] != student["n_reference"]:
        files += f" of {student['n_reference']}"
    psds = student["psds"] or {}
    bounds = student["confidence_intervals"]["event_f1"]["macro"]
    low, high = bounds or (math.nan, math.nan)
    run = Run(folder)
    teacher = run.test_set("validation").results("teacher")
    domain = {head: run.logged(name) for head, name in DOMAIN.items()}
    return {
        "files": files,
        "computation": student.get("computation", ""),
        HEADLINE: _percent(student, "event_f1"),
        LOW: 100 * low,
        HIGH: 100 * high,
        "teacher event F1": _percent(_read_report(teacher), "event_f1"),
        "segment F1": _percent(student, "segment_f1"),
        **{f"PSDS {k}": psds.get(k, math.nan) for k in ("2020", "1", "2")},
        **_where_known(
            {CLIPS: student.get("clip_map"), TIME: _minutes(folder)}
        ),
        **{
            f"{name} event F1": _percent(report, "event_f1")
            for name, test_set in run.test_sets.items()
            if name != "validation"
            and (report := _read_report(test_set.results("student")))
        },
        **{
            heading: mean(values[-LAST_EPOCHS:])
            for heading, values in domain.items()
            if values
        },
    }


def _where_known(figures: dict[str, float | None]) -> dict[str, float]:
    """Leave out what is None: a column appears where a run has the figure."""
    return {head: x for head, x in figures.items() if x is not None}


def _minutes(folder: Path) -> float | None:
    """Read how long the processes of a run have taken, if that is noted."""
    try:
        return float((folder / SECONDS).read_text()) / 60
    except (OSError, ValueError):
        return None


def _read_report(results) -> dict | None:
    """Read a report; None where there is none that is valid."""
    try:
        return results.read_report()
    except InputError:
        return None


def _percent(report: dict | None, metric: str) -> float:
    """Return the macro mean of a metric in percent, or NaN."""
    value = report and report[metric]["macro"]
    return math.nan if value is None else 100 * value
