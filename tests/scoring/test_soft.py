"""Scores against soft references."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from sb_sed.scoring.soft import best_expected_f1, expected_f1


def test_hard_references_give_the_usual_f1():
    rng = np.random.default_rng(0)
    active, hard = rng.integers(0, 2, (2, 60, 4))
    found = expected_f1(active, hard)
    assert found["per_class"] == pytest.approx(
        f1_score(hard, active, average=None)
    )
    assert found["macro"] == pytest.approx(
        f1_score(hard, active, average="macro")
    )


def test_counts_are_those_of_annotators_at_random():
    rng = np.random.default_rng(1)
    active = rng.integers(0, 2, (30, 1))
    marks = rng.integers(0, 2, (3, 30, 1))
    pooled = expected_f1(np.tile(active, (3, 1)), marks.reshape(90, 1))
    soft = expected_f1(active, marks.mean(axis=0))
    assert soft["macro"] == pytest.approx(pooled["macro"])


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=7))
def test_the_best_is_the_best_of_all_detectors(soft):
    soft = np.array(soft)
    best = best_expected_f1(soft)
    if not soft.any():
        assert np.isnan(best)
        return
    tried = [
        expected_f1(np.array(active)[:, None], soft[:, None])["macro"]
        for active in product([0, 1], repeat=len(soft))
    ]
    assert best == pytest.approx(max(tried))
