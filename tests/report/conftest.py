"""A small run of a detector with hits and errors, and its recordings."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.data.manifests import (
    manifest_entry,
    write_manifest,
    write_references,
)
from sb_sed.formats import EVENT_COLUMNS, scores_table, write_scores

# Names that would be markup, script or a path if they were not escaped.
EVIL = "<img src=x onerror=window.hacked=1>&amp;'\"`%41.wav"
CLASSES = ["Cat", "Dog", "</script><script>window.hacked=2</script>"]
RATE = 8000
SHIFT = 0.1

# Of each file, by class: where it is scored high, and what is annotated. In b
# a cat is taken for a dog, in c a dog is cut short, one missed, one invented.
DETECTED = {
    "a.wav": [(1.0, 2.0, 1)],
    "b.wav": [(1.0, 3.0, 1)],
    "c.wav": [(0.5, 1.0, 1), (4.0, 4.5, 0)],
    EVIL: [(0.0, 5.0, 2)],
    "silent.wav": [],
}
REFERENCE = {
    "a.wav": [(1.1, 2.0, 1)],
    "b.wav": [(1.0, 2.8, 0)],
    "c.wav": [(0.5, 2.5, 1), (3.0, 3.5, 1)],
    EVIL: [(0.0, 5.0, 2)],
    "silent.wav": [],
}
HYPERPARAMS = """\
__set_seed: !apply:builtins.open [{folder}/run_as_code.txt, w]
prepared_folder: {folder}/prepared
dataset:
  classes: [Cat, Dog]
  sample_rate: 8000
  clip_seconds: 5.0
smoothing:
  smoother: !new:sb_sed.smoothing.median.MedianSmoother
    threshold: 0.6
    window: 0.1
student: null
"""


def _table(events) -> pd.DataFrame:
    times = (np.arange(50) + 0.5) * SHIFT
    matrix = np.full((50, len(CLASSES)), 0.05)
    for onset, offset, label in events:
        matrix[(onset <= times) & (times < offset), label] = 0.9
    return scores_table(matrix, SHIFT, CLASSES)


@pytest.fixture
def reference():
    return pd.DataFrame(
        [
            (name, *event[:2], CLASSES[event[2]])
            for name, events in REFERENCE.items()
            for event in events or [(np.nan, np.nan, 0)]
        ],
        columns=EVENT_COLUMNS,
    ).assign(event_label=lambda t: t["event_label"].where(t["onset"].notna()))


@pytest.fixture
def scores():
    return _scores()


@pytest.fixture
def run(tmp_path):
    """The output folder of a training, scored; its data beside it."""
    return _make_run(tmp_path)


@pytest.fixture(scope="session")
def one_run(tmp_path_factory):
    """The same, for tests that only read it."""
    return _make_run(tmp_path_factory.mktemp("report"))


def _scores():
    return {
        name.removesuffix(".wav"): _table(events)
        for name, events in DETECTED.items()
    }


def _make_run(folder):
    prepared = folder / "prepared"
    (folder / "audio" / "deep").mkdir(parents=True)
    entries, rng = {}, np.random.default_rng(0)
    for name in REFERENCE:
        path = folder / "audio" / "deep" / name
        sf.write(path, 0.1 * rng.standard_normal(5 * RATE), RATE)
        entries[name.removesuffix(".wav")] = manifest_entry(path, 5.0)
    write_manifest(entries, prepared / "validation.json")
    write_references(
        {
            name: [(*event[:2], CLASSES[event[2]]) for event in events]
            for name, events in REFERENCE.items()
        },
        dict.fromkeys(REFERENCE, 5.0),
        prepared,
        "validation",
    )
    run = folder / "run"
    write_scores(_scores(), run / "validation" / "student" / "scores")
    text = HYPERPARAMS.format(folder=folder)
    (run / "hyperparams.yaml").write_text(text)
    return run
