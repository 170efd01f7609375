"""What a detector processes of a batch."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sb_sed.training.inputs import DetectorInputs


class Encoder(nn.Module):
    """Counts the waveforms that it encodes; each frame is their mean."""

    def __init__(self, trainable=False):
        super().__init__()
        self.trainable = trainable
        self.n_encoded = 0

    def forward(self, wavs):
        self.n_encoded += len(wavs)
        return wavs.mean(1)[:, None, None].expand(-1, 3, 2)


def inputs(encoder):
    return DetectorInputs(lambda x: x[:, :4, None], encoder, lambda x: x)


def batch(wavs, has):
    """A batch of which some clips have been encoded, as 100 and more."""
    encoded = torch.full((len(wavs), 3, 2), 100.0, dtype=torch.float16)
    encoded *= torch.tensor(has)[:, None, None]
    return SimpleNamespace(
        encoded=SimpleNamespace(data=encoded), has_encoded=torch.tensor(has)
    )


@pytest.fixture
def wavs():
    return torch.arange(12.0).reshape(3, 4)


def test_without_an_encoder_it_is_the_mel_alone(wavs):
    (mel,) = inputs(None)(wavs)
    assert torch.equal(mel, wavs[..., None])


@pytest.mark.parametrize("has", [[True] * 3, [False] * 3, [False, True, True]])
def test_only_what_is_lacking_is_encoded(wavs, has):
    encoder = Encoder()
    mel, encoded = inputs(encoder)(wavs, batch(wavs, has))
    assert encoder.n_encoded == has.count(False)
    wanted = torch.where(torch.tensor(has), 100.0, wavs.mean(1))
    assert torch.equal(encoded, wanted[:, None, None].expand(3, 3, 2))
    assert encoded.dtype == torch.float32
    assert torch.equal(mel, wavs[..., None])


def test_without_a_cache_all_are_encoded(wavs):
    encoder = Encoder()
    _, encoded = inputs(encoder)(wavs, SimpleNamespace())
    assert encoder.n_encoded == 3
    assert torch.equal(encoded[:, 0, 0], wavs.mean(1))


def test_an_encoder_that_is_trained_is_left_to_each_network(wavs):
    encoder = Encoder(trainable=True)
    _, waveforms = inputs(encoder)(wavs, batch(wavs, [True] * 3))
    assert torch.equal(waveforms, wavs) and encoder.n_encoded == 0
