"""A GRU whose gradient is written out equals PyTorch's."""

import copy

import pytest
import torch
from torch import nn

from sb_sed.models.recurrence import PairedGRU

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
    ours = PairedGRU(3, 4, **OPTIONS).double()
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


def test_time_can_come_first():
    options = OPTIONS | {"batch_first": False, "num_layers": 1}
    theirs = nn.GRU(3, 4, **options).double()
    ours = PairedGRU(3, 4, **options).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(7, 2, 3, dtype=torch.double, requires_grad=True)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(
        gradients(ours, x, None), gradients(theirs, x, None)
    )


def test_the_gradient_is_that_of_finite_differences(pair):
    ours = pair[1].requires_grad_(True)
    assert torch.autograd.gradcheck(lambda *x: ours(*x), random_inputs())


@pytest.mark.parametrize(
    "changed", [{"bidirectional": False}, {"bias": False}], ids=str
)
def test_other_networks_are_pytorchs(changed):
    options = OPTIONS | changed
    theirs = nn.GRU(3, 4, **options)
    ours = PairedGRU(3, 4, **options)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 7, 3)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)


def test_layers_are_dropped_between():
    torch.manual_seed(0)
    ours = PairedGRU(3, 4, dropout=0.5, **OPTIONS)
    x = torch.randn(2, 7, 3)
    assert not torch.equal(ours(x)[0], ours(x)[0])
    ours.eval()
    torch.testing.assert_close(ours(x), nn.GRU.forward(ours, x))


def test_the_precision_is_that_of_the_parameters():
    ours = PairedGRU(3, 4, **OPTIONS)
    with torch.autocast("cpu", torch.bfloat16):
        output, last = ours(torch.randn(2, 7, 3).bfloat16())
    assert output.dtype == last.dtype == torch.float32


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


def test_one_thread_takes_the_steps_where_the_state_is_small(
    pair, two_threads, monkeypatch
):
    seen = []
    forward, product = nn.GRU.forward, torch.baddbmm

    def note(run):
        def noted(*arguments, **options):
            seen.append((run.__name__, torch.get_num_threads()))
            return run(*arguments, **options)

        return noted

    monkeypatch.setattr(nn.GRU, "forward", note(forward))
    monkeypatch.setattr(torch, "baddbmm", note(product))
    ours = copy.deepcopy(pair[1])
    ours(random_inputs()[0])
    assert set(seen) == {("baddbmm", 1)}
    seen.clear()
    with torch.no_grad():
        ours(random_inputs()[0])
        ours.most = 2 * 4 - 1
        ours(random_inputs()[0])
    assert seen == [("forward", 1), ("forward", 2)]


def test_the_threads_come_back_after_an_error(pair, two_threads):
    with pytest.raises(RuntimeError):
        pair[1](torch.rand(2, 7, 5, dtype=torch.double))
    assert torch.get_num_threads() == 2
