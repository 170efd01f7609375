#!/usr/bin/env python3
"""Prepares DESED: 16 kHz mono audio, JSON manifests, references.

To run it on its own, before a training:
> python desed_prepare.py --data_folder /path/to/DESED --prepared_folder prepared

It may be stopped and started again at any time. ``train.py`` calls the same
function, which takes seconds when all is done.

Authors
 * sb_sed contributors 2026
"""

import argparse
import logging
import sys

from sb_sed.data import desed
from sb_sed.errors import InputError

logger = logging.getLogger(__name__)


def prepare_desed(data_folder, prepared_folder, **options):
    """Prepares DESED and logs what it found; to be called by run_on_main.

    Arguments
    ---------
    data_folder : str
        The folder of the DESED copy.
    prepared_folder : str
        Where to write.
    **options : dict
        See :func:`sb_sed.data.desed.prepare_desed`.

    Returns
    -------
    dict
        The summary.
    """
    summary = desed.prepare_desed(data_folder, prepared_folder, **options)
    logger.info("DESED\n%s", desed.describe_summary(summary))
    return summary


def main(arguments=None):
    """The command line.

    Arguments
    ---------
    arguments : list of str, optional
        Default: those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 for input that has to be mended.
    """
    parser = argparse.ArgumentParser(
        description="Prepares DESED: 16 kHz mono audio, manifests, references."
    )
    parser.add_argument(
        "--data_folder",
        required=True,
        help="DESED copy: the folder that contains dataset/",
    )
    parser.add_argument(
        "--prepared_folder", required=True, help="where to write"
    )
    parser.add_argument("--sample_rate", type=int, default=16000)
    parser.add_argument(
        "--valid_fraction",
        type=float,
        default=0.2,
        help="share of the synthetic soundscapes held out for validation",
    )
    parser.add_argument(
        "--seed", type=int, default=26, help="which soundscapes are held out"
    )
    parser.add_argument(
        "--n_jobs", type=int, help="processes (default: one a processor)"
    )
    options = parser.parse_args(arguments)
    try:
        summary = desed.prepare_desed(**vars(options))
    except InputError as error:
        print(f"desed_prepare.py: {error}", file=sys.stderr)
        return 2
    print(desed.describe_summary(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
