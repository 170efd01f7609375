"""The effects against closed forms and SoX."""

import numpy as np
import pytest

from sb_sed.mixing.effects import (
    CombFilter,
    Compression,
    HighPass,
    LowPass,
    NoiseBurst,
    SineBurst,
)

RATE = 16000


def rms(samples):
    return np.sqrt(np.mean(np.square(samples, dtype="float64")))


def sound(n=RATE):
    return np.random.default_rng(0).normal(0, 0.1, n).astype("float32")


def impulse(n=RATE):
    return np.eye(1, n, dtype="float32")[0]


def response(effect, **drawn):
    """Magnitude at each whole frequency up to half of the rate."""
    return abs(np.fft.rfft(effect.apply(impulse(), RATE, **drawn)))


@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("effect", "own"),
    [(NoiseBurst(), {"seed": 1}), (SineBurst(), {"frequency": 440.0})],
)
def test_a_burst_lies_where_it_was_drawn(effect, own, place):
    samples = sound()
    drawn = {"level": 0.5, "length": 0.25, "place": place, **own}
    added = effect.apply(samples, RATE, **drawn) - samples
    first = round(place * 0.75 * RATE)
    (audible,) = np.nonzero(abs(added) > 1e-7)
    # The first sample of a sine is 0.
    assert audible[0] - first in (0, 1)
    assert first + RATE // 4 - audible[-1] in (1, 2)


def test_a_noise_burst_is_white_of_zero_mean_and_as_strong_as_drawn():
    samples = sound(200_000)
    drawn = {"level": 0.8, "length": 1.0, "place": 0.0, "seed": 3}
    noise = NoiseBurst().apply(samples, RATE, **drawn) - samples
    n = len(noise)
    largest = 0.8 * rms(samples)
    assert abs(noise).max() == pytest.approx(largest, rel=1e-3)
    assert abs(noise.mean()) < 4 * largest / (3 * n) ** 0.5
    assert rms(noise) == pytest.approx(largest / 3**0.5, rel=0.01)
    neighbours = np.corrcoef(noise[1:], noise[:-1])[0, 1]
    assert abs(neighbours) < 4 / n**0.5
    other = NoiseBurst().apply(samples, RATE, **drawn | {"seed": 4}) - samples
    assert abs(np.corrcoef(noise, other)[0, 1]) < 4 / n**0.5


def test_a_sine_burst_is_a_sine():
    samples = sound(10 * RATE)
    drawn = {"level": 0.7, "length": 0.5, "place": 1.0, "frequency": 3777.7}
    tone = SineBurst().apply(samples, RATE, **drawn) - samples
    time = np.arange(5 * RATE) / RATE
    expected = 0.7 * rms(samples) * np.sin(2 * np.pi * 3777.7 * time)
    assert not tone[: 5 * RATE].any()
    assert abs(tone[5 * RATE :] - expected).max() < 1e-6


def test_compression_agrees_with_sox():
    # sox -D … contrast <amount>, SoX 14.4.2, of samples with a peak of 1.
    samples = np.array([0, 0.1, 0.25, 0.5, 0.75, 1], "float32")
    for amount, expected in {
        0: [0, 0.15643447, 0.38268343, 0.70710677, 0.92387956, 1],
        50: [0, 0.19500774, 0.4433797, 0.70710677, 0.8963339, 1],
        100: [0, 0.23328163, 0.50210613, 0.70710677, 0.864806, 1],
    }.items():
        result = Compression().apply(samples, RATE, amount=amount)
        np.testing.assert_allclose(result, expected, atol=3e-7)
        # Odd, and in proportion to the peak.
        result = Compression().apply(-0.01 * samples, RATE, amount=amount)
        np.testing.assert_allclose(result, -0.01 * np.float32(expected), 1e-6)


@pytest.mark.parametrize("cutoff", [100.0, 440.0, 1000.0, 4000.0])
def test_the_filters_are_butterworths_of_second_order(cutoff):
    # The analogue response, its frequencies warped by the bilinear transform.
    frequencies = np.arange(RATE // 2 + 1)[:-1]
    warped = np.tan(np.pi * frequencies / RATE) / np.tan(np.pi * cutoff / RATE)
    low = 1 / np.sqrt(1 + warped**4)
    high = warped**2 * low
    for effect, expected in [(LowPass(), low), (HighPass(), high)]:
        measured = response(effect, cutoff=cutoff)[:-1]
        np.testing.assert_allclose(measured, expected, atol=1e-4)
        # -3 dB at the cut-off.
        assert measured[round(cutoff)] == pytest.approx(0.5**0.5, abs=1e-3)


@pytest.mark.parametrize("cutoff", [4000.0, 4001.0, 30_000.0])
def test_cutoffs_beyond_the_sample_rate(cutoff):
    samples = sound()
    low = LowPass().apply(samples, 8000, cutoff=cutoff)
    assert np.array_equal(low, samples)
    high = HighPass().apply(samples, 8000, cutoff=cutoff)
    assert rms(high) < 0.2 * rms(samples)


def test_a_comb_filter_at_rest_has_the_response_of_a_comb():
    drawn = {"gain": 0.6, "delay": 0.002, "sweep": 0, "rate": 0, "phase": 0}
    frequencies = np.arange(RATE // 2 + 1)
    expected = abs(1 + 0.6 * np.exp(-2j * np.pi * frequencies * 0.002))
    np.testing.assert_allclose(
        response(CombFilter(), **drawn), expected, atol=1e-5
    )


def test_a_comb_filter_sweeps():
    drawn = {"gain": 0.9, "delay": 0.01, "sweep": 0.9, "rate": 0.5, "phase": 1}
    # Slow enough that linear interpolation hardly matters.
    time = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 200 * time)
    swing = 1 + 0.9 * (1 + np.sin(2 * np.pi * 0.5 * time + 1))
    delayed = time - 0.01 * swing
    echo = np.sin(2 * np.pi * 200 * delayed) * (delayed > 0)
    result = CombFilter().apply(tone.astype("float32"), RATE, **drawn)
    assert abs(result - tone - 0.9 * echo).max() < 2e-3


def test_a_comb_filter_is_causal():
    samples = sound()
    samples[: RATE // 2] = 0
    drawn = CombFilter().draw(np.random.default_rng(0))
    result = CombFilter().apply(samples, RATE, **drawn)
    assert not result[: RATE // 2].any()
