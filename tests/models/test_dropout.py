"""Dropout by random bytes against ``torch.nn.Dropout``."""

import pytest
import torch
from torch import nn

from sb_sed.models.dropout import LEVELS, ByteDropout

N = 200_000


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_rate_and_expectation(p):
    dropped = ByteDropout(p)(torch.ones(N)) == 0
    rate = round(p * LEVELS) / LEVELS
    deviation = (rate * (1 - rate) / N) ** 0.5
    assert abs(rate - p) <= 0.5 / LEVELS
    assert abs(dropped.float().mean() - rate) < 4 * deviation
    kept = ByteDropout(p)(torch.ones(N))
    assert abs(kept.mean() - 1) < 4 * deviation / (1 - rate)
    assert kept.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])


def test_the_statistics_of_torchs_dropout():
    # 0.5 is a multiple of 1 / 256: both have the same distribution.
    x = torch.randn(N)
    ours, theirs = ByteDropout(0.5)(x), nn.Dropout(0.5)(x)
    for moment in (1, 2, 4):
        difference = ours.pow(moment).mean() - theirs.pow(moment).mean()
        spread = (theirs.pow(moment).var() / N).sqrt() * 2**0.5
        assert abs(difference) < 4 * spread


@pytest.mark.parametrize("lag", [1, 7, 8, 64])
def test_elements_are_independent(lag):
    mask = ByteDropout(0.5)(torch.ones(N)) - 1
    assert abs((mask[lag:] * mask[:-lag]).mean()) < 4 / N**0.5


def test_calls_are_independent():
    dropout = ByteDropout(0.5)
    first, second = (dropout(torch.ones(N)) - 1 for _ in range(2))
    assert abs((first * second).mean()) < 4 / N**0.5


def test_the_seed_determines_the_mask():
    dropout, x = ByteDropout(0.3), torch.randn(3, 5, 7)
    torch.manual_seed(5)
    first = dropout(x)
    other = dropout(x)
    torch.manual_seed(5)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(other, first)


def test_nothing_is_dropped_in_evaluation_or_at_zero():
    x = torch.randn(100)
    assert ByteDropout(0.5).eval()(x) is x
    assert ByteDropout(0.0)(x) is x


def test_all_is_dropped_at_one():
    x = torch.randn(100, requires_grad=True)
    dropped = ByteDropout(1.0)(x)
    dropped.sum().backward()
    assert not dropped.any() and not x.grad.any()


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9])
def test_any_number_of_elements(n):
    assert ByteDropout(0.5)(torch.ones(n)).shape == (n,)
    assert ByteDropout(0.5)(torch.tensor(1.0)).shape == ()


layouts = {
    "contiguous": lambda x: x,
    "channels last": lambda x: x.to(memory_format=torch.channels_last),
    "permuted": lambda x: x.permute(0, 2, 3, 1),
    "with gaps": lambda x: x[:, ::2, :, 1:],
    "expanded": lambda x: x[:, :1].expand(-1, 6, -1, -1),
}


@pytest.mark.parametrize("layout", layouts)
def test_any_layout(layout):
    x = layouts[layout](torch.rand(4, 6, 50, 40) + 1)
    dropped = ByteDropout(0.5)(x)
    mask = dropped / x
    assert dropped.shape == x.shape
    assert mask.unique().tolist() == [0, 2]
    assert abs(mask.mean() - 1) < 4 / x.numel() ** 0.5
    # Neither axis shares a mask.
    for axis in range(4):
        assert (mask.select(axis, 0) != mask.select(axis, 1)).any()


def test_channels_last_stays_channels_last():
    x = torch.rand(2, 6, 5, 4).to(memory_format=torch.channels_last)
    assert ByteDropout(0.5)(x).stride() == x.stride()


@pytest.mark.parametrize("layout", layouts)
def test_the_gradient_is_the_scaled_mask(layout):
    leaf = (torch.rand(2, 6, 5, 4) + 1).requires_grad_()
    x = layouts[layout](leaf)
    dropped = ByteDropout(0.25)(x)
    upstream = torch.randn_like(x)
    (gradient,) = torch.autograd.grad(dropped, x, upstream)
    torch.testing.assert_close(gradient, upstream * (dropped / x).detach())


def test_the_input_is_unchanged():
    x = torch.randn(100)
    before = x.clone()
    ByteDropout(0.5)(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype):
    dropped = ByteDropout(0.5)(torch.ones(1000, dtype=dtype))
    assert dropped.dtype == dtype
    assert dropped.unique().tolist() == [0, 2]


def test_a_probability_above_1_is_an_error():
    with pytest.raises(ValueError):
        ByteDropout(1.5)
