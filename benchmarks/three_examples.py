"""From three examples of a sound to a detector of it, and how good that is.

    python benchmarks/three_examples.py [--classes Dog] [--draws 1]
    python benchmarks/three_examples.py --audio FOLDER --events TSV \
        --test-audio FOLDER --test-events TSV --classes Dog Speech --answers 60

Examples of a class are drawn from a collection; ``sb-sed search`` finds what is
like them in the rest; a simulated listener, who knows the reference, judges the
most similar moments and corrects their boundaries; ``sb-sed reviews-to-events``
cuts clips of them; the template is trained on these and on the examples, and on
nothing else (a sixth of the clips chooses the best epoch and tunes the
smoother). Scored are all test clips, which nothing is chosen by. Without a data
set of yours it is a small MiniDESED: its synthetic clips, and its validation
set.

Per class and draw: moments that were judged and how many of them were right,
corrected or wrong; event and segment F1 in percent and the average precision of
clips; and minutes: of the sound that the listener played once, of the search
(with the index, which is made for the first class and then there), and of the
training with all that belongs to it. Options that are not listed here are the
template's.

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
from few_examples import SMALL, TEMPLATE, scores, train, write_data

from sb_sed.cli.main import main as sb_sed
from sb_sed.formats import EVENT_COLUMNS, read_events
from sb_sed.formats.reviews import REVIEW_COLUMNS, write_reviews
from sb_sed.minidesed import make_minidesed
from sb_sed.reviewing.listener import Listener

COLUMNS = ["class", "draw", "answers", "right", "boundary", "wrong"]
COLUMNS += ["event F1", "segment F1", "AP", "listening", "search", "training"]
PLAYED = 2.0  # seconds before and behind a moment, as on the page


def main() -> None:
    """Print a line a class and draw, then the means."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in ("audio", "events", "test-audio", "test-events"):
        parser.add_argument(f"--{option}", type=Path)
    parser.add_argument("--classes", nargs="+", default=["Dog"])
    parser.add_argument("--examples", type=int, default=3)
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--errors", type=float, default=0.0)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where runs are kept")
    given, options = parser.parse_known_args()
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if given.audio is None:
            root = make_minidesed(folder / "minidesed", scale=SMALL) / "dataset"
            strong = "train/synthetic20/soundscapes"
            given.audio = root / "audio" / strong
            given.events = root / "metadata" / f"{strong}.tsv"
            given.test_audio = root / "audio/validation"
            given.test_events = root / "metadata/validation/validation.tsv"
        rows = []
        for label in given.classes:
            for seed in range(given.draws):
                place = folder / f"{label}_{seed}"
                rows.append(_measure(place, label, seed, given, options))
                print(*rows[-1], sep="\t", flush=True)
    table = pd.DataFrame(rows, columns=COLUMNS)
    print(table.drop(columns=["class", "draw"]).mean().round(3).to_string())


def _measure(folder: Path, label: str, seed: int, given, options) -> list:
    """From examples of a class to the scores of its detector."""
    ignored = shutil.ignore_patterns("data", "results")
    shutil.copytree(TEMPLATE, folder, ignore=ignored, dirs_exist_ok=True)
    reference = read_events(given.events)
    events = reference[reference["event_label"] == label]
    generator = np.random.default_rng(seed)
    examples = events.iloc[generator.permutation(len(events))[: given.examples]]
    start = time.perf_counter()
    found = _search(folder, examples, label, given)
    searched = time.perf_counter()
    reviews = _review(found, examples, reference, given.errors, seed)
    write_reviews(reviews, folder / "reviews.tsv")
    _write_data(folder, label, given)
    tags = _tags(given, label)
    name = f"like_{label}"
    seconds, _ = train(folder, name, [f"--seed={seed}", *options])
    place = folder / "results" / name / str(seed) / "test/student"
    found_tags = scores(place, tags)
    asked = reviews["answer"].iloc[: len(found)].value_counts()
    counts = [int(asked.get(x, 0)) for x in ("right", "boundary", "wrong")]
    played = (found["offset"] - found["onset"] + 2 * PLAYED).sum()
    minutes = [played, searched - start, seconds]
    return [
        *(label, seed, len(found), *counts),
        *(round(x, 3) for x in found_tags),
        *(round(x / 60, 2) for x in minutes),
    ]


def _search(folder: Path, examples, label: str, given) -> pd.DataFrame:
    """The moments of the collection that are most like the examples."""
    table = folder / "found.tsv"
    like = [
        f"--like={given.audio / e.filename}:{e.onset}-{e.offset}"
        for e in examples.itertuples()
    ]
    command = ["search", "yamnet", str(given.audio), *like, "--label", label]
    command += ["--count", str(given.answers), "--output", str(table)]
    command += ["--index", str(folder.parent / "index")]
    _run(command)
    return read_events(table)


def _review(found, examples, reference, errors: float, seed: int):
    """What the listener says of the moments, and the examples, which are
    right."""
    listener = Listener(reference, errors, seed)
    answers = listener(found.assign(probability=1.0), found)
    known = examples[EVENT_COLUMNS].assign(confidence=1.0, probability=1.0)
    known = known.assign(answer="right").reindex(columns=REVIEW_COLUMNS)
    return pd.concat([answers, known], ignore_index=True)


def _write_data(folder: Path, label: str, given) -> None:
    """The template's tables: reviewed clips to train on, clips to test."""
    data = folder / "data"
    command = ["reviews-to-events", str(folder / "reviews.tsv")]
    command += [str(data / "reviewed.tsv"), "--recordings", str(given.audio)]
    _run([*command, "--clips", str(data / "audio/reviewed")])
    own = read_events(data / "reviewed.tsv")
    own["filename"] = "reviewed/" + own["filename"]
    test = _test_events(given, label)
    names = sorted(test["filename"].unique())
    rest = write_data(folder, given.test_audio, test, names, "test")
    table = pd.concat([own, rest])
    table.to_csv(data / "events.tsv", sep="\t", index=False)
    # A sixth of the clips with events, and of those without.
    clips = own.groupby("filename")["event_label"].count().sort_values()
    sets = ["train", "train", "validation", "train", "train", "train"]
    lines = [f"{x}\t{sets[n % 6]}" for n, x in enumerate(clips.index)]
    lines += [f"test/{name}\ttest" for name in names]
    text = "\n".join(["filename\tsplit", *lines]) + "\n"
    (data / "split.tsv").write_text(text, "utf-8")


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
