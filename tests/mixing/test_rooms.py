"""Reverberation against SciPy's convolution and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve, unit_impulse

from sb_sed.mixing.rooms import (
    ANECHOIC,
    direct_path,
    reverberate,
    without_tail,
)


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=n).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 9))
def test_equals_scipys_convolution(n, length, seed):
    samples, response = noise(n, seed), noise(length, seed + 1)
    wet = reverberate(samples, response)
    full = fftconvolve(samples.astype(float), response.astype(float))
    delay = direct_path(response)
    assert wet.dtype == np.float32
    np.testing.assert_allclose(
        wet, full[delay:], atol=1e-5 * max(1, np.abs(full).max())
    )


def test_direct_path_has_no_delay_and_the_tail_is_kept():
    response = np.zeros(1000, np.float32)
    response[[300, 500, 999]] = -1, 0.5, 0.25
    wet = reverberate(unit_impulse(20, 3).astype(np.float32), response)
    assert len(wet) == 20 + 1000 - 1 - 300
    np.testing.assert_array_equal(
        np.flatnonzero(np.abs(wet) > 1e-4), [3, 203, 702]
    )
    assert wet[3] == pytest.approx(-1, abs=1e-5)


def test_no_room_changes_nothing():
    samples = noise(100)
    np.testing.assert_array_equal(reverberate(samples, ANECHOIC), samples)


def test_no_samples():
    assert len(reverberate(noise(0), noise(10))) <= 9


@pytest.mark.parametrize("t60", [0.2, 0.5])
def test_tail_ends_where_60_dB_have_gone(t60):
    times = np.arange(16000) / 16000
    response = np.exp(-3 * np.log(10) / t60 * times).astype(np.float32)
    assert len(without_tail(response)) / 16000 == pytest.approx(t60, rel=1e-3)


def test_cut_tail_makes_no_audible_difference():
    response = noise(16000) * 10 ** (-3 * np.arange(16000) / 6000)
    response = response.astype(np.float32)
    samples = noise(8000, 1)
    full = reverberate(samples, response)
    cut = reverberate(samples, without_tail(response))
    error = full[: len(cut)] - cut
    assert np.sum(error**2) < 2e-6 * np.sum(full**2)


def test_a_silent_response_becomes_empty():
    assert len(without_tail(np.zeros(10, np.float32))) == 0
