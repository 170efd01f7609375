"""A GRU on one thread equals PyTorch's."""

import copy

import pytest
import torch
from torch import nn

from sb_sed.models.recurrence import OneThreadGRU

OPTIONS = {"num_layers": 2, "batch_first": True, "bidirectional": True}


@pytest.fixture
def two_threads():
    """There is something to save."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.fixture
def pair():
    """PyTorch's and ours, of one start, in double precision."""
    torch.manual_seed(0)
    theirs = nn.GRU(3, 4, **OPTIONS).double()
    ours = OneThreadGRU(3, 4, **OPTIONS).double()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def random_inputs(n_clips=2):
    """Clips and a state that want gradients."""
    return (
        torch.randn(n_clips, 7, 3, dtype=torch.double, requires_grad=True),
        torch.randn(4, n_clips, 4, dtype=torch.double, requires_grad=True),
    )


def gradients(gru, x, state):
    """Of inputs and parameters, of a loss of both outputs."""
    output, last = gru(x, state)
    loss = output.square().sum() + last.sum()
    inputs = [value for value in (x, state) if value is not None]
    return torch.autograd.grad(loss, [*inputs, *gru.parameters()])


def test_outputs_and_gradients_are_those_of_pytorch(pair, two_threads):
    theirs, ours = pair
    x, state = random_inputs()
    torch.testing.assert_close(ours(x, state), theirs(x, state))
    for start in (state, None):
        torch.testing.assert_close(
            gradients(ours, x, start), gradients(theirs, x, start)
        )


def test_a_graph_that_is_kept_can_be_run_twice(pair, two_threads):
    loss = pair[1](random_inputs()[0])[0].sum()
    first, second = (
        torch.autograd.grad(loss, [*pair[1].parameters()], retain_graph=True)
        for _ in range(2)
    )
    torch.testing.assert_close(first, second)


def test_what_is_frozen_gets_no_gradient(pair, two_threads):
    _, ours = pair
    ours.weight_ih_l0.requires_grad_(False)
    ours(torch.randn(2, 7, 3, dtype=torch.double))[0].sum().backward()
    assert ours.weight_ih_l0.grad is None and ours.weight_hh_l0.grad is not None
    ours.requires_grad_(False)
    assert not ours(torch.randn(2, 7, 3, dtype=torch.double))[0].requires_grad


def test_one_thread_computes_where_the_state_is_small(
    pair, two_threads, monkeypatch
):
    seen = []
    forward = nn.GRU.forward

    def note(self, *arguments):
        seen.append(torch.get_num_threads())
        return forward(self, *arguments)

    monkeypatch.setattr(nn.GRU, "forward", note)
    ours = copy.deepcopy(pair[1])
    ours(random_inputs()[0])
    with torch.no_grad():
        ours(random_inputs()[0])
        ours.most = 2 * 4 - 1
        ours(random_inputs()[0])
    assert seen == [1, 1, 2]


def test_the_threads_come_back_after_an_error(pair, two_threads):
    with pytest.raises(RuntimeError):
        pair[1](torch.rand(2, 7, 5, dtype=torch.double))
    assert torch.get_num_threads() == 2
