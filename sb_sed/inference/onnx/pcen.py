"""PCEN without custom gradients and without loops over frames.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError
from sb_sed.features import ParallelPCEN
from sb_sed.features.ema import causal, forward_backward


class OnnxParallelPCEN(nn.Module):
    """``ParallelPCEN`` as its formula, the parameters as constants.

    Arguments
    ---------
    pcen : ParallelPCEN
        The original.

    Example
    -------
    >>> pcen, energy = ParallelPCEN(40), torch.rand(1, 50, 40)
    >>> torch.allclose(OnnxParallelPCEN(pcen)(energy), pcen(energy), atol=1e-6)
    True
    """

    def __init__(self, pcen: ParallelPCEN):
        super().__init__()
        self.filters = OnnxEMA(pcen.ema, pcen.s)
        for name in ("alpha", "delta", "r", "weights"):
            self.register_buffer(name, getattr(pcen, name).detach().clone())
        self.eps = pcen.eps

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F, N]."""
        averages = self.filters(energy)
        layers = zip(self.weights, self.alpha, self.delta, self.r, strict=True)
        outputs = []
        for weights, alpha, delta, r in layers:
            mixed = (weights * averages).sum(2)
            gained = energy * torch.exp(-alpha * torch.log(self.eps + mixed))
            # With logarithms, so that silence comes out as 0 to the last bit.
            raised = torch.exp(r * torch.log(gained / delta + 1)) - 1
            outputs.append(delta**r * raised)
        return torch.stack(outputs, -1)


class OnnxPCEN(OnnxParallelPCEN):
    """``PCEN``: the one layer, without the axis of the channels.

    Arguments
    ---------
    pcen : PCEN
        The original.
    """

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F]."""
        return super().forward(energy).squeeze(-1)


class OnnxEMA(nn.Module):
    """The EMA filters' recursions by doubling (Hillis and Steele, 1986).

    After k steps of ``y[t] += (1 - s)^(2^k) y[t - 2^k]`` each frame is the
    weighted sum of the 2^k frames up to it. All is in it, for any length, once
    what lies further back has faded out: after 11 steps for s = 0.015.

    Arguments
    ---------
    ema : Callable
        ``causal`` or ``forward_backward``.
    coefficients : Tensor
        s of each filter, [K, 1 or F].

    Raises
    ------
    InputError
        If it is another filter.
    """

    def __init__(self, ema: Callable, coefficients: Tensor):
        super().__init__()
        if ema not in (causal, forward_backward):
            raise InputError(
                f"PCEN's EMA filter {ema.__name__!r} has no form in ONNX: "
                "train with causal or forward_backward of "
                "sb_sed.features.ema."
            )
        self.backwards = ema is forward_backward
        coefficients = coefficients.detach().clone()
        kept = 1 - coefficients.double()
        n_steps = math.ceil(math.log2(_FADED / coefficients.min().item()))
        fading = torch.stack([kept**2**step for step in range(n_steps)])
        self.register_buffer("coefficients", coefficients)
        self.register_buffer("fading", fading.float())

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, K, F]."""
        averages = self._scan(energy[:, :, None])
        if self.backwards:
            averages = self._scan(averages.flip(1)).flip(1)
        return averages

    def _scan(self, energy: Tensor) -> Tensor:
        frames = torch.arange(energy.shape[1])[:, None, None]
        # The average before the first frame is that frame.
        averages = energy * torch.where(frames == 0, 1.0, self.coefficients)
        for step, fading in enumerate(self.fading):
            before = frames - 2**step
            earlier = averages.index_select(1, before.flatten().clamp_min(0))
            averages = (
                averages + torch.where(before >= 0, fading, 0.0) * earlier
            )
        return averages


# Frames, times s, after which less than exp(-20) is left.
_FADED = 20.0
