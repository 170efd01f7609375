"""The views of student and teacher."""

from math import sqrt
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from scipy.stats import kstest
from torch import nn

from sb_sed.augment.spectrogram import GaussianNoise, OneOf, SpecAugment
from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe

AUGMENTATIONS = [
    GaussianNoise(0.0),
    GaussianNoise((10.0, 30.0)),
    SpecAugment(),
    OneOf([GaussianNoise(), SpecAugment()], [0.25, 0.25]),
]
HPARAMS = Path(__file__).parents[2] / "recipes" / "DCASE2020" / "hparams"
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available()


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("snr_db", [0.0, 15.0, 30.0])
def test_the_noise_of_each_band_has_the_ratio(snr_db):
    # Bands and clips of very different loudness, and one that is silent.
    n_frames = 20_000
    levels = torch.tensor([[1e-3, 1.0, 50.0], [0.0, 7.0, 0.1]])
    mel = torch.rand(2, n_frames, 3).double() * levels[:, None]
    noise = GaussianNoise(snr_db)(mel) - mel
    ratio = mel.square().mean(1) / noise.square().mean(1)
    measured = 10 * ratio.log10()
    # The power of n Gaussian samples is known to 4.3 sqrt(2 / n) dB.
    tolerance = 4 * 4.34 * (2 / n_frames) ** 0.5
    audible = levels > 0
    assert (measured[audible] - snr_db).abs().max() < tolerance
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


def test_silence_stays_silence():
    assert not GaussianNoise()(torch.zeros(1, 10, 4)).any()


def test_a_single_ratio_draws_only_the_noise():
    mel = torch.rand(3, 50, 4)
    torch.manual_seed(1)
    noisy = GaussianNoise(20.0)(mel)
    torch.manual_seed(1)
    deviation = (mel.square().mean(1, keepdim=True) * 10**-2.0).sqrt()
    assert torch.equal(noisy, mel + deviation * torch.randn_like(mel))


@pytest.mark.parametrize("low, high", [(10.0, 30.0), (-30.0, 10.0), (5, 5)])
def test_ratios_are_uniform_in_the_range(low, high):
    mel = torch.rand(500, 2000, 2).double()
    noise = GaussianNoise([low, high])(mel) - mel
    ratio = mel.square().mean(1) / noise.square().mean(1)
    measured = 10 * ratio.log10()  # known to 0.14 dB
    # One draw for all bands of a clip.
    assert (measured[:, 0] - measured[:, 1]).abs().max() < 5 * sqrt(2) * 0.14
    if low < high:
        uniform = (low, high - low)
        assert kstest(measured.mean(1), "uniform", uniform).pvalue > 1e-3
    assert measured.min() > low - 0.7 and measured.max() < high + 0.7


@pytest.mark.parametrize("snr_db", [(30.0, 10.0), (1.0,), [0, float("nan")]])
def test_a_wrong_range_is_an_error(snr_db):
    with pytest.raises(InputError, match="snr_db of GaussianNoise is"):
        GaussianNoise(snr_db)


def covered(size, width):
    """How often each position of an axis is masked, by counting."""
    share = torch.zeros(size, dtype=torch.double)
    for w in range(width + 1):
        starts = range(size - w + 1)
        for start in starts:
            share[start : start + w] += 1 / len(starts) / (width + 1)
    return share


@pytest.mark.parametrize("n_masks, width", [(1, 4), (3, 2), (10, 1)])
def test_the_positions_of_masks_have_their_distribution(n_masks, width):
    n_clips, size = 20_000, 12
    time = SpecAugment(n_masks, width, n_mel_masks=0)
    mel = SpecAugment(0, 0, n_masks, width)
    expected = 1 - (1 - covered(size, width)) ** n_masks
    tolerance = 4.5 * (expected * (1 - expected) / n_clips).sqrt()
    for augment, axis in ((time, 1), (mel, 2)):
        clip = torch.ones(n_clips, *((size, 2) if axis == 1 else (2, size)))
        masked = augment(clip) == 0
        # Whole frames, or whole bands.
        assert torch.equal(masked.any(3 - axis), masked.all(3 - axis))
        share = masked.any(3 - axis).double().mean(0)
        assert ((share - expected).abs() < tolerance).all()


def test_the_widths_of_a_mask_are_uniform():
    n_clips, width = 20_000, 3
    masked = SpecAugment(1, width, 0)(torch.ones(n_clips, 30, 1)) == 0
    widths = masked.sum((1, 2))
    edges = masked[:, 1:, 0] != masked[:, :-1, 0]
    assert edges.sum(1).max() <= 2  # in one piece
    counts = torch.bincount(widths)
    assert len(counts) == width + 1
    deviation = sqrt(n_clips / 4 * 3 / 4)
    assert (counts - n_clips / 4).abs().max() < 4.5 * deviation


def test_what_is_not_masked_is_unchanged():
    mel = torch.rand(4, 60, 20) + 1
    masked = SpecAugment(3, 5, 2, 4)(mel)
    silent = masked == 0
    assert silent.any() and not silent.all()
    assert torch.equal(masked[~silent], mel[~silent])


