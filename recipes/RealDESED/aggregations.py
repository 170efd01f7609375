#!/usr/bin/env python3
"""Compares the label aggregations: trains each, prints one table.

On the miniature, with the seeds 1 and 2:
> python aggregations.py --seeds 1 2

On RealDESED; options that are not listed by --help go to train.py:
> python aggregations.py --seeds 1 2 --data_folder=/path/to/RealDESED

On the labels of a prepared miniature alone, without a training:
> python aggregations.py --labels data/minirealdesed_16k

What is finished is kept. A second table has the differences to majority, seed
by seed, with their standard errors. On the miniature, whose truth is known, the
table also has how close the labels themselves are to it, and the rank
correlation of the estimated with the true quality of the annotators.

Authors
 * sb_sed contributors 2026
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from sb_sed.data.aggregation import Marked, WeightedSoft
from sb_sed.data.annotated_clips import encode_marks
from sb_sed.data.annotations import read_annotations
from sb_sed.data.labels import EventEncoder
from sb_sed.data.manifests import read_manifest
from sb_sed.data.realdesed import ANNOTATIONS
from sb_sed.data.realdesed_layout import REALDESED_CLASSES
from sb_sed.formats import read_events, scores_table, stem
from sb_sed.runs.results import Results
from sb_sed.scoring.collar import event_counts
from sb_sed.scoring.psds import psds
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.training.recipe import Recipe
from sb_sed.training.start import exit_cleanly

HERE = Path(__file__).resolve().parent
NAMES = sorted(x.stem for x in (HERE / "hparams/aggregation").glob("*.yaml"))
_FRAME = 0.04  # seconds, of the labels that are compared with the truth
_BASE = "majority"  # what the others are compared with


def train(name: str, seed: int, options: argparse.Namespace, more) -> Results:
    """Train with an aggregation, unless it is done; return the test results."""
    folder = Path(options.output_folder) / name / str(seed)
    results = Results(folder / "test" / "student")
    if results.read_report() is None:
        command = [sys.executable, str(HERE / "train.py")]
        command += [str(HERE / options.recipe), f"--aggregation={name}"]
        command += [f"--seed={seed}", f"--output_folder={folder}", *more]
        print("$", subprocess.list2cmdline(command), flush=True)
        subprocess.run(command, check=True)
    return results


def prepared_folder(results: Results) -> Path:
    """Return the prepared data of a run."""
    run = results.folder.parents[1]
    tree = Recipe(run / "hyperparams.yaml").tree
    return Path(tree["prepared_folder"])


def marked_recordings(prepared: Path) -> list[Marked]:
    """Return what the annotators marked in each training recording."""
    manifest = read_manifest(prepared / "train_annotated.json")
    encoder = EventEncoder(REALDESED_CLASSES, _FRAME)
    found = []
    for name, marked in read_annotations(
        prepared / ANNOTATIONS, ["unreviewed", "accepted"]
    ).items():
        frames = round(manifest[stem(name)]["duration"] / _FRAME)
        marks = encode_marks(encoder, marked, frames)
        found.append(Marked(stem(name), marked, marks))
    return found


def score_labels(name: str, recordings: list[Marked], truth: Path) -> dict:
    """Score aggregated labels against the truth, as if a detector's."""
    file = HERE / "hparams" / "aggregation" / f"{name}.yaml"
    text = Recipe(HERE / "hparams" / "crnn.yaml", f"aggregation: {file.stem}")
    aggregation = text.build(["aggregation"])["aggregation"]["targets"]
    aggregation.fit(recordings)
    scores = {
        clip.name: scores_table(aggregation(clip), _FRAME, REALDESED_CLASSES)
        for clip in recordings
    }
    reference = read_events(truth)
    reference = reference[reference["filename"].map(stem).isin(scores)]
    events = ThresholdSmoother(0.5)(scores)
    found = psds(reference, scores)
    counts = event_counts(reference, events, REALDESED_CLASSES)
    return {
        "event_f1": 100 * counts.f1()["macro"],
        "psds1": found["1"],
        "psds2": found["2"],
    }


def figures(results: list[Results]) -> np.ndarray:
    """Return event F1 in percent, PSDS 1 and PSDS 2 of S seeds, [S, 3]."""
    reports = [x.read_report() for x in results]
    return np.array(
        [
            [100 * x["event_f1"]["macro"], x["psds"]["1"], x["psds"]["2"]]
            for x in reports
        ]
    )


def compare(results: dict[str, list[Results]], base: str) -> list[str]:
    """Return the lines of a table: seed by seed, less what another one has.

    The mean of the differences and its standard error.
    """
    lines = [f"| less {base} | event F1 | PSDS 1 | PSDS 2 |", "|---" * 4 + "|"]
    for name in results:
        if name == base:
            continue
        apart = figures(results[name]) - figures(results[base])
        error = apart.std(axis=0, ddof=1) / len(apart) ** 0.5
        cells = [
            f"{mean:+.{digits}f} ± {one:.{digits}f}"
            for mean, one, digits in zip(
                apart.mean(axis=0), error, (1, 3, 3), strict=True
            )
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def rank_correlation(recordings: list[Marked], truth: Path) -> float:
    """Compare the estimated with the true quality of the annotators."""
    soft = WeightedSoft()
    soft.fit(recordings)
    with open(truth, newline="", encoding="utf-8") as file:
        true = {x["annotator_id"]: x["quality"] for x in csv.DictReader(file)}
    both = [(float(true[name]), soft.quality[name]) for name in true]
    return float(spearmanr(both).statistic)


def main(arguments: list[str]) -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--names", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--recipe", default="hparams/crnn.yaml")
    parser.add_argument("--output_folder", default="results/aggregations")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="PREPARED",
        help="train nothing: only the labels of a prepared miniature",
    )
    options, more = parser.parse_known_args(arguments)
    results = {}
    if options.labels is None:
        for name in options.names:
            results[name] = [
                train(name, seed, options, more) for seed in options.seeds
            ]
    prepared = options.labels or prepared_folder(results[options.names[0]][0])
    truth = Path(str(prepared).rstrip("/").removesuffix("_16k")) / "truth"
    header = "| aggregation |"
    if results:
        header += " event F1 (seeds) | PSDS 1 | PSDS 2 |"
    if truth.is_dir():
        recordings = marked_recordings(prepared)
        header += " labels: event F1 | PSDS 1 | PSDS 2 |"
    print(header, "|---" * (header.count("|") - 1) + "|", sep="\n")
    for name in options.names:
        line = f"| {name} |"
        if results:
            found = figures(results[name])
            f1, psds1, psds2 = found.mean(axis=0)
            line += f" {f1:.1f} ({min(found[:, 0]):.1f}-{max(found[:, 0]):.1f})"
            line += f" | {psds1:.3f} | {psds2:.3f} |"
        if truth.is_dir():
            row = " {event_f1:.1f} | {psds1:.3f} | {psds2:.3f} |"
            labels = score_labels(name, recordings, truth / "train.tsv")
            line += row.format(**labels)
        print(line, flush=True)
    if _BASE in results and len(options.seeds) > 1:
        print("", *compare(results, _BASE), sep="\n")
    if truth.is_dir():
        ranks = rank_correlation(recordings, truth / "annotators.csv")
        print(f"\nQuality of the annotators, rank correlation: {ranks:.3f}")


if __name__ == "__main__":
    exit_cleanly(main, sys.argv)
