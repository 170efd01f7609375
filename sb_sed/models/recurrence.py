"""A recurrent layer that does not wait for its threads.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class OneThreadGRU(nn.GRU):
    """``torch.nn.GRU``, small ones on one thread of a CPU.

    PyTorch divides each product of a time step among all threads: some 9000
    times in a training step of the baseline they wait for one another. On two
    idle cores this gains nothing, as the products are small; where another
    process has one of the cores, each wait may last until the scheduler comes
    round, and a step of the training takes many times as long
    (benchmarks/busy_machine.py). Arguments, parameters and, to the rounding of
    sums, values are those of ``torch.nn.GRU``, as which it runs where the state
    has more than ``most`` numbers, on other devices and in compiled code.

    Attributes
    ----------
    most : int
        Clips times hidden units up to which one thread is as fast as two.

    Example
    -------
    >>> gru = OneThreadGRU(3, 4, batch_first=True, bidirectional=True)
    >>> gru(torch.rand(2, 5, 3))[0].shape
    torch.Size([2, 5, 8])
    """

    most = 2**13

    def forward(
        self, input: Tensor, hx: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs and the last state, as ``torch.nn.GRU``."""
        if not self._alone(input):
            return super().forward(input, hx)
        if not torch.is_grad_enabled():
            with _one_thread():
                return super().forward(input, hx)
        run = super().forward
        return _OneThread.apply(run, input, hx, *self.parameters())

    def _alone(self, x: Tensor) -> bool:
        """Whether one thread is enough for these clips."""
        n_clips = 1
        if x.dim() == 3:
            n_clips = x.shape[0 if self.batch_first else 1]
        return (
            not torch.compiler.is_compiling()
            and x.device.type == "cpu"
            and torch.get_num_threads() > 1
            and n_clips * self.hidden_size <= self.most
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch computes on one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


class _OneThread(torch.autograd.Function):
    """A call whose own graph is run backwards on one thread, too."""

    @staticmethod
    def forward(
        ctx, run: Callable, x: Tensor, state: Tensor | None, *parameters: Tensor
    ):
        """Run and keep the graph."""
        given = [
            None if tensor is None else tensor.detach().requires_grad_(needed)
            for tensor, needed in zip(
                (x, state), ctx.needs_input_grad[1:3], strict=True
            )
        ]
        with _one_thread(), torch.enable_grad():
            ctx.outputs = run(*given)
        ctx.inputs = (*given, *parameters)
        return tuple(output.detach() for output in ctx.outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients):
        """Return the gradients of what needs one."""
        needed = ctx.needs_input_grad[1:]
        wanted = [
            tensor
            for tensor, need in zip(ctx.inputs, needed, strict=True)
            if need
        ]
        with _one_thread():
            found = iter(
                torch.autograd.grad(
                    ctx.outputs,
                    wanted,
                    gradients,
                    retain_graph=True,
                    allow_unused=True,
                )
            )
        return None, *(next(found) if need else None for need in needed)
