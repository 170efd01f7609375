"""The command ``sb-sed agreement``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys

from sb_sed.cli.arguments import add_command, add_path, number
from sb_sed.cli.outputs import check_writable

_EXAMPLES = """\
examples:
  sb-sed agreement RealDESED/train/annotations_raw.csv
  sb-sed agreement annotations_raw.csv --figure agreement.png --table all.tsv

ANNOTATIONS.csv has the columns of RealDESED: filename, onset, offset, class,
annotator_id, annotator_is_creator, review_status. Rejected rows, duplicates and
rows that cannot be used are left out; of a recording with rows that are not
reviewed, these are taken.

Each annotator is scored against each other one of the same recording, as a
detector is scored. best_segment_f1 is the most that any detector can expect
against one of the annotators at random.
"""


def add_agreement(commands) -> None:
    """Add the command that compares annotators with each other."""
    parser = add_command(
        commands,
        "agreement",
        _agreement,
        "how well annotators agree, class by class",
        "Score annotators against each other: how good can a detector be?",
        _EXAMPLES,
    )
    add_path(
        parser, "annotations", "ANNOTATIONS.csv", "who marked what, and when"
    )
    parser.add_argument(
        "--segment",
        type=number(0.01, 60),
        default=1.0,
        metavar="SECONDS",
        help="length of the segments of the segment-based F1 (default: 1)",
    )
    add_path(parser, "--table", "TSV", "write the table here, too")
    add_path(parser, "--figure", "FILE", "draw it here (.png, .svg or .pdf)")


def _agreement(arguments: argparse.Namespace) -> None:
    from sb_sed.agreement import agreement
    from sb_sed.data.annotations import by_annotator, reviewed
    from sb_sed.data.realdesed_layout import read_realdesed_events
    from sb_sed.formats import atomic_path
    from sb_sed.plots.agreement import plot_agreement
    from sb_sed.plots.canvas import figure_kind

    if arguments.figure:
        figure_kind(arguments.figure)
    check_writable(
        [("--table", arguments.table), ("--figure", arguments.figure)],
        inputs=[arguments.annotations],
    )
    found = read_realdesed_events(arguments.annotations, classes=None, raw=True)
    annotations = {
        name: by_annotator(reviewed(events, ["unreviewed", "accepted"]))
        for name, events in found.events.items()
    }
    table = agreement(annotations, resolution=arguments.segment)
    text = table.to_csv(sep="\t", index=False, float_format="%.4f")
    if arguments.table:
        with atomic_path(arguments.table) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if arguments.figure:
        plot_agreement(table, arguments.figure)
    print(text, end="", flush=True)
    if found.faults:
        _, line, fault = found.faults[0]
        print(
            f"sb-sed: {len(found.faults)} rows of {arguments.annotations} cannot be "
            f"used and were left out (line {line} {fault}).",
            file=sys.stderr,
        )
