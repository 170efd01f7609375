"""The command ``sb-sed score``.

Authors
 * sb_sed contributors 2026
"""

import argparse
from pathlib import Path

from sb_sed.cli.arguments import (
    add_command,
    add_durations,
    add_path,
    add_reference,
    class_name,
    number,
)
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError

_EXAMPLES = """\
examples:
  sb-sed score results/scores validation.tsv
  sb-sed score results/scores validation.tsv --durations durations.tsv \\
      --threshold 0.4 --json report.json --plot report.png
  sb-sed score events.tsv validation.tsv --markdown report.md

Event-based F1: sed_eval, collar 0.2 s, offset max(0.2 s, 20 %).
Segment-based F1: sed_eval, 1 s. PSDS: as sed_scores_eval's; scores only.
"""


def add_score(commands) -> None:
    """Add the command that scores detections against a reference."""
    parser = add_command(
        commands,
        "score",
        _score,
        "score detections against a reference",
        "Score detections against a reference: event-based and segment-based "
        "F1 with confidence intervals, and PSDS.",
        _EXAMPLES,
    )
    add_path(
        parser,
        "detections",
        "SCORES_DIR|EVENTS.tsv",
        "folder of scores, one table a file (the format of sed_scores_eval), "
        "or detected events (DESED TSV)",
    )
    add_reference(parser)
    add_durations(parser, "for PSDS (default: where the scores of a file end)")
    parser.add_argument(
        "--threshold",
        type=number(-(10**9), 10**9),
        help="a class is active where its score reaches this; for a folder of "
        "scores (default: 0.5)",
    )
    parser.add_argument(
        "--classes",
        type=class_name,
        nargs="+",
        metavar="CLASS",
        help="the labels that may occur (default: all that do)",
    )
    add_path(parser, "--json", "FILE", "write the report here")
    add_path(parser, "--markdown", "FILE", "write the report here as tables")
    parser.add_argument(
        "--plot",
        type=_figure,
        metavar="FILE",
        help="draw the F1 of each class here (.png, .svg or .pdf)",
    )


def _figure(text: str) -> Path:
    from sb_sed.plots.canvas import figure_kind

    try:
        figure_kind(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Path(text)


def _score(arguments: argparse.Namespace) -> None:
    from sb_sed.formats import read_durations, read_events, read_scores
    from sb_sed.scoring.report import make_report, write_json
    from sb_sed.scoring.written import format_report, write_markdown

    check_writable(
        [
            (f"--{x}", getattr(arguments, x))
            for x in ("json", "markdown", "plot")
        ],
        inputs=[arguments.detections, arguments.reference, arguments.durations],
    )
    reference = read_events(arguments.reference, arguments.classes)
    durations = scores = None
    threshold = arguments.threshold
    if arguments.durations:
        durations = read_durations(arguments.durations)
    if arguments.detections.is_dir():
        from sb_sed.smoothing.median import MedianSmoother

        threshold = 0.5 if threshold is None else threshold
        scores = read_scores(arguments.detections)
        events = MedianSmoother(threshold=threshold, window=None)(scores)
    elif threshold is not None:
        raise InputError(
            f"--threshold is for a folder of scores: {arguments.detections} is "
            "not one; leave out the option or give the folder."
        )
    else:
        events = read_events(arguments.detections, arguments.classes)
    report = make_report(
        reference, events, scores, durations, threshold, arguments.classes
    )
    if arguments.json:
        write_json(report, arguments.json)
    if arguments.markdown:
        write_markdown(report, arguments.markdown)
    if arguments.plot:
        from sb_sed.plots import plot_f1

        plot_f1(report, arguments.plot)
    print(format_report(report), flush=True)
