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
    add_seed,
    number,
)
from sb_sed.cli.outputs import check_writable

_EXAMPLES = """\
examples:
  sb-sed prepare DESED/ DESED_16k/
  sb-sed prepare DESED/ prepared/ --rate 22050 --valid-fraction 0.1 --jobs 4

DATA_FOLDER is a copy of DESED in its official layout. PREPARED_FOLDER gets a
manifest of each set that it has (train_synthetic.json, validation.json, ...),
references/ for the scoring, audio/ for what is not mono at the rate already,
summary.json, missing.tsv: the files that cannot be used, and why, and
notes.tsv: what there is to know of others, such as that they are silent.

It can be stopped and called again at any time; what is done is kept, and new
files are added. Then:
  python train.py hparams/baseline.yaml --data_folder=DESED \\
      --prepared_folder=DESED_16k
exit status: 0 ready, 2 bad input
"""


def add_prepare(commands) -> None:
    """Add the command that prepares DESED."""
    parser = add_command(
        commands,
        "prepare",
        _prepare,
        "make a copy of DESED ready to train on",
        "Make a copy of DESED ready to train on: mono audio at one rate, "
        "manifests, references.",
        _EXAMPLES,
    )
    add_path(
        parser,
        "data_folder",
        "DATA_FOLDER",
        "the DESED copy: the folder that contains dataset/",
    )
    add_path(
        parser, "prepared_folder", "PREPARED_FOLDER", "the folder to write"
    )
    add_rate(parser)
    parser.add_argument(
        "--valid-fraction",
        type=number(0, 1),
        default=0.2,
        metavar="SHARE",
        help="share of the synthetic soundscapes held out for validation, "
        "where the copy has no synthetic validation set (default: 0.2)",
    )
    add_seed(parser, "which soundscapes are held out", 26)
    add_jobs(parser)


def _prepare(arguments: argparse.Namespace) -> None:
    from sb_sed.data.desed import describe_summary, prepare_desed

    check_writable(folders=[("PREPARED_FOLDER", arguments.prepared_folder)])
    summary = prepare_desed(
        arguments.data_folder,
        arguments.prepared_folder,
        arguments.rate,
        arguments.valid_fraction,
        arguments.seed,
        arguments.jobs,
    )
    print(describe_summary(summary), flush=True)
