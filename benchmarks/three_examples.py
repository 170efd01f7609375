"""From three examples of a sound to a detector of it, and how good that is.

    python benchmarks/three_examples.py [--classes Dog] [--draws 1]
    python benchmarks/three_examples.py --audio FOLDER --events TSV \
        --test-audio FOLDER --test-events TSV --classes Dog Speech --answers 60

Examples of a class are drawn from a collection; ``sb-sed search`` finds what is
like them in the rest; a simulated listener, who knows the reference, judges the
most similar moments, corrects their boundaries, and looks for the class in some
windows of ten seconds; ``sb-sed reviews-to-events`` cuts clips of all this; the
template is trained on these and on the examples, and on nothing else (a sixth
of the clips chooses the best epoch and tunes the smoother). Scored are all test
clips, which nothing is chosen by. Beside it (``--ways``): moments that are
drawn at ``random`` instead, and the ``examples`` alone. Without a data set of
yours it is a small MiniDESED: its synthetic clips, and its validation set.

Per class, draw and way: questions, and how many of the moments were right,
corrected or wrong; event and segment F1 in percent and the average precision of
clips; and minutes: of the sound that the listener played once, of the search
(with the index, which is made for the first class and then there), and of the
training with all that belongs to it (but the embeddings of the test clips).
Options that are not listed here are the template's.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import shutil
import sys
import time
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

from sb_sed.cli.main import main as sb_sed
from sb_sed.formats import EVENT_COLUMNS, read_events, write_events
from sb_sed.formats.reviews import REVIEW_COLUMNS, write_reviews
from sb_sed.reviewing.boxes import WINDOW
from sb_sed.reviewing.listener import Listener

COLUMNS = ["class", "draw", "way", "answers", "right", "boundary", "wrong"]
COLUMNS += ["event F1", "segment F1", "AP", "listening", "search", "training"]
WAYS = ["search", "random", "examples"]
PLAYED = 2.0  # seconds before and behind a moment, as on the page
ALL = 10**6  # moments


def main() -> None:
    """Print a line a class, draw and way, then the means of the ways."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_data(parser)
    parser.add_argument("--classes", nargs="+", default=["Dog"])
    parser.add_argument("--examples", type=int, default=3)
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--windows", type=float, default=1 / 3, help="of them")
    parser.add_argument("--errors", type=float, default=0.0)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    given, options = parser.parse_known_args()
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        find_data(given, folder)
        copy_template(folder / "template")
        rows = []
        for label in given.classes:
            for seed in range(given.draws):
                for way in given.ways:
                    row = _measure(folder, label, seed, way, given, options)
                    print(*row, sep="\t", flush=True)
                    rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    means = table.drop(columns=["class", "draw"]).groupby("way")
    print(means.agg(["mean", "sem"]).round(3).T.to_string())


def _measure(folder: Path, label: str, seed: int, way: str, given, options):
    """From examples of a class to the scores of its detector."""
    place = folder / f"{label}_{seed}_{way}"
    place.mkdir(parents=True, exist_ok=True)
    reference = read_events(given.events)
    events = reference[reference["event_label"] == label]
    generator = np.random.default_rng(seed)
    examples = events.iloc[generator.permutation(len(events))[: given.examples]]
    start = time.perf_counter()
    found = _find(place, examples, label, way, given, generator)
    searched = time.perf_counter()
    names = sorted(reference["filename"].unique())
    n_windows = round(given.windows * given.answers) * (way != "examples")
    windows = _windows(names, n_windows, generator)
    items = pd.concat([found, windows]).reindex(columns=REVIEW_COLUMNS[:6])
    reviews = Listener(events, given.errors, seed)(items, found)
    _write_data(place, reviews, found, examples, label, given)
    tags = _tags(given, label)
    seconds, _ = train(
        folder / "template", place.name, [f"--seed={seed}", *options]
    )
    figures = scores(folder / "template", place.name, seed, tags)
    asked = reviews["answer"].value_counts()
    counts = [int(asked.get(x, 0)) for x in ("right", "boundary", "wrong")]
    around = 2 * PLAYED * items["event_label"].notna()
    played = (items["offset"] - items["onset"] + around).sum()
    minutes = [played, searched - start, seconds]
    return [
        *(label, seed, way, len(items), *counts),
        *(round(x, 3) for x in figures),
        *(round(x / 60, 2) for x in minutes),
    ]


