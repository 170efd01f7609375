#!/usr/bin/env python3
"""Finds the events in recordings with a detector that train.py has trained.

> python detect_file.py results/my_detector/1986 one.wav two.mp3

It prints one table. Recordings of any format, rate and length will do.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from sb_sed.cli.arguments import check_dashes
from sb_sed.errors import InputError
from sb_sed.inference.detector import SoundEventDetector


def main() -> int:
    """Load the detector, process the recordings, print the events.

    Returns
    -------
    int
        Exit status: 1 if a recording could not be used.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="the output folder of train.py")
    parser.add_argument("audio", nargs="+", help="recordings")
    check_dashes(sys.argv[1:], {"detect_file.py": parser})
    arguments = parser.parse_args()
    if not Path(arguments.run).is_dir():
        raise InputError(f"{arguments.run} is no folder: check the path.")
    # The run's hyperparams.yaml is code: it may name classes of yours, such as
    # those of custom_model.py. Load no run of somebody whom you do not trust;
    # SoundEventDetector.from_folder executes nothing, and reads all detectors
    # that are made of classes of sb_sed.
    detector = SoundEventDetector.from_hparams(
        arguments.run, hparams_file="hyperparams.yaml"
    )
    tables, status = [], 0
    for path in arguments.audio:
        try:
            # filename, onset, offset, event_label, confidence
            tables.append(detector.detect_file(path).assign(filename=path))
        except InputError as error:
            print(f"detect_file.py: {error}", file=sys.stderr)
            status = 1
    if tables:
        pd.concat(tables).to_csv(
            sys.stdout, sep="\t", index=False, float_format="%.3f"
        )
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        print(f"detect_file.py: {error}", file=sys.stderr)
        sys.exit(2)
