"""MiniRealDESED: its layout, its annotators and its sounds."""

import csv
from collections import Counter

import numpy as np
import pytest
import soundfile as sf

from sb_sed.data.realdesed_layout import (
    REALDESED_CLASSES,
    read_realdesed_events,
)
from sb_sed.errors import InputError
from sb_sed.formats import Event, read_events
from sb_sed.minidesed import make_minirealdesed
from sb_sed.minidesed.__main__ import main
from sb_sed.minidesed.annotators import Annotator
from sb_sed.minidesed.home_sounds import REALDESED
from sb_sed.minidesed.synthesis import RATE


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mini")
    return make_minirealdesed(folder, 3, 0.02, n_jobs=1, progress=False)


def contents(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_same_seed_same_bits(root, tmp_path):
    line = ["--layout", "realdesed", "--folder", str(tmp_path), "--seed", "3"]
    main([*line, "--scale", "0.02", "--n_jobs", "2"])
    assert contents(tmp_path) == contents(root)


def test_the_layout_is_that_of_realdesed(root):
    raw = read_realdesed_events(root / "train/annotations_raw.csv", raw=True)
    assert not raw.faults and raw.n_duplicates == 1
    audio = {path.name for path in (root / "train/audio").iterdir()}
    assert raw.events.keys() <= audio
    for events in raw.events.values():
        assert 1 <= len({x.annotator for x in events}) <= 4
    for name in ("validation", "test"):
        table = read_realdesed_events(root / name / "annotations.csv")
        assert not table.faults and len(table.events) <= 3
    infos = [sf.info(path) for path in root.rglob("*.flac")]
    assert len({(info.samplerate, info.channels) for info in infos}) > 1
    assert all(5 <= info.duration <= 30.1 for info in infos)
    truth = read_events(root / "truth" / "train.tsv", REALDESED_CLASSES)
    assert set(truth["filename"]) == audio


def test_another_data_set_is_left_alone(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match="not from MiniRealDESED"):
        make_minirealdesed(tmp_path, progress=False)


def test_annotators_have_the_faults_that_are_said():
    rng = np.random.default_rng(0)
    events = [Event(10.0 * k, 10.0 * k + 3, "keychain") for k in range(2000)]
    annotator = Annotator("ann", jitter=0.2, misses=0.25, false=0.5)
    marked = annotator.annotate(rng, events, 20000.0, ["microwave"])
    numbers = Counter(label for *_, label in marked)
    assert numbers["keychain"] == pytest.approx(1500, rel=0.06)
    assert numbers["microwave"] == pytest.approx(1000, rel=0.1)
    moved = [
        onset - 10 * round(onset / 10)
        for onset, _, label in marked
        if label == "keychain"
    ]
    assert np.std(moved) == pytest.approx(0.2, rel=0.1)
    # 1500 hits of 2000 events and 2500 marks
    assert annotator.quality == pytest.approx(2 * 1500 / (2000 + 2500))


def test_the_truth_has_the_quality_of_each(root):
    with open(root / "truth" / "annotators.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert len({row["quality"] for row in rows}) == 12


@pytest.mark.parametrize("label", REALDESED_CLASSES)
def test_sounds_are_events_of_their_length(label):
    for seconds in (0.3, 2.0):
        sound = REALDESED.generators[label](np.random.default_rng(1), seconds)
        assert len(sound) == round(seconds * RATE)
        assert np.sqrt(np.mean(sound**2)) == pytest.approx(1, abs=0.01)
        other = REALDESED.generators[label](np.random.default_rng(2), seconds)
        assert not np.allclose(sound, other)
