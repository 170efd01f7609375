"""The command ``sb-sed report``.

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
    whole,
)
from sb_sed.cli.outputs import check_writable

_EXAMPLES = """\
examples:
  sb-sed report results/augm/2020
  sb-sed report results/augm/2020 --network teacher --output teacher.html
  sb-sed report SCORES_DIR validation.tsv --audio audio/validation
  sb-sed report SCORES_DIR validation.tsv --smoother smoother.json --png figures

The page is one file that needs no network and opens from disk.
"""


def add_report(commands) -> None:
    """Add the command that writes a page with the results and their sound."""
    parser = add_command(
        commands,
        "report",
        _report,
        "show what a detector found and missed, as a page",
        "Write one HTML page: scores of each class, confusions, distributions "
        "of the scores, operating curves, and the files with their sound, "
        "spectrogram, scores and events on a time line.",
        _EXAMPLES,
    )
    add_path(
        parser,
        "source",
        "RUN|SCORES_DIR",
        "the output folder of train.py, the results of a network in it "
        "(RUN/validation/student), or a folder of scores",
    )
    add_reference(parser, "; default: those of the run", nargs="?")
    _add_inputs(parser.add_argument_group("what is shown"))
    add_path(
        parser,
        "--output",
        "FILE",
        "the page (default: report.html, in the folder of the run or of its "
        "results; of other scores, here)",
    )
    parser.add_argument(
        "--clips",
        type=whole(0, 10**6),
        default=50,
        metavar="N",
        help="clips that the page holds with their sound, 70 kB for each ten "
        "seconds: the hardest, and some of each kind (default: 50)",
    )
    add_path(parser, "--png", "FOLDER", "draw these clips here, too")


def _add_inputs(group) -> None:
    add_path(
        group,
        "--audio",
        "FOLDER",
        "the recordings (default: those of the run)",
    )
    add_path(
        group,
        "--events",
        "TSV",
        "the detected events (default: those of the results, or what the "
        "smoother makes of the scores)",
    )
    add_path(
        group,
        "--smoother",
        "JSON",
        "a tuned smoother (default: that of the run, or a threshold of 0.5)",
    )
    add_durations(
        group,
        "for PSDS (default: those of the run, or where the scores of a file "
        "end)",
    )
    add_path(
        group,
        "--metadata",
        "CSV",
        "filename and columns such as device and room, to break the scores "
        "down by (default: that of the run, if it has some)",
    )
    group.add_argument(
        "--set",
        dest="data_set",
        metavar="NAME",
        help="which results of a run (default: validation)",
    )
    group.add_argument(
        "--network",
        default="student",
        metavar="NAME",
        help="whose results of a run: student (the default) or teacher",
    )


def _report(arguments: argparse.Namespace) -> None:
    from sb_sed.report import gather, write_figures, write_page

    page = arguments.output or _default_page(arguments.source)
    check_writable(
        [("--output", page)],
        [("--png", arguments.png)],
        [arguments.reference, arguments.events]
        + [arguments.smoother, arguments.durations, arguments.metadata],
    )
    inputs = gather(
        arguments.source,
        arguments.reference,
        events=arguments.events,
        smoother=arguments.smoother,
        durations=arguments.durations,
        audio=arguments.audio,
        metadata=arguments.metadata,
        data_set=arguments.data_set,
        network=arguments.network,
    )
    contents = write_page(inputs, page, arguments.clips)
    if arguments.png:
        write_figures(contents, inputs, arguments.clips, arguments.png)
    print(page)


def _default_page(source: Path) -> Path:
    """Where the page goes: beside what a run has left, if it is of a run."""
    from sb_sed.runs.run import Run

    return (source if Run.find(source) else Path()) / "report.html"
