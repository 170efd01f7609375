"""The featurizer: stages, fitting, copies.

Authors
 * sb_sed contributors 2026
"""

import copy

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.lobes.features import Fbank
from speechbrain.utils.checkpoints import Checkpointer
from torch import nn

from sb_sed.errors import InputError
from sb_sed.features import (
    AmplitudeToDB,
    Featurizer,
    MelSpectrogram,
    MinMax,
    ZScore,
    get_featurizer,
)


def wav_batches(n_batches=3, seed=0):
    """Waveforms, eight short clips a batch."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(8, 8000, generator=generator) for _ in range(n_batches)]


def test_log_mel_is_mel_decibels_z_score():
    featurizer = get_featurizer("log_mel", n_mels=32, hop_length=510)
    batches = wav_batches()
    featurizer.fit(batches)
    mel = MelSpectrogram(n_mels=32, hop_length=510)
    decibels = [AmplitudeToDB()(mel(wavs)) for wavs in batches]
    expected = ZScore(32).fit(decibels)(decibels[0])
    torch.testing.assert_close(featurizer(batches[0]), expected)
    assert featurizer.n_mels == 32
    assert featurizer.n_channels == 1
    assert featurizer.frame_shift == 510 / 16000


def test_noise_can_be_added_between_mel_and_the_rest():
    featurizer = get_featurizer("log_mel", normalise=MinMax())
    wavs = wav_batches()[0]
    mel = featurizer.mel(wavs)
    torch.testing.assert_close(featurizer.from_mel(mel), featurizer(wavs))
    assert not torch.equal(featurizer.from_mel(mel + 1), featurizer(wavs))


def test_drop_in_for_speechbrains_fbank():
    wavs, lens = torch.randn(2, 16000), torch.tensor([1.0, 0.5])
    theirs = Fbank(n_mels=40)(wavs)
    ours = get_featurizer("log_mel", n_mels=40, normalise=MinMax())
    assert ours(wavs).dim() == theirs.dim() == 3
    assert ours(wavs).shape[::2] == theirs.shape[::2]
    torch.testing.assert_close(ours(wavs, lens), ours(wavs))


def test_each_stage_is_fitted_on_its_inputs():
    stages = [AmplitudeToDB(), ZScore(128), MinMax(), ZScore(128)]
    featurizer = Featurizer(MelSpectrogram(), stages).fit(wav_batches())
    first, last = stages[1], stages[3]
    assert first.mean.abs().max() > 5  # decibels
    assert 0 < last.mean.min() and last.mean.max() < 1  # after MinMax
    out = torch.cat([featurizer(wavs) for wavs in wav_batches()])
    assert out.mean().abs() < 1e-3 and abs(out.std() - 1) < 1e-2


def test_unfitted_is_one_sentence():
    with pytest.raises(InputError, match="call fit"):
        get_featurizer("log_mel")(torch.randn(1, 16000))


def test_nothing_to_fit_is_fine():
    featurizer = get_featurizer("log_mel", normalise=MinMax())
    assert featurizer.fit([]) is featurizer


class Doubled(nn.Module):
    """A last stage with parallel layers."""

    n_channels = 2

    def forward(self, features):
        """[B, T, F] -> [B, T, F, 2]."""
        return torch.stack([features, 2 * features], dim=-1)


def test_channels_of_parallel_layers():
    featurizer = Featurizer(MelSpectrogram(), [AmplitudeToDB(), Doubled()])
    assert featurizer.n_channels == 2
    assert featurizer(torch.randn(3, 16000)).shape == (3, 63, 128, 2)


def test_no_stages_give_the_linear_mel():
    wavs = torch.randn(1, 16000)
    mel = MelSpectrogram()
    assert Featurizer(mel, []).n_channels == 1
    torch.testing.assert_close(Featurizer(mel, [])(wavs), mel(wavs))


def test_copies_and_checkpoints_through_speechbrain(tmp_path):
    student = get_featurizer("log_mel").fit(wav_batches())
    teacher = copy.deepcopy(student)
    wavs = torch.randn(2, 16000)
    torch.testing.assert_close(teacher(wavs), student(wavs))
    Checkpointer(tmp_path, {"featurizer": student}).save_checkpoint()
    restored = get_featurizer("log_mel")
    Checkpointer(tmp_path, {"featurizer": restored}).recover_if_possible()
    torch.testing.assert_close(restored(wavs), student(wavs), rtol=0, atol=0)


def test_from_yaml_by_class_and_by_name():
    hparams = load_hyperpyyaml(
        """
n_mels: 64
by_class: !new:sb_sed.features.Featurizer
    mel: !new:sb_sed.features.MelSpectrogram
        n_mels: !ref <n_mels>
    stages:
        - !new:sb_sed.features.AmplitudeToDB
        - !new:sb_sed.features.MinMax
by_name: !apply:sb_sed.features.get_featurizer
    name: log_mel
    n_mels: !ref <n_mels>
    normalise: !new:sb_sed.features.MinMax
"""
    )
    wavs = torch.randn(2, 16000)
    by_class, by_name = hparams["by_class"], hparams["by_name"]
    torch.testing.assert_close(by_class(wavs), by_name(wavs))
