"""Exact search of the tied HMM's parameters beside the paper's forest search.

    python benchmarks/tuning.py SCORES.npz REFERENCE.tsv DURATIONS.tsv
        [--calls 200] [--seeds 3] [--splits 5]

The scores are those of a detector on a data set (arrays ``scores``, ``files``,
``classes``, ``hop``). Prints seconds and macro F1 (event-based, sed_eval) on
all files, which both searches were tuned on. The exact search's time is that
of the whole report: the search on all files and on both halves of each random
split. A forest search is timed on all files alone; it decodes them at each of
its calls.

Authors
 * sb_sed contributors 2026
"""

import time

from _detector_scores import ScoresParser, load_scores

from sb_sed.formats import read_events
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.tuning.report import format_tuning
from sb_sed.tuning.search import ForestSearch
from sb_sed.tuning.tune import fit, tune


def main() -> None:
    """Run the benchmark and print its table."""
    parser = ScoresParser(__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--splits", type=int, default=5)
    options = parser.parse()
    scores = load_scores(options.scores, options.durations)
    reference = read_events(options.reference)
    smoother = HMMSmoother()
    report = tune(smoother, scores, reference, splits=options.splits)
    print(format_tuning(report), end="\n\n")
    n_folds = report.folds * report.splits
    print(f"{'search':28} {'seconds':>8} {'macro F1':>9}")
    print(_line(f"exact, and {n_folds} held-out parts", report.seconds,
                smoother, scores, reference))  # fmt: skip
    for seed in range(options.seeds):
        search = ForestSearch(options.calls, seed)
        start = time.perf_counter()
        smoother = fit(HMMSmoother(), scores, reference, search)
        seconds = time.perf_counter() - start
        name = f"forest, {options.calls} calls, seed {seed}"
        print(_line(name, seconds, smoother, scores, reference), flush=True)


def _line(name, seconds, smoother, scores, reference) -> str:
    macro = event_counts(reference, smoother(scores)).f1()["macro"]
    return f"{name:28} {seconds:8.1f} {macro:9.4f}"


if __name__ == "__main__":
    main()
