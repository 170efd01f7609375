"""Learned boxes: scikit-learn, a planted rule, held-out probabilities."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.boxes import BoxSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.boxes import FitBoxes, _ridge_logistic
from sb_sed.tuning.trials import Trials
from sb_sed.tuning.tune import fit

CLASSES = ["Cat", "Dog", "Owl"]


def data(n_files=60, seed=0):
    """Long plateaus are events of Cat and Dog, short ones as high are none."""
    generator = np.random.default_rng(seed)
    scores, rows = {}, []
    for clip in range(n_files):
        matrix = 0.1 * generator.random((100, 3))
        for label in (0, 1):
            start = generator.integers(5, 25)
            matrix[start : start + 20, label] += 0.5
            matrix[start + 40 : start + 45, label] += 0.7
            times = start * 0.1, (start + 20) * 0.1
            rows.append((f"{clip}.wav", *times, CLASSES[label]))
        scores[str(clip)] = scores_table(matrix, 0.1, CLASSES)
    return scores, pd.DataFrame(rows, columns=EVENT_COLUMNS)


def test_a_rule_is_learned_on_some_files_and_holds_on_others():
    scores, events = data()
    trials = Trials(BoxSmoother(), scores, events)
    half = np.arange(60) % 2
    found = FitBoxes()(trials, half)
    assert trials.macro_f1(found, 1 - half) > 0.95
    assert found == FitBoxes()(trials, half)
    # No better than what decides by height.
    other = Trials(ThresholdSmoother(), scores, events)
    best = max(
        other.macro_f1({x: {"threshold": y} for x in CLASSES}, 1 - half)
        for y in (0.3, 0.5, 0.6)
    )
    assert best < 0.8


def test_held_out_files_do_not_count():
    scores, events = data(20)
    half = np.arange(20) % 2 == 1
    found = FitBoxes()(Trials(BoxSmoother(), scores, events), half)
    trials = Trials(BoxSmoother(), scores, events)
    held = [
        f"{clip}.wav"
        for clip, w in zip(trials.files, half, strict=True)
        if not w
    ]
    events.loc[events["filename"].isin(held), ["onset", "offset"]] = 0.0, 9.0
    changed = FitBoxes()(Trials(BoxSmoother(), scores, events), half)
    assert changed == found


def test_a_class_without_events_has_the_price_of_its_own():
    scores, events = data(20)
    smoother = fit(BoxSmoother(), scores, events)
    assert smoother.parameters.keys() == set(CLASSES)
    assert all(
        np.isfinite([*setting.values()]).all()
        for setting in smoother.parameters.values()
    )
    stiff = FitBoxes(own=1e9)(
        Trials(BoxSmoother(), scores, events), np.ones(20)
    )
    slopes = [
        [stiff[label][name] for name in ("mean", "length", "near")]
        for label in CLASSES
    ]
    np.testing.assert_allclose(slopes[0], slopes[2], rtol=1e-4)


def test_probabilities_are_calibrated_on_files_not_seen():
    scores, events = data(60)
    # Of so few files, high prices would draw all probabilities to the mean.
    smoother = fit(BoxSmoother(), scores, events, FitBoxes(10.0, 30.0))
    unseen, truth = data(60, seed=1)
    found = smoother(unseen)
    assert abs(len(truth) / found["confidence"].sum() - 1) < 0.1


def test_the_regression_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(200, 4))
    hit = (features[:, 0] + generator.normal(size=200) > 0).astype(float)
    number = generator.integers(0, 3, 200).astype(float)
    found = _ridge_logistic(features, hit, number, np.full(4, 5.0), np.zeros(4))
    model = LogisticRegression(C=1 / 5, fit_intercept=False, tol=1e-10)
    model.fit(features, hit, sample_weight=number)
    np.testing.assert_allclose(found, model.coef_[0], atol=1e-4)
    # Far from the goal it stays where it began.
    start = np.arange(4.0)
    stiff = _ridge_logistic(features, hit, number, np.full(4, 1e9), start)
    np.testing.assert_allclose(stiff, start, atol=1e-5)


def test_another_smoother_is_refused():
    scores, events = data(4)
    with pytest.raises(InputError, match="take the exact search"):
        fit(ThresholdSmoother(), scores, events, FitBoxes())
