"""Embeddings of an encoder beside those of the CNN."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sb_sed.errors import InputError
from sb_sed.features import MinMax, get_featurizer
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.models.fusion import Fusion, interpolate

TINY = {
    "n_classes": 3,
    "n_mels": 32,
    "filters": (4, 6),
    "pooling": ((2, 2), (2, 4)),
    "rnn_hidden": 5,
}


class Clock(nn.Module):
    """An encoder whose embeddings are the time of their frame, twice."""

    trainable = False
    sample_rate, size = 16000, 2
    frame_shift, first_frame = 0.16, 0.48

    def forward(self, wavs):
        n_frames = wavs.shape[1] // 2560
        times = self.first_frame + self.frame_shift * torch.arange(n_frames)
        return times[None, :, None].expand(len(wavs), -1, 2)


def detector(fusion, encoder):
    torch.manual_seed(0)
    featurizer = get_featurizer("log_mel", n_mels=32, normalise=MinMax())
    network = CRNN(**TINY, fusion=fusion, initialise=None)
    return Detector(featurizer, network, encoder).eval()


@given(
    positions=st.lists(st.floats(-3, 9), min_size=1, max_size=9),
    n_frames=st.integers(1, 6),
)
def test_interpolation_equals_numpys(positions, n_frames):
    x = np.random.default_rng(n_frames).normal(size=(2, n_frames, 3))
    found = interpolate(torch.tensor(x), torch.tensor(positions).double())
    for clip in range(2):
        for column in range(3):
            wanted = np.interp(
                positions, np.arange(n_frames), x[clip, :, column]
            )
            np.testing.assert_allclose(
                found[clip, :, column], wanted, atol=1e-6
            )


def test_the_frames_of_both_are_of_one_time():
    """The mean of the mel frames that an output frame covers is its time."""
    fusion = Fusion(2, 2)
    fusion.norm, fusion.projection = nn.Identity(), nn.Identity()
    clock = detector(fusion, Clock())
    fused = clock.from_waveforms(torch.randn(1, 160_000)).embedding[0, :, -1]
    hop = 255 / 16000
    n_mels = clock.featurizer.mel.n_frames(160_000) // 4 * 4
    centres = (hop * np.arange(n_mels)).reshape(-1, 4).mean(1)
    wanted = centres.clip(0.48, 0.48 + 0.16 * 61)
    np.testing.assert_allclose(fused.detach(), wanted, atol=1e-5)


def test_the_cnn_and_its_gradients_are_what_they_are_alone():
    fused, alone = detector(Fusion(2, 4), Clock()), detector(None, None)
    alone.network.cnn.load_state_dict(fused.network.cnn.state_dict())
    wavs = torch.randn(2, 32_000)
    size = alone.network.embedding_size
    gradients = []
    for model in (fused, alone):
        embedding = model.from_waveforms(wavs).embedding[..., :size]
        embedding.square().sum().backward()
        gradients.append([p.grad for p in model.network.cnn.parameters()])
    assert fused.network.embedding_size == size + 4
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_embeddings_that_were_computed_before_give_the_same():
    model = detector(Fusion(2, 4), Clock())
    wavs = torch.randn(2, 32_000)
    mel, encoded = model.featurizer.mel(wavs), model.encoder(wavs)
    for one, other in zip(
        model(mel, encoded), model.from_waveforms(wavs), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_the_scale_of_the_embeddings_does_not_matter_in_training():
    torch.manual_seed(0)
    fusion = Fusion(5, 4)
    scaled = copy.deepcopy(fusion)
    frames, encoded = torch.zeros(3, 7, 1), torch.randn(3, 9, 5)
    positions = torch.linspace(0, 8, 7)
    torch.testing.assert_close(
        fusion(frames, encoded, positions),
        scaled(frames, 1000 * encoded + 50, positions),
        atol=1e-3,
        rtol=1e-3,
    )


def test_clips_are_without_embeddings_in_training_alone():
    torch.manual_seed(0)
    fusion = Fusion(5, 4, clip_dropout=0.25)
    frames, encoded = torch.ones(400, 2, 1), torch.randn(400, 3, 5)
    positions = torch.linspace(0, 2, 2)
    fused = fusion(frames, encoded, positions)
    projected = fusion.project(encoded, positions)
    without = (fused[..., 1:] == 0).flatten(1).all(1)
    assert 0.15 < without.float().mean() < 0.35  # 4.6 standard errors
    torch.testing.assert_close(fused[~without, :, 1:], projected[~without])
    assert (fused[..., 0] == 1).all()
    fusion.eval()
    assert (fusion(frames, encoded, positions)[..., 1:] != 0).any(1).all()
    with pytest.raises(ValueError, match="clip_dropout is 1.0"):
        Fusion(5, 4, clip_dropout=1.0)


def test_a_fusion_without_an_encoder_is_refused():
    with pytest.raises(InputError, match="give it both"):
        detector(Fusion(2, 4), None)
    with pytest.raises(InputError, match="give it both"):
        detector(None, Clock())


def test_a_fusion_of_another_size_is_refused():
    with pytest.raises(InputError, match="encoder_size=2"):
        detector(Fusion(3, 4), Clock())


def test_an_encoder_of_another_rate_is_refused():
    clock = Clock()
    clock.sample_rate = 8000
    with pytest.raises(InputError, match="8000 Hz, the features for 16000"):
        detector(Fusion(2, 4), clock)
