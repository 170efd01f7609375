"""Distributions and operating curves, against counting one by one."""

import numpy as np
import pandas as pd
import pytest

from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.report.charts import distributions, operating_curves
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.threshold import ThresholdSmoother


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    scores, rows = {}, []
    for name in "abcd":
        matrix = np.round(rng.random((40, 2)), 2)
        for column, label in enumerate(["Cat", "Dog"]):
            onset, length = rng.integers(0, 20), rng.integers(1, 20)
            matrix[onset : onset + length, column] += 0.5
            rows.append((f"{name}.wav", onset / 4, (onset + length) / 4, label))
        scores[f"{name}.wav"] = scores_table(
            np.minimum(matrix, 1), 0.25, ["Cat", "Dog"]
        )
    return pd.DataFrame(rows, columns=EVENT_COLUMNS), scores


def test_curves_are_those_of_each_threshold(data):
    reference, scores = data
    curves = operating_curves(reference, scores)
    assert list(curves) == ["Cat", "Dog"]
    for threshold in (0.2, 0.5, 0.75, 0.9, 0.99):
        # Between two scores, so that no rounding tells them apart.
        threshold += 0.005
        events = ThresholdSmoother(threshold)(scores)[EVENT_COLUMNS]
        counts = event_counts(reference, events)
        hits, n_reference, n_detected = (
            x.sum(0) for x in (counts.hits, counts.reference, counts.estimate)
        )
        for column, label in enumerate(counts.classes):
            curve = curves[label]
            index = np.searchsorted(curve.thresholds, threshold)
            if index == len(curve.thresholds):
                assert n_detected[column] == 0
                continue
            recall = hits[column] / n_reference[column]
            assert curve.recall[index] == recall
            precision = hits[column] / n_detected[column]
            assert curve.precision[index] == precision
            assert curve.f1[index] == pytest.approx(
                2 * hits[column] / (n_reference[column] + n_detected[column])
            )


def test_curves_count_each_of_events_that_overlap(data):
    reference, scores = data
    twice = reference.assign(offset=reference["offset"] + 0.25)
    both = pd.concat([reference, twice], ignore_index=True)
    curves = operating_curves(both, scores)
    for threshold in (0.505, 0.755):
        events = ThresholdSmoother(threshold)(scores)[EVENT_COLUMNS]
        counts = event_counts(both, events)
        for hits, n_reference, label in zip(
            counts.hits.sum(0),
            counts.reference.sum(0),
            counts.classes,
            strict=True,
        ):
            curve = curves[label]
            index = np.searchsorted(curve.thresholds, threshold)
            assert curve.recall[index] == hits / n_reference


@pytest.mark.parametrize("name", ["Dog\\bark", "\\", "tps", "onset "])
def test_curves_of_classes_of_any_name(data, name):
    reference, scores = data
    renamed = operating_curves(
        reference.replace({"event_label": {"Dog": name}}),
        {k: table.rename(columns={"Dog": name}) for k, table in scores.items()},
    )
    curves = operating_curves(reference, scores)
    np.testing.assert_array_equal(renamed[name].f1, curves["Dog"].f1)
    assert {*renamed} == {"Cat", name}


def test_curves_of_what_the_scores_lack(data):
    reference, scores = data
    other = reference.replace({"event_label": {"Dog": "Cow"}})
    assert [*operating_curves(other, scores)] == ["Cat"]
    nothing = reference.assign(event_label=None, onset=np.nan, offset=np.nan)
    assert operating_curves(nothing, scores) == {}


def test_a_curve_without_hits():
    scores = {"a.wav": scores_table([[0.2], [0.9]], 1.0, ["Dog"])}
    reference = pd.DataFrame([["a.wav", 5, 9, "Dog"]], columns=EVENT_COLUMNS)
    curve = operating_curves(reference, scores)["Dog"]
    assert curve.thresholds.tolist() == [0.9]
    assert curve.f1.tolist() == [0]


def test_distributions_count_each_frame_once(data):
    reference, scores = data
    edges = np.linspace(0, 1, 11)
    shares = distributions(reference, scores, edges)["Dog"]
    inside = {True: [], False: []}
    for name, table in scores.items():
        event = reference.query(f"filename == '{name}'").query(
            "event_label == 'Dog'"
        )
        for row in table.itertuples():
            centre = (row.onset + row.offset) / 2
            is_in = (event.onset <= centre) & (centre < event.offset)
            inside[bool(is_in.any())].append(row.Dog)
    for share, values in zip(
        shares, (inside[True], inside[False]), strict=True
    ):
        expected = np.histogram(values, edges)[0] / len(values)
        np.testing.assert_allclose(share, expected, atol=1e-12)
