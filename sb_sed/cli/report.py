"""The command ``sb-sed report``.

Authors
 * sb_sed contributors 2026
"""

import argparse
from pathlib import Path

from sb_sed.cli.arguments import whole

_EXAMPLES = """\
examples:
  sb-sed report results/augm/2020
  sb-sed report results/augm/2020 --network teacher --output teacher.html
  sb-sed report SCORES_DIR validation.tsv --audio audio/validation
  sb-sed report SCORES_DIR validation.tsv --smoother smoother.json --png figures

The page is one file that needs no network and opens from disk.
"""


def add_report(commands) -> None:
    """Adds the command that writes a page to look at and to listen to.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "report",
        help="show what a detector found and missed, as a page",
        description="Write one HTML page: scores of each class, confusions, "
        "distributions of the scores, operating curves, and the files with "
        "their sound, spectrogram, scores and events on a time line.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="RUN|SCORES_DIR",
        help="the output folder of train.py, the results of a network in it "
        "(RUN/validation/student), or a folder of scores",
    )
    parser.add_argument(
        "reference",
        type=Path,
        nargs="?",
        metavar="REFERENCE.tsv",
        help="the annotated events (DESED TSV; default: those of the run)",
    )
    _add_inputs(parser.add_argument_group("what is shown"))
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the page (default: report.html, here)",
    )
    parser.add_argument(
        "--clips",
        type=whole(0, 10**6),
        default=50,
        metavar="N",
        help="clips that the page holds with their sound, 70 kB for each ten "
        "seconds: the hardest, and some of each kind (default: 50)",
    )
    parser.add_argument(
        "--png",
        type=Path,
        metavar="FOLDER",
        help="draw these clips here, too",
    )
    parser.set_defaults(run=_report)


def _add_inputs(group) -> None:
    for option, metavar, text in (
        ("audio", "FOLDER", "the recordings (default: those of the run)"),
        (
            "events",
            "TSV",
            "the detected events (default: those of the results, or what the "
            "smoother makes of the scores)",
        ),
        (
            "smoother",
            "JSON",
            "a tuned smoother (default: that of the run, or a threshold of "
            "0.5)",
        ),
        (
            "durations",
            "TSV",
            "filename and duration of each file, for PSDS (default: those of "
            "the run, or where the scores of a file end)",
        ),
    ):
        group.add_argument(f"--{option}", type=Path, metavar=metavar, help=text)
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
    from sb_sed.report import gather, write_page

    inputs = gather(
        arguments.source,
        arguments.reference,
        events=arguments.events,
        smoother=arguments.smoother,
        durations=arguments.durations,
        audio=arguments.audio,
        data_set=arguments.data_set,
        network=arguments.network,
    )
    contents = write_page(inputs, arguments.output, arguments.clips)
    if arguments.png:
        from sb_sed.report.figures import write_figures

        write_figures(contents, inputs, arguments.clips, arguments.png)
    print(arguments.output)
