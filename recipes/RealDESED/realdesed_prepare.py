#!/usr/bin/env python3
"""Prepares RealDESED: 16 kHz mono audio, manifests, annotations, references.

To run it on its own, before a training, as ``sb-sed prepare``:
> python realdesed_prepare.py /path/to/RealDESED prepared

It may be stopped and started again at any time. ``train.py`` calls the same
function, which takes seconds when all is done.

Authors
 * sb_sed contributors 2026
"""

import logging
import sys

from sb_sed.cli.main import main
from sb_sed.data import realdesed

logger = logging.getLogger(__name__)


def prepare_realdesed(
    data_folder: str, prepared_folder: str, **options: object
) -> dict:
    """Prepare RealDESED and log what was found; called by run_on_main.

    Arguments and the summary are those of
    :func:`sb_sed.data.realdesed.prepare_realdesed`.
    """
    summary = realdesed.prepare_realdesed(
        data_folder, prepared_folder, **options
    )
    logger.info("RealDESED\n%s", realdesed.describe_realdesed(summary))
    return summary


if __name__ == "__main__":
    sys.exit(main(["prepare", "--layout", "realdesed", *sys.argv[1:]]))
