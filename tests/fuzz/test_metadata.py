"""Damaged annotations of DESED: every row ends up somewhere, or all is told."""

import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from damaged_text import MUTATORS, as_bytes

from sb_sed.data.desed import DESED_CLASSES, prepare_desed
from sb_sed.errors import InputError
from sb_sed.formats import (
    read_events,
    read_filenames,
    read_weak_labels,
    same_name,
    stem,
)

STRONG = (
    "filename\tonset\toffset\tevent_label\n"
    "a.wav\t0.01\t0.05\tCat\na.wav\t0\t0.1\tDog\nb.wav\t0.02\t9\tSpeech\n"
    "c.wav\t\t\t\nd.wav\t0.5\t0.75\tCat\n"
)
WEAK = "filename\tevent_labels\na.wav\tCat,Dog\nb.wav\tSpeech\nc.wav\t\n"
TABLES = {
    "train/weak.tsv": ("train/weak", WEAK, read_weak_labels),
    "train/unlabel_in_domain.tsv": ("train/unlabel_in_domain", WEAK, None),
    "train/synthetic20/soundscapes.tsv": (
        "train/synthetic20/soundscapes",
        STRONG,
        read_events,
    ),
    "validation/validation.tsv": ("validation", STRONG, read_events),
}


@pytest.fixture(scope="module")
def desed(tmp_path_factory):
    """A whole, tiny copy."""
    root = tmp_path_factory.mktemp("desed") / "dataset"
    for table, (folder, text, _) in TABLES.items():
        (root / "metadata" / table).parent.mkdir(parents=True, exist_ok=True)
        (root / "metadata" / table).write_text(text)
        (root / "audio" / folder).mkdir(parents=True)
        for name in "abcd":
            samples = np.random.default_rng(0).uniform(-1, 1, 1600)
            sf.write(root / "audio" / folder / f"{name}.wav", samples, 16000)
    return root.parent


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.fuzz(MUTATORS, 2)
def test_damaged_annotations(case, table, desed, tmp_path, capfd):
    shutil.copytree(desed, tmp_path / "desed")
    path = tmp_path / "desed" / "dataset" / "metadata" / table
    path.write_bytes(as_bytes(case(TABLES[table][1])))
    try:
        prepare_desed(tmp_path / "desed", tmp_path / "out", n_jobs=1)
    except InputError as error:
        assert len(str(error)) < 600 and "\n" not in str(error)
        assert path.stem in str(error)
        assert not (tmp_path / "out" / "summary.json").exists()
        return
    check(path, tmp_path / "out", TABLES[table][2])


def check(path, out, read):
    """Each file is in a manifest or among the missing, each event counted."""
    summary = json.loads((out / "summary.json").read_text())
    missing = pd.read_csv(
        out / "missing.tsv", sep="\t", dtype=str, keep_default_na=False
    )
    names = read_filenames(path)
    here = [name for name, split in summary["splits"].items()
            if any(word in name for word in words(path))]  # fmt: skip
    found, n_events = set(), 0
    for split in here:
        manifest = json.loads((out / f"{split}.json").read_text())
        found |= {*manifest}
        counts = summary["splits"][split]
        n_events += counts["events"] + counts["events_past_end"]
        for entry in manifest.values():
            assert {*entry["tags"]} <= {*DESED_CLASSES}
            for onset, offset, label in entry["events"]:
                assert 0 <= onset < offset <= entry["duration"]
                assert label in DESED_CLASSES
    lost = missing[missing["split"].isin(here)]["filename"]
    assert len(found) + len(lost) == len(names)
    names = [last(name) for name in names]
    assert all(name in {*lost} or stem(name) in found for name in names)
    if read is read_events:
        present = [n for n in read(path)["onset"] if not math.isnan(n)]
        files = read(path).dropna()["filename"].map(last)
        n_lost = files.isin({*lost}).sum()
        assert n_events == len(present) - n_lost


def last(name):
    """A name without folders, as the audio lies in one."""
    part = same_name(name).rpartition("/")[2]
    return part if part.strip(".") and part != same_name(name) else name


def words(path):
    """What the splits of a table have in their names."""
    return {
        "weak.tsv": ["weak"],
        "unlabel_in_domain.tsv": ["unlabelled"],
        "soundscapes.tsv": ["synthetic"],
        "validation.tsv": ["validation"],
    }[path.name]
