"""The network on the embeddings of an encoder alone."""

import copy

import numpy as np
import pytest
import torch

from sb_sed.encoders import YAMNet
from sb_sed.features import (
    AmplitudeToDB,
    Featurizer,
    MelSpectrogram,
    MinMax,
    get_featurizer,
)
from sb_sed.models.detector import Detector
from sb_sed.models.fusion import Fusion
from sb_sed.models.head import Head
from sb_sed.runs.parts import build


def detector(**options):
    """A detector of YAMNet's embeddings with random weights."""
    torch.manual_seed(0)
    encoder = YAMNet(["layer12", "embedding"])
    head = Head(3, Fusion(encoder.size, 6, 0.5), rnn_hidden=5, **options)
    featurizer = get_featurizer("log_mel", n_mels=32, normalise=MinMax())
    return Detector(featurizer, head, encoder).eval()


@pytest.mark.parametrize("pooling", [1, 3, 4])
@pytest.mark.parametrize("n_samples", [16000, 20001])
def test_the_frames_are_those_that_it_promises(pooling, n_samples):
    found = detector(pooling=pooling)
    strong, weak, embedding = found.from_waveforms(torch.randn(2, n_samples))
    n_frames = found.n_output_frames(n_samples)
    assert strong.shape == (2, n_frames, 3) and weak.shape == (2, 3)
    assert embedding.shape == (2, n_frames, 6)
    assert found.frame_shift == pytest.approx(pooling * 255 / 16000)
    assert ((strong >= 0) & (strong <= 1)).all()
    low, high = strong.amin(1), strong.amax(1)
    assert ((weak >= low - 1e-6) & (weak <= high + 1e-6)).all()


def test_it_depends_on_the_embeddings_alone():
    found = detector()
    wavs = torch.randn(1, 32000)
    mel = found.featurizer.mel(wavs)
    wanted = found(mel, wavs).strong
    assert torch.equal(found(2 * mel + 1, wavs).strong, wanted)
    assert not torch.allclose(found(mel, wavs.flip(1)).strong, wanted)


def test_all_its_weights_are_trained_and_the_encoder_s_are_not():
    found = detector(dropout=0.3).train()
    wavs = torch.randn(2, 16000)
    sum(x.sum() for x in found.from_waveforms(wavs)[:2]).backward()
    for name, weight in found.network.named_parameters():
        assert weight.grad.abs().max() > 0, name
    assert all(x.grad is None for x in found.encoder.parameters())


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="size of the head is 0"):
        Head(3, Fusion(4, 2), pooling=0)


def test_it_is_built_from_its_description():
    description = {
        "class": "Head",
        "arguments": {
            "n_classes": 2,
            "fusion": {"class": "Fusion", "arguments": {"encoder_size": 4}},
        },
    }
    assert build(description).embedding_size == 128


def test_onnx_gives_the_scores_of_pytorch(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from sb_sed.inference.onnx import export_onnx

    found = detector(rnn_layers=2)
    found.featurizer = Featurizer(
        MelSpectrogram(hop_length=640, n_mels=16), [AmplitudeToDB(), MinMax()]
    )
    with torch.no_grad():
        found.network.strong.weight *= 20
    export_onnx(copy.deepcopy(found), tmp_path / "a.onnx", ["A", "B", "C"])
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    wavs = torch.randn(2, 30000) / 10
    with torch.no_grad():
        expected = found.from_waveforms(wavs)
    strong, weak = session.run(None, {"waveforms": wavs.numpy()})
    np.testing.assert_allclose(strong, expected.strong, atol=1e-4)
    np.testing.assert_allclose(weak, expected.weak, atol=1e-4)
