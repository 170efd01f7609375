#!/usr/bin/env python3
"""Prepares DESED: 16 kHz mono audio, JSON manifests, references.

To run it on its own, before a training, as ``sb-sed prepare``:
> python desed_prepare.py /path/to/DESED prepared

It may be stopped and started again at any time. ``train.py`` calls the same
function, which takes seconds when all is done.

Authors
 * sb_sed contributors 2026
"""

import logging
import sys

from sb_sed.cli.main import main
from sb_sed.data import desed

logger = logging.getLogger(__name__)


def prepare_desed(
    data_folder: str, prepared_folder: str, **options: object
) -> dict:
    """Prepare DESED and log what was found; called by run_on_main.

    Arguments and the summary are those of
    :func:`sb_sed.data.desed.prepare_desed`.
    """
    summary = desed.prepare_desed(data_folder, prepared_folder, **options)
    logger.info("DESED\n%s", desed.describe_summary(summary))
    return summary


if __name__ == "__main__":
    sys.exit(main(["prepare", *sys.argv[1:]]))
