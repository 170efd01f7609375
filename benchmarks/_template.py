"""The template as the benchmarks train it: data, training, scores.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from sb_sed.formats import EVENT_COLUMNS
from sb_sed.formats.weak import read_weak_scores
from sb_sed.minidesed import make_minidesed

TEMPLATE = Path(__file__).parents[1] / "templates/sound_event_detection"
SMALL = 0.1  # of MiniDESED's clips


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a data set, and the folder of the runs."""
    for option in ("audio", "events", "test-audio", "test-events"):
        parser.add_argument(f"--{option}", type=Path)
    parser.add_argument("--folder", type=Path, help="where runs are kept")


def find_data(given: argparse.Namespace, folder: Path) -> None:
    """Make a small MiniDESED in a folder, if no data set is given."""
    if given.audio is None:
        root = make_minidesed(folder / "minidesed", scale=SMALL) / "dataset"
        strong = "train/synthetic20/soundscapes"
        given.audio = root / "audio" / strong
        given.events = root / "metadata" / f"{strong}.tsv"
        given.test_audio = root / "audio/validation"
        given.test_events = root / "metadata/validation/validation.tsv"


def copy_template(folder: Path) -> None:
    """Copy the template without data and results."""
    ignored = shutil.ignore_patterns("data", "results")
    shutil.copytree(TEMPLATE, folder, ignore=ignored, dirs_exist_ok=True)


def link(
    folder: Path, audio: Path, events: pd.DataFrame, names: Sequence, kind: str
) -> pd.DataFrame:
    """Link recordings into the template's folder; return their events."""
    place = folder / "data" / "audio" / kind
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        target = place / name
        if not target.exists():
            target.symlink_to((audio / name).absolute())
    events = events[events["filename"].isin(names)][EVENT_COLUMNS]
    return events.assign(filename=f"{kind}/" + events["filename"])


def write_tables(
    folder: Path, events: Sequence[pd.DataFrame], sets: Mapping[str, str]
) -> None:
    """Write the tables of events and of the sets of the clips."""
    table = pd.concat(events)
    table.to_csv(folder / "data/events.tsv", sep="\t", index=False)
    lines = ["filename\tsplit", *(f"{x}\t{sets[x]}" for x in sets)]
    (folder / "data/split.tsv").write_text("\n".join(lines) + "\n", "utf-8")


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


def scores(
    folder: Path, name: str, seed: int, tags: dict[str, set[str]]
) -> list[float]:
    """Event F1, segment F1 and mean average precision of a run's student."""
    run = folder / "results" / name / str(seed) / "test/student"
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
    # Without any detection there is no segment-based F1.
    f1 = [100 * (report[x]["macro"] or 0) for x in ("event_f1", "segment_f1")]
    return [*f1, float(np.mean(precisions))]


def _cpu_seconds() -> float:
    """Seconds of the processors in processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
