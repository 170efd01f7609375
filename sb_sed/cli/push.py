"""The command ``sb-sed push``: a detector on the Hugging Face hub.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sb_sed.cli.arguments import add_command
from sb_sed.errors import InputError, brief

_EXAMPLES = """\
examples:
  sb-sed push exported/ owner/name
  sb-sed push results/augm/2020 owner/name --license cc-by-4.0 --private

Whoever may read the repository then runs sb-sed detect owner/name clip.wav. Log
in once with the command hf auth login, or set HF_TOKEN.
"""


def add_push(commands) -> None:
    """Add the command that uploads a detector with its card."""
    parser = add_command(
        commands,
        "push",
        _push,
        "upload a detector to the Hugging Face hub",
        "Upload a trained detector with its model card to the Hugging Face hub.",
        _EXAMPLES,
    )
    parser.add_argument(
        "model",
        metavar="RUN|EXPORTED",
        help="the output folder of train.py, or a folder of sb-sed export",
    )
    parser.add_argument(
        "name", metavar="OWNER/NAME", help="the repository, made if need be"
    )
    parser.add_argument(
        "--private",
        action="store_true",
        help="make a repository that only its owners can read",
    )
    parser.add_argument(
        "--license",
        metavar="NAME",
        help="of a run's detector, for its card, such as cc-by-4.0 (default: "
        "none is stated; it is yours to choose)",
    )


def _push(arguments: argparse.Namespace) -> int:
    from sb_sed.inference.exported import export_run
    from sb_sed.inference.upload import upload
    from sb_sed.runs.run import Run

    folder = Path(arguments.model)
    if Run.find(folder) is None:
        if arguments.license is not None:
            raise InputError(
                f"{folder} is exported: its licence was named in its README.md. "
                "Leave out --license."
            )
        print(upload(folder, arguments.name, private=arguments.private))
        return 0
    with TemporaryDirectory() as place:
        exported = Path(place, "exported")
        reason = export_run(folder, exported, licence=arguments.license)
        if reason:
            print(f"sb-sed: {brief(ValueError(reason))}.", file=sys.stderr)
        print(upload(exported, arguments.name, private=arguments.private))
    return 0
