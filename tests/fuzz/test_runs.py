"""Runs of which a file is damaged: looked at, or refused in a sentence."""

import json
import re
import shutil

import damaged_json
import damaged_text
import damaged_yaml
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from damaged_text import as_bytes

from sb_sed.data.manifests import manifest_entry, read_manifest, write_manifest
from sb_sed.errors import InputError
from sb_sed.formats import scores_table, write_scores
from sb_sed.scoring.report import make_report, write_json
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def scored(trained, tmp_path_factory):
    """A run beside its prepared data, with its results."""
    root = tmp_path_factory.mktemp("scored")
    run = shutil.copytree(trained, root / "run")
    with open(run / "hyperparams.yaml", "a") as file:
        file.write("prepared_folder: prepared\n")
    rng = np.random.default_rng(0)
    scores = {
        name: scores_table(rng.uniform(0, 1, (20, 2)), 0.25, ["Cat", "Dog"])
        for name in NAMES
    }
    rows = [(f"{name}.wav", 0.5, 1.5, "Cat") for name in NAMES]
    events = pd.DataFrame(
        rows, columns=["filename", "onset", "offset", "event_label"]
    )
    results, prepared = run / "validation" / "student", root / "prepared"
    write_scores(scores, results / "scores")
    smoother = ThresholdSmoother({"Cat": 0.5, "Dog": 0.75})
    save_smoother(smoother, run / "save" / "student_smoother.json")
    write_json(
        make_report(events, smoother(scores), scores, n_draws=9),
        results / "report.json",
    )
    (prepared / "references").mkdir(parents=True)
    text = events.to_csv(sep="\t", index=False)
    (prepared / "references" / "validation.tsv").write_text(text)
    lines = [f"{name}.wav\t5\n" for name in NAMES]
    (prepared / "references" / "validation_durations.tsv").write_text(
        "filename\tduration\n" + "".join(lines)
    )
    entries = {}
    for name in NAMES:
        sf.write(prepared / f"{name}.wav", rng.uniform(-1, 1, 5000), 1000)
        wav = str(prepared / f"{name}.wav")
        entries[name] = manifest_entry(wav, 5.0, [(0.5, 1.5, "Cat")], ["Cat"])
    write_manifest(entries, prepared / "validation.json")
    return root


LINES = [
    "detect run a.wav --device cpu --output out",
    "report run --output out",
    "export run out",
]
FILES = {
    "smoother": "run/save/student_smoother.json",
    "report": "run/validation/student/report.json",
    "manifest": "prepared/validation.json",
}
TEXT_MUTATORS = [damaged_text.damaged_bytes, damaged_text.truncated,
                 damaged_text.encodings, damaged_text.no_table]  # fmt: skip


def damaged(case, content):
    """A file of the run, in the way that its kind can be damaged."""
    if case.mutate in damaged_json.MUTATORS:
        content = json.loads(content)
    return as_bytes(case(content))


@pytest.mark.fuzz(damaged_yaml.MUTATORS, 2)
@pytest.mark.parametrize("line", LINES)
def test_recipes_of_runs(case, line, command, scored, tmp_path):
    """They are read and never executed: a run need not be trusted."""
    look(case, "run/hyperparams.yaml", line, command, scored, tmp_path)
    assert not (tmp_path / "trap").exists()


@pytest.mark.fuzz(damaged_json.MUTATORS + TEXT_MUTATORS, 1)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("line", LINES)
def test_other_files_of_runs(case, name, line, command, scored, tmp_path):
    look(case, FILES[name], line, command, scored, tmp_path)


def look(case, name, line, command, scored, tmp_path):
    shutil.copytree(scored, tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "prepared" / "a.wav", tmp_path)
    file = tmp_path / name
    file.write_bytes(damaged(case, file.read_text()))
    outcome = command(*line.split())
    assert (tmp_path / "out").exists() == (outcome.status != 2)
    assert len(outcome.err) < 1000
    if outcome.status == 2:
        assert re.search("run|detector|" + file.name, outcome.err)


@pytest.mark.fuzz(damaged_json.MUTATORS + TEXT_MUTATORS, 6)
def test_manifests(case, scored, tmp_path):
    text = (scored / "prepared" / "validation.json").read_text()
    path = tmp_path / "train.json"
    path.write_bytes(damaged(case, text))
    try:
        found = read_manifest(path)
    except InputError as error:
        assert "train.json" in str(error) and len(str(error)) < 600
        return
    for entry in found.values():
        assert {*entry} == {"wav", "duration", "events", "tags"}
        assert 0 < entry["duration"] < 1e6 and all(
            map(str.strip, entry["tags"])
        )
        for onset, offset, label in entry["events"]:
            assert 0 <= onset < offset and label == label.strip() != ""
