"""What follows from reviews: ``sb-sed reviews-to-events``, ``tune --reviews``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys

from sb_sed.cli.arguments import add_command, add_path, number
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError, printable

_EXAMPLES = """\
examples:
  sb-sed reviews-to-events reviews.tsv events.tsv
  sb-sed reviews-to-events review/reviews.tsv data/reviewed.tsv \\
      --recordings recordings/ --clips data/audio/reviewed
  sb-sed reviews-to-events first/reviews.tsv second/reviews.tsv \\
      data/reviewed.tsv --recordings recordings/ --clips data/audio/reviewed

Reviews say nothing of what was not asked about. To train on them, let clips be
cut of what was and what is around it: the template takes their table as
reviewed_file, whose column judged says which class is known where. Windows that
were searched for what was missed become clips, too, where the table of all that
the page showed, detections.tsv, is beside REVIEWS.tsv or given.
"""


def add_reviews_to_events(commands) -> None:
    """Add the command that makes strong labels of reviews."""
    parser = add_command(
        commands,
        "reviews-to-events",
        _to_events,
        "make strong labels of what a listener has said",
        "Write the events that a listener has confirmed, corrected or added, "
        "as a DESED TSV.",
        _EXAMPLES,
    )
    add_path(
        parser,
        "reviews",
        "REVIEWS.tsv",
        "what the page has saved; of several rounds, one of each",
        nargs="+",
    )
    add_path(parser, "events", "EVENTS.tsv", "the table to write")
    add_path(
        parser,
        "--clips",
        "FOLDER",
        "cut what was asked about to clips there; the table is of these",
    )
    add_path(
        parser,
        "--recordings",
        "AUDIO",
        "of --clips: the recordings, a folder or file",
    )
    parser.add_argument(
        "--seconds",
        type=number(0.1, 3600),
        default=10.0,
        metavar="N",
        help="of --clips: their length (default: 10, as the template's)",
    )
    add_path(
        parser,
        "--detections",
        "EVENTS.tsv",
        "of --clips: all detections that a page showed; given once for each "
        "REVIEWS.tsv (default: detections.tsv beside it, if there is one)",
        action="append",
    )


def _to_events(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from sb_sed.formats import write_events
    from sb_sed.formats.reviews import read_reviews, reviews_to_events

    if (arguments.clips is None) != (arguments.recordings is None):
        raise InputError(
            "--clips and --recordings go together: give both, to cut clips, or "
            "none."
        )
    if arguments.detections and not arguments.clips:
        raise InputError("--detections are for --clips: give these as well.")
    check_writable(
        [("EVENTS.tsv", arguments.events)],
        [("--clips", arguments.clips)],
        [*arguments.reviews, *(arguments.detections or [])],
    )
    rounds = [read_reviews(path) for path in arguments.reviews]
    if arguments.clips is None:
        events = reviews_to_events(pd.concat(rounds))
        write_events(events, arguments.events)
        return
    from sb_sed.audio.search import find_recordings
    from sb_sed.data.reviewed import cut_reviewed
    from sb_sed.formats.judged import write_judged

    audio = find_recordings([arguments.recordings])
    events, judged, skipped = cut_reviewed(
        zip(rounds, _detections(arguments), strict=True),
        audio,
        arguments.clips,
        arguments.seconds,
    )
    for note in skipped:
        print(f"sb-sed: {printable(note)}", file=sys.stderr)
    write_judged(events, judged, arguments.events)


def _detections(arguments: argparse.Namespace) -> list:
    """What each page showed; None where that is not known."""
    from sb_sed.formats import read_events
    from sb_sed.report.review import DETECTIONS

    given = arguments.detections
    if given is None:
        beside = [path.with_name(DETECTIONS) for path in arguments.reviews]
        return [read_events(x) if x.is_file() else None for x in beside]
    if len(given) != len(arguments.reviews):
        raise InputError(
            f"There are {len(given)} --detections for {len(arguments.reviews)} "
            "tables of reviews: give one for each, or none."
        )
    return [read_events(path) for path in given]


def tune_reviews(arguments: argparse.Namespace) -> None:
    """Run ``sb-sed tune SCORES --reviews``."""
    import json

    from sb_sed.cli.outputs import write_text
    from sb_sed.formats import read_scores
    from sb_sed.formats.reviews import read_reviews
    from sb_sed.reviewing.report import format_review, tune_by_reviews
    from sb_sed.smoothing.saved import load_smoother, save_smoother

    given = arguments.smoother
    if given is None:
        given = arguments.scores.parent / "smoother.json"
        if not given.is_file():
            raise InputError(
                f"There is no {given}, which sb-sed review writes: give the "
                "smoother whose events were reviewed as --smoother FILE."
            )
    check_writable(
        [("--json", arguments.json), ("--save", arguments.save)],
        inputs=[arguments.reviews],
    )
    tuned, report = tune_by_reviews(
        load_smoother(given),
        read_scores(arguments.scores),
        read_reviews(arguments.reviews),
        by_class=arguments.right == "class",
        isotonic=arguments.calibration == "isotonic",
        seed=arguments.seed,
    )
    if arguments.json:
        text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False)
        write_text(text + "\n", arguments.json)
    if arguments.save:
        save_smoother(tuned, arguments.save)
    print(format_review(report), flush=True)
