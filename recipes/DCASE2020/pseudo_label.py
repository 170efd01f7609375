#!/usr/bin/env python3
"""Labels clips with trained systems, and trains on these labels too.

From a system to one that has learned from its labels:
> python pseudo_label.py hparams/strong_crnn.yaml \\
>     --systems results/strong_crnn/2020 --data_folder=/path/to/DESED

Several systems label as an ensemble, with the smoother of the first, or with
that of an ensemble.py:
> python pseudo_label.py hparams/strong_crnn.yaml \\
>     --systems results/ppcen/2020 results/dat/2020 --floor 0.4 Dog=0.6 \\
>     --smoother results/ensemble_1/2020/save/student_smoother.json

The same command resumes what was interrupted. All other options go to train.py.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import os
import sys
from pathlib import Path

import speechbrain as sb
import train

from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError
from sb_sed.pseudo_labels import (
    MANIFEST,
    PseudoLabeller,
    TrainedSystems,
    label_clips,
)
from sb_sed.runs.run import Run
from sb_sed.smoothing.saved import load_smoother
from sb_sed.training.recipe import Recipe
from sb_sed.training.run_options import device_of


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; return also what is for train.py."""
    parser = argparse.ArgumentParser(
        description="Label training clips with systems, and train on them.",
        epilog="All other options go to train.py.",
        allow_abbrev=False,
    )
    parser.add_argument("hparams", help="the recipe of the second training")
    parser.add_argument(
        "--systems",
        nargs="+",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="runs of train.py whose students label",
    )
    parser.add_argument(
        "--smoother",
        type=Path,
        metavar="JSON",
        help="tuned (default: that of the first system)",
    )
    parser.add_argument(
        "--floor",
        nargs="+",
        default=["0"],
        metavar="CONFIDENCE",
        help="the least confidence of an event in an unlabelled clip: of all "
        "classes, and of some as CLASS=CONFIDENCE (default: 0)",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FOLDER",
        help="of the labels (default: pseudo in that of the first system)",
    )
    parser.add_argument(
        "--labels-only", action="store_true", help="do not train"
    )
    return parser.parse_known_args(arguments)


def read_floor(values: list[str], classes: list[str]) -> dict[str, float]:
    """Return the floor of each class."""
    floor = dict.fromkeys(classes, 0.0)
    for value in values:
        label, _, number = value.rpartition("=")
        if label and label not in classes:
            raise InputError(
                f"--floor names {label!r}, which is none of the classes "
                f"{', '.join(classes)}: correct it."
            )
        try:
            least = float(number)
        except ValueError:
            least = -1.0
        if not 0 <= least <= 1:
            raise InputError(
                f"--floor has {value!r}: give confidences from 0 to 1, such "
                "as 0.5 or Dog=0.6."
            )
        floor |= dict.fromkeys([label] if label else classes, least)
    return floor


def label(options: argparse.Namespace, folder: Path, device: str) -> None:
    """Label the training clips of the first system."""
    runs = [Run(system) for system in options.systems]
    prepared = runs[0].prepared_folder
    if prepared is None:
        raise InputError(
            f"{runs[0].folder} names no prepared folder: give the output "
            "folder of train.py."
        )
    systems = TrainedSystems(runs, device)
    classes = systems.constants["classes"]
    if options.smoother:
        smoother = load_smoother(options.smoother, classes)
    else:
        smoother = runs[0].build_smoother()
    floor = read_floor(options.floor, classes)
    check_writable(folders=[("--labels", folder)])
    label_clips(systems, PseudoLabeller(smoother, floor), prepared, folder)


def main(arguments: list[str]) -> None:
    """Label, train."""
    options, others = parse(arguments)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise InputError(
            "Several processes would label the same clips: label with one "
            "(--labels-only), then let torchrun start train.py with "
            "--streams='!include:data/pseudo.yaml {pseudo_labels: MANIFEST}'."
        )
    _, run_opts, _ = sb.parse_arguments([options.hparams, *others])
    folder = options.labels or options.systems[0] / "pseudo"
    label(options, folder, device_of(run_opts))
    manifest = folder / MANIFEST
    print(f"Labels: {manifest}")
    if options.labels_only:
        return
    # The name is for the output folder alone.
    if not any(x.startswith(("--name", "--output_folder")) for x in others):
        name = Recipe(options.hparams).tree["name"]
        others.append(f"--name={name}_pseudo")
    path = json.dumps(str(manifest.absolute()))
    streams = f"!include:data/pseudo.yaml {{pseudo_labels: {path}}}"
    train.main([options.hparams, f"--streams={streams}", *others])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        print(f"pseudo_label.py: {error}", file=sys.stderr)
        sys.exit(2)
