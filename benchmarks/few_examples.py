"""Trains the template on few examples a class, with an encoder and without.

    python benchmarks/few_examples.py [--examples 5 10] [--draws 1]
    python benchmarks/few_examples.py --audio FOLDER --events TSV \
        --test-audio FOLDER --test-events TSV --examples 5 10 20 50 --draws 2

Clips are drawn at random until each class has so many events. A sixth of them
chooses the best epoch and tunes the smoother, the rest is trained on; scored
are all test clips, which nothing is chosen by. Without a data set of yours it
is a small MiniDESED: its synthetic clips, and its validation set.

Per draw, the scores of the student: event and segment F1 in percent, the mean
average precision of clips, and the seconds (and those of the processors) of the
whole command: preparation, embeddings of the training clips (those of the test
clips are there already), training, tuning and scoring. Options that are not
listed here are the template's, such as --number_of_epochs=20.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from _template import (
    add_data,
    copy_template,
    find_data,
    link,
    scores,
    train,
    write_tables,
)

from sb_sed.formats import read_events

COLUMNS = ["examples", "encoder", "draw", "clips", "event F1", "segment F1"]
COLUMNS += ["mAP", "seconds", "CPU seconds"]


def draw(events: pd.DataFrame, n_examples: int, seed: int) -> list[str]:
    """Names of clips in which each class has so many events, or all it has."""
    missing = dict.fromkeys(events["event_label"].dropna(), n_examples)
    names = np.array(sorted(events["filename"].unique()))
    chosen = []
    labels = events.groupby("filename")["event_label"].agg(list)
    for name in np.random.default_rng(seed).permutation(names):
        own = [label for label in labels[name] if label in missing]
        if any(missing[label] > 0 for label in own):
            chosen.append(str(name))
            for label in own:
                missing[label] -= 1
    return chosen


def main() -> None:
    """Print a line a draw, then the means."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_data(parser)
    parser.add_argument("--examples", type=int, nargs="+", default=[5])
    parser.add_argument("--encoders", nargs="+", default=["yamnet", "none"])
    parser.add_argument("--draws", type=int, default=1)
    given, options = parser.parse_known_args()
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        find_data(given, folder)
        rows = measure(folder / "template", given, options)
    table = pd.DataFrame(rows, columns=COLUMNS)
    means = table.drop(columns="draw").groupby(["examples", "encoder"])
    print(means.agg(["mean", "sem"]).round(3).to_string())


def measure(
    folder: Path, given: argparse.Namespace, options: list[str]
) -> list:
    """Train on every draw, with every encoder."""
    copy_template(folder)
    events, test = read_events(given.events), read_events(given.test_events)
    tested = sorted(test["filename"].unique())
    labels = test.groupby("filename")["event_label"].agg(set)
    tags = {Path(name).stem: labels[name] - {np.nan} for name in tested}

    def set_up(names: list[str]) -> None:
        """Write the tables of a draw."""
        own = link(folder, given.audio, events, names, "own")
        rest = link(folder, given.test_audio, test, tested, "test")
        n_chosen = max(2, len(names) // 6)
        sets = ["validation"] * n_chosen + ["train"] * (len(names) - n_chosen)
        of_own = {f"own/{x}": y for x, y in zip(names, sets, strict=True)}
        of_rest = {f"test/{x}": "test" for x in tested}
        write_tables(folder, [own, rest], of_own | of_rest)

    def run(name: str, encoder: str, options: list[str]) -> tuple[float, float]:
        """Train; return the seconds."""
        encoders = [f"--encoder={encoder}"] * (encoder != "yamnet")
        return train(folder, name, [*encoders, *options])

    set_up(draw(events, 2, given.draws))
    for encoder in given.encoders:
        run("first", encoder, ["--number_of_epochs=1", "--steps_per_epoch=1"])
        shutil.rmtree(folder / "results")
    rows = []
    for seed in range(given.draws):
        for n_examples in given.examples:
            names = draw(events, n_examples, seed)
            set_up(names)
            for encoder in given.encoders:
                name = f"{encoder}_{n_examples}"
                seconds = run(name, encoder, [f"--seed={seed}", *options])
                found = scores(folder, name, seed, tags)
                rows.append(
                    [n_examples, encoder, seed, len(names), *found, *seconds]
                )
                print(*rows[-1], sep="\t", flush=True)
    return rows


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
