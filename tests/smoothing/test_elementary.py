"""Functions of scipy in NumPy, against scipy."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sb_sed.smoothing.elementary import (
    expit,
    logit,
    running_max,
    running_min,
)


def test_log_odds_and_probabilities():
    odds = np.concatenate([np.linspace(-800, 800, 4001), [-np.inf, np.inf]])
    found, expected = expit(odds), scipy.special.expit(odds)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-300)
    probability = np.linspace(0.001, 0.999, 1001)
    np.testing.assert_allclose(
        logit(probability),
        scipy.special.logit(probability),
        rtol=1e-13,
        atol=1e-15,
    )


@pytest.mark.parametrize(
    "own, of_scipy",
    [
        (running_max, scipy.ndimage.maximum_filter1d),
        (running_min, scipy.ndimage.minimum_filter1d),
    ],
)
@settings(deadline=None)
@given(
    values=arrays.arrays(
        float,
        st.tuples(st.integers(0, 3), st.integers(1, 40)),
        elements=st.integers(-9, 9),
    ),
    half=st.integers(0, 60),
)
def test_extremes_around_each_value(own, of_scipy, values, half):
    size = 2 * half + 1
    np.testing.assert_array_equal(own(values, size), of_scipy(values, size))
