"""The pointwise half of PCEN: from averaged energies to the output.

Written by hand for speed: PyTorch's graph of the formula takes several times as
long, compiled or not, and keeps a dozen tensors (benchmarks/pcen.py).

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def compress(
    energy: Tensor,
    averages: Sequence[Tensor],
    weights: Tensor,
    alpha: Tensor,
    delta: Tensor,
    r: Tensor,
    eps: float,
) -> Tensor:
    """Mix averages, divide the energies by them and compress.

    ``(E / (eps + sum_k w_k M_k)^alpha + delta)^r - delta^r`` for every layer
    (Cornell et al., 2020, eq. 3 and 4), in logarithms and, far below
    delta^r, without cancellation. Differentiable once.

    Arguments
    ---------
    energy : Tensor
        E, not negative, [B, T, F].
    averages : sequence of Tensor
        M_k, K tensors like it.
    weights : Tensor
        w, [N, K, F].
    alpha, delta, r : Tensor
        [N, 1] or [N, F].
    eps : float
        Keeps silence finite.

    Returns
    -------
    Tensor
        [N, B, T, F].

    Example
    -------
    >>> one = torch.ones(1, 1)
    >>> energy, average = torch.full((2, 1, 1, 1), 4.0)
    >>> compress(energy, [average], one[None], one, one, one / 2, 0.0)
    tensor([[[[0.4142]]]])
    """
    return _Compress.apply(eps, energy, weights, alpha, delta, r, *averages)


class _Compress(torch.autograd.Function):
    """``compress`` with its gradients.

    In blocks of frames that stay in the processor's cache; the backward pass
    computes again what it needs.
    """

    @staticmethod
    def forward(ctx, eps, energy, weights, alpha, delta, r, *averages):
        """Compute delta^r expm1(r log1p(E exp(-alpha log(eps + M)) / delta)).

        [B, T, F], [N, K, F], 3 x [N, 1 or F], K x [B, T, F] -> [N, B, T, F].
        """
        output = energy.new_empty(len(weights), *energy.shape)
        ctx.eps = eps
        ctx.save_for_backward(
            energy, weights, alpha, delta, r, output, *averages
        )
        alpha, delta, r = (x[:, None] for x in (alpha, delta, r))
        shares = weights[:, :, None].unbind(1)  # K x [N, 1, F]
        top, less_log_delta, less_alpha = delta**r, -delta.log(), -alpha
        energies, outputs, *parts = map(_frames, (energy, output, *averages))
        for block in _blocks(outputs):
            x = _mixed(parts, block, shares, eps).log_()
            x.mul_(less_alpha).add_(less_log_delta).exp_()
            x.mul_(energies[block]).log1p_().mul_(r).expm1_()
            torch.mul(x, top, out=outputs[:, block])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """Return the gradients of all tensor arguments.

        With g the gradient, U = Y + delta^r, G = E / (eps + M)^alpha.
        """
        energy, weights, alpha, delta, r, output, *averages = ctx.saved_tensors
        parameters = alpha, delta, r
        wants_energy = ctx.needs_input_grad[1]
        wants_averages = any(ctx.needs_input_grad[6:])
        to_energy = energy.new_empty(energy.shape) if wants_energy else None
        to_averages = [
            torch.empty_like(x) if wants_averages else None for x in averages
        ]
        gradients, outputs, *parts = map(
            _frames, (gradient.contiguous(), output, *averages)
        )
        alpha, delta, r = (x[:, None] for x in parameters)
        top, less_alpha, root = delta**r, -alpha, -1 / r
        shares = weights[:, :, None].unbind(1)  # K x [N, 1, F]
        # Sums over the frames of g, g U log U, h = g U / (G + delta), h G
        # log(eps + M) and, per filter, h G M[k] / (eps + M); dY/dG is r h / g.
        sums = [0] * (4 + len(parts))
        for block in _blocks(outputs):
            g = gradients[:, block]
            u = outputs[:, block] + top
            log_u = u.log()
            u.mul_(g)
            sums[0] += g.sum(1)
            sums[1] += (u * log_u).sum(1)
            h = log_u.mul_(root).exp_().mul_(u)
            sums[2] += h.sum(1)
            scaled = u.addcmul_(h, delta, value=-1)
            mixed = _mixed(parts, block, shares, ctx.eps)
            log_mixed = mixed.log()
            sums[3] += (scaled * log_mixed).sum(1)
            scaled.div_(mixed)
            for k, part in enumerate(parts, 4):
                sums[k] += (scaled * part[block]).sum(1)
            if wants_energy:
                gain = log_mixed.mul_(less_alpha).exp_().mul_(r)
                _sum_of_products(h, gain, _frames(to_energy)[block])
            if wants_averages:
                scaled.mul_(less_alpha * r)
                for share, to_part in zip(shares, to_averages, strict=True):
                    _sum_of_products(scaled, share, _frames(to_part)[block])
        alpha, delta, r = parameters
        top = top[:, 0]
        to_weights = -(r * alpha)[:, None] * torch.stack(sums[4:], 1)
        to_alpha = -r * sums[3]
        to_delta = r * (sums[2] - top / delta * sums[0])
        to_r = sums[1] / r - top * delta.log() * sums[0]
        to_parameters = (
            x.sum_to_size(alpha.shape) for x in (to_alpha, to_delta, to_r)
        )
        return None, to_energy, to_weights, *to_parameters, *to_averages


# Numbers computed at once. On a CPU: more fall out of its cache, fewer mean
# more calls (benchmarks/pcen.py). Elsewhere: a whole usual batch.
_BLOCK_ON_CPU, _BLOCK_ELSEWHERE = 2**18, 2**28


def _frames(x: Tensor) -> Tensor:
    """[..., B, T, F] to [..., B T, F]."""
    return x.flatten(-3, -2)


def _blocks(frames: Tensor) -> Iterator[slice]:
    """The frames of [N, B T, F], in blocks."""
    size = _BLOCK_ON_CPU if frames.device.type == "cpu" else _BLOCK_ELSEWHERE
    size = max(size // (frames.shape[0] * frames.shape[2]), 1)
    if torch.compiler.is_compiling():
        size = frames.shape[1]
    for start in range(0, frames.shape[1], size):
        yield slice(start, start + size)


def _mixed(
    parts: Sequence[Tensor], block: slice, shares: Sequence[Tensor], eps: float
) -> Tensor:
    """eps + M of every layer, [N, frames, F]."""
    mixed = shares[0] * parts[0][block]
    for share, part in zip(shares[1:], parts[1:], strict=True):
        mixed.addcmul_(share, part[block])
    return mixed.add_(eps)


def _sum_of_products(first: Tensor, second: Tensor, out: Tensor) -> None:
    """Sum over the layers of [N, frames, F] and [N, frames or none, F]."""
    torch.mul(first[0], second[0], out=out)
    for one, other in zip(first[1:], second[1:], strict=True):
        out.addcmul_(one, other)
