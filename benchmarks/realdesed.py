#!/usr/bin/env python3
"""Preparation of, training on and scoring of a tree of RealDESED's size.

The tree is generated: as many recordings, hours, annotators and events as the
data set has (arXiv 2607.16736), 5 to 60 s long, at 44.1 and 48 kHz, a fifth in
stereo. The audio is one of 200 quiet noises of other lengths, with a tone for
each event, linked where it is needed, so that it is made in seconds; the 16 kHz
copies are all there. Annotators err by 0.1 s.

> python benchmarks/realdesed.py --folder /tmp/full

Prints the seconds (wall and processor) and the peak of memory of each stage:
the preparation and a second call of it, the agreement of the annotators, two
epochs with a small network and the scores of validation and test, the scores
alone, a tuning of the thresholds, and the page of the report.

Authors
 * sb_sed contributors 2026
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from sb_sed.data.realdesed_layout import RAW_COLUMNS, REALDESED_CLASSES
from sb_sed.formats import Event

ROOT = Path(__file__).resolve().parents[1]
SPLITS = {"train": 4000, "validation": 570, "test": 1140}  # of 5 710
HOURS, ANNOTATORS, EVENTS = 37.85, 645, 64430
PER_RECORDING = 3  # annotators of a training recording
NOISES = 200
DEVICES = ["iPhone 12", "Google Pixel 6", "Samsung Galaxy S21", "Zoom H1n"]
ROOMS = ["kitchen", "office", "hallway", "bathroom;hallway", "living room"]
SMALL = ["--number_of_epochs=2", "--ramp_up_epochs=1", "--n_mels=40"]
SMALL += ["--filters=[8, 16, 32]", "--pooling=[[2, 4], [1, 5], [1, 2]]"]
SMALL += ["--rnn_hidden=32", "--hop_length=800", "--batch_annotated=48"]


def noise_lengths(rng: np.random.Generator) -> np.ndarray:
    """Draw lengths in seconds, 5 to 60, of the mean of the data set."""
    lengths = rng.lognormal(0.0, 0.6, NOISES)
    mean = 3600 * HOURS / sum(SPLITS.values())
    for _ in range(20):
        lengths = np.clip(lengths * mean / lengths.mean(), 5.0, 60.0)
    return lengths


def draw_events(
    lengths: Sequence[float], rng: np.random.Generator
) -> list[list[Event]]:
    """Draw the events of each length, as many as make the rows of all."""
    mean = EVENTS / (SPLITS["train"] * PER_RECORDING + 1710)
    found = []
    for seconds in lengths:
        events = []
        for onset in rng.uniform(0, seconds - 1, 1 + rng.poisson(mean - 1)):
            offset = min(seconds, onset + 0.3 + rng.exponential(2))
            label = REALDESED_CLASSES[rng.integers(len(REALDESED_CLASSES))]
            events.append(Event(onset, offset, label))
        found.append(events)
    return found


def make_noises(
    folder: Path,
    lengths: Sequence[float],
    events: Sequence[Sequence[Event]],
    rng: np.random.Generator,
) -> list[Path]:
    """Write a noise of each length, a tone in it for each event."""
    folder.mkdir(parents=True)
    paths = []
    for number, (seconds, found) in enumerate(
        zip(lengths, events, strict=True)
    ):
        rate = (44100, 48000)[number % 2]
        noise = rng.normal(0, 8, round(seconds * rate))
        for onset, offset, label in found:
            frames = slice(round(onset * rate), round(offset * rate))
            pitch = 200 * 1.25 ** REALDESED_CLASSES.index(label)
            times = np.arange(len(noise))[frames] / rate
            noise[frames] += 20 * np.sin(2 * np.pi * pitch * times)
        channels = 2 if number % 5 == 0 else 1
        audio = np.tile(noise[:, None], channels).round().astype(np.int16)
        paths.append(folder / f"{number}.flac")
        sf.write(paths[-1], audio, rate)
    return paths


def marks(
    filename: str, events: Sequence[Event], raw: bool, rng: np.random.Generator
) -> Iterator[list]:
    """Draw the rows of a recording: of its annotators, or of its reference."""
    columns = RAW_COLUMNS if raw else RAW_COLUMNS[:4]
    for who in rng.choice(ANNOTATORS, PER_RECORDING if raw else 1, False):
        for onset, offset, label in events:
            error = rng.normal(0, 0.1 if raw else 0.0)
            row = [filename, f"{max(0, onset + error):.3f}"]
            row += [f"{offset + error:.3f}", label]
            row += [f"annotator{who}", "False", "unreviewed"]
            yield row[: len(columns)]


def make_tree(folder: Path) -> None:
    """Write the tables and the audio."""
    rng = np.random.default_rng(0)
    lengths = noise_lengths(rng)
    events = draw_events(lengths, rng)
    noises = make_noises(folder / "noises", lengths, events, rng)
    for name, count in SPLITS.items():
        raw = name == "train"
        rows = [RAW_COLUMNS if raw else RAW_COLUMNS[:4]]
        known = [("filename", "recording_device", "device_placement")]
        known[0] += ("recording_environment",)
        (folder / name / "audio").mkdir(parents=True)
        for number in range(count):
            filename = f"{name}{number:05d}.flac"
            which = rng.integers(NOISES)
            audio = folder / name / "audio" / filename
            audio.hardlink_to(noises[which])
            rows += marks(filename, events[which], raw, rng)
            about = [DEVICES, ["static", "mobile"], ROOMS]
            known.append((filename, *(str(rng.choice(x)) for x in about)))
        table = f"annotations{'_raw' if raw else ''}.csv"
        for file, content in ((table, rows), ("metadata.csv", known)):
            with open(folder / name / file, "w", newline="") as opened:
                csv.writer(opened).writerows(content)


def measure(title: str, command: list[str]) -> None:
    """Run a command; print its times and the peak of its largest process."""
    begin = time.perf_counter()
    folder = ROOT / "recipes" / "RealDESED"
    process = subprocess.Popen(command, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    print(
        f"{title}: {time.perf_counter() - begin:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} s of a processor, "
        f"{used.ru_maxrss / 1e6:.2f} GB",
        flush=True,
    )


def main() -> None:
    """Make the tree, go through all stages, remove it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    options, more = parser.parse_known_args()
    folder = options.folder.absolute()
    tree, run = folder / "RealDESED", folder / "run"
    begin = time.perf_counter()
    make_tree(tree)
    print(f"made in {time.perf_counter() - begin:.0f} s", flush=True)
    tool = [sys.executable, "-m", "sb_sed.cli.main"]
    prepare = [*tool, "prepare", "--layout", "realdesed", str(tree)]
    prepare += [f"{tree}_16k", "--jobs", str(options.jobs)]
    train = [sys.executable, "train.py", "hparams/weighted_soft.yaml"]
    train += [f"--data_folder={tree}", "--skip_prep=True", *SMALL]
    train += [f"--output_folder={run}", "--num_workers=0", "--noprogressbar"]
    train += ["--device=cpu", *more]
    raw = tree / "train" / "annotations_raw.csv"
    try:
        measure("preparation", prepare)
        measure("again", prepare)
        measure("agreement", [*tool, "agreement", str(raw)])
        measure("two epochs and the scores", train)
        measure("the scores alone", train)
        tune = [*tool, "tune", str(run / "validation/student/scores")]
        tune += [f"{tree}_16k/references/validation.tsv"]
        measure("tuning", [*tune, "--smoother", "median"])
        measure("report", [*tool, "report", str(run), "--set", "test"])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
