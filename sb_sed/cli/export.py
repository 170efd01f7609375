"""The command ``sb-sed export``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path

_EXAMPLES = """\
examples:
  sb-sed export results/augm/2020 exported/
  sb-sed export results/augm/2020 exported/ --smoother smoother.json

The folder holds the weights of the student of the best checkpoint and all that
it takes to run it: labels, features, smoother, licence and a model card. It
loads without the recipe and without running any code of the folder.
"""


def add_export(commands) -> None:
    """Adds the command.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "export",
        help="make a folder of a trained detector",
        description="Make a folder of a trained detector that works on other "
        "machines and is fit to be published.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run_folder",
        type=Path,
        metavar="RUN",
        help="the output folder of train.py",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the folder to make"
    )
    parser.add_argument(
        "--smoother",
        type=Path,
        metavar="SMOOTHER.json",
        help="a smoother of sb-sed tune, in the place of the run's",
    )
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    from sb_sed.inference.export import export_run
    from sb_sed.smoothing.saved import load_smoother

    smoother = arguments.smoother and load_smoother(arguments.smoother)
    reason = export_run(arguments.run_folder, arguments.folder, smoother)
    if reason:
        print(f"sb-sed: {reason}", file=sys.stderr)
    print(arguments.folder)
    return 0
