"""Thresholds from a few answers of a listener, against those of all labels.

    python benchmarks/reviews.py SCORES.npz REFERENCE.tsv DURATIONS.tsv
        [--answers 50 100 200 400] [--repeats 20] [--errors 0.05] [--seed 0]

The scores are those of a detector on a data set (arrays ``scores``, ``files``,
``classes``, ``hop``), decoded by cSEBBs. Of random halves of the files, one is
reviewed by a simulated listener: the reference says whether a detection is
right, where its boundaries are and what was missed, but for a share of errors.
Prints the event-based macro F1 of the other half, both ways, with thresholds
of all labels and of the answers: as the package draws and fits them; drawn
evenly; drawn evenly, with a logistic curve a class; the share of the gain of
all labels over the threshold 0.5; how often the stated 95 % intervals of
precision, recall and F1 hold what all labels say of the reviewed half; and the
calibration error on the other half before and after.
"""

import time
from collections import defaultdict

import numpy as np
import pandas as pd
from _detector_scores import ScoresParser, load_scores
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sb_sed.formats import read_events
from sb_sed.reviewing.boxes import cut_windows, find_boxes, reviewable
from sb_sed.reviewing.estimate import GRID, Estimate, interval
from sb_sed.reviewing.evidence import gather
from sb_sed.reviewing.listener import Listener
from sb_sed.reviewing.sampling import SILENCE, draw
from sb_sed.smoothing.calibration import log_odds
from sb_sed.tuning.search import ExactSearch
from sb_sed.tuning.trials import Trials

_START = 0.5


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = ScoresParser(__doc__)
    parser.add_argument(
        "--answers", type=int, nargs="+", default=[50, 100, 200, 400]
    )
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--errors", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse()
    scores = load_scores(options.scores, options.durations)
    study = _Study(scores, read_events(options.reference), options.errors)
    start = time.perf_counter()
    figures = defaultdict(lambda: defaultdict(list))
    for repeat in range(options.repeats):
        for half in study.halves(options.seed + repeat):
            study.compare(half, options.answers, figures, options.seed + repeat)
    _print(figures, options)
    print(f"{time.perf_counter() - start:.0f} s")


class _Study:
    """A detector's scores on some files, with all labels."""

    def __init__(self, scores, reference, errors: float):
        self.smoother = reviewable(None)
        self.errors, self.reference = errors, reference
        self.smoother.axes = {
            **{k: (v,) for k, v in self.smoother.parameters.items()},
            "threshold": tuple(GRID.tolist()),
        }
        self.trials = Trials(self.smoother, scores, reference)
        self.classes = self.trials.classes
        self.boxes = find_boxes(self.smoother, scores)
        self.windows = cut_windows(scores)
        # Whether each box is right, from all labels.
        items = self.boxes.assign(probability=1.0)
        truth = Listener(reference)(items, self.boxes)
        self.hit = (truth["answer"] == "right").to_numpy()

    def halves(self, seed: int):
        """Yield which files are reviewed, [F]; the others are held out."""
        n_files = len(self.trials.files)
        generator = np.random.default_rng(seed)
        half = generator.permutation(n_files) < n_files // 2
        yield from (half, ~half)

    def compare(self, half, answers, figures, seed: int) -> None:
        """Tune on a half by all labels and by answers; score on the other."""
        every = ExactSearch()(self.trials, half.astype(float))
        start = dict.fromkeys(self.classes, _START)
        for name, chosen in (
            ("threshold 0.5", start),
            ("all labels", {k: v["threshold"] for k, v in every.items()}),
        ):
            figures[name]["held out"].append(self._f1(chosen, ~half))
        names = {f"{stem}.wav" for stem in np.array(self.trials.files)[half]}
        mine = self.boxes["filename"].isin(names).to_numpy()
        pool = self.boxes[mine].reset_index(drop=True)
        windows = self.windows[self.windows["filename"].isin(names)]
        for n in answers:
            items = draw(pool, windows, start, n, seed=seed)
            estimate, chosen = self._fit(pool, items, windows, seed)
            figures["answers", n]["held out"].append(self._f1(chosen, ~half))
            self._check(estimate, chosen, half, figures["answers", n])
            self._calibrate(estimate, ~mine, figures["answers", n])
            even = _drawn_evenly(pool, windows, n, seed)
            estimate, chosen = self._fit(pool, even, windows, seed, n_draws=50)
            figures["evenly", n]["held out"].append(self._f1(chosen, ~half))
            chosen = self._one_logistic_a_class(pool, even, estimate)
            figures["logistic", n]["held out"].append(self._f1(chosen, ~half))

    def _fit(self, pool, items, windows, seed: int, n_draws: int = 400):
        listener = Listener(self.reference, self.errors, seed)
        evidence = gather(listener(items, pool), pool, self.classes)
        estimate = Estimate(
            pool, evidence, self.classes, len(windows), n_draws, seed
        )
        return estimate, estimate.thresholds()

    def _f1(self, thresholds, files) -> float:
        return self.trials.macro_f1(self._parameters(thresholds), files)

    def _parameters(self, thresholds) -> dict:
        return {
            label: {**self.smoother.parameters, "threshold": threshold}
            for label, threshold in thresholds.items()
        }

    def _check(self, estimate, thresholds, half, figures) -> None:
        """Whether the intervals hold what all labels say of the same files."""
        hits, number = (
            half @ n for n in self.trials.counts(self._parameters(thresholds))
        )
        reference = half @ self.trials.reference
        found = estimate.at(thresholds)
        for name, true in (
            ("precision", hits / np.maximum(number, 1)),
            ("recall", hits / reference),
            ("f1", 2 * hits / (number + reference)),
        ):
            low, high = interval(getattr(found, name))
            figures[name] += ((low <= true) & (true <= high)).tolist()
            figures[f"{name}, width"] += (high - low).tolist()
        macro = found.f1.mean(axis=1)
        low, high = interval(macro)
        true = (2 * hits / (number + reference)).mean()
        figures["macro"].append(bool(low <= true <= high))
        figures["macro, width"].append(high - low)
        figures["macro, error"].append(macro[0] - true)

    def _calibrate(self, estimate, held_out, figures) -> None:
        boxes, hit = self.boxes[held_out], self.hit[held_out]
        confidence = boxes["confidence"].to_numpy()
        after = estimate.calibration()(boxes["event_label"], confidence)
        figures["before"].append(_calibration_error(confidence, hit))
        figures["after"].append(_calibration_error(after, hit))

    def _one_logistic_a_class(self, pool, items, estimate) -> dict:
        """Thresholds where the F1 that a curve a class expects is highest."""
        listener = Listener(self.reference, self.errors)
        answers = listener(items[items["event_label"].notna()], pool)
        chosen = {}
        for column, label in enumerate(self.classes):
            mine = answers[answers["event_label"] == label]
            right = mine["answer"] == "right"
            chosen[label] = _START
            if right.nunique() < 2:
                continue
            model = LogisticRegression(C=1e3)
            odds = log_odds(mine["confidence"].to_numpy())[:, None]
            model.fit(odds, right)
            some = pool[pool["event_label"] == label]["confidence"].to_numpy()
            slope, level = model.coef_[0, 0], model.intercept_[0]
            p = expit(slope * log_odds(some) + level)
            reference = estimate.reference[0, column]
            expected = [
                2 * p[some >= t].sum() / ((some >= t).sum() + reference)
                for t in GRID
            ]
            chosen[label] = float(GRID[int(np.argmax(expected))])
        return chosen


