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
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from sb_sed.formats import EVENT_COLUMNS, read_events
from sb_sed.formats.weak import read_weak_scores
from sb_sed.minidesed import make_minidesed

TEMPLATE = Path(__file__).parents[1] / "templates/sound_event_detection"
COLUMNS = ["examples", "encoder", "draw", "clips", "event F1", "segment F1"]
COLUMNS += ["mAP", "seconds", "CPU seconds"]
SMALL = 0.1  # of MiniDESED's clips


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


def write_data(
    folder: Path, audio: Path, events: pd.DataFrame, names: list[str], kind: str
) -> pd.DataFrame:
    """Link recordings into the template's folder; return their events."""
    place = folder / "data" / "audio" / kind
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        link = place / name
        if not link.exists():
            link.symlink_to((audio / name).absolute())
    events = events[events["filename"].isin(names)][EVENT_COLUMNS]
    return events.assign(filename=f"{kind}/" + events["filename"])


def train(folder: Path, name: str, options: list[str]) -> tuple[float, float]:
    """Run the template; return its seconds, and those of the processors."""
    before, start = _cpu_seconds(), time.perf_counter()
    command = [sys.executable, "train.py", "train.yaml", f"--name={name}"]
    process = subprocess.run(
        [*command, "--split_file=data/split.tsv", "--noprogressbar", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        sys.exit(process.stderr[-2000:])
    return time.perf_counter() - start, _cpu_seconds() - before


def scores(run: Path, tags: dict[str, set[str]]) -> list[float]:
    """Event F1, segment F1 and mean average precision of a run."""
    report = json.loads((run / "report.json").read_text("utf-8"))
    weak = read_weak_scores(run / "weak_scores.tsv")
    found = {
        Path(name).stem.removeprefix("test__"): weak[name] for name in weak
    }
    precisions = [
        average_precision_score(
            [label in tags[name] for name in found],
            [of_clip[label] for of_clip in found.values()],
        )
        for label in sorted(set().union(*tags.values()))
    ]
    f1 = [100 * report[x]["macro"] for x in ("event_f1", "segment_f1")]
    return [*f1, float(np.mean(precisions))]


def main() -> None:
    """Print a line a draw, then the means."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in ("audio", "events", "test-audio", "test-events"):
        parser.add_argument(f"--{option}", type=Path)
    parser.add_argument("--examples", type=int, nargs="+", default=[5])
    parser.add_argument("--encoders", nargs="+", default=["yamnet", "none"])
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
        rows = measure(folder / "template", given, options)
    table = pd.DataFrame(rows, columns=COLUMNS)
    means = table.drop(columns="draw").groupby(["examples", "encoder"])
    print(means.agg(["mean", "sem"]).round(3).to_string())


def measure(
    folder: Path, given: argparse.Namespace, options: list[str]
) -> list:
    """Train on every draw, with every encoder."""
    shutil.copytree(
        TEMPLATE,
        folder,
        ignore=shutil.ignore_patterns("data", "results"),
        dirs_exist_ok=True,
    )
    events, test = read_events(given.events), read_events(given.test_events)
    tested = sorted(test["filename"].unique())
    labels = test.groupby("filename")["event_label"].agg(set)
    tags = {Path(name).stem: labels[name] - {np.nan} for name in tested}

    def set_up(names: list[str]) -> None:
        """Write the tables of a draw."""
        own = write_data(folder, given.audio, events, names, "own")
        rest = write_data(folder, given.test_audio, test, tested, "test")
        table = pd.concat([own, rest])
        table.to_csv(folder / "data/events.tsv", sep="\t", index=False)
        n_chosen = max(2, len(names) // 6)
        sets = ["validation"] * n_chosen + ["train"] * (len(names) - n_chosen)
        lines = [f"own/{x}\t{y}" for x, y in zip(names, sets, strict=True)]
        lines += [f"test/{name}\ttest" for name in tested]
        text = "\n".join(["filename\tsplit", *lines]) + "\n"
        (folder / "data/split.tsv").write_text(text, "utf-8")

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
                place = folder / "results" / name / str(seed) / "test/student"
                found = scores(place, tags)
                rows.append(
                    [n_examples, encoder, seed, len(names), *found, *seconds]
                )
                print(*rows[-1], sep="\t", flush=True)
    return rows


def _cpu_seconds() -> float:
    """Seconds of the processors in processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
