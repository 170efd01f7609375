"""Training on several processes: batch norms of the whole batch.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import Tensor, distributed, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm


def share_statistics(module: nn.Module, device_type: str) -> nn.Module:
    """Make batch norms take their statistics from the clips of all processes.

    Arguments
    ---------
    module : nn.Module
        Its batch norms are replaced; their parameters and buffers are kept.
    device_type : str
        ``cuda`` for PyTorch's ``SyncBatchNorm``, which is for GPUs only;
        ``cpu`` for ``SharedBatchNorm``.

    Returns
    -------
    nn.Module
        The module, or what replaces it if it is a batch norm itself.

    Example
    -------
    >>> module = share_statistics(nn.Sequential(nn.BatchNorm2d(3)), "cpu")
    >>> type(module[0]).__name__
    'SharedBatchNorm'
    """
    if device_type != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    if isinstance(module, _BatchNorm):
        return SharedBatchNorm.of(module)
    for name, child in module.named_children():
        setattr(module, name, share_statistics(child, device_type))
    return module


class SharedBatchNorm(_BatchNorm):
    """Batch norm over the batches of all processes, which are of one size.

    In training, output, gradients and running statistics are those of one
    process with all of the clips. Arguments as for ``nn.BatchNorm2d``.
    """

    @classmethod
    def of(cls, norm: _BatchNorm) -> "SharedBatchNorm":
        """Return one with the parameters and buffers of another batch norm."""
        shared = cls(norm.num_features, norm.eps, norm.momentum)
        shared.affine = norm.affine
        shared.track_running_stats = norm.track_running_stats
        for own, others in (
            (shared._parameters, norm._parameters),
            (shared._buffers, norm._buffers),
        ):
            own.update(others)
        return shared.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, ...] over all axes but the channels'."""
        if not self.training and self.running_mean is not None:
            return batch_norm(
                x,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                eps=self.eps,
            )
        axes = [0, *range(2, x.dim())]
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = _mean_of_processes(wide.mean(axes, keepdim=True))
        centred = wide - mean
        variance = _mean_of_processes(centred.square().mean(axes, keepdim=True))
        if self.training and self.running_mean is not None:
            n = x.numel() // x.shape[1] * distributed.get_world_size()
            self._follow(
                mean.flatten(), variance.flatten() * (n / max(n - 1, 1))
            )
        output = centred * (variance + self.eps).rsqrt()
        if self.affine:
            shape = mean.shape
            output = output * self.weight.view(shape) + self.bias.view(shape)
        return output.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch."""
        self.num_batches_tracked += 1
        factor = self.momentum
        if factor is None:
            factor = 1 / int(self.num_batches_tracked)
        self.running_mean.lerp_(mean, factor)
        self.running_var.lerp_(variance, factor)


def _mean_of_processes(x: Tensor) -> Tensor:
    return _Sum.apply(x) / distributed.get_world_size()


class _Sum(torch.autograd.Function):
    """The sum over all processes, which is its own adjoint."""

    @staticmethod
    def forward(ctx, x):
        """Return the sum of what each process has."""
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient):
        """Return the sum of the gradients of each process."""
        return _Sum.apply(gradient.contiguous())