def _drawn_evenly(boxes, windows, n: int, seed: int) -> pd.DataFrame:
    """Items that are drawn without regard to class and confidence."""
    generator = np.random.default_rng(seed)
    n_windows = round(SILENCE * n)
    parts = []
    for table, number in ((boxes, n - n_windows), (windows, n_windows)):
        rows = generator.choice(len(table), number, replace=False)
        share = number / len(table)
        parts.append(table.iloc[rows].assign(probability=share))
    return pd.concat(parts, ignore_index=True).reindex(
        columns=[*boxes.columns, "probability"]
    )


def _calibration_error(p: np.ndarray, right: np.ndarray) -> float:
    """The expected calibration error: ten bins of equal width."""
    place = np.minimum((10 * p).astype(int), 9)
    gaps = np.bincount(place, p - right, minlength=10)
    return float(np.abs(gaps).sum() / len(p))


def _print(figures, options) -> None:
    def _mean(name, column):
        return float(np.mean(figures[name][column]))

    low, high = (_mean(x, "held out") for x in ("threshold 0.5", "all labels"))
    print(f"macro F1, held out: threshold 0.5 {low:.4f}, all labels {high:.4f}")
    print(f"{'answers':>8} {'drawn':>18} {'F1':>7} {'share of the gain':>18}")
    for n in options.answers:
        for name in ("answers", "evenly", "logistic"):
            value = _mean((name, n), "held out")
            share = (value - low) / (high - low)
            print(f"{n:8} {name:>18} {value:7.4f} {100 * share:16.0f} %")
    print(f"{'answers':>8} {'interval of':>12} {'coverage':>9} {'width':>7}")
    for n in options.answers:
        for name in ("precision", "recall", "f1", "macro"):
            cover = _mean(("answers", n), name)
            width = _mean(("answers", n), f"{name}, width")
            print(f"{n:8} {name:>12} {100 * cover:7.1f} % {width:7.3f}")
    print(f"{'answers':>8} {'calibration error before':>25} {'after':>7}")
    for n in options.answers:
        before, after = (_mean(("answers", n), x) for x in ("before", "after"))
        print(f"{n:8} {before:25.4f} {after:7.4f}")


if __name__ == "__main__":
    main()
