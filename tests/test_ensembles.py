"""Averages of systems against the integral of piecewise constant scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.evaluation import average_scores
from sb_sed.formats import scores_table


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
