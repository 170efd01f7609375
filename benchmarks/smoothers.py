"""All smoothers on the scores of one detector, on held-out files.

    python benchmarks/smoothers.py SCORES.npz REFERENCE.tsv DURATIONS.tsv
        [--splits 5] [--seed 0] [--only NAME ...] [--clip-gate WEAK.tsv]

The scores are those of a detector on a data set (arrays ``scores``, ``files``,
``classes``, ``hop``). Prints the macro F1 (event-based, collar 0.2 s, offset
max(0.2 s, 20 %)) on the halves tuned on and on the other halves, mean over
random halvings and both directions, with the standard deviation of the latter;
PSDS 1 and 2 of all files, each smoothed with what was tuned on files without
it; and the seconds of all of that tuning. Transitions of HMMs are found by the
exact search unless the name says that they are learned: from the reference's
durations, or by Baum-Welch. With weak scores, all decode ``min(strong, weak)``.

Then the difference of each tuned smoother's held-out F1 to that of the first
one, on the same halves: mean and standard error over the splits, which is that
of the splits of these files, not of other files or detectors.

Authors
 * sb_sed contributors 2026
"""

import time
from pathlib import Path

import numpy as np
from _detector_scores import ScoresParser, load_scores

from sb_sed.formats import read_durations, read_events, read_weak_scores
from sb_sed.scoring.collar import event_counts
from sb_sed.scoring.psds import psds
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.boxes import BoxSmoother
from sb_sed.smoothing.contrast_hmm import ContrastHMMSmoother
from sb_sed.smoothing.gate import gate
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.sebbs import SEBBsSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.boxes import FitBoxes
from sb_sed.tuning.crossfit import AsGiven, CrossFit
from sb_sed.tuning.learned import BaumWelch, Durations
from sb_sed.tuning.regularise import Flattest, Shrink
from sb_sed.tuning.search import ExactSearch, Search

_SHRINK = ExactSearch(Shrink(20.0))
_CONFIDENCES = tuple(np.round(np.arange(0, 1, 0.1), 1).tolist())

# Name -> smoother, and what finds its parameters (None: they are given).
SMOOTHERS: dict[str, tuple[Smoother, Search | None]] = {
    "threshold 0.5": (ThresholdSmoother(0.5), None),
    "threshold a class": (ThresholdSmoother(), ExactSearch()),
    "median a class": (MedianSmoother(), ExactSearch()),
    "HMM, tied": (HMMSmoother(), ExactSearch()),
    "HMM, tied, shrunk": (HMMSmoother(), _SHRINK),
    "HMM, untied": (HMMSmoother(tied=False), ExactSearch()),
    "HMM, untied, flattest": (
        HMMSmoother(tied=False),
        ExactSearch(Flattest()),
    ),
    "HMM, untied, threshold": (
        HMMSmoother(tied=False, thresholds=_CONFIDENCES),
        ExactSearch(Shrink(10.0)),
    ),
    "HMM, tied, durations": (HMMSmoother(), Durations()),
    "HMM, untied, durations": (HMMSmoother(tied=False), Durations()),
    "HMM, tied, Baum-Welch": (HMMSmoother(), BaumWelch()),
    "HMM, untied, Baum-Welch": (HMMSmoother(tied=False), BaumWelch()),
    "HMM on contrast": (ContrastHMMSmoother(), ExactSearch(Shrink(10.0))),
    "learned boxes": (BoxSmoother(), FitBoxes()),
    "cSEBBs": (SEBBsSmoother(), ExactSearch()),
    "cSEBBs, shrunk": (SEBBsSmoother(), _SHRINK),
}


def main() -> None:
    """Run the benchmark and print its table."""
    parser = ScoresParser(__doc__)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the halvings")
    parser.add_argument("--only", nargs="+", choices=SMOOTHERS)
    parser.add_argument("--clip-gate", type=Path, metavar="WEAK.tsv")
    options = parser.parse()
    scores = load_scores(options.scores, options.durations)
    if options.clip_gate:
        scores = gate(scores, read_weak_scores(options.clip_gate))
    reference = read_events(options.reference)
    durations = read_durations(options.durations)
    print(
        f"{'smoother':24} {'tuned':>7} {'held out':>8} {'std':>6} "
        f"{'PSDS 1':>7} {'PSDS 2':>7} {'seconds':>8}"
    )
    parts: dict[str, np.ndarray] = {}
    for name in options.only or SMOOTHERS:
        smoother, search = SMOOTHERS[name]
        tuning = CrossFit(search, splits=options.splits, seed=options.seed)
        if search is None:
            tuning = AsGiven()
        start = time.perf_counter()
        smoothed = tuning(smoother, scores, reference)
        seconds = time.perf_counter() - start
        if report := smoothed.report:
            tuned, held_out = report.tuned.mean, report.held_out.mean
            std = report.held_out.std
            splits = np.reshape(report.held_out_parts, (options.splits, -1))
            parts[name] = splits.mean(axis=1)
        else:
            tuned = np.nan
            held_out = event_counts(reference, smoothed.events.iloc[:, :4])
            held_out, std = held_out.f1()["macro"], 0.0
        areas = psds(reference, smoothed.scores, durations)
        print(
            f"{name:24} {tuned:7.4f} {held_out:8.4f} {std:6.4f} "
            f"{areas['1']:7.4f} {areas['2']:7.4f} {seconds:8.1f}",
            flush=True,
        )
    _print_differences(parts)


def _print_differences(parts: dict[str, np.ndarray]) -> None:
    """Print each smoother's held-out F1 less the first one's."""
    first, *others = parts or [None]
    for name in others:
        difference = parts[name] - parts[first]
        error = np.std(difference, ddof=1) / np.sqrt(len(difference))
        print(
            f"{name} less {first}: {difference.mean():+.4f} +- {error:.4f}, "
            f"higher in {(difference > 0).sum()} of {len(difference)} splits"
        )


if __name__ == "__main__":
    main()
