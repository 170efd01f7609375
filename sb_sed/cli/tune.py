"""The command ``sb-sed tune``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
from collections.abc import Callable

from sb_sed.cli.arguments import (
    add_command,
    add_durations,
    add_path,
    add_reference,
    add_seed,
    whole,
)
from sb_sed.cli.outputs import check_writable, write_text
from sb_sed.cli.reviews import tune_reviews
from sb_sed.errors import InputError
from sb_sed.smoothing import SMOOTHERS, smoother_class

_EXAMPLES = """\
examples:
  sb-sed tune results/scores validation.tsv
  sb-sed tune results/scores validation.tsv --smoother median \\
      --regularise flattest --json tuning.json --save smoother.json
  sb-sed tune results/scores validation.tsv --search forest --splits 1
  sb-sed tune results/scores validation.tsv --smoother contrast_hmm --clip-gate
  sb-sed tune review/scores --reviews reviews.tsv --save smoother.json

F1: event-based, collar 0.2 s, offset max(0.2 s, 20 %), optimal matching.
"""


# What --clip-gate is without a file: no file is called so.
_BESIDE = ""


def add_tune(commands) -> None:
    """Add the command that tunes a smoother to a reference."""
    parser = add_command(
        commands,
        "tune",
        _tune,
        "tune what turns scores into events",
        "Tune what turns scores into events to a reference, and say how good "
        "it is on files that it was not tuned on.",
        _EXAMPLES,
    )
    add_path(
        parser,
        "scores",
        "SCORES_DIR",
        "folder of scores, one table a file (the format of sed_scores_eval)",
    )
    add_reference(parser, "; or give --reviews", nargs="?")
    _add_reviews(parser.add_argument_group("answers of a listener"))
    parser.add_argument(
        "--smoother",
        metavar="NAME|FILE",
        help=f"what is tuned: {', '.join(SMOOTHERS)} (default: hmm); with "
        "--reviews, the file of the smoother whose events were reviewed "
        "(default: smoother.json beside SCORES_DIR)",
    )
    parser.add_argument(
        "--search",
        choices=["exact", "forest", "durations", "baum-welch"],
        default="exact",
        help="the whole grid, or 200 points chosen by extra trees, each of "
        "which decodes all files again; or, for the HMM, transitions that are "
        "learned: from the reference's durations, or by Baum-Welch from the "
        "scores alone (default: exact)",
    )
    parser.add_argument(
        "--regularise",
        choices=["flattest", "shrink", "none"],
        help="for the exact search: take the best plateau of the grid, or lend "
        "each class events of an average one (default: what is recommended "
        "for the smoother)",
    )
    gates = parser.add_mutually_exclusive_group()
    gates.add_argument(
        "--clip-gate",
        nargs="?",
        const=_BESIDE,
        metavar="WEAK.tsv",
        help="decode min(strong, weak), and save the smoother so; the weak "
        "scores (filename and a column a class) are those beside SCORES_DIR, "
        "or of this file, which can be another system's",
    )
    gates.add_argument(
        "--gated",
        action="store_true",
        help="the scores are gated already, as those that sb-sed detect writes "
        "of a detector with a clip gate: save the smoother so",
    )
    parser.add_argument(
        "--folds",
        type=whole(2, 100),
        default=2,
        help="parts of the files, each of which is held out once (default: 2)",
    )
    parser.add_argument(
        "--splits",
        type=whole(1, 1000),
        default=5,
        help="how often the files are divided at random (default: 5)",
    )
    add_seed(parser)
    add_durations(parser, "which adds the PSDS of the smoothed scores")
    add_path(parser, "--json", "FILE", "write the report here")
    add_path(
        parser,
        "--save",
        "FILE",
        "write the smoother with its parameters here (JSON)",
    )


def _add_reviews(group) -> None:
    add_path(
        group,
        "--reviews",
        "REVIEWS.tsv",
        "what was said on the page of sb-sed review: fit a threshold and a "
        "calibration a class, so that confidences are probabilities; of some "
        "rounds (review --after), the last page's file has all",
    )
    group.add_argument(
        "--right",
        choices=["event", "class"],
        default="event",
        help="a detection is right if class and boundaries are, or if the "
        "class is (default: event)",
    )
    group.add_argument(
        "--calibration",
        choices=["logistic", "isotonic"],
        default="logistic",
        help="the curve of a class: logistic, drawn to the others' as far as "
        "its own answers are few, or any rising one (default: logistic)",
    )


def _tune(arguments: argparse.Namespace) -> None:
    if (arguments.reference is None) == (arguments.reviews is None):
        raise InputError(
            "Give REFERENCE.tsv or --reviews REVIEWS.tsv, one of the two."
        )
    if arguments.reviews:
        return tune_reviews(arguments)
    name = arguments.smoother or "hmm"
    if name not in SMOOTHERS:
        raise InputError(
            f"There is no smoother {name!r}: take one of "
            f"{', '.join(SMOOTHERS)}."
        )
    _tune_to_reference(arguments, name)


def _tune_to_reference(arguments: argparse.Namespace, name: str) -> None:
    from sb_sed.formats import read_durations, read_events, read_scores
    from sb_sed.smoothing.saved import save_smoother
    from sb_sed.tuning.report import format_tuning
    from sb_sed.tuning.tune import tune

    check_writable(
        [("--json", arguments.json), ("--save", arguments.save)],
        inputs=[
            arguments.reference,
            arguments.durations,
            arguments.clip_gate or None,
        ],
    )
    gated = arguments.gated or arguments.clip_gate is not None
    smoother = smoother_class(name)(clip_gate=gated)
    reference = read_events(arguments.reference)
    durations = arguments.durations and read_durations(arguments.durations)
    scores = read_scores(arguments.scores)
    if arguments.clip_gate is not None:
        scores = _gated(smoother, scores, arguments)
    report = tune(
        smoother,
        scores,
        reference,
        _search(arguments),
        arguments.folds,
        arguments.splits,
        arguments.seed,
    )
    record, text = report.as_dict(), format_tuning(report)
    if durations:
        record["psds"], line = _psds(smoother, scores, reference, durations)
        text += f"\n\n{line}"
    if arguments.json:
        write_text(json.dumps(record, indent=2) + "\n", arguments.json)
    if arguments.save:
        save_smoother(smoother, arguments.save)
    print(text, flush=True)


def _gated(smoother, scores, arguments: argparse.Namespace):
    """Gate scores by the weak scores of a file or those beside them."""
    from sb_sed.formats import read_weak_scores, read_weak_scores_beside
    from sb_sed.smoothing.gate import gated_for

    if arguments.clip_gate == _BESIDE:
        weak = read_weak_scores_beside(arguments.scores)
    else:
        weak = read_weak_scores(arguments.clip_gate)
    return gated_for(smoother, scores, weak)


def _search(arguments: argparse.Namespace) -> Callable | None:
    """Return the search that was chosen; None for the recommended one."""
    from sb_sed.tuning.learned import BaumWelch, Durations
    from sb_sed.tuning.regularise import Flattest, Shrink
    from sb_sed.tuning.search import ExactSearch, ForestSearch

    goals: dict[str, Callable | None]
    goals = {"flattest": Flattest(), "shrink": Shrink(), "none": None}
    if arguments.search == "exact":
        if arguments.regularise is None:
            return None
        return ExactSearch(goals[arguments.regularise])
    if arguments.regularise not in (None, "none"):
        raise InputError(
            "--regularise is for the exact search: leave it out or take "
            "--search exact."
        )
    searches: dict[str, Callable] = {
        "forest": ForestSearch(seed=arguments.seed),
        "durations": Durations(),
        "baum-welch": BaumWelch(),
    }
    return searches[arguments.search]


def _psds(smoother, scores, reference, durations) -> tuple[dict | None, str]:
    """PSDS 1 and 2 on all files, as values and as a line."""
    from sb_sed.formats import match_tables, same_name
    from sb_sed.scoring.psds import PsdsUndefined, merge_note, psds

    names = reference["filename"].map(same_name)
    keys = match_tables(names, scores, ("reference", "scores"))
    known, smoothed = reference[names.isin(keys)], smoother.to_scores(scores)
    smoothed = {name: smoothed[key] for name, key in keys.items()}
    try:
        values = psds(known, smoothed, durations)
    except PsdsUndefined as error:
        return None, f"No PSDS. {error}"
    line = ", ".join(f"PSDS {name} {values[name]:.4f}" for name in "12")
    line = f"All files, tuned on them: {line}. {merge_note(known)}"
    return values, line.rstrip()
