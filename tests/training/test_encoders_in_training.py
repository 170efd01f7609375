"""Trainings of detectors with a pretrained encoder, frozen or not."""

import functools

import pytest
import torch
from small_encoder import Means

RATE, DECAY = 0.02, 0.5


def groups(encoder):
    """Those of the encoder, at a rate of their own."""
    return encoder.parameter_groups(RATE, DECAY)


def weights(encoder):
    """A copy of the encoder's weights."""
    return [p.detach().clone() for p in encoder.parameters()]


def test_a_frozen_encoder_stays_as_it_is(make_run, tmp_path):
    encoder = Means()
    before = weights(encoder)
    run = make_run(folder=tmp_path, encoder=encoder).fit(2)
    assert run.teacher.encoder is encoder
    for one, other in zip(before, weights(encoder), strict=True):
        assert torch.equal(one, other)
    (path,) = tmp_path.glob("CKPT*/student.ckpt")
    saved = torch.load(path, weights_only=True)
    assert "network.fusion.projection.weight" in saved
    assert not [name for name in saved if name.startswith("encoder")]


def test_embeddings_at_hand_train_as_those_that_are_computed(make_run):
    """In half precision, as they are kept."""
    runs = []
    for at_hand in (False, True):
        run = make_run(encoder=Means(), seed=3)
        if at_hand:
            for clips in run.clips.datasets:
                for clip in clips:
                    embedding = run.student.encoder(clip["sig"][None])[0]
                    clip["encoded"] = embedding.half()
                    clip["has_encoded"] = True
        runs.append(run.fit(1))
    for one, other in zip(
        *(run.student.parameters() for run in runs), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-2, rtol=1e-2)


def test_an_encoder_that_is_trained_learns_at_its_own_rate(make_run):
    encoder = Means(trainable=True)
    before = weights(encoder)
    run = make_run(
        encoder=encoder,
        brain_options={"encoder_groups": groups},
        opt_class=functools.partial(torch.optim.Adam, lr=0.001),
    ).fit(2)
    assert run.teacher.encoder is not encoder
    learnt, averaged = weights(encoder), weights(run.teacher.encoder)
    for old, new, mean in zip(before, learnt, averaged, strict=True):
        assert not torch.equal(old, new) and not torch.equal(new, mean)
    rest, own = run.brain.optimizer.param_groups
    assert rest["lr"] == pytest.approx(own["lr"] * 0.001 / RATE)
    n_parameters = sum(1 for _ in run.student.parameters())
    assert len(rest["params"]) + len(own["params"]) == n_parameters
