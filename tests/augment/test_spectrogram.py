"""The views of student and teacher."""

import pytest
import torch

from sb_sed.augment.spectrogram import GaussianNoise


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("snr_db", [0.0, 15.0, 30.0])
def test_the_noise_of_each_band_is_as_loud_as_asked_for(snr_db):
    # Bands and clips of very different loudness, and one that is silent.
    n_frames = 20_000
    levels = torch.tensor([[1e-3, 1.0, 50.0], [0.0, 7.0, 0.1]])
    mel = torch.rand(2, n_frames, 3).double() * levels[:, None]
    noise = GaussianNoise(snr_db)(mel) - mel
    ratio = mel.square().mean(1) / noise.square().mean(1)
    measured = 10 * ratio.log10()
    # The power of n Gaussian samples is known to 4.3 sqrt(2 / n) dB.
    tolerance = 4 * 4.34 * (2 / n_frames) ** 0.5
    heard = levels > 0
    assert (measured[heard] - snr_db).abs().max() < tolerance
    assert not noise[1, :, 0].any()


def test_the_noise_is_gaussian_and_white():
    mel = torch.ones(1, 100_000, 2).double()
    noise = (GaussianNoise(20.0)(mel) - mel)[0] * 10
    n = len(noise)
    assert noise.mean(0).abs().max() < 4 / n**0.5
    assert (noise**3).mean(0).abs().max() < 4 * (15 / n) ** 0.5
    assert ((noise**4).mean(0) - 3).abs().max() < 4 * (96 / n) ** 0.5
    assert (noise[1:] * noise[:-1]).mean(0).abs().max() < 4 / n**0.5
    assert (noise[:, 0] * noise[:, 1]).mean().abs() < 4 / n**0.5


def test_clips_and_calls_have_noise_of_their_own():
    mel = torch.rand(1, 100, 4).expand(2, -1, -1)
    augment = GaussianNoise()
    first, second = augment(mel), augment(mel)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    augment(torch.rand(1, 100, 4))
    state = torch.get_rng_state()
    again = augment(mel)
    torch.set_rng_state(state)
    assert torch.equal(augment(mel), again)


def test_the_input_is_left_alone():
    mel = torch.rand(2, 100, 4)
    before = mel.clone()
    noisy = GaussianNoise(0.0)(mel)
    assert torch.equal(mel, before)
    assert noisy.shape == mel.shape and noisy.dtype == mel.dtype


def test_silence_stays_silence():
    assert not GaussianNoise()(torch.zeros(1, 10, 4)).any()
