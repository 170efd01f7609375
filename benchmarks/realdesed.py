#!/usr/bin/env python3
"""Preparation of, and training on, a tree of RealDESED's size.

The tree is generated: as many recordings, hours, annotators and events as the
data set has (arXiv 2607.16736), the audio one of 48 noises of other lengths,
mono at the given rate.

> python benchmarks/realdesed.py --folder /tmp/full --rate 16000

Prints the seconds (wall and processor) and the memory of the preparation, of
the second call, and of two epochs through it with a small network.

Authors
 * sb_sed contributors 2026
"""

import argparse
import csv
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile as sf

from sb_sed.data.realdesed_layout import RAW_COLUMNS, REALDESED_CLASSES

ROOT = Path(__file__).resolve().parents[1]
SPLITS = {"train": 4000, "validation": 570, "test": 1140}  # of 5 710
HOURS, ANNOTATORS, EVENTS = 37.85, 645, 64430
PER_RECORDING = 3  # annotators of a training recording
SMALL = ["--number_of_epochs=2", "--ramp_up_epochs=1", "--n_mels=40"]
SMALL += ["--filters=[8, 16, 32]", "--pooling=[[2, 4], [1, 5], [1, 2]]"]
SMALL += ["--rnn_hidden=32", "--hop_length=800", "--batch_annotated=48"]


def make_tree(folder: Path, rate: int) -> None:
    """Write the tables and the audio."""
    rng = np.random.default_rng(0)
    total = sum(SPLITS.values())
    lengths = rng.uniform(5, 60, 48)
    lengths *= 3600 * HOURS / total / lengths.mean()
    noises = []
    for number, seconds in enumerate(lengths):
        noise = np.round(rng.normal(0, 300, round(seconds * rate)))
        path = folder / "noises" / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, noise.astype(np.int16), rate)
        noises.append(path)
    marks = 0.9 * EVENTS / (SPLITS["train"] * PER_RECORDING)
    for name, count in SPLITS.items():
        audio = folder / name / "audio"
        audio.mkdir(parents=True)
        rows = []
        for number in range(count):
            filename = f"{name}{number:05d}.flac"
            which = rng.integers(48)
            (audio / filename).hardlink_to(noises[which])
            who = rng.integers(ANNOTATORS, size=PER_RECORDING)
            for annotator in who if name == "train" else who[:1]:
                for onset in rng.uniform(
                    0, lengths[which] - 2, rng.poisson(marks)
                ):
                    label = REALDESED_CLASSES[rng.integers(15)]
                    row = [
                        filename,
                        f"{onset:.3f}",
                        f"{onset + 1.5:.3f}",
                        label,
                    ]
                    row += [f"annotator{annotator}", "False", "unreviewed"]
                    rows.append(row)
        raw = name == "train"
        table = folder / name / f"annotations{'_raw' if raw else ''}.csv"
        with open(table, "w", newline="") as file:
            columns = RAW_COLUMNS if raw else RAW_COLUMNS[:4]
            csv.writer(file).writerows(
                [columns, *(row[: len(columns)] for row in rows)]
            )


def measure(title: str, command: list[str]) -> None:
    """Run a command; print its times and the memory of its largest process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT / "recipes/RealDESED")
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{title}: {wall:.0f} s, {used:.0f} s of a processor, "
        f"{after.ru_maxrss / 1e6:.2f} GB",
        flush=True,
    )


def main() -> None:
    """Make the tree, prepare it twice, train on it, remove it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    tree = options.folder.absolute() / "RealDESED"
    prepared = tree.with_name("RealDESED_16k")
    make_tree(tree, options.rate)
    command = [sys.executable, "-m", "sb_sed.cli.main", "prepare"]
    command += ["--layout", "realdesed", str(tree), str(prepared)]
    command += ["--jobs", str(options.jobs)]
    try:
        measure("preparation", command)
        measure("again", command)
        train = [sys.executable, "train.py", "hparams/weighted_soft.yaml"]
        train += [f"--data_folder={tree}", "--skip_prep=True", *SMALL]
        train += [f"--output_folder={options.folder.absolute() / 'run'}"]
        train += ["--num_workers=0", "--noprogressbar", "--device=cpu"]
        measure("two epochs and the scores", train)
    finally:
        shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
