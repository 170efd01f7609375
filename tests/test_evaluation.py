"""Test sets: what is tuned and written; ensembles as integrals of scores."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.evaluation import (
    Evaluator,
    average_scores,
    average_weak_scores,
    summary_table,
)
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_events,
    read_scores,
    read_weak_scores_beside,
    scores_table,
)
from sb_sed.runs.results import Results
from sb_sed.scoring.written import realdesed_figures
from sb_sed.smoothing.saved import load_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.crossfit import AsGiven, CrossFit


def _set(high, low):
    """Clips with one event each, of a score that only one threshold finds."""
    scores = {
        str(i): scores_table([[low], [high], [high], [low]], 1.0, ["Dog"])
        for i in range(4)
    }
    rows = [(f"{i}.wav", 1.0, 3.0, "Dog") for i in range(4)]
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    return scores, events, {f"{i}.wav": 4.0 for i in range(4)}


def _score(evaluator, name, scores, *reference):
    return evaluator.score(name, {"student": scores}, *reference)["student"]


def test_tunes_on_the_first_set_alone(tmp_path):
    tuning = CrossFit(splits=1)
    evaluator = Evaluator(ThresholdSmoother(), tuning, ["Dog"], tmp_path)
    report = _score(evaluator, "validation", *_set(high=0.3, low=0.2))
    assert report["event_f1"]["macro"] == 1
    kept = load_smoother(tmp_path / "save" / "student_smoother.json")
    assert 0.2 < kept.threshold["Dog"] <= 0.3
    # All of this set reaches that threshold: the whole clips are events.
    report = _score(evaluator, "public", *_set(high=0.9, low=0.5))
    assert report["event_f1"]["macro"] == 0
    found = read_events(tmp_path / "public" / "student" / "events.tsv")
    assert set(found["onset"]) == {0.0}
    tuned = tmp_path / "validation" / "student" / "tuning.json"
    assert json.loads(tuned.read_text())["held_out"]["mean"] == 1
    assert not (tmp_path / "public" / "student" / "tuning.json").exists()


def test_given_parameters_stay(tmp_path):
    smoother = ThresholdSmoother(0.6)
    evaluator = Evaluator(smoother, AsGiven(), ["Dog"], tmp_path)
    report = _score(evaluator, "validation", *_set(high=0.9, low=0.5))
    assert report["event_f1"]["macro"] == 1
    assert report["psds"]["2020"] == 1
    kept = load_smoother(tmp_path / "save" / "student_smoother.json")
    assert kept.threshold == 0.6
    assert not list(tmp_path.rglob("tuning.json"))


def test_summary_of_sets_and_networks(tmp_path):
    evaluator = Evaluator(ThresholdSmoother(0.6), AsGiven(), ["Dog"], tmp_path)
    scores, *truth = _set(high=0.9, low=0.5)
    reports = {
        name: evaluator.score(name, {"student": scores}, *truth)
        for name in ("validation", "public")
    }
    reports["public"]["student"]["psds"] = None
    lines = summary_table(reports).splitlines()
    assert lines[2:] == [
        "| validation | student | 4 | 100.00 [100.0, 100.0] | 100.00 "
        "| 1.000 | 1.000 | 1.000 |",
        "| public | student | 4 | 100.00 [100.0, 100.0] | 100.00 | – | – | – |",
    ]
    lines = summary_table(reports, further=realdesed_figures).splitlines()
    assert lines[0].endswith("| psds1_macro | psds2 | psds2_macro | pauroc |")
    assert lines[2].endswith("| 1.000 | 1.000 | 1.000 | 1.000 |")
    assert lines[3].endswith("| – | – | – | 1.000 |")


def test_the_precision_is_in_the_table_and_in_the_reports(tmp_path):
    note = "Trained in bf16, scored in fp32, on cpu."
    evaluator = Evaluator(
        ThresholdSmoother(0.6), AsGiven(), ["Dog"], tmp_path, note
    )
    report = _score(evaluator, "validation", *_set(high=0.9, low=0.5))
    assert report["notes"][-1] == report["computation"] == note
    folder = tmp_path / "validation" / "student"
    assert json.loads((folder / "report.json").read_text()) == report
    assert note in (folder / "report.md").read_text()
    table = summary_table({"validation": {"student": report}}, note)
    assert table.endswith(f"|\n\n{note}")


def _scores(matrix, shift=0.5, classes=("Cat", "Dog"), duration=None):
    return {"clip": scores_table(matrix, shift, list(classes), duration)}


def test_mean_of_systems_on_one_grid():
    rng = np.random.default_rng(0)
    matrices = rng.random((3, 7, 2))
    mean = average_scores([_scores(matrix) for matrix in matrices])["clip"]
    pd.testing.assert_frame_equal(
        mean, _scores(matrices.mean(axis=0))["clip"], rtol=1e-12
    )


def test_one_system_is_its_own_ensemble():
    scores = _scores(np.random.default_rng(1).random((5, 2)))
    pd.testing.assert_frame_equal(
        average_scores([scores])["clip"], scores["clip"]
    )


def test_grids_that_differ_by_rounding_are_one():
    rng = np.random.default_rng(2)
    matrices = rng.random((3, 400, 2))
    mean = average_scores([_scores(x, 0.064) for x in matrices])["clip"]
    systems = [_scores(x, 0.064) for x in matrices]
    for index, system in enumerate(systems):
        edges = np.arange(401) * 0.064 + (index - 1) * 4e-7 * rng.random(401)
        edges[0] = 0
        system["clip"]["onset"] = edges[:-1]
        system["clip"]["offset"] = edges[1:]
    pd.testing.assert_frame_equal(
        average_scores(systems)["clip"], mean, rtol=1e-12, atol=1e-6
    )


def test_clips_are_matched_by_name():
    """In any spelling, and never one twin for the other."""
    one = _scores([[0.2, 0.4]])["clip"]
    two = _scores([[0.4, 0.8]])["clip"]
    first = {"k.wav": one, "k.mp3": two, "x/e\u0301": one}
    mean = average_scores(
        [first, {"x/\u00e9": two, "k.mp3": two, "k.wav": one}]
    )
    assert list(mean) == list(first)
    found = [table["Cat"].tolist() for table in mean.values()]
    assert np.allclose(found, [[0.2], [0.4], [0.3]])
    with pytest.raises(InputError, match="system 2 can be 'k.wav' or 'k.mp3'"):
        average_scores([first, {"x/é": two, "k": one}])
    with pytest.raises(InputError, match="have scored other files"):
        average_scores([first, {"k.mp3": two, "k.wav": one, "z": two}])


def test_classes_are_matched_by_name():
    swapped = _scores([[0.2, 0.4]], classes=("Dog", "Cat"))
    mean = average_scores([_scores([[0.0, 0.0]]), swapped])["clip"]
    assert list(mean.columns[2:]) == ["Cat", "Dog"]
    assert mean[["Cat", "Dog"]].to_numpy().tolist() == [[0.2, 0.1]]


@given(
    st.lists(st.sampled_from([0.1, 0.25, 0.4]), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_any_grids_keep_the_integral(shifts, seed):
    rng = np.random.default_rng(seed)
    systems = [
        _scores(
            rng.random((int(np.ceil(2 / shift)), 1)), shift, ["Cat"], duration=2
        )
        for shift in shifts
    ]
    mean = average_scores(systems)["clip"]
    assert mean["onset"].iloc[0] == 0 and mean["offset"].iloc[-1] == 2
    assert (mean["onset"].iloc[1:] == mean["offset"].to_numpy()[:-1]).all()
    areas = [_area(system["clip"]) for system in systems]
    np.testing.assert_allclose(_area(mean), np.mean(areas), rtol=1e-9)


def test_the_common_part_is_kept():
    long, short = _scores(np.ones((6, 2))), _scores(np.zeros((4, 2)))
    mean = average_scores([long, short])["clip"]
    assert mean["offset"].iloc[-1] == 2.0
    assert (mean[["Cat", "Dog"]] == 0.5).all(axis=None)


def test_what_does_not_fit_is_refused():
    one = _scores([[0.0, 0.0]])
    with pytest.raises(InputError, match="at least one system"):
        average_scores([])
    with pytest.raises(InputError, match="other files.*'clip'"):
        average_scores([one, {"else": one["clip"]}])
    with pytest.raises(InputError, match="other classes"):
        average_scores([one, _scores([[0.0, 0.0]], classes=("Cat", "Cow"))])


def _area(table):
    return float(((table["offset"] - table["onset"]) * table["Cat"]).sum())


def test_a_clip_gate(tmp_path):
    scores, events, durations = _set(high=0.9, low=0.5)
    weak = {clip: {"Dog": 0.7 if clip == "0" else 0.25} for clip in scores}
    smoother = ThresholdSmoother(0.6, clip_gate=True)
    evaluator = Evaluator(smoother, AsGiven(), ["Dog"], tmp_path)
    report = evaluator.score(
        "validation", {"student": scores}, events, durations, {"student": weak}
    )["student"]
    # One clip of four passes.
    assert report["event_f1"]["macro"] == pytest.approx(2 / 5)
    results = Results(tmp_path / "validation" / "student")
    found = read_events(results.events).dropna()
    assert list(found["filename"]) == ["0.wav"]
    # What is written is as the network gave it.
    for clip, table in read_scores(results.scores).items():
        pd.testing.assert_frame_equal(table, scores[clip])
    written = read_weak_scores_beside(results.scores)
    assert written == {f"{clip}.wav": row for clip, row in weak.items()}
    file = tmp_path / "save" / "student_smoother.json"
    assert load_smoother(file).clip_gate
    with pytest.raises(
        InputError, match="has a clip gate, and the scores have"
    ):
        evaluator.score("public", {"student": scores}, events, durations)


def test_weak_scores_of_an_ensemble():
    systems = [{"a": {"B": 0.0, "C": 1.0}}, {"a": {"C": 0.5, "B": 0.5}}]
    assert average_weak_scores(systems) == {"a": {"B": 0.25, "C": 0.75}}
    for other in ({}, {"b": {"B": 0, "C": 0}}, {"a": {"B": 0}}):
        with pytest.raises(InputError, match="System 2 of the ensemble has no"):
            average_weak_scores([systems[0], other])
