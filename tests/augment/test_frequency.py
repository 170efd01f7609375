"""Views that change a spectrogram along frequency."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from scipy.stats import kstest, truncnorm

from sb_sed.augment.frequency import FilterAugment, FrequencyWarp
from sb_sed.errors import InputError
from sb_sed.features import MinMax, get_featurizer
from sb_sed.training.recipe import Recipe

HPARAMS = Path(__file__).parents[2] / "recipes" / "DCASE2020" / "hparams"
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available()
N_BANDS = 64


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def decibels(augment, n_clips=200):
    """The gains of each clip and band that a view has in effect."""
    mel = torch.rand(n_clips, 3, N_BANDS, dtype=torch.double) + 0.1
    gains = 20 * (augment(mel) / mel).log10()
    assert torch.allclose(gains, gains[:, :1].expand_as(gains), atol=1e-5)
    return gains[:, 0]


@pytest.mark.parametrize("kind", ["linear", "step"])
def test_gains_are_within_their_range(kind):
    gains = decibels(FilterAugment(kind, gain_db=(-6.0, 4.0)))
    assert gains.min() >= -6 - 1e-4 and gains.max() <= 4 + 1e-4
    assert gains.min() < -5.8 and gains.max() > 3.8


@pytest.mark.parametrize("n_regions", [(1, 1), (3, 3), (3, 5)])
def test_a_step_filter_has_a_gain_for_each_region(n_regions):
    gains = decibels(FilterAugment("step", n_regions, min_bands=6))
    seen = set()
    for clip in gains.numpy():
        edges = np.flatnonzero(np.abs(np.diff(clip)) > 1e-6) + 1
        widths = np.diff([0, *edges, N_BANDS])
        assert widths.min() >= 6 and widths.sum() == N_BANDS
        seen.add(len(widths))
    assert seen == set(range(n_regions[0], n_regions[1] + 1))


@pytest.mark.parametrize("n_regions", [(1, 1), (4, 4), (2, 6)])
def test_a_linear_filter_is_linear_in_each_region(n_regions):
    gains = decibels(FilterAugment("linear", n_regions, min_bands=6)).numpy()
    for clip in gains:
        bends = np.abs(np.diff(clip, 2)) > 1e-4
        assert bends.sum() <= 1 * (n_regions[1] - 1)
        assert n_regions[1] == 1 or np.ptp(clip) > 0.01
        places = np.flatnonzero(bends) + 1
        assert (np.diff([0, *places, N_BANDS]) >= 6).all()


def test_a_filter_written_out():
    augment = FilterAugment("linear", (2, 4), (-6.0, 6.0), min_bands=5)
    torch.manual_seed(7)
    gains = augment.draw(50, N_BANDS)
    torch.manual_seed(7)
    borders = augment._borders(50, N_BANDS)
    drawn = -6 + 12 * torch.rand(borders.shape)
    for clip in range(50):
        # What is beyond the last region has no width.
        ends, first = np.unique(borders[clip], return_index=True)
        wanted = np.interp(np.arange(N_BANDS), ends, drawn[clip, first])
        assert np.allclose(gains[clip], wanted, atol=1e-4)


def test_borders_are_uniform():
    borders = FilterAugment(n_regions=(2, 2), min_bands=4)._borders(20_000, 12)
    inner, counts = borders[:, 1].unique(return_counts=True)
    assert inner.tolist() == [4, 5, 6, 7, 8]
    assert (counts / 4000 - 1).abs().max() < 0.08


def test_features_see_the_filter():
    """Decibels by its gains; PCEN as a recording with another colour."""
    wavs = torch.randn(4, 16000) * 0.1
    log_mel = get_featurizer("log_mel", normalise=MinMax())
    mel, augment = log_mel.mel(wavs), FilterAugment()
    torch.manual_seed(1)
    gains = augment.draw(4, mel.shape[-1])
    torch.manual_seed(1)
    filtered = augment(mel)
    to_db = log_mel.stages[0]
    difference = to_db(filtered) - to_db(mel)
    # The quietest parts are at the floor, 80 dB below the peak.
    assert torch.allclose(
        difference, gains[:, None].expand_as(difference), atol=1e-3
    )
    ppcen = get_featurizer("ppcen")
    changed = ppcen.from_mel(filtered) - ppcen.from_mel(mel)
    assert changed.isfinite().all() and changed.abs().max() > 1e-3


@pytest.mark.parametrize("factor", [0.77, 0.95, 1.0, 1.2, 1.3])
def test_a_warp_is_piecewise_linear(factor, monkeypatch):
    augment = FrequencyWarp(boundary=0.8)
    monkeypatch.setattr(
        torch.nn.init,
        "trunc_normal_",
        lambda tensor, **_: tensor.fill_(np.log(factor)),
    )
    (sources,) = augment.draw(1, N_BANDS)
    last = N_BANDS - 1
    knee = 0.8 * last * min(factor, 1) / factor
    wanted = np.interp(
        np.arange(N_BANDS), [0, knee, last], [0, factor * knee, last]
    )
    assert np.allclose(sources, wanted, atol=1e-4)
    mel = torch.rand(1, 5, N_BANDS)
    warped = augment(mel)[0]
    for frame, new in zip(mel[0], warped, strict=True):
        expected = np.interp(wanted, np.arange(N_BANDS), frame)
        assert np.allclose(new, expected, atol=1e-4)


def test_factors_are_log_normal_and_cut_off():
    sources = FrequencyWarp(0.2, limit=1.3).draw(5000, 101)
    exponents = (sources[:, 10] / 10).log().numpy()
    cut = np.log(1.3) / 0.2
    assert kstest(exponents, truncnorm(-cut, cut, scale=0.2).cdf).pvalue > 0.01


@pytest.mark.parametrize("n_bands", [1, 2, 3])
def test_a_warp_of_few_bands_keeps_the_ends(n_bands):
    mel = torch.rand(8, 4, n_bands)
    warped = FrequencyWarp(0.3)(mel)
    assert torch.allclose(warped[..., [0, -1]], mel[..., [0, -1]])


BOTH = [FilterAugment(), FilterAugment("step"), FrequencyWarp()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("augment", BOTH, ids=["linear", "step", "warp"])
def test_a_view_is_a_new_tensor_that_the_seed_repeats(augment, device):
    mel = torch.rand(6, 20, N_BANDS, device=device)
    before = mel.clone()
    views = []
    for number in (1, 1, 2):
        torch.manual_seed(number)
        views.append(augment(mel))
    assert torch.equal(mel, before)
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])
    assert views[0].dtype == mel.dtype and (views[0] >= 0).all()
    # Clip by clip, and alike in all frames.
    assert not augment(torch.zeros_like(mel)).any()
    same = augment(mel[:1, :1].expand_as(mel))
    assert torch.equal(same, same[:, :1].expand_as(same))
    assert not torch.equal(same[0], same[1])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("filter_augment", FilterAugment),
        ("filter_augment_step", FilterAugment),
        ("frequency_warp", FrequencyWarp),
        ("filter_warp", torch.nn.Sequential),
    ],
)
def test_fragments(name, kind):
    recipe = Recipe(
        HPARAMS / "baseline.yaml",
        f"data_folder: DATA\nviews: !include:augment/{name}.yaml",
    )
    views = load_hyperpyyaml(recipe.stream(["views"]).getvalue())["views"]
    mel = torch.rand(3, 10, N_BANDS)
    student, teacher = (views[x](mel) for x in ("student", "teacher"))
    assert type(views["student"]) is kind
    assert not torch.equal(student, teacher)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FilterAugment("smooth"),
        lambda: FilterAugment(n_regions=(5, 3)),
        lambda: FilterAugment(n_regions=(0, 3)),
        lambda: FilterAugment(gain_db=(6.0, -6.0)),
        lambda: FilterAugment(min_bands=0),
        lambda: FilterAugment(min_bands=6)(torch.ones(1, 1, 20)),
        lambda: FrequencyWarp(deviation=0.0),
        lambda: FrequencyWarp(limit=0.9),
        lambda: FrequencyWarp(boundary=1.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(InputError, match=r"FilterAugment|FrequencyWarp"):
        make()
