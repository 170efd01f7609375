"""Tests of Cnn14 against SpeechBrain's lobe, with random weights.

Authors
 * sb_sed contributors 2026
"""

import pytest
import torch
from speechbrain.lobes.models.Cnn14 import Cnn14 as Lobe
from speechbrain.processing.features import STFT, Filterbank

from sb_sed.encoders import Cnn14
from sb_sed.errors import InputError

WAVS = 0.1 * torch.randn(2, 20000, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file as the recipe's is."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("cnn14") / "embedding_model.ckpt"
    torch.save(Lobe(80, 2048).state_dict(), path)
    return path


def test_columns_of_maps_are_frames(checkpoint):
    lobe = Lobe(80, 2048, return_reps=True).eval()
    lobe.load_state_dict(torch.load(checkpoint, weights_only=True))
    spectrum = STFT(16000, 23.2199, 11.6099, 1024)(WAVS)
    power = spectrum.square().sum(-1)
    filters = Filterbank(80, n_fft=1024, sample_rate=16000, log_mel=False)
    with torch.no_grad():
        maps = lobe(torch.log1p(filters(power.sqrt())))[1]
    for block, expected in zip((6, 5, 4, 3), maps, strict=True):
        encoder = Cnn14(checkpoint, block=block)
        found = encoder(WAVS)
        assert found.shape == (2, encoder.n_frames(20000), encoder.size)
        assert torch.allclose(
            found, expected.mean(3).transpose(1, 2), atol=1e-5
        )


def test_frames_are_where_their_samples_are(checkpoint):
    """A click changes the frames around its time most."""
    encoder = Cnn14(checkpoint, block=3)
    wavs = torch.full((1, 48000), 1e-3)
    for place in range(20000, 22000, 500):
        clicked = wavs.clone()
        clicked[0, place] = 0.9
        change = (encoder(clicked) - encoder(wavs)).square().sum(-1)[0]
        times = encoder.first_frame + encoder.frame_shift * torch.arange(
            len(change)
        )
        centre = float((change * times).sum() / change.sum())
        assert abs(centre - place / 16000) < 0.6 * encoder.frame_shift


@pytest.mark.parametrize("block", [3, 6])
def test_short_clips_have_a_frame(checkpoint, block):
    encoder = Cnn14(checkpoint, block=block)
    for n_samples in (1, 5765, 5766, 11717, 11718):
        found = encoder(WAVS[:, :n_samples])
        assert found.shape[1] == encoder.n_frames(n_samples) >= 1


def test_weights_can_be_trained(checkpoint):
    encoder = Cnn14(checkpoint, block=3, trainable=True).train()
    encoder(WAVS).square().mean().backward()
    assert encoder.net.cnn.conv_block1.conv1.weight.grad.abs().max() > 0
    groups = encoder.parameter_groups(1.0, decay=0.5)
    assert [group["lr"] for group in groups] == [0.25, 0.5, 1.0]


def test_wrong_weights_are_refused(tmp_path, checkpoint):
    with pytest.raises(
        InputError, match="none.ckpt cannot be found.*cnn14-esc"
    ):
        Cnn14(tmp_path / "none.ckpt")
    state = torch.load(checkpoint, weights_only=True)
    state.pop("norm0.weight")
    torch.save(state, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="other.ckpt does not.*norm0.weight"):
        Cnn14(tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="from 3 to 6"):
        Cnn14(checkpoint, block=2)
