"""Boxes, their features and the choice among them, against definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, logit

from sb_sed.formats import scores_table
from sb_sed.smoothing.box_features import NAMES, box_features
from sb_sed.smoothing.boxes import BoxSmoother
from sb_sed.smoothing.candidates import candidates
from sb_sed.smoothing.packed import pack

SHIFT = 0.064
DEFAULT = {name: values[0] for name, values in BoxSmoother.axes.items()}

matrices = arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.just(2)),
    elements=st.sampled_from([0.0, 0.0, 0.01, 0.125, 0.25, 0.5, 0.75, 1.0]),
)
models = arrays(float, len(NAMES), elements=st.integers(-2, 2))
examples = settings(max_examples=15, deadline=None)


def packed_of(*matrices):
    return pack(
        {
            str(clip): scores_table(matrix, SHIFT, ["Cat", "Dog"])
            for clip, matrix in enumerate(matrices)
        }
    )


def setting_of(model, threshold=0.04):
    weights = dict(zip(NAMES, model.tolist(), strict=True))
    return {**weights, "bias": -1.0, "threshold": threshold}


def expected_events(boxes, probability):
    """Take the likeliest box, drop what overlaps it, and so on."""
    order = sorted(range(len(probability)), key=lambda n: (-probability[n], n))
    kept = []
    for n in order:
        file, first, end = boxes.file[n], boxes.first[n], boxes.end[n]
        if probability[n] >= 0.04 and all(
            other[0] != file or end <= other[1] or other[2] <= first
            for other in kept
        ):
            kept.append((file, first, end, probability[n]))
    return sorted(kept)


@examples
@given(st.lists(matrices, min_size=1, max_size=3), models)
def test_the_likeliest_of_boxes_that_overlap_are_events(matrices, model):
    for packed in packed_of(*matrices):
        boxes = candidates(packed, "Dog")
        features = box_features(packed, "Dog", boxes)
        probability = expit(features @ model - 1.0)
        found = BoxSmoother().decode(packed, "Dog", [setting_of(model)])
        expected = expected_events(boxes, probability)
        assert found.file.tolist() == [event[0] for event in expected]
        np.testing.assert_allclose(
            np.stack([found.onset, found.offset, found.confidence], axis=1),
            np.reshape([(a * SHIFT, b * SHIFT, p) for _, a, b, p in expected], (-1, 3)),
            atol=1e-9,
        )  # fmt: skip


@examples
@given(matrices, models)
def test_events_are_in_the_clip_in_order_and_do_not_overlap(matrix, model):
    table = scores_table(matrix, SHIFT, ["Cat", "Dog"])
    smoother = BoxSmoother(setting_of(model))
    events = smoother({"clip": table})
    assert events["confidence"].between(0, 1).all()
    for _, some in events.groupby("event_label"):
        assert (some["onset"] >= 0).all()
        assert (some["onset"] < some["offset"]).all()
        assert some["offset"].le(table["offset"].iloc[-1]).all()
        assert (some["offset"].iloc[:-1].values <= some["onset"].iloc[1:]).all()


@examples
@given(matrices, models)
def test_a_threshold_only_drops_events(matrix, model):
    (packed,) = packed_of(matrix)
    thresholds = (0.04, 0.2, 0.5)
    settings = [setting_of(model, threshold) for threshold in thresholds]
    found = BoxSmoother().decode(packed, "Dog", settings)
    for index, threshold in enumerate(thresholds):
        kept = (found.setting == 0) & (found.confidence >= threshold)
        there = found.setting == index
        assert found.onset[kept].tolist() == found.onset[there].tolist()
        assert found.offset[kept].tolist() == found.offset[there].tolist()


@examples
@given(st.lists(matrices, min_size=2, max_size=3), models)
def test_a_clip_has_the_events_that_it_has_alone(matrices, model):
    smoother = BoxSmoother(setting_of(model))
    scores = {
        str(clip): scores_table(matrix, SHIFT, ["Cat", "Dog"])
        for clip, matrix in enumerate(matrices)
    }
    columns = ["filename", "onset", "offset", "event_label"]
    alone = [
        row
        for clip, table in scores.items()
        for row in smoother({clip: table})[columns].to_numpy().tolist()
    ]
    assert smoother(scores)[columns].to_numpy().tolist() == alone


def test_far_events_do_not_change_a_box():
    event = np.zeros((300, 2))
    event[100:120] = 0.5
    late = np.zeros((700, 2))
    late[500:560, 1] = 0.9
    short, long = (
        packed_of(matrix)[0] for matrix in (event, np.vstack([event, late]))
    )
    features = [
        box_features(packed, "Dog", boxes)[boxes.first < 200]
        for packed in (short, long)
        for boxes in [candidates(packed, "Dog")]
    ]
    np.testing.assert_allclose(*features, atol=1e-9)


def test_features_by_hand():
    """An event of 10 frames after silence, a fainter one after it."""
    matrix = np.zeros((100, 2))
    matrix[20:30, 1], matrix[24:30, 1], matrix[60:70, 1] = 0.5, 0.8, 0.2
    matrix[20:30, 0] = 0.1
    (packed,) = packed_of(matrix)
    boxes = candidates(packed, "Dog")
    wide = (boxes.first == 20) & (boxes.end == 30)
    row = box_features(packed, "Dog", boxes)[wide][0]
    found = dict(zip(NAMES, row.tolist(), strict=True))

    def _odds(score):
        return logit(0.02 + 0.96 * score)

    mean = 0.68
    expected = {
        "mean": _odds(mean),
        "peak": _odds(0.8),
        "least": _odds(0.5),
        "flat": mean / 0.8,
        "dip": 0.5 / 0.8,
        "length": np.log(0.64),
        "at_start": 0.0,
        "at_end": 0.0,
        "rise_200ms": _odds(0.5) - _odds(0),
        "step_down_200ms": 0.8,
        "after_500ms": 0.0,
        "around_peak": _odds(0.8),
        "around_mean": _odds((6.8 + 2) / 100),
        "of_around": mean / 0.8,
        "others": _odds(0.1),
    }
    assert {name: found[name] for name in expected} == pytest.approx(
        expected, abs=1e-5
    )


def test_agreement_by_counting():
    generator = np.random.default_rng(0)
    matrix = generator.random((80, 2)) ** 2
    (packed,) = packed_of(matrix)
    boxes = candidates(packed, "Cat")
    features = box_features(packed, "Cat", boxes)
    first, end, votes = boxes.first, boxes.end, boxes.votes
    for n in range(len(first)):
        slack = max(2, int(0.1 * (end[n] - first[n])))
        onset, offset = abs(first - first[n]) <= 2, abs(end - end[n]) <= slack
        overlap = (first < end[n]) & (end > first[n])
        inside = (first > first[n] + 2) & (first < end[n] - 2)
        expected = {
            "near": np.log(votes[onset & offset].sum()),
            "onsets": np.log(votes[onset].sum()),
            "offsets": np.log(votes[offset].sum()),
            "overlapping": np.log(votes[overlap].sum()),
            "onsets_inside": np.log1p(votes[inside].sum()),
        }
        found = {name: features[n, NAMES.index(name)] for name in expected}
        assert found == pytest.approx(expected)


def test_no_box_where_there_is_no_score():
    events = BoxSmoother(DEFAULT)(
        {"clip": scores_table(np.zeros((20, 1)), SHIFT, ["Dog"])}
    )
    assert events.empty
