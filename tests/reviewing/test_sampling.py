"""What is drawn has the probabilities that are stated."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.reviewing.boxes import cut_windows, find_boxes
from sb_sed.reviewing.sampling import ITEM_COLUMNS, draw, inclusion

THRESHOLDS = {"Cat": 0.5, "Dog": 0.5}


@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=40),
    st.integers(0, 50),
)
def test_probabilities_sum_to_the_number_drawn(sizes, n):
    probability = inclusion(np.array(sizes), n)
    assert probability.sum() == pytest.approx(min(n, len(sizes)))
    assert ((probability >= 0) & (probability <= 1 + 1e-12)).all()
    free = probability < 1 - 1e-9
    ratio = probability[free] / np.array(sizes)[free]
    assert ratio == pytest.approx(ratio[:1].repeat(len(ratio)))


def items(clips, smoother, n, seed=0, **options):
    scores, _ = clips
    boxes = find_boxes(smoother, scores)
    windows = cut_windows(scores)
    return draw(boxes, windows, THRESHOLDS, n, seed=seed, **options)


def test_a_draw_is_stratified(clips, smoother):
    drawn = items(clips, smoother, 100)
    assert list(drawn.columns) == ITEM_COLUMNS
    counts = drawn["event_label"].value_counts(dropna=False)
    assert sorted(counts) == [10, 45, 45]
    near = drawn["confidence"].between(0.3, 0.7).mean()
    boxes = find_boxes(smoother, clips[0])
    assert near > 1.3 * boxes["confidence"].between(0.3, 0.7).mean()
    assert drawn["confidence"].min() < 0.2 < 0.9 < drawn["confidence"].max()


def test_the_same_seed_is_the_same_draw(clips, smoother):
    one, other = (items(clips, smoother, 40, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_the_first_ones_are_a_smaller_draw(clips, smoother):
    """Whoever stops early has all classes, and windows."""
    first = items(clips, smoother, 200)[:60]
    counts = first["event_label"].value_counts(dropna=False)
    assert counts.min() >= 3 and len(counts) == 3


def test_weights_add_up_to_the_boxes(clips, smoother):
    """Sums over the draw, divided by the probabilities, are those of all."""
    scores, _ = clips
    boxes, windows = find_boxes(smoother, scores), cut_windows(scores)
    sums = {label: [] for label in THRESHOLDS}
    for seed in range(80):
        drawn = draw(boxes, windows, THRESHOLDS, 60, seed=seed).dropna()
        for label, group in drawn.groupby("event_label"):
            worth = group["confidence"] / group["probability"]
            sums[label].append(worth.sum())
    for label, values in sums.items():
        mine = boxes["event_label"] == label
        all_of_it = boxes.loc[mine, "confidence"].sum()
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values) - all_of_it) < 4 * error + 0.01 * all_of_it


def test_more_than_there_are(clips, smoother):
    scores = dict(list(clips[0].items())[:2])
    drawn = items((scores, None), smoother, 1000, silence=0.01)
    assert (drawn["probability"] == 1).all()
    assert drawn["event_label"].isna().sum() == 2