def _find(
    folder: Path, examples, label: str, way: str, given, generator
) -> pd.DataFrame:
    """The moments of the collection that are asked about: those most like the
    examples, or any; none."""
    table = folder / "found.tsv"
    n = given.answers - round(given.windows * given.answers)
    like = [
        f"--like={given.audio / e.filename}:{e.onset}-{e.offset}"
        for e in examples.itertuples()
    ]
    command = ["search", "yamnet", str(given.audio), *like, "--label", label]
    command += ["--count", str(n if way == "search" else ALL)]
    command += ["--output", str(table), "--index", str(folder.parent / "index")]
    _run(command)
    found = read_events(table).assign(probability=1.0)
    if way == "search":
        return found
    n = n if way == "random" else 0
    return found.iloc[generator.permutation(len(found))[:n]]


def _windows(names: list[str], n: int, generator) -> pd.DataFrame:
    """Windows in which to look for the class, each of another recording."""
    drawn = generator.permutation(names)[:n]
    rows = [(name, 0.0, WINDOW, None, np.nan, 1.0) for name in drawn]
    return pd.DataFrame(rows, columns=REVIEW_COLUMNS[:6])


def _write_data(
    folder: Path, reviews, found, examples, label: str, given
) -> None:
    """The template's tables: reviewed clips to train on, clips to test."""
    known = examples[EVENT_COLUMNS].assign(confidence=1.0, probability=1.0)
    known = known.assign(answer="right").reindex(columns=REVIEW_COLUMNS)
    reviews = pd.concat([reviews, known], ignore_index=True)
    write_reviews(reviews, folder / "reviews.tsv")
    write_events(found, folder / "detections.tsv", ["none"])
    template = folder.parent / "template"
    clips = template / "data/audio" / folder.name
    shutil.rmtree(clips, ignore_errors=True)
    command = ["reviews-to-events", str(folder / "reviews.tsv")]
    command += [str(folder / "reviewed.tsv"), "--recordings", str(given.audio)]
    _run([*command, "--clips", str(clips)])
    own = pd.read_csv(folder / "reviewed.tsv", sep="\t")
    # A sixth of the clips with events, and of those without.
    order = own.groupby("filename")["event_label"].count().sort_values()
    kinds = ["train", "train", "validation", "train", "train", "train"]
    sets = {
        f"{folder.name}/{name}": kinds[n % 6]
        for n, name in enumerate(order.index)
    }
    own["filename"] = f"{folder.name}/" + own["filename"]
    test = _test_events(given, label)
    tested = sorted(test["filename"].unique())
    rest = link(template, given.test_audio, test, tested, "test")
    of_rest = {f"test/{name}": "test" for name in tested}
    rest["judged"] = f"0-1000 {label}"
    write_tables(template, [own, rest], sets | of_rest)


def _test_events(given, label: str) -> pd.DataFrame:
    """The test clips' events of a class; clips without one have a row."""
    test = read_events(given.test_events)
    own = test[test["event_label"] == label]
    others = test[~test["filename"].isin(own["filename"])]
    none = others[["filename"]].drop_duplicates()
    return pd.concat([own, none]).reindex(columns=EVENT_COLUMNS)


def _tags(given, label: str) -> dict[str, set[str]]:
    """Test clip -> the class, if it is in it."""
    labels = _test_events(given, label).groupby("filename")["event_label"]
    return {Path(name).stem: set(some.dropna()) for name, some in labels}


def _run(command: list[str]) -> None:
    if sb_sed(command):
        sys.exit(f"failed: sb-sed {' '.join(command)}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
