"""Curves from confidence to probability, alone and in a smoother."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from sb_sed.errors import InputError
from sb_sed.formats import scores_table
from sb_sed.smoothing.calibration import Calibration, log_odds
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.saved import load_smoother, save_smoother
from sb_sed.smoothing.sebbs import SEBBsSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother

SCORES = {"a": scores_table([[0.1], [0.9], [0.9], [0.1], [0.4]], 1.0, ["Dog"])}
PARAMETERS = {"filter": 2.0, "merge": 0.2, "threshold": 0.2}


@given(
    st.floats(-3, 3),
    st.floats(0, 3),
    st.lists(st.floats(0.01, 0.99)),
    st.text(),
)
def test_two_points_are_a_logistic_curve(level, slope, confidences, label):
    ends = np.array([0.001, 0.999])
    points = expit(np.clip(level + slope * logit(ends), -60, 60))
    points = np.clip(points, 0, 1)
    got = Calibration({label: [*zip(ends, points, strict=True)]})(
        [label] * len(confidences), np.array(confidences)
    )
    low, high = log_odds(points)
    share = (logit(np.array(confidences)) - logit(0.001)) / (2 * logit(0.999))
    assert got == pytest.approx(expit(low + share * (high - low)))
    assert (np.diff(got[np.argsort(confidences)]) >= -1e-12).all()


def test_a_class_without_a_curve_keeps_its_confidences():
    calibration = Calibration({"Dog": [(0.5, 0.1)]})
    got = calibration(["Cat", "Dog"], np.array([0.3, 0.3]))
    assert got == pytest.approx([0.3, 0.1])


@pytest.mark.parametrize(
    "curve",
    [
        [],
        [[0.2, 0.5], [0.2, 0.6]],
        [[0.2, 0.5], [0.4, 0.3]],
        [[0.2, 1.5]],
        [[0.2, float("nan")]],
        [[0.2]],
        "ab",
        [["0", "1"]],
    ],
)
def test_what_is_no_curve(curve):
    with pytest.raises(InputError):
        Calibration.of_state({"Dog": curve})


def test_a_smoother_with_one_gives_probabilities(tmp_path):
    smoother = SEBBsSmoother(PARAMETERS)
    plain = smoother(SCORES)
    smoother.calibration = Calibration({"Dog": [(0.3, 0.1), (0.9, 0.6)]})
    path = tmp_path / "smoother.json"
    save_smoother(smoother, path)
    loaded = load_smoother(path, ["Dog"])
    found = loaded(SCORES)
    assert found.drop(columns="confidence").equals(
        plain.drop(columns="confidence")
    )
    expected = smoother.calibration(["Dog"] * len(plain), plain["confidence"])
    assert found["confidence"].tolist() == pytest.approx(expected)
    # Scores for figures over all thresholds are those before.
    assert loaded.to_scores(SCORES)["a"].equals(
        SEBBsSmoother(PARAMETERS).to_scores(SCORES)["a"]
    )


def test_a_damaged_one_in_a_file_is_refused(tmp_path):
    path = tmp_path / "smoother.json"
    state = SEBBsSmoother(PARAMETERS).state() | {"calibration": {"Dog": 1}}
    path.write_text(json.dumps(state))
    with pytest.raises(InputError, match="calibration"):
        load_smoother(path)


def test_other_thresholds():
    smoother = SEBBsSmoother(PARAMETERS)
    smoother.calibration = Calibration({"Dog": [(0.3, 0.1)]})
    assert smoother.at(0.5).parameters["threshold"] == 0.5
    assert smoother.at(0.5).calibration is None
    by_class = smoother.at({"Dog": 0.3})
    assert by_class.parameters == {"Dog": PARAMETERS | {"threshold": 0.3}}
    assert by_class.at(0.1).parameters["Dog"]["threshold"] == 0.1
    assert smoother.parameters == PARAMETERS


def test_who_keeps_extents():
    assert SEBBsSmoother().keeps_extents
    assert not HMMSmoother().keeps_extents
    assert HMMSmoother(thresholds=[0.0, 0.5]).keeps_extents
    assert not ThresholdSmoother().keeps_extents