def test_masks_of_two_clips_are_independent():
    masked = SpecAugment(2, 3, 2, 3)(torch.ones(5000, 10, 10)) == 0
    masked = (masked.double() - masked.double().mean(0)).flatten(1)
    together = (masked[::2] * masked[1::2]).mean(0)
    # A product of two numbers of at most 1 in magnitude.
    assert together.abs().max() < 5 * masked.var(0).max() / sqrt(2500)


@pytest.mark.parametrize("name", ["n_time_masks", "max_bands"])
@pytest.mark.parametrize("value", [-1, 2.5])
def test_a_wrong_number_of_masks_is_an_error(name, value):
    with pytest.raises(InputError, match=f"{name} of SpecAugment is"):
        SpecAugment(**{name: value})


class Fill(nn.Module):
    """Replaces its input."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, mel):
        return torch.full_like(mel, self.value)


def test_each_clip_gets_one_augmentation():
    mel = torch.rand(20_000, 2, 3)
    augment = OneOf([Fill(2), Fill(3), Fill(4)], [0.5, 0.2, 0.0])
    result = augment(mel)
    for value, probability in ((2, 0.5), (3, 0.2), (4, 0.0)):
        share = (result == value).all(2).all(1).double().mean()
        deviation = sqrt(probability * (1 - probability) / len(mel))
        assert abs(share - probability) <= 4.5 * deviation
    rest = result[:, 0, 0] < 1
    assert torch.equal(result[rest], mel[rest])
    # The draw of a clip does not depend on that of the one before.
    first, second = rest[::2].double(), rest[1::2].double()
    covariance = (first * second).mean() - first.mean() * second.mean()
    assert abs(covariance) < 4.5 * 0.21 / sqrt(len(first))


def test_probabilities_of_0_and_1():
    mel = torch.rand(50, 2, 3)
    assert (OneOf([Fill(2)], [1.0])(mel) == 2).all()
    assert torch.equal(OneOf([Fill(2)], [0])(mel), mel)
    assert torch.equal(OneOf([], [])(mel), mel)
    thirds = OneOf([Fill(2)] * 3, [1 / 3] * 3)(mel)
    assert (thirds == 2).all()


@pytest.mark.parametrize("probabilities", [[0.5], [0.6, 0.5], [-0.1, 0.5]])
def test_wrong_probabilities_are_an_error(probabilities):
    with pytest.raises(InputError, match="give one for each"):
        OneOf([Fill(1), Fill(2)], probabilities)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.double])
@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_a_view_is_a_new_tensor_of_the_same_type(augment, dtype, device):
    mel = torch.rand(8, 100, 16, device=device).to(dtype)
    before = mel.clone()
    view = augment(mel)
    assert view.shape == mel.shape
    assert view.dtype == dtype and view.device == mel.device
    assert torch.equal(mel, before) and mel._version == 0
    assert view.data_ptr() != mel.data_ptr()
    assert not view.requires_grad and not [*augment.state_dict()]


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_clips_and_views_are_independent_and_repeat(augment):
    clip = torch.rand(1, 100, 16)
    mel = clip.expand(16, -1, -1)
    state = torch.get_rng_state()
    first, second = augment(mel), augment(mel)
    assert not torch.equal(first, second)
    changed = [view for view in first if not torch.equal(view, clip[0])]
    assert len(changed) > 2
    for number, view in enumerate(changed[1:], start=1):
        assert not any(torch.equal(view, old) for old in changed[:number])
    torch.set_rng_state(state)
    assert torch.equal(augment(mel), first)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 16), (3, 100, 1)])
@pytest.mark.parametrize("augment", [*AUGMENTATIONS, SpecAugment(2, 50, 2, 50)])
def test_small_spectrograms(augment, shape):
    for _ in range(20):
        view = augment(torch.rand(shape))
        assert view.shape == shape and view.isfinite().all()


@pytest.mark.parametrize("name", ["spectrogram", "spectrogram_released"])
def test_the_views_of_the_recipe(name, tmp_path):
    overrides = (
        f"data_folder: {tmp_path}\noutput_folder: {tmp_path}\n"
        f"views: !include:augment/{name}.yaml\n"
    )
    recipe = Recipe(HPARAMS / "baseline.yaml", overrides)
    views = load_hyperpyyaml(recipe.stream())["views"]
    mel = torch.rand(4000, 50, 20) + 0.5
    augmented = [views[network](mel) for network in ("student", "teacher")]
    for view in augmented:
        same = (view == mel).all(2).all(1)
        # A mask of no width at all is drawn with a negligible probability.
        assert abs(same.double().mean() - 0.5) < 4.5 * 0.5 / sqrt(4000) + 0.01
        masked = (view == 0).any(2).any(1) & ~same
        assert 0.4 < masked.sum() / (~same).sum() < 0.6
    assert not torch.equal(*augmented)
