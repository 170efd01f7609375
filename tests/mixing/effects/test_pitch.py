"""Pitch shifting: pitch, duration, places of onsets, cleanness."""

import numpy as np
import pytest
from scipy.signal import chirp, get_window

from sb_sed.mixing.effects import PitchShift

RATE = 16000
time = np.arange(5 * RATE // 2) / RATE
shifts = pytest.mark.parametrize("semitones", [-3.0, -1.3, 0.4, 1.0, 3.0])


def shifted(samples, semitones, sample_rate=RATE):
    samples = samples.astype("float32")
    return PitchShift().apply(samples, sample_rate, semitones=semitones)


def spectrum(samples, sample_rate=RATE):
    """Power and its frequencies, fine enough to read a pitch from."""
    n = 2**19
    windowed = samples * get_window("blackmanharris", len(samples))
    return abs(np.fft.rfft(windowed, n)) ** 2, np.fft.rfftfreq(
        n, 1 / sample_rate
    )


@shifts
@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
@pytest.mark.parametrize("pitch", [110.0, 440.0, 2000.0])
def test_a_tone_comes_out_at_its_new_pitch(pitch, sample_rate, semitones):
    tone = 0.5 * np.sin(
        2 * np.pi * pitch * np.arange(2 * sample_rate) / sample_rate
    )
    power, frequencies = spectrum(
        shifted(tone, semitones, sample_rate), sample_rate
    )
    expected = pitch * 2 ** (semitones / 12)
    measured = frequencies[power.argmax()]
    assert abs(1200 * np.log2(measured / expected)) < 2  # cents
    # All but a hundredth of the power is there (-20 dB).
    near = abs(frequencies - expected) < 10
    assert power[near].sum() > 0.99 * power.sum()


@shifts
def test_inharmonic_tones_all_move(semitones):
    pitches = np.array([331.0, 523.0, 987.0])
    chord = sum(0.2 * np.sin(2 * np.pi * pitch * time) for pitch in pitches)
    power, frequencies = spectrum(shifted(chord, semitones))
    expected = pitches * 2 ** (semitones / 12)
    near = abs(frequencies - expected[:, None]) < 10
    # Each has a third of the power; joints of grains have less than -20 dB.
    shares = [power[band].sum() / power.sum() for band in near]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)
    assert sum(shares) > 0.99


@shifts
@pytest.mark.parametrize("at", [0.31, 1.0, 1.87])
def test_onsets_and_offsets_stay_in_place(semitones, at):
    tone = np.sin(2 * np.pi * 440 * time) * (time >= at) * (time < at + 0.4)
    loud = abs(shifted(tone, semitones)) > 0.3
    (audible,) = np.nonzero(loud)
    assert abs(audible[0] / RATE - at) < 0.01
    assert abs(audible[-1] / RATE - at - 0.4) < 0.01


@shifts
def test_a_click_stays_in_place_and_single(semitones):
    click = np.zeros(RATE)
    click[9000:9016] = np.hanning(16)
    result = shifted(click, semitones)
    assert abs(abs(result).argmax() - 9008) / RATE < 0.01
    power = result.astype("float64") ** 2
    near = slice(abs(result).argmax() - 40, abs(result).argmax() + 40)
    assert power[near].sum() > 0.5 * power.sum()


@shifts
def test_the_sound_does_not_fade_or_grow(semitones):
    sweep = 0.5 * chirp(time, 100, time[-1], 4000)
    result = shifted(sweep, semitones)
    blocks = result.reshape(10, -1)
    levels = np.sqrt((blocks.astype("float64") ** 2).mean(1))
    np.testing.assert_allclose(levels, 0.5**1.5, rtol=0.05)


def test_no_shift_is_the_identity():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    # But for what the resampler takes off near half of the rate.
    tone = np.sin(2 * np.pi * 1000 * time)
    assert abs(shifted(tone, 0.0) - tone).max() < 1e-3
    assert np.corrcoef(shifted(noise, 0.0), noise)[0, 1] > 0.95


@shifts
def test_it_does_not_depend_on_the_level(semitones):
    sound = np.random.default_rng(0).normal(0, 0.1, RATE)
    loud, soft = shifted(sound, semitones), shifted(1e-4 * sound, semitones)
    assert abs(loud - 1e4 * soft).max() < 1e-3


@pytest.mark.parametrize("semitones", [-12.0, 12.0])
@pytest.mark.parametrize("n", [1, 100, 1279, 1281, 20_000])
def test_an_octave_is_within_reach(semitones, n):
    sound = np.random.default_rng(0).normal(0, 0.1, n).astype("float32")
    effect = PitchShift((-12, 12))
    result = effect.apply(sound, RATE, semitones=semitones)
    assert len(result) == n and np.isfinite(result).all()
    assert abs(result).max() <= 2 * abs(sound).max()


def test_there_and_back_again():
    """Tone in, tone out: the same spectrum within a dB."""
    harmonics = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 8))
    back = shifted(shifted(harmonics, 2.0), -2.0)
    for k in range(1, 8):
        near = slice(int(2.5 * 220 * k) - 5, int(2.5 * 220 * k) + 6)
        before, after = (
            (abs(np.fft.rfft(sound))[near] ** 2).sum()
            for sound in (harmonics, back)
        )
        assert abs(10 * np.log10(after / before)) < 1
