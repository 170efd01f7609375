"""Tests of what all encoders have in common.

Authors
 * sb_sed contributors 2026
"""

import copy
import math
import pickle

import pytest
import torch
from torch import nn

from sb_sed.encoders import FrameEncoder
from sb_sed.errors import InputError


class Blocks(FrameEncoder):
    """Embeddings of blocks of 100 samples, with dropout."""

    def __init__(self, trainable=False, **settings):
        net = nn.Sequential(
            nn.Linear(100, 6), nn.BatchNorm1d(6), nn.Dropout(0.5)
        )
        super().__init__(
            net,
            size=6,
            frame_shift=0.1,
            first_frame=0.05,
            sample_rate=1000,
            min_samples=200,
            settings=settings,
            trainable=trainable,
        )

    def _encode(self, wavs):
        frames = wavs.unfold(-1, 100, 100)
        return self.net(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])

    def _n_frames(self, n_samples):
        return n_samples // 100

    def _layers(self):
        return [[self.net[0]], [self.net[1]]]


class Model(nn.Module):
    """A detector with an encoder."""

    def __init__(self, trainable=False):
        super().__init__()
        self.encoder = Blocks(trainable)
        self.head = nn.Linear(6, 2)

    def forward(self, wavs):
        return self.head(self.encoder(wavs))


WAVS = torch.randn(3, 1000, generator=torch.Generator().manual_seed(1))


def test_frozen_is_in_evaluation_mode_whatever_train_says():
    model = Model().train()
    assert not any(m.training for m in model.encoder.modules())
    assert torch.equal(model.encoder(WAVS), model.encoder(WAVS))
    model.eval().train(True)
    assert not any(m.training for m in model.encoder.modules())


def test_trainable_follows_train():
    model = Model(trainable=True).train()
    assert all(m.training for m in model.encoder.modules())
    assert not torch.equal(model.encoder(WAVS), model.encoder(WAVS))
    model.eval()
    assert not any(m.training for m in model.encoder.modules())


@pytest.mark.parametrize("trainable", [False, True])
def test_gradients_reach_the_weights_only_where_they_are_trained(trainable):
    model = Model(trainable).train()
    wavs = WAVS.clone().requires_grad_()
    model(wavs).sum().backward()
    assert (wavs.grad is not None) is trainable
    for parameter in model.encoder.parameters():
        assert parameter.requires_grad is trainable
        assert (parameter.grad is not None) is trainable
    assert model.head.weight.grad is not None


def test_an_optimiser_of_all_parameters_leaves_a_frozen_encoder_alone():
    model = Model().train()
    before = [p.clone() for p in model.encoder.parameters()]
    assert before
    optimiser = torch.optim.AdamW(model.parameters(), lr=1, weight_decay=0.5)
    model(WAVS).sum().backward()
    optimiser.step()
    for old, new in zip(before, model.encoder.parameters(), strict=True):
        assert torch.equal(old, new)


def test_a_copy_shares_a_frozen_encoder_and_no_other():
    model = Model()
    teacher = copy.deepcopy(model)
    assert teacher.encoder is model.encoder
    assert teacher.head is not model.head
    model = Model(trainable=True)
    teacher = copy.deepcopy(model)
    assert teacher.encoder is not model.encoder
    names = [n for n, _ in model.named_parameters()]
    assert [n for n, _ in teacher.named_parameters()] == names
    for mine, other in zip(
        model.parameters(), teacher.parameters(), strict=True
    ):
        assert torch.equal(mine, other)
        assert mine.data_ptr() != other.data_ptr()


def test_a_checkpoint_has_the_weights_only_if_they_are_trained():
    frozen, trained = Model(), Model(trainable=True)
    assert [*frozen.state_dict()] == ["head.weight", "head.bias"]
    assert "encoder.net.0.weight" in trained.state_dict()
    assert frozen.encoder.state_dict() == {}


def test_a_checkpoint_of_a_frozen_encoder_is_loaded_strictly():
    model, other = Model(), Model()
    weights = [p.clone() for p in other.encoder.parameters()]
    state = model.state_dict()
    other.load_state_dict(state, strict=True)
    assert [*state] == ["head.weight", "head.bias"]
    assert torch.equal(other.head.weight, model.head.weight)
    for before, after in zip(weights, other.encoder.parameters(), strict=True):
        assert torch.equal(before, after)
    other.encoder.load_state_dict({}, strict=True)
    del state["head.bias"]
    with pytest.raises(RuntimeError, match="head.bias"):
        other.load_state_dict(state, strict=True)


def test_trained_weights_are_not_lost_in_a_frozen_encoder():
    trained = Model(trainable=True)
    again = Model(trainable=True)
    again.load_state_dict(trained.state_dict())
    trained.eval(), again.eval()
    assert torch.equal(again(WAVS), trained(WAVS))
    with pytest.raises(RuntimeError, match="encoder.net.0.weight"):
        Model().load_state_dict(trained.state_dict())


def test_autocast_does_not_change_a_frozen_encoder():
    encoder = Blocks()
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(WAVS)
    assert found.dtype == torch.float32
    assert torch.equal(found, encoder(WAVS))
    assert encoder(WAVS.double()).dtype == torch.float32


@pytest.mark.parametrize("n_samples", [1, 100, 199, 200, 201, 1000])
def test_short_waveforms_are_padded_with_zeros(n_samples):
    encoder = Blocks()
    wavs = WAVS[:, :n_samples]
    found = encoder(wavs)
    padded = nn.functional.pad(wavs, (0, max(200 - n_samples, 0)))
    assert found.shape == (3, encoder.n_frames(n_samples), 6)
    assert torch.equal(found, encoder(padded))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_waveforms_that_are_not_finite_are_refused(value):
    wavs = WAVS.clone()
    wavs[1, 5] = value
    with pytest.raises(InputError, match="not finite"):
        Blocks()(wavs)


def test_waveforms_of_several_channels_are_refused():
    with pytest.raises(InputError, match=r"\(3, 2, 500\): mix the channels"):
        Blocks()(WAVS.reshape(3, 2, 500))


def test_another_rate_is_refused():
    Blocks().check_sample_rate(1000)
    with pytest.raises(InputError, match="1000 Hz, not of 44100 Hz"):
        Blocks().check_sample_rate(44100)


def test_the_key_follows_the_settings():
    assert Blocks(a=1, b=[2]).key == Blocks(b=[2], a=1).key
    assert Blocks(a=1).key != Blocks(a=2).key
    assert len(Blocks().key) == 16
    assert Blocks(a=1).settings == {"encoder": "Blocks", "a": 1}


def test_layers_learn_at_decayed_rates():
    encoder = Blocks(trainable=True)
    groups = encoder.parameter_groups(0.1, decay=0.5)
    assert [group["lr"] for group in groups] == [0.05, 0.1]
    given = [id(p) for group in groups for p in group["params"]]
    assert sorted(given) == sorted(map(id, encoder.parameters()))
    assert Blocks().parameter_groups(0.1) == []


def test_an_encoder_passes_between_processes():
    encoder = Blocks()
    again = pickle.loads(pickle.dumps(encoder))
    assert torch.equal(again(WAVS), encoder(WAVS))
    assert again.state_dict() == {}
