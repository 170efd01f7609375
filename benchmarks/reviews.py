"""Thresholds from a few answers of a listener, against those of all labels.

    python benchmarks/reviews.py SCORES.npz REFERENCE.tsv DURATIONS.tsv
        [--answers 50 100 200 400] [--repeats 20] [--errors 0.05] [--seed 0]

The scores are those of a detector on a data set (arrays ``scores``, ``files``,
``classes``, ``hop``), decoded by cSEBBs. Of random halves of the files, one is
reviewed by a simulated listener: the reference says whether a detection is
right, where its boundaries are and what was missed, but for a share of errors.
Prints the event-based macro F1 of the other half, both ways, with thresholds
of all labels and of the answers: drawn in rounds of 25, each where the
answers before leave most in doubt; drawn at once; drawn evenly; drawn evenly,
with a logistic curve a class. Beside it, the share of the gain of all labels
over the threshold 0.5, with its standard error over the halves; how often the
stated 95 % intervals of precision, recall and F1 hold what all labels say of
the reviewed half; how far the estimated sums over all boxes are from theirs;
and the calibration error on the other half before and after.
"""

import time
from collections import defaultdict

import numpy as np
import pandas as pd
from _detector_scores import ScoresParser, load_scores
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sb_sed.formats import read_events
from sb_sed.formats.reviews import MISSED
from sb_sed.reviewing.boxes import cut_windows, find_boxes, reviewable
from sb_sed.reviewing.estimate import GRID, Estimate, interval
from sb_sed.reviewing.evidence import gather
from sb_sed.reviewing.listener import Listener
from sb_sed.reviewing.rounds import draw_next
from sb_sed.reviewing.sampling import SILENCE, draw
from sb_sed.smoothing.calibration import log_odds
from sb_sed.tuning.search import ExactSearch
from sb_sed.tuning.trials import Trials

_START = 0.5
_ROUND = 25
_WAYS = "rounds", "once", "evenly", "logistic"


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
        self.event = gather(truth, self.boxes, self.classes).event

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
        listener = Listener(self.reference, self.errors, seed)

        def _fit(reviews, n_draws: int):
            evidence = gather(reviews, pool, self.classes)
            return Estimate(
                pool, evidence, self.classes, len(windows), n_draws, seed
            )

        reviews = None
        for n in sorted(answers):
            asked = 0 if reviews is None else _asked(reviews)
            while asked < n:
                some = min(_ROUND, n - asked)
                if reviews is None:
                    items = draw(pool, windows, start, some, seed=seed)
                    reviews = listener(items, pool)
                else:
                    items = draw_next(
                        *(pool, windows, reviews, self.classes, some),
                        seed=seed,
                    )
                    more = listener(items, pool)
                    reviews = pd.concat([reviews, more], ignore_index=True)
                asked += some
            estimate = _fit(reviews, 400)
            chosen = estimate.thresholds()
            own = figures["rounds", n]
            own["held out"].append(self._f1(chosen, ~half))
            self._check(estimate, chosen, half, own)
            own["sum, error"].append(self._sum_error(estimate, mine))
            self._calibrate(estimate, ~mine, own)
            items = draw(pool, windows, start, n, seed=seed)
            estimate = _fit(listener(items, pool), 100)
            own = figures["once", n]
            own["held out"].append(self._f1(estimate.thresholds(), ~half))
            own["sum, error"].append(self._sum_error(estimate, mine))
            even = _drawn_evenly(pool, windows, n, seed)
            said = listener(even, pool)
            estimate = _fit(said, 100)
            own = figures["evenly", n]["held out"]
            own.append(self._f1(estimate.thresholds(), ~half))
            chosen = self._one_logistic_a_class(pool, said, estimate)
            figures["logistic", n]["held out"].append(self._f1(chosen, ~half))

    def _sum_error(self, estimate, mine) -> tuple[float, float]:
        """By how much the estimated hits, and the events that boxes are in,
        differ from those of all labels, as shares."""
        found = estimate.sums()
        true = self.hit[mine].sum(), self.event[mine].sum()
        return tuple(
            one / other - 1 for one, other in zip(found, true, strict=True)
        )

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

    def _one_logistic_a_class(self, pool, reviews, estimate) -> dict:
        """Thresholds where the F1 that a curve a class expects is highest."""
        answers = reviews[reviews["event_label"].notna()]
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
            kept = some >= GRID[:, None]
            hits, number = kept @ p, kept.sum(axis=1)
            expected = 2 * hits / (number + reference)
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


def _asked(reviews: pd.DataFrame) -> int:
    return int((reviews["answer"] != MISSED).sum())


def _share(values, low, high) -> tuple[float, float]:
    """The mean gain as a share of that of all labels, and its standard error:
    both are means over the same halves."""
    gain, whole = np.subtract(values, low), np.subtract(high, low)
    share = gain.mean() / whole.mean()
    error = np.std(gain - share * whole, ddof=1) / np.sqrt(len(gain))
    return share, error / whole.mean()


def _print(figures, options) -> None:
    def _mean(name, column):
        return np.mean(figures[name][column], axis=0)

    low, high = (
        figures[x]["held out"] for x in ("threshold 0.5", "all labels")
    )
    print(
        f"macro F1, held out, {len(low)} halves: threshold 0.5 "
        f"{np.mean(low):.4f}, all labels {np.mean(high):.4f}"
    )
    print(f"{'answers':>8} {'drawn':>9} {'F1':>7} {'share of the gain':>18}")
    for n in options.answers:
        for way in _WAYS:
            values = figures[way, n]["held out"]
            share, error = (100 * x for x in _share(values, low, high))
            print(
                f"{n:8} {way:>9} {np.mean(values):7.4f} "
                f"{share:9.0f} ± {error:.0f} %"
            )
    print(f"{'answers':>8} {'interval of':>12} {'coverage':>9} {'width':>7}")
    for n in options.answers:
        for name in ("precision", "recall", "f1", "macro"):
            cover = _mean(("rounds", n), name)
            width = _mean(("rounds", n), f"{name}, width")
            print(f"{n:8} {name:>12} {100 * cover:7.1f} % {width:7.3f}")
    print(f"{'answers':>8} {'drawn':>9} {'sum of hits':>12} {'of events':>10}")
    for n in options.answers:
        for way in ("rounds", "once"):
            hits, events = 100 * _mean((way, n), "sum, error")
            print(f"{n:8} {way:>9} {hits:+10.1f} % {events:+8.1f} %")
    print(f"{'answers':>8} {'calibration error before':>25} {'after':>7}")
    for n in options.answers:
        before, after = (_mean(("rounds", n), x) for x in ("before", "after"))
        print(f"{n:8} {before:25.4f} {after:7.4f}")


if __name__ == "__main__":
    main()
