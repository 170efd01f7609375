"""The ramp-up against the closed form."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.training.schedules import ExponentialRampUp


@given(st.integers(1, 100), st.integers(1, 1000), st.integers(-10, 200_000))
def test_against_the_closed_form(n_epochs, steps_per_epoch, step):
    length = n_epochs * steps_per_epoch
    clipped = min(max(step, 0), length)
    expected = math.exp(-5 * (1 - clipped / length) ** 2)
    ramp_up = ExponentialRampUp(n_epochs, steps_per_epoch)
    assert ramp_up(step) == pytest.approx(expected, rel=1e-12)


def test_the_baselines_figures():
    ramp_up = ExponentialRampUp(50, 263)
    assert ramp_up(0) == pytest.approx(0.0067, abs=5e-5)
    assert ramp_up(13_150 // 2) == pytest.approx(0.2865, abs=5e-5)
    assert ramp_up(13_149) < 1 == ramp_up(13_150) == ramp_up(10**9)


def test_it_only_rises():
    ramp_up = ExponentialRampUp(3, 7)
    factors = [ramp_up(step) for step in range(30)]
    assert factors == sorted(factors)
    assert len(set(factors)) == 3 * 7 + 1


def test_no_ramp_and_half_an_epoch():
    assert ExponentialRampUp(0, 263)(0) == 1.0
    ramp_up = ExponentialRampUp(0.5, 10)
    assert ramp_up(4) < 1.0 == ramp_up(5)
