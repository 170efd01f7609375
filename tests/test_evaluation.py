"""A system on two test sets: what is tuned where, and what is written."""

import json

import pandas as pd

from sb_sed.evaluation import TestSets
from sb_sed.formats import EVENT_COLUMNS, read_events, scores_table
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


def _score(sets, name, scores, *reference):
    return sets.score(name, {"student": scores}, *reference)["student"]


def test_tunes_on_the_first_set_alone(tmp_path):
    tuning = CrossFit(splits=1)
    sets = TestSets(ThresholdSmoother(), tuning, ["Dog"], tmp_path)
    report = _score(sets, "validation", *_set(high=0.3, low=0.2))
    assert report["event_f1"]["macro"] == 1
    kept = load_smoother(tmp_path / "save" / "student_smoother.json")
    assert 0.2 < kept.threshold["Dog"] <= 0.3
    # All of this set reaches that threshold: the whole clips are events.
    report = _score(sets, "public", *_set(high=0.9, low=0.5))
    assert report["event_f1"]["macro"] == 0
    found = read_events(tmp_path / "public" / "student" / "events.tsv")
    assert set(found["onset"]) == {0.0}
    tuned = tmp_path / "validation" / "student" / "tuning.json"
    assert json.loads(tuned.read_text())["held_out"]["mean"] == 1
    assert not (tmp_path / "public" / "student" / "tuning.json").exists()


def test_given_parameters_stay(tmp_path):
    smoother = ThresholdSmoother(0.6)
    sets = TestSets(smoother, AsGiven(), ["Dog"], tmp_path)
    report = _score(sets, "validation", *_set(high=0.9, low=0.5))
    assert report["event_f1"]["macro"] == 1
    assert report["psds"]["2020"] == 1
    kept = load_smoother(tmp_path / "save" / "student_smoother.json")
    assert kept.threshold == 0.6
    assert not list(tmp_path.rglob("tuning.json"))
