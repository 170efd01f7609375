"""The command ``sb-sed prepare``.

Authors
 * sb_sed contributors 2026
"""

import argparse
from pathlib import Path

from sb_sed.cli.arguments import number, whole

_EXAMPLES = """\
examples:
  sb-sed prepare DESED/ DESED_16k/
  sb-sed prepare DESED/ prepared/ --rate 22050 --valid-fraction 0.1 --jobs 4

DATA_FOLDER is a copy of DESED in its official layout. PREPARED_FOLDER gets a
manifest of each set that it has (train_synthetic.json, validation.json, ...),
references/ for the scoring, audio/ for what is not mono at the rate already,
summary.json, and missing.tsv: the files that cannot be used, and why.

It can be stopped and called again at any time; what is done is kept, and what
has arrived since is taken up. Then:
  python train.py hparams/baseline.yaml --data_folder=DESED \\
      --prepared_folder=DESED_16k
exit status: 0 ready, 2 bad input
"""


def add_prepare(commands) -> None:
    """Adds the command that prepares DESED.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "prepare",
        help="make a copy of DESED ready to train on",
        description="Make a copy of DESED ready to train on: mono audio at one "
        "rate, manifests, references.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "data_folder",
        type=Path,
        metavar="DATA_FOLDER",
        help="the DESED copy: the folder that contains dataset/",
    )
    parser.add_argument(
        "prepared_folder",
        type=Path,
        metavar="PREPARED_FOLDER",
        help="the folder to write",
    )
    parser.add_argument(
        "--rate",
        type=whole(1000, 96000),
        default=16000,
        metavar="HZ",
        help="samples per second (default: 16000)",
    )
    parser.add_argument(
        "--valid-fraction",
        type=number(0, 1),
        default=0.2,
        metavar="SHARE",
        help="share of the synthetic soundscapes held out for validation, "
        "where the copy has no synthetic validation set (default: 0.2)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        default=26,
        help="which soundscapes are held out (default: 26)",
    )
    parser.add_argument(
        "--jobs",
        type=whole(1, 1024),
        metavar="N",
        help="processes that convert (default: one for each processor)",
    )
    parser.set_defaults(run=_prepare)


def _prepare(arguments: argparse.Namespace) -> None:
    from sb_sed.data.desed import describe_summary, prepare_desed

    summary = prepare_desed(
        arguments.data_folder,
        arguments.prepared_folder,
        arguments.rate,
        arguments.valid_fraction,
        arguments.seed,
        arguments.jobs,
    )
    print(describe_summary(summary), flush=True)
