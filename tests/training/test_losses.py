"""Losses against loops, closed forms and torch's own."""

from math import cos, log, pi

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sb_sed.errors import InputError
from sb_sed.training.losses import BoundaryWeightedBCE, KnownBCE


def weights_by_loop(targets, frame_shift, weight, width):
    """Each frame's weight from its distance to each change of its class."""
    weights = torch.ones_like(targets)
    n_clips, n_frames, n_classes = targets.shape
    for clip in range(n_clips):
        for class_ in range(n_classes):
            of_class = targets[clip, :, class_].tolist()
            for t in range(n_frames):
                near = 0.0
                for b in range(1, n_frames):
                    change = abs(of_class[b] - of_class[b - 1])
                    away = abs((t + 0.5) - b) * frame_shift
                    if away < width:
                        near = max(near, change * cos(pi / 2 * away / width))
                weights[clip, t, class_] += (weight - 1) * near
    return weights


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_frames=st.integers(1, 12),
    soft=st.booleans(),
    frame_shift=st.floats(0.01, 0.5),
    weight=st.floats(1, 10),
    width=st.floats(0.005, 1),
)
def test_as_a_loop(seed, n_frames, soft, frame_shift, weight, width):
    generator = torch.Generator().manual_seed(seed)
    targets, scores = torch.rand(
        2, 2, n_frames, 3, generator=generator, dtype=torch.float64
    )
    targets = targets if soft else targets.round()
    loss = BoundaryWeightedBCE(frame_shift, weight, width)
    expected = weights_by_loop(targets, frame_shift, weight, width)
    torch.testing.assert_close(
        loss.weights(targets), expected, atol=1e-6, rtol=1e-6
    )
    bce = -(targets * scores.log() + (1 - targets) * (1 - scores).log())
    torch.testing.assert_close(
        loss(scores, targets),
        (expected * bce).sum() / expected.sum(),
        atol=1e-6,
        rtol=1e-6,
    )


def test_with_a_weight_of_one_it_is_torchs():
    targets, scores = torch.rand(2, 3, 50, 10)
    loss = BoundaryWeightedBCE(0.064, weight=1.0)(scores, targets)
    torch.testing.assert_close(loss, nn.BCELoss()(scores, targets))


def test_an_error_at_the_boundary_costs_more():
    """Of 20 frames, 2 at an onset weigh w: an error there costs w-fold."""
    targets = torch.zeros(1, 20, 1)
    targets[:, 10:] = 1
    loss = BoundaryWeightedBCE(frame_shift=0.1, weight=5.0, width=0.1)
    w = 1 + 4 * cos(pi / 4)  # half a frame from the onset
    right = 0.9 * targets + 0.1 * (1 - targets)
    for frame, of_frame in (10, w), (15, 1.0):
        scores = right.clone()
        scores[:, frame] = 0.5
        expected = -((18 + 2 * w - of_frame) * log(0.9) + of_frame * log(0.5))
        assert float(loss(scores, targets)) == pytest.approx(
            expected / (18 + 2 * w), rel=1e-5
        )


def test_what_goes_on_beyond_the_clip_has_no_boundary_there():
    loss = BoundaryWeightedBCE(0.1, weight=5.0)
    assert torch.equal(loss.weights(torch.ones(2, 9, 3)), torch.ones(2, 9, 3))


def test_a_mixed_event_weighs_its_share():
    hard = torch.tensor([0.0, 0.0, 1.0, 1.0]).reshape(1, 4, 1)
    loss = BoundaryWeightedBCE(0.1, weight=4.0)
    torch.testing.assert_close(
        loss.weights(0.3 * hard) - 1, 0.3 * (loss.weights(hard) - 1)
    )


def test_gradients_go_to_the_scores_alone():
    scores = torch.rand(2, 8, 3).requires_grad_()
    targets = torch.rand(2, 8, 3)
    BoundaryWeightedBCE(0.1)(scores, targets).backward()
    assert scores.grad.isfinite().all() and (scores.grad != 0).all()
    assert not BoundaryWeightedBCE(0.1).state_dict()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"weight": 0.5}, "The weight of BoundaryWeightedBCE is 0.5"),
        ({"width": 0.0}, "The width of BoundaryWeightedBCE is 0.0 s"),
        ({"frame_shift": 0}, "The frame shift of BoundaryWeightedBCE is 0 s"),
    ],
)
def test_settings_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        BoundaryWeightedBCE(**{"frame_shift": 0.1} | options)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0, 1))
def test_what_is_unknown_counts_not(seed, share):
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(3, 2, 6, 2, generator=generator)
    logits = draw[0].logit().clamp(-9, 9).requires_grad_()
    scores, targets = torch.sigmoid(logits), draw[1].round()
    known = draw[2] < share
    loss = KnownBCE()(scores, targets.where(known, torch.nan))
    loss.backward()
    assert not logits.grad[~known].any()
    if known.any():
        expected = nn.BCELoss()(scores[known], targets[known])
        torch.testing.assert_close(loss, expected)
    else:
        assert loss == 0


def test_what_is_unknown_has_no_weight_and_no_boundary():
    targets = torch.zeros(1, 8, 1)
    targets[0, 2:4] = 1.0
    targets[0, 4:6] = torch.nan
    loss = BoundaryWeightedBCE(frame_shift=0.1, weight=3.0, width=0.1)
    weights = loss.weights(targets).flatten()
    at = 1 + 2 * cos(pi / 4)
    expected = torch.tensor([1, at, at, 1, 0, 0, 1, 1])
    torch.testing.assert_close(weights, expected)
    scores = torch.full_like(targets, 0.5, requires_grad=True)
    loss(scores, targets).backward()
    assert (scores.grad.flatten() != 0).tolist() == (expected != 0).tolist()


def test_without_boundaries_it_is_that_of_what_is_known():
    generator = torch.Generator().manual_seed(0)
    scores, targets = torch.rand(2, 3, 9, 2, generator=generator)
    targets[targets > 0.6] = torch.nan
    torch.testing.assert_close(
        BoundaryWeightedBCE(0.1, weight=1.0)(scores, targets),
        KnownBCE()(scores, targets),
    )
    unknown = torch.full_like(targets, torch.nan)
    assert BoundaryWeightedBCE(0.1)(scores, unknown) == 0.0
