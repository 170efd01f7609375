"""The scores of the tuning report."""

import json

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.contrast_hmm import ContrastHMMSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.regularise import Flattest, Shrink
from sb_sed.tuning.report import format_tuning
from sb_sed.tuning.search import ExactSearch
from sb_sed.tuning.tune import fit, tune

CLASSES = ["Cat", "Dog"]


def data(noise, n_clips=24):
    generator = np.random.default_rng(1)
    rows, scores = [], {}
    for clip in range(n_clips):
        matrix = np.zeros((20, len(CLASSES)))
        for column, label in enumerate(CLASSES):
            first = generator.integers(0, 15)
            matrix[first : first + 5, column] = 0.5
            rows.append((f"{clip}.wav", first * 0.1, first * 0.1 + 0.5, label))
        matrix += generator.uniform(0, noise, matrix.shape)
        scores[str(clip)] = scores_table(matrix, 0.1, CLASSES)
    return scores, pd.DataFrame(rows, columns=EVENT_COLUMNS)


def test_whole_is_the_f1_of_the_tuned_smoother():
    scores, events = data(noise=0.6)
    smoother = ThresholdSmoother()
    report = tune(smoother, scores, events)
    counts = event_counts(events, smoother(scores)).f1()
    assert report.parameters == smoother.parameters
    alone = fit(ThresholdSmoother(), scores, events)
    assert report.parameters == alone.parameters
    assert report.whole.mean == pytest.approx(counts["macro"])
    assert report.per_class == pytest.approx(counts["per_class"])
    assert (report.whole.std, report.n_files) == (0, 24)


def test_leaving_one_out_by_hand():
    scores, events = data(noise=0.6, n_clips=8)
    report = tune(ThresholdSmoother(), scores, events, folds=8, splits=1)
    found, alone = [], []
    for clip, table in scores.items():
        mine = events["filename"] == f"{clip}.wav"
        rest = {name: table for name, table in scores.items() if name != clip}
        smoother = fit(ThresholdSmoother(), rest, events[~mine])
        found.append(smoother({clip: table}))
        alone.append(event_counts(events[mine], found[-1]).f1()["macro"])
    together = event_counts(events, pd.concat(found)).f1()["macro"]
    assert report.cross_validated.mean == pytest.approx(together)
    assert report.held_out.mean == pytest.approx(np.mean(alone))
    assert report.held_out.std == pytest.approx(np.std(alone))


def test_intervals_and_seeds():
    scores, events = data(noise=0.6)
    report, again, other = (
        tune(ThresholdSmoother(), scores, events, seed=seed)
        for seed in (0, 0, 1)
    )
    for name in ("tuned", "held_out", "cross_validated", "whole"):
        figure = getattr(report, name)
        assert figure == getattr(again, name)
        low, high = figure.interval
        assert 0 <= low < figure.mean < high <= 1
    assert report.held_out != other.held_out
    assert report.parameters == other.parameters


def test_overfitting_is_reported_and_lessened():
    scores, events = data(noise=0.7)
    report = tune(ThresholdSmoother(), scores, events)
    assert report.tuned.mean > report.held_out.mean + 0.02
    assert any("overfits" in warning for warning in report.warnings)
    search = ExactSearch(Flattest(7))
    steadier = tune(ThresholdSmoother(), scores, events, search)
    gaps = [r.tuned.mean - r.held_out.mean for r in (report, steadier)]
    assert gaps[1] < gaps[0]


def test_clear_scores_have_no_warning():
    report = tune(ThresholdSmoother(), *data(noise=0.1))
    assert report.held_out.mean == report.whole.mean == 1
    assert report.warnings == []


def test_what_is_left_out_is_reported():
    scores, events = data(noise=0.1)
    del scores["3"]
    for table in scores.values():
        table["Cow"] = 0.0
    extra = pd.DataFrame([("0.wav", 0.0, 1.0, "Pig")], columns=EVENT_COLUMNS)
    report = tune(ThresholdSmoother(), scores, pd.concat([events, extra]))
    assert report.n_files == 23
    files, unknown, absent = report.warnings
    assert "1 of 24 reference files" in files and "first: 3" in files
    assert "Pig" in unknown
    assert "Cow" in absent
    assert report.per_class["Cow"] is None
    assert report.whole.mean == 1


@pytest.mark.parametrize(("folds", "splits"), [(1, 5), (25, 5), (2, 0)])
def test_impossible_splits(folds, splits):
    scores, events = data(noise=0.1)
    with pytest.raises(InputError, match="24 files cannot be split"):
        tune(ThresholdSmoother(), scores, events, folds=folds, splits=splits)


@pytest.mark.parametrize(
    ("smoother", "recommended"),
    [
        (ThresholdSmoother, ExactSearch()),
        (ContrastHMMSmoother, ExactSearch(Shrink(10.0))),
    ],
)
def test_without_a_search_the_recommended_one(smoother, recommended):
    scores, events = data(noise=0.6)
    reports = [
        tune(smoother(), scores, events, search, splits=1).as_dict()
        for search in (None, recommended)
    ]
    assert all(report.pop("seconds") > 0 for report in reports)
    assert reports[0] == reports[1]


def test_as_json_and_as_text():
    report = tune(ThresholdSmoother(), *data(noise=0.6))
    record = json.loads(json.dumps(report.as_dict()))
    assert set(record["held_out"]) == {"mean", "std", "interval"}
    assert record["parameters"] == report.parameters
    text = format_tuning(report)
    assert f"held out             {100 * report.held_out.mean:.2f} [" in text
    assert "Dog    " in text
