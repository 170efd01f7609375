"""A recurrent layer that trains fast on a CPU.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import dropout, linear

DIRECTIONS = ("", "_reverse")  # as nn.GRU ends the names of its parameters


class PairedGRU(nn.GRU):
    """``torch.nn.GRU`` of two directions, which trains faster on a CPU.

    PyTorch has no GRU of its own for training on a CPU: it builds a graph of
    some twenty operations for each time step and direction, and divides each
    small product among all threads, where they wait for one another. Here both
    directions take a step in one product, on one thread, and the gradient is
    written out: three operations a step, the rest for all steps at once
    (benchmarks/training_step.py has what that saves; benchmarks/busy_machine.py
    what waiting costs where another process has one of the cores). Arguments,
    parameters and, to the rounding of sums, values are those of
    ``torch.nn.GRU``, as which it runs where the state has more than ``most``
    numbers, on other devices, in one direction, without biases and in compiled
    code.

    Attributes
    ----------
    most : int
        Clips times hidden units up to which one thread is as fast as two.

    Example
    -------
    >>> gru = PairedGRU(3, 4, batch_first=True, bidirectional=True)
    >>> gru(torch.rand(2, 5, 3))[0].shape
    torch.Size([2, 5, 8])
    """

    most = 2**13

    def forward(
        self, input: Tensor, hx: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs and the last state, as ``torch.nn.GRU``."""
        if not self._small(input):
            return super().forward(input, hx)
        if not torch.is_grad_enabled():
            with _one_thread():
                return super().forward(input, hx)
        with torch.autocast(input.device.type, enabled=False):
            return self._trained(input, hx)

    def _small(self, x: Tensor) -> bool:
        """Whether these clips are few enough, and all else as it must be."""
        return (
            not torch.compiler.is_compiling()
            and isinstance(x, Tensor)
            and x.dim() == 3
            and x.device.type == "cpu"
            and x.shape[0 if self.batch_first else 1] * self.hidden_size
            <= self.most
            and self.bidirectional
            and self.bias
        )

    def _trained(self, x: Tensor, start: Tensor | None) -> tuple:
        """Run with a graph, in the precision of the parameters."""
        x = x.to(self.weight_ih_l0.dtype)
        if start is None:
            start = x.new_zeros(self.get_expected_hidden_size(x, None))
        self.check_forward_args(x, start, None)
        if self.batch_first:
            x = x.transpose(0, 1)
        last = []
        for layer, states in enumerate(start.split(len(DIRECTIONS))):
            if layer > 0:
                x = dropout(x, self.dropout, self.training)
            forward, backward = self._run(layer, x, states).unbind(1)
            last += [forward[-1], backward[-1]]
            x = torch.cat((forward, backward.flip(0)), -1)
        if self.batch_first:
            x = x.transpose(0, 1)
        return x, torch.stack(last)

    def _run(self, layer: int, x: Tensor, start: Tensor) -> Tensor:
        """Return a layer's states, [T, 2, B, H], each in its own order."""
        input_weight, weight, input_bias, bias = (
            torch.stack(
                [getattr(self, f"{name}_l{layer}{end}") for end in DIRECTIONS]
            )
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        gates = linear(x, input_weight.flatten(0, 1), input_bias.flatten())
        forward, backward = gates.unflatten(-1, (2, -1)).unbind(2)
        gates = torch.stack((forward, backward.flip(0)), 1)
        return _Recurrence.apply(gates, start, weight, bias)


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch computes on one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


class _Recurrence(torch.autograd.Function):
    """The steps of a GRU in D directions at once.

    With r and z the gates that reset and update, n the candidate and h the
    state, as ``torch.nn.GRU`` defines them: n = tanh(gates + r c) with c the
    state's share W h + b, and h' = n + z (h - n).
    """

    @staticmethod
    def forward(
        ctx, gates: Tensor, start: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        """Return the states after each step.

        Arguments
        ---------
        gates : torch.Tensor
            What the input gives to r, z and n, [T, D, B, 3 H].
        start : torch.Tensor
            State before the first step, [D, B, H].
        weight, bias : torch.Tensor
            Of the state's share, [D, 3 H, H] and [D, 3 H].

        Returns
        -------
        torch.Tensor
            [T, D, B, H].
        """
        (n_steps, *shape), size = gates.shape[:3], start.shape[-1]
        both = gates.new_empty(n_steps, *shape, 2 * size)  # r and z
        candidates = gates.new_empty(n_steps, *shape, size)
        shares = torch.empty_like(candidates)  # c
        states = gates.new_empty(n_steps + 1, *shape, size)
        states[0] = start
        product = gates.new_empty(*shape, 3 * size)
        across, bias = weight.transpose(1, 2).contiguous(), bias.unsqueeze(1)
        with _one_thread():
            for given, old, new, rz, n, c in zip(
                *(gates, states[:-1], states[1:], both, candidates, shares),
                strict=True,
            ):
                torch.baddbmm(bias, old, across, out=product)
                torch.add(
                    given[..., : 2 * size], product[..., : 2 * size], out=rz
                ).sigmoid_()
                c.copy_(product[..., 2 * size :])
                torch.addcmul(
                    given[..., 2 * size :], rz[..., :size], c, out=n
                ).tanh_()
                torch.lerp(n, old, rz[..., size:], out=new)
        ctx.save_for_backward(weight, both, candidates, shares, states)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of the four inputs, of that of the states."""
        weight, both, n, c, states = ctx.saved_tensors
        r, z = both.chunk(2, -1)
        # What the gradient of a state becomes: that of n, of the input's and of
        # the state's share of the gates.
        to_n = (1 - z) * (1 - n * n)
        factors = torch.stack(
            (to_n * c * r * (1 - r), (states[:-1] - n) * z * (1 - z), to_n * r),
            -2,
        )
        shares = torch.empty_like(factors)
        complete = torch.empty_like(n)  # with what comes from later steps
        later = torch.zeros_like(states[0])
        with _one_thread():
            for given, whole, factor, share, keep in zip(
                *(
                    reversed(tensor.unbind())
                    for tensor in (gradient, complete, factors, shares, z)
                ),
                strict=True,
            ):
                torch.add(given, later, out=whole)
                torch.mul(whole.unsqueeze(-2), factor, out=share)
                torch.mul(whole, keep, out=later)
                later.baddbmm_(share.flatten(-2), weight)
        of_state = shares.flatten(-2)
        of_gates = of_state.clone()
        of_gates[..., -n.shape[-1] :] = complete * to_n
        by_direction = of_state.transpose(0, 1).flatten(1, 2)  # [D, T B, 3 H]
        old = states[:-1].transpose(0, 1).flatten(1, 2)
        of_weight = by_direction.transpose(1, 2) @ old
        return of_gates, later, of_weight, by_direction.sum(1)
