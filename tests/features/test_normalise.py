"""Tests of the z-score and min-max normalisations.

Authors
 * sb_sed contributors 2026
"""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.features.normalise import MinMax, ZScore


def features(n_clips=7, n_frames=50, n_mels=4, seed=0):
    """Bands of different level and spread."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_clips, n_frames, n_mels, generator=generator)
    return x * torch.linspace(1, 9, n_mels) - torch.linspace(0, 60, n_mels)


def baseline_statistics(clips):
    """The baseline's Scaler, written out: a mean of means over the files."""
    mean = np.mean([clip.mean(axis=0) for clip in clips], axis=0)
    power = np.mean([np.square(clip).mean(axis=0) for clip in clips], axis=0)
    return mean, np.sqrt(power - mean**2)


def test_statistics_are_the_baselines():
    x = features()
    mean, std = baseline_statistics(x.double().numpy())
    normalise = ZScore(4).fit([x[:3], x[3:]])
    np.testing.assert_allclose(normalise.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(normalise.std, std, rtol=1e-6)
    expected = (x.numpy() - mean) / std
    np.testing.assert_allclose(normalise(x), expected, rtol=0, atol=1e-5)


def test_each_clip_counts_once_whatever_its_length():
    long, short = features(1, 90), features(1, 10, seed=1)
    mean, std = baseline_statistics(
        [long[0].double().numpy(), short[0].double().numpy()]
    )
    normalise = ZScore(4).fit([long, short])
    np.testing.assert_allclose(normalise.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(normalise.std, std, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 6), max_size=4))
def test_the_division_into_batches_does_not_matter(cuts):
    x = features(24, 20)
    sizes = [*cuts, 24 - sum(cuts)] if sum(cuts) < 24 else [24]
    whole, parts = ZScore(4).fit([x]), ZScore(4).fit(x.split(sizes))
    torch.testing.assert_close(parts.mean, whole.mean)
    torch.testing.assert_close(parts.std, whole.std)


def test_many_nearly_equal_values_keep_their_deviation():
    """A small spread on a large offset is lost in single precision."""
    x = (features(20, 1000, 1) * 0.01 - 90).float()
    normalise = ZScore(1).fit(x.split(4))
    _, std = baseline_statistics(x.double().numpy())
    np.testing.assert_allclose(normalise.std, std, rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, -100.0, 0.1])
def test_constant_band_is_only_centred(value):
    x = features()
    x[..., 2] = value
    out = ZScore(4).fit([x])(x)
    assert out.isfinite().all()
    assert out[..., 2].abs().max() < 1e-5


def test_unfitted_is_one_sentence():
    with pytest.raises(InputError, match="call fit .* or load a checkpoint"):
        ZScore(4)(features())


def test_statistics_are_in_the_state_dict(tmp_path):
    fitted = ZScore(4).fit([features()])
    torch.save(fitted.state_dict(), tmp_path / "z.pt")
    loaded = ZScore(4)
    loaded.load_state_dict(torch.load(tmp_path / "z.pt", weights_only=True))
    x = features(seed=3)
    torch.testing.assert_close(loaded(x), fitted(x), rtol=0, atol=0)
    with pytest.raises(InputError):
        unfitted = ZScore(4)
        unfitted.load_state_dict(ZScore(4).state_dict())
        unfitted(x)


def test_copies_are_independent():
    first = ZScore(4)
    second = copy.deepcopy(first).fit([features()])
    assert second.fitted and not first.fitted
    assert not list(second.parameters())


def test_bad_training_data_changes_nothing():
    broken = features()
    broken[3, 4, 1] = float("nan")
    for batches, remedy in (
        ([], "at least one batch"),
        ([features(), broken], "broken samples"),
        ([features(n_mels=5)], r"needs \[batch, time, 4\]"),
        ([features()[0]], r"needs \[batch, time, 4\]"),
    ):
        normalise = ZScore(4)
        with pytest.raises(InputError, match=remedy):
            normalise.fit(batches)
        assert not normalise.fitted
        assert (normalise.mean == 0).all()


def test_wrong_number_of_bands_is_one_sentence():
    with pytest.raises(InputError, match=r"needs \[batch, time, 4\]"):
        ZScore(4).fit([features()])(features(n_mels=8))


def test_fit_reads_a_generator():
    assert ZScore(4).fit(x for x in [features()]).fitted


def test_min_max_maps_each_clip_to_0_and_1():
    x = features()
    out = MinMax()(x)
    for clip, expected in zip(out, x, strict=True):
        low, high = expected.min(), expected.max()
        torch.testing.assert_close(clip, (expected - low) / (high - low))
    assert out.amin() == 0 and out.amax() <= 1


def test_min_max_treats_channels_separately():
    x = torch.stack([features(), 5 * features(seed=1)], dim=-1)
    out = MinMax()(x)
    for channel in range(2):
        torch.testing.assert_close(out[..., channel], MinMax()(x[..., channel]))


def test_min_max_of_a_constant_clip_and_of_nan():
    x = features(3)
    x[0] = -100
    x[1, 2, 3] = float("nan")
    out = MinMax()(x)
    assert (out[0] == 0).all()
    assert out[1].isnan().all()
    assert out[2].isfinite().all()


def test_statistics_that_are_loaded_later_count():
    """What is remembered of the flag does not outlive it."""
    normalise, x = ZScore(4).fit([features()]), features()
    normalise(x)
    normalise.load_state_dict(ZScore(4).state_dict())
    with pytest.raises(InputError, match="no statistics"):
        normalise(x)
