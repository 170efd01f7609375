"""The clip gate: equal to the field's weak mask, with any smoother."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing import SMOOTHERS, smoother_class
from sb_sed.smoothing.gate import gate, gated_for
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother

CLASSES = ["Cat", "Dog", "Speech"]


def data_set(seed, n_clips=4, dtype=np.float32):
    """Random scores of clips of several lengths, and weak scores."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        # Few values, so that scores and thresholds are often equal.
        return (rng.integers(0, 21, shape) / 20).astype(dtype)

    scores = {
        f"clip{i}": scores_table(draw(rng.integers(1, 40), 3), 0.1, CLASSES)
        for i in range(n_clips)
    }
    weak = {
        c: dict(zip(CLASSES, draw(3).tolist(), strict=True)) for c in scores
    }
    return scores, weak


def weak_mask(events, weak, threshold):
    """The field's way: drop the events of classes that the clip lacks."""
    threshold = np.float32(threshold)
    kept = [
        np.float32(weak[name.removesuffix(".wav")][label]) >= threshold
        for name, label in zip(
            events["filename"], events["event_label"], strict=True
        )
    ]
    return events[np.array(kept, dtype=bool)].reset_index(drop=True)


@settings(deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.02, 0.05, 0.3, 0.35, 0.5, 0.75, 0.95, 1.0]),
    st.sampled_from([0.0, 0.3, 0.7]),
    st.sampled_from([np.float32, np.float64]),
)
def test_it_is_the_weak_mask_at_every_threshold(seed, level, window, dtype):
    scores, weak = data_set(seed, dtype=dtype)
    gated = gate(scores, weak)
    for smoother in (ThresholdSmoother(level), MedianSmoother(level, window)):
        expected = weak_mask(smoother(scores)[EVENT_COLUMNS], weak, level)
        found = smoother(gated)[EVENT_COLUMNS]
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
        # And so are the scores that figures over all thresholds take.
        smoothed = smoother.to_scores(gated)
        again = ThresholdSmoother(level)(smoothed)[EVENT_COLUMNS]
        pd.testing.assert_frame_equal(again, expected, check_dtype=False)


@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_class_that_the_clip_lacks_has_no_events(name):
    scores, weak = data_set(0)
    weak = {clip: {**row, "Dog": 0.0} for clip, row in weak.items()}
    smoother = smoother_class(name)(clip_gate=True)
    smoother.parameters = {
        axis: next((v for v in values if v > 0), values[0])
        for axis, values in smoother.axes.items()
    }
    found = smoother(gated_for(smoother, scores, weak))
    assert "Dog" in set(smoother(scores)["event_label"])
    assert "Dog" not in set(found["event_label"])


def test_names_and_classes_are_matched():
    scores, weak = data_set(1)
    before = {clip: table.copy() for clip, table in scores.items()}
    expected = gate(scores, weak)
    other = {
        f"/data/{clip}.wav": {"More": 0.0, **dict(reversed(row.items()))}
        for clip, row in reversed(weak.items())
    }
    for clip, table in gate(scores, other).items():
        pd.testing.assert_frame_equal(table, expected[clip])
        pd.testing.assert_frame_equal(scores[clip], before[clip])


def test_scores_of_whole_numbers():
    scores = {"a": scores_table(np.array([[0], [1]]), 1.0, ["Dog"])}
    assert gate(scores, {"a": {"Dog": 0.5}})["a"]["Dog"].tolist() == [0, 0.5]


def test_without_a_gate_scores_are_left():
    scores, _ = data_set(2)
    assert gated_for(ThresholdSmoother(), scores, None) is scores
    assert gated_for(lambda scores: scores, scores, None) is scores


@pytest.mark.parametrize(
    ("weak", "match"),
    [
        (None, "threshold has a clip gate, and the scores have no weak scores"),
        ({"clip0": dict.fromkeys(CLASSES, 1.0)}, "'clip1' has no weak score,"),
        ({f"clip{i}": {"Cat": 1.0} for i in range(4)}, "no weak score of Dog"),
    ],
)
def test_what_is_missing_is_named(weak, match):
    scores, _ = data_set(3)
    with pytest.raises(InputError, match=match):
        gated_for(ThresholdSmoother(clip_gate=True), scores, weak)
