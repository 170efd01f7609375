"""Tests of BEATs against SpeechBrain's lobe, with random weights.

Authors
 * sb_sed contributors 2026
"""

import warnings

import pytest
import torch
from small_beats import CONFIG, save_beats
from speechbrain.lobes.models import beats
from torch.nn import functional

from sb_sed.encoders import BEATs
from sb_sed.errors import InputError

WAVS = 0.1 * torch.randn(2, 40000, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file as the authors' are, with weights of a small lobe."""
    return save_beats(tmp_path_factory.mktemp("beats") / "small.pt")


@pytest.fixture(scope="module")
def lobe(checkpoint):
    """SpeechBrain's lobe with the same weights."""
    return beats.BEATs(str(checkpoint), output_all_hiddens=True)


def row(lobe, wavs, layer):
    """The lobe's output after a layer, [B, 8 T, D]."""
    hidden = lobe(wavs, torch.ones(len(wavs)))[0]
    return hidden[layer].transpose(0, 1)


@pytest.mark.parametrize("layer", [None, 1, 2, 3])
@pytest.mark.parametrize("patches", ["mean", "concat"])
def test_frames_are_the_lobe_s_patches_of_one_time(
    checkpoint, lobe, layer, patches
):
    encoder = BEATs(checkpoint, patches, layer)
    expected = row(lobe, WAVS, layer or 3).reshape(2, 15, 8, 32)
    if patches == "mean":
        expected = expected.mean(2)
    expected = expected.reshape(2, 15, -1)
    assert encoder.size == expected.shape[-1]
    assert torch.allclose(encoder(WAVS), expected, atol=1e-5)
    assert encoder.frame_shift == 0.16
    assert encoder.first_frame == 0.0875


def test_a_stationary_sound_gives_frames_that_are_all_the_same(
    checkpoint, lobe
):
    """Within the reach of the positions' convolution from the ends.

    The row of patches, pooled over itself, is not the same throughout.
    """
    period = torch.randn(160, generator=torch.Generator().manual_seed(2))
    wavs = 0.1 * period.repeat(1000)[None]

    def change(frames, margin):
        """How far apart frames are, measured in their size."""
        inner = frames[margin:-margin]
        return float((inner - inner.mean(0)).norm() / inner.norm())

    assert change(BEATs(checkpoint, "mean")(wavs)[0], 9) < 1e-3
    assert change(BEATs(checkpoint, "concat")(wavs)[0], 9) < 1e-3
    flat = row(lobe, wavs, 3).transpose(1, 2)
    pooled = functional.adaptive_avg_pool1d(flat, 156)[0].T
    assert change(pooled, 24) > 0.1


def test_training_mode_brings_no_dropout_back(checkpoint):
    encoder = BEATs(checkpoint).train()
    assert torch.equal(encoder(WAVS), encoder(WAVS))
    assert not any(p.requires_grad for p in encoder.parameters())


def test_weights_can_be_trained(checkpoint):
    encoder = BEATs(checkpoint, layer=2, trainable=True).train()
    assert not torch.equal(encoder(WAVS), encoder(WAVS))
    encoder(WAVS).square().mean().backward()
    layers = encoder.net.encoder.layers
    assert len(layers) == 2
    assert all(layer.fc1.weight.grad.abs().max() > 0 for layer in layers)
    assert encoder.net.patch_embedding.weight.grad.abs().max() > 0
    groups = encoder.parameter_groups(1.0, decay=0.5)
    assert [group["lr"] for group in groups] == [0.5, 1.0]
    given = {id(p) for group in groups for p in group["params"]}
    assert given == {id(p) for p in encoder.parameters()}


@pytest.mark.parametrize("n_samples", [1, 2799, 2800, 5359, 5360, 40000])
def test_short_clips_have_a_frame(checkpoint, n_samples):
    encoder = BEATs(checkpoint)
    found = encoder(WAVS[:, :n_samples])
    assert found.shape == (2, encoder.n_frames(n_samples), 32)
    assert found.shape[1] >= 1
    assert found.isfinite().all()


def test_a_model_that_was_fine_tuned_is_taken_too(tmp_path, checkpoint):
    path = save_beats(
        tmp_path / "tagger.pt",
        {**CONFIG, "finetuned_model": True, "predictor_class": 5},
        label_dict={"0": "/m/09x0r"},
    )
    assert BEATs(path)(WAVS).shape == (2, 15, 32)
    assert BEATs(path).key != BEATs(checkpoint).key


def test_settings_name_what_changes_the_output(checkpoint):
    keys = {
        BEATs(checkpoint).key,
        BEATs(checkpoint, "concat").key,
        BEATs(checkpoint, layer=2).key,
    }
    assert len(keys) == 3
    assert BEATs(checkpoint, layer=3).key == BEATs(str(checkpoint)).key


def test_wrong_files_are_named_with_where_to_get_others(tmp_path, checkpoint):
    with pytest.raises(InputError, match="BEATs.pt cannot be found.*unilm"):
        BEATs(tmp_path / "BEATs.pt")
    path = tmp_path / "other.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="other.pt cannot be read"):
        BEATs(path)
    torch.save(torch.nn.Linear(2, 1).state_dict(), path)
    with pytest.raises(InputError, match="'cfg' and 'model': take one of"):
        BEATs(path)
    torch.save(torch.nn.Linear(2, 1), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="other.pt cannot be read"):
            BEATs(path)
    whole = torch.load(checkpoint, weights_only=True)
    torch.save({**whole, "cfg": {**CONFIG, "encoder_layers": 2}}, path)
    with pytest.raises(InputError, match="does not hold.*encoder.layers.2"):
        BEATs(path)
    torch.save({**whole, "cfg": {**CONFIG, "activation_fn": "none"}}, path)
    with pytest.raises(InputError, match="a configuration that BEATs cannot"):
        BEATs(path)
    whole["model"]["layer_norm.bias"] *= float("nan")
    torch.save(whole, path)
    with pytest.raises(InputError, match="they are not all finite"):
        BEATs(path)


def test_wrong_settings_are_refused(checkpoint):
    with pytest.raises(InputError, match="'max' are not known"):
        BEATs(checkpoint, "max")
    for layer in (0, 4, -1):
        with pytest.raises(InputError, match="take one from 1 to 3"):
            BEATs(checkpoint, layer=layer)
