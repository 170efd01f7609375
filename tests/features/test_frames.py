"""Frames without a spectrogram."""

import pytest
import torch

from sb_sed.encoders import YAMNet
from sb_sed.errors import InputError
from sb_sed.features import Featurizer, FrameGrid, MelSpectrogram
from sb_sed.models.detector import Detector
from sb_sed.models.fusion import Fusion
from sb_sed.models.head import Head


@pytest.mark.parametrize("n_samples", [1024, 16000, 16319, 16320, 160000])
def test_the_frames_are_those_of_a_spectrogram(n_samples):
    mel = MelSpectrogram(n_fft=1024, hop_length=320, n_mels=32)
    grid = FrameGrid(sample_rate=16000, hop_length=320)
    wavs = torch.randn(2, n_samples)
    assert grid(wavs).shape == (*mel(wavs).shape[:2], 0)
    assert grid.n_frames(n_samples) == mel.n_frames(n_samples)
    features = [Featurizer(x, []) for x in (grid, mel)]
    assert features[0].frame_shift == features[1].frame_shift


def test_a_head_gives_the_same_scores():
    torch.manual_seed(0)
    encoder = YAMNet()
    head = Head(3, Fusion(encoder.size, 6), rnn_hidden=5)
    wavs = torch.randn(2, 32000)
    fast, slow = (
        Detector(Featurizer(mel, []), head, encoder).eval()
        for mel in (FrameGrid(), MelSpectrogram(n_fft=1024, hop_length=320))
    )
    for found, wanted in zip(
        fast.from_waveforms(wavs), slow.from_waveforms(wavs), strict=True
    ):
        assert torch.equal(found, wanted)


def test_channels_have_to_be_mixed_down():
    with pytest.raises(InputError, match="mix the channels down"):
        FrameGrid()(torch.zeros(1, 2, 16000))
