"""The template copied out of the repository, and sounds for it.

Authors
 * sb_sed contributors 2026
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sb_sed.formats import EVENT_COLUMNS

TEMPLATE = Path(__file__).parents[2] / "templates" / "sound_event_detection"
RATE = 22050
CLASSES = ["chirp", "clicks", "noise burst"]


def sound(label, seconds, random):
    """One event of a class, [time]."""
    times = np.arange(round(seconds * RATE)) / RATE
    if label == "chirp":
        low, high = random.uniform(300, 600), random.uniform(2000, 4000)
        phase = low * times + (high - low) / seconds / 2 * times**2
        return np.sin(2 * np.pi * phase)
    if label == "clicks":
        clicks = np.zeros(len(times))
        clicks[:: RATE // random.integers(20, 30)] = 8.0
        return clicks
    return random.normal(size=len(times))


def write_clip(path, random, seconds=4.0, n_events=2, channels=2):
    """Events in quiet noise, in the channels alike; returns their labels."""
    samples = random.normal(scale=0.003, size=round(seconds * RATE))
    rows, slot = [], seconds / n_events
    for number in range(n_events):
        label = str(random.choice(CLASSES))
        length = random.uniform(0.6, 1.0)
        onset = number * slot + random.uniform(0.1, slot - length - 0.1)
        event = sound(label, length, random) * random.uniform(0.05, 0.12)
        start = round(onset * RATE)
        samples[start : start + len(event)] += event
        rows.append((onset, onset + length, label))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([samples] * channels, axis=1), RATE)
    return rows


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A copy of the template with data of three classes in its ``data``."""
    folder = tmp_path_factory.mktemp("template") / "mine"
    kinds = shutil.ignore_patterns("__pycache__", "results", "data")
    shutil.copytree(TEMPLATE, folder, ignore=kinds)
    data, random = folder / "data", np.random.default_rng(5)
    lines, weak = ["\t".join(EVENT_COLUMNS)], ["filename\tevent_labels"]
    for number in range(40):
        name = f"day{number % 3}/clip{number}.{'wav' if number % 2 else 'flac'}"
        # Tables may also leave out the folder.
        written = name if number % 2 else name.split("/")[1]
        for event in write_clip(data / "audio" / name, random):
            lines.append("{}\t{:.3f}\t{:.3f}\t{}".format(written, *event))
    write_clip(data / "audio" / "long.wav", random, 9.0, n_events=4)
    for number in range(6):
        name = f"weak{number}.wav"
        rows = write_clip(data / "audio" / name, random, channels=1)
        weak.append(f"{name}\t{','.join({label for *_, label in rows})}")
        write_clip(data / "unlabelled" / name, random, 2.0 + number)
    (data / "events.tsv").write_text("\n".join(lines) + "\n")
    (data / "weak.tsv").write_text("\n".join(weak) + "\n")
    return folder


@pytest.fixture(scope="module")
def call(workplace):
    """Runs a script of the template there, as its user would."""

    def run(script, *arguments, **environment):
        return subprocess.run(
            [sys.executable, script, *map(str, arguments)],
            cwd=workplace,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )

    return run
