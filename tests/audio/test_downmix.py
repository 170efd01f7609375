"""Channels become one: their mean, or one of them where they cancel."""

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.audio.downmix import NOTE, Downmix
from sb_sed.audio.reading import read_blocks, read_mono

RATE = 8000


def noise(seconds, seed=0, level=0.1):
    n_samples = round(seconds * RATE)
    return level * np.random.default_rng(seed).standard_normal(n_samples)


def mixed(channels, size=3000):
    """The downmix of a list of channels in blocks, and whether it was noted."""
    samples, notes = np.stack(channels, axis=1), []
    downmix = Downmix(RATE, notes.append)
    blocks = [
        downmix(samples[start : start + size])
        for start in range(0, len(samples), size)
    ]
    assert notes in ([], [NOTE])
    return np.concatenate(blocks), bool(notes)


def power(samples):
    return np.mean(np.square(samples))


@pytest.mark.parametrize("size", [7, 3000, 10**6])
@pytest.mark.parametrize(
    "channels",
    [
        lambda x: [x, -x],
        lambda x: [x, -0.9 * x],  # another gain
        lambda x: [x + 0.2, 0.2 - x],  # not around 0
        lambda x: [x, 1e-4 * noise(3, 1) - x],  # encoded and decoded
        lambda x: [x, -np.clip(x, -0.3, 0.3)],
        lambda x: [x, -x, 0 * x],
        lambda x: [x, x, -x, -x],
        lambda x: [x, -x, noise(3, 1), -noise(3, 1)],
        lambda x: [np.round(2**15 * x) / 2**15, np.floor(-(2**15) * x) / 2**15],
    ],
)
def test_channels_that_cancel(channels, size):
    x = noise(3)
    one, is_noted = mixed(channels(x), size)
    assert is_noted
    assert power(one - one.mean()) == pytest.approx(power(x), rel=0.2)


@pytest.mark.parametrize(
    "channels",
    [
        lambda x: [x],
        lambda x: [x, x],
        lambda x: [x, noise(3, 1)],
        lambda x: [x, 0 * x],
        lambda x: [0 * x, 0 * x],
        lambda x: [0 * x + 0.3, 0 * x - 0.3],  # constants are no sound
        lambda x: [x, -0.3 * x],
        lambda x: [noise(3, seed) for seed in range(20)],
        lambda x: [x] + 99 * [0 * x],
        lambda x: [x + noise(3, 1, 0.1), noise(3, 1, 0.1) - x],
    ],
)
def test_other_channels_are_averaged(channels):
    given = channels(noise(3))
    one, is_noted = mixed(given)
    assert not is_noted
    np.testing.assert_array_equal(one, np.stack(given, axis=1).mean(axis=1))


def test_a_few_samples_that_happen_to_cancel():
    for seed in range(50):
        _, is_noted = mixed([noise(0.01, seed), noise(0.01, seed + 99)], 3)
        assert not is_noted
    assert mixed([noise(0.01), -noise(0.01)], 3)[1]


def test_they_cancel_for_a_while():
    """The mean before and after, no click where that changes."""
    time = np.arange(30 * RATE) / RATE
    left = 0.5 * np.sin(2 * np.pi * 50 * time)
    sign = np.where((time > 10) & (time < 20), -1, 1)
    one, is_noted = mixed([left, sign * left])
    assert is_noted
    for first, last in [(0, 9.9), (14.5, 19.5), (24.5, 30)]:
        part = slice(round(first * RATE), round(last * RATE))
        assert power(one[part]) == pytest.approx(0.125, rel=0.01)
    edges = np.abs(np.diff(one)) > 0.05
    # The signal itself jumps twice where its mean does.
    assert np.count_nonzero(edges) <= 2


def test_it_begins_with_silence_or_ends_with_it():
    x = np.concatenate([0 * noise(5), noise(5), 0 * noise(5)])
    one, is_noted = mixed([x, -x])
    assert is_noted
    np.testing.assert_allclose(np.abs(one), np.abs(x))


@settings(max_examples=50, deadline=None)
@given(
    st.integers(2, 6),
    st.sampled_from([1, 100, 8000, 10**6]),
    st.sampled_from([1e-30, 1e-4, 1, 1e9]),
    st.integers(0, 1000),
)
def test_the_power_is_never_far_below_that_of_a_channel(n, size, level, seed):
    random = np.random.default_rng(seed)
    gains = random.choice([-1, -0.9, 0, 0.5, 1], n)
    x = noise(1, seed, level)
    one, _ = mixed([gain * x for gain in gains], size)
    assert power(one) >= 0.01 * power(x) * np.mean(gains**2) / n


def test_files(tmp_path):
    # Vorbis makes noise of its own, which does not cancel.
    x = 0.3 * np.sin(np.arange(5 * RATE) / 6) * np.hanning(5 * RATE)
    for suffix in ("wav", "flac", "ogg", "mp3"):
        path, notes = tmp_path / f"a.{suffix}", []
        sf.write(path, np.stack([x, -x], axis=1), RATE)
        one, _ = read_mono(path, note=notes.append)
        assert notes == [NOTE]
        decoded, _ = sf.read(path, dtype="float32")
        best = decoded[:, np.square(decoded).sum(0).argmax()]
        assert power(np.abs(one) - np.abs(best)) < 1e-3 * power(best)
        for rate in (RATE, 16000):
            blocks = np.concatenate(list(read_blocks(path, rate)))
            np.testing.assert_array_equal(blocks, read_mono(path, rate)[0])
