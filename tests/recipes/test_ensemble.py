"""ensemble.py as its users call it, on made-up runs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sb_sed.evaluation import Evaluator
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_durations,
    read_events,
    read_scores,
    scores_table,
    write_events,
    write_scores,
    write_weak_scores,
)
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.crossfit import AsGiven

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
CLIPS = [f"clip{i}" for i in range(6)]


@pytest.fixture
def folder(tmp_path):
    """Two runs that each detect one of two classes, and a reference of both."""
    rows = [
        (f"{clip}.wav", onset, onset + 1.0, label)
        for clip in CLIPS
        for onset, label in ((1.0, "Cat"), (3.0, "Dog"))
    ]
    reference = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    for name in ("validation", "public"):
        references = tmp_path / "prepared" / "references"
        references.mkdir(parents=True, exist_ok=True)
        write_events(reference, references / f"{name}.tsv")
        lines = [f"{clip}.wav\t5.0\n" for clip in CLIPS]
        (references / f"{name}_durations.tsv").write_text(
            "filename\tduration\n" + "".join(lines)
        )
    for run, (column, first) in {"a": (0, 2), "b": (1, 6)}.items():
        matrix = np.full((10, 2), 0.3)
        matrix[first : first + 2, column] = 0.9
        scores = {c: scores_table(matrix, 0.5, ["Cat", "Dog"]) for c in CLIPS}
        for name in ("validation", "public"):
            target = tmp_path / run / name / "student" / "scores"
            write_scores(scores, target)
        (tmp_path / run / "hyperparams.yaml").write_text(
            f"prepared_folder: {tmp_path / 'prepared'}\n"
        )
    return tmp_path


def _call(folder, *arguments, recipe="baseline.yaml"):
    return subprocess.run(
        [
            *(sys.executable, RECIPE / "ensemble.py"),
            RECIPE / "hparams" / recipe,
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_systems_complete_one_another(folder):
    done = _call(folder, "--systems", "a", "b", "--output_folder=out")
    assert done.returncode == 0, done.stderr
    reference = read_events(folder / "prepared/references/validation.tsv")
    found = read_events(folder / "out/validation/student/events.tsv")
    assert event_counts(reference, found).f1()["macro"] == 1
    assert "| validation | student | 6 | 100.00" in done.stdout
    assert "| public | student | 6 | 100.00" in done.stdout


def test_the_precision_of_the_systems_is_said(folder):
    sentences = {"a": "Trained in bf16, on cpu.", "b": "Trained in fp32."}
    for system, sentence in sentences.items():
        evaluator = Evaluator(
            ThresholdSmoother(0.5),
            AsGiven(),
            ["Cat", "Dog"],
            folder / system,
            sentence,
        )
        scores = read_scores(folder / system / "validation/student/scores")
        references = folder / "prepared" / "references"
        evaluator.score(
            "validation",
            {"student": scores},
            read_events(references / "validation.tsv"),
            read_durations(references / "validation_durations.tsv"),
        )
    done = _call(folder, "--systems", "a", "b", "--output_folder=out")
    assert done.stdout.strip().endswith(
        "Trained in bf16, on cpu. Trained in fp32."
    )
    report = folder / "out" / "validation" / "student" / "report.json"
    found = json.loads(report.read_text())["computation"]
    assert found == "Trained in bf16, on cpu. Trained in fp32."


def test_a_gate_of_own_weak_scores_or_of_others(folder):
    for run in "ab":
        for name in ("validation", "public"):
            file = folder / run / name / "student" / "weak_scores.tsv"
            weak = {"Cat": 0.4, "Dog": 0.8}
            write_weak_scores(dict.fromkeys(CLIPS, weak), file)
    weak = {"Cat": 0.8, "Dog": 0.4}
    write_weak_scores(dict.fromkeys(CLIPS, weak), folder / "other.tsv")
    smoothing = "{smoother: {clip_gate: True}}"
    arguments = ["--systems", "a", "b", "--smoothing", smoothing]
    for options, labels in (
        (["--output_folder=own"], {"Dog"}),
        (["--output_folder=other", "--weak-scores", "other.tsv"], {"Cat"}),
    ):
        done = _call(folder, *arguments, *options)
        assert done.returncode == 0, done.stderr
        out = folder / options[0].partition("=")[2] / "validation/student"
        found = read_events(out / "events.tsv")
        assert set(found["event_label"]) == labels
        assert (out / "weak_scores.tsv").is_file()


def test_the_tuned_hmm_of_a_recipe(folder):
    done = _call(
        folder,
        *("--systems", "a", "b", "--output_folder=out"),
        recipe="ensemble_1.yaml",
    )
    assert done.returncode == 0, done.stderr
    assert "| validation | student | 6 | 100.00" in done.stdout
    assert (folder / "out" / "save" / "student_smoother.json").exists()
    assert (folder / "out/validation/student/tuning.json").exists()


def test_folders_of_scores(folder):
    references = folder / "prepared" / "references"
    done = _call(
        folder,
        *("--systems", "a/validation/student/scores"),
        *("--reference", references / "validation.tsv"),
        *("--durations", references / "validation_durations.tsv"),
        "--output_folder=out",
    )
    assert done.returncode == 0, done.stderr
    # One class of two is found.
    assert "| validation | student | 6 | 50.00" in done.stdout
    assert not (folder / "out" / "public").exists()


@pytest.mark.parametrize(
    ("arguments", "recipe", "sentence"),
    [
        ([], "baseline.yaml", "names no systems"),
        ([], "ensemble_1.yaml", "results/ppcen/2020 is not a folder"),
        (
            ["--systems", "a/validation/student/scores"],
            "baseline.yaml",
            "give --reference",
        ),
        (
            ["--systems", "a", "b", "--network", "teacher"],
            "baseline.yaml",
            "a has no scores of the teacher",
        ),
        (["--systems", "a", "--smothing=1"], "baseline.yaml", "no key"),
        (
            ["--systems", "a", "--output_folder=a/hyperparams.yaml/x"],
            "baseline.yaml",
            "a/hyperparams.yaml/x cannot be written to (Not a directory)",
        ),
    ],
)
def test_bad_input_is_one_sentence(folder, arguments, recipe, sentence):
    done = _call(folder, *arguments, recipe=recipe)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert sentence in done.stderr.splitlines()[-1]
