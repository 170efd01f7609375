"""Tests of models of Hugging Face's transformers, where it is installed.

Authors
 * sb_sed contributors 2026
"""

import importlib.util

import pytest
import torch

from sb_sed.encoders import HuggingFaceEncoder
from sb_sed.errors import InputError

INSTALLED = importlib.util.find_spec("transformers") is not None
needs_transformers = pytest.mark.skipif(
    not INSTALLED, reason="transformers is not installed"
)
WAVS = 0.1 * torch.randn(2, 16000, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small WavLM with random weights."""
    import transformers

    config = transformers.WavLMConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    path = tmp_path_factory.mktemp("wavlm")
    torch.manual_seed(1)
    transformers.WavLMModel(config).save_pretrained(path)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(
        path
    )
    return path


@needs_transformers
@pytest.mark.parametrize("layer", [None, 0, 1, 2])
def test_frames_are_the_model_s(folder, tmp_path, layer):
    import transformers

    encoder = HuggingFaceEncoder(folder, layer, tmp_path).train()
    model = transformers.WavLMModel.from_pretrained(folder).eval()
    scaled = torch.nn.functional.layer_norm(WAVS, WAVS.shape[1:])
    with torch.no_grad():
        hidden = model(scaled, output_hidden_states=True).hidden_states
    expected = hidden[2 if layer is None else layer]
    assert torch.allclose(encoder(WAVS), expected, atol=1e-5)
    assert (encoder.size, encoder.sample_rate) == (16, 16000)
    assert (encoder.frame_shift, encoder.first_frame) == (0.02, 0.0125)
    for n_samples in (1, 400, 719, 720, 16000):
        found = encoder(WAVS[:, :n_samples])
        assert found.shape[1] == encoder.n_frames(n_samples)


@needs_transformers
def test_weights_can_be_trained(folder, tmp_path):
    encoder = HuggingFaceEncoder(folder, None, tmp_path, trainable=True)
    encoder.train()(WAVS).square().mean().backward()
    groups = encoder.parameter_groups(1.0, decay=0.5)
    assert [group["lr"] for group in groups] == [0.5, 1.0]
    extractor = encoder.net.model.feature_extractor
    assert not any(p.requires_grad for p in extractor.parameters())
    trained = {id(p) for group in groups for p in group["params"]}
    assert trained == {id(p) for p in encoder.parameters() if p.requires_grad}


@needs_transformers
def test_wrong_sources_and_layers_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="take one from 0 to 2"):
        HuggingFaceEncoder(folder, 3, tmp_path)
    with pytest.raises(InputError, match="cannot be loaded.*huggingface.co"):
        HuggingFaceEncoder(tmp_path / "none", None, tmp_path)


@pytest.mark.skipif(INSTALLED, reason="transformers is installed")
def test_without_transformers_one_is_told():
    with pytest.raises(InputError, match="wavlm.*pip install transformers"):
        HuggingFaceEncoder("microsoft/wavlm-base-plus")
