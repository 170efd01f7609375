"""The command ``sb-sed prepare``.

Authors
 * sb_sed contributors 2026
"""

import argparse

from sb_sed.cli.arguments import (
    add_command,
    add_jobs,
    add_path,
    add_rate,
    number,
    whole,
)
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError

_EXAMPLES = """\
examples:
  sb-sed prepare DESED/ DESED_16k/
  sb-sed prepare DESED/ prepared/ --rate 22050 --valid-fraction 0.1 --jobs 4
  sb-sed prepare --layout realdesed RealDESED/ RealDESED_16k/

DATA_FOLDER is a copy of DESED or of RealDESED in its official layout.
PREPARED_FOLDER gets a manifest of each set that it has (train_synthetic.json,
validation.json, ...), references/ for the scoring, audio/ for what is not mono
at the rate already, summary.json, missing.tsv: the files that cannot be used,
and why, and notes.tsv: what there is to know of others, such as that they are
silent. Of RealDESED also annotations.tsv: who marked what, metadata.csv,
malformed.tsv: rows that cannot be used, and unannotated.tsv.

It can be stopped and called again at any time; what is done is kept, and new
files are added. Then:
  python train.py hparams/baseline.yaml --data_folder=DESED \\
      --prepared_folder=DESED_16k
exit status: 0 ready, 2 bad input
"""


def add_prepare(commands) -> None:
    """Add the command that prepares DESED or RealDESED."""
    parser = add_command(
        commands,
        "prepare",
        _prepare,
        "make a copy of DESED or RealDESED ready to train on",
        "Make a copy of DESED or RealDESED ready to train on: mono audio at one "
        "rate, manifests, references.",
        _EXAMPLES,
    )
    add_path(
        parser,
        "data_folder",
        "DATA_FOLDER",
        "the copy: the folder that contains dataset/ (RealDESED: train/)",
    )
    add_path(
        parser, "prepared_folder", "PREPARED_FOLDER", "the folder to write"
    )
    parser.add_argument(
        "--layout",
        choices=_PREPARED,
        default="desed",
        help="which data set it is a copy of (default: desed)",
    )
    add_rate(parser)
    parser.add_argument(
        "--valid-fraction",
        type=number(0, 1),
        metavar="SHARE",
        help="share of DESED's synthetic soundscapes held out for validation, "
        "where the copy has no synthetic validation set (default: 0.2)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        help="which of DESED's soundscapes are held out (default: 26)",
    )
    add_jobs(parser)


def _prepare(arguments: argparse.Namespace) -> None:
    check_writable(folders=[("PREPARED_FOLDER", arguments.prepared_folder)])
    print(_PREPARED[arguments.layout](arguments), flush=True)


def _prepare_desed(arguments: argparse.Namespace) -> str:
    """Prepare DESED; return what there is to say of it."""
    from sb_sed.data.desed import describe_summary, prepare_desed

    fraction, seed = arguments.valid_fraction, arguments.seed
    summary = prepare_desed(
        arguments.data_folder,
        arguments.prepared_folder,
        arguments.rate,
        0.2 if fraction is None else fraction,
        26 if seed is None else seed,
        arguments.jobs,
    )
    return describe_summary(summary)


def _prepare_realdesed(arguments: argparse.Namespace) -> str:
    """Prepare RealDESED, which has a validation set of its own."""
    from sb_sed.data.realdesed import describe_realdesed, prepare_realdesed

    for option in ("valid_fraction", "seed"):
        if getattr(arguments, option) is not None:
            raise InputError(
                f"RealDESED has a validation set: leave --"
                f"{option.replace('_', '-')} out."
            )
    summary = prepare_realdesed(
        arguments.data_folder,
        arguments.prepared_folder,
        arguments.rate,
        arguments.jobs,
    )
    return describe_realdesed(summary)


_PREPARED = {"desed": _prepare_desed, "realdesed": _prepare_realdesed}
