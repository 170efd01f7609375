"""What makes a CNN's blocks depend on frequency, of which sounds are made.

A convolution is the same in all mel bands, sounds are not. Each class here is
one choice for ``CRNN``: called with the sizes of a block, it makes its module.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


class Attention(Protocol):
    """Makes the module that weights the maps of a block."""

    def __call__(self, n_channels: int, n_bands: int) -> nn.Module:
        """Return a module from [B, C, T, F] to the same shape."""


@dataclass(frozen=True)
class ChannelFrequencyAttention:
    """A weight for each channel and band: "C2D-Att" of lightSED.

    The map of means over time, [channel, band], goes through two convolutions
    3 x 3 as an image: 18 weights for each of ``hidden`` channels, 144 a block.

    Arguments
    ---------
    hidden : int
        Channels between the two convolutions.

    Example
    -------
    >>> attention = ChannelFrequencyAttention()(n_channels=16, n_bands=32)
    >>> sum(p.numel() for p in attention.parameters())
    144
    >>> attention(torch.randn(2, 16, 50, 32)).shape
    torch.Size([2, 16, 50, 32])
    """

    hidden: int = 8

    def __call__(self, n_channels: int, n_bands: int) -> nn.Module:
        """See :class:`Attention`."""
        return _ChannelFrequency(self.hidden)


@dataclass(frozen=True)
class SqueezeExcitation:
    """A weight for each channel, and for each band frame by frame.

    Squeeze and excitation over the channels (Hu et al., CVPR 2018), then over
    the bands with each frame's own means: "SE + tfwSE" of lightSED.

    Arguments
    ---------
    reduction : int
        Ratio of a block's channels (bands) to the hidden units, at least one.

    Example
    -------
    >>> attention = SqueezeExcitation()(n_channels=16, n_bands=32)
    >>> attention(torch.randn(2, 16, 50, 32)).shape
    torch.Size([2, 16, 50, 32])
    """

    reduction: int = 4

    def __call__(self, n_channels: int, n_bands: int) -> nn.Module:
        """See :class:`Attention`."""
        return _SqueezeExcitation(
            _excitation(n_channels, self.reduction),
            _excitation(n_bands, self.reduction),
        )


@dataclass(frozen=True)
class FrequencyDynamic:
    """Convolutions whose kernel depends on the mel band ("FDY").

    The output is a mean of those of ``n_kernels`` kernels; its weights are, for
    each clip and band, a softmax over what two convolutions along the bands
    make of the input's means over time.

    H. Nam et al., "Frequency dynamic convolution: frequency-adaptive pattern
    recognition for sound event detection", Interspeech 2022.

    Arguments
    ---------
    n_kernels : int
        Basis kernels.
    temperature : float
        Of the softmax; the larger, the more alike the weights.

    Example
    -------
    >>> conv = FrequencyDynamic()(in_channels=8, out_channels=16)
    >>> conv(torch.randn(2, 8, 50, 32)).shape
    torch.Size([2, 16, 50, 32])
    """

    n_kernels: int = 4
    temperature: float = 31.0

    def __call__(self, in_channels: int, out_channels: int) -> nn.Module:
        """Return a convolution 3 x 3, [B, C, T, F] to [B, C', T, F]."""
        return _DynamicConv(
            in_channels, out_channels, self.n_kernels, self.temperature
        )


class _ChannelFrequency(nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        self.squeeze = nn.Conv2d(1, hidden, 3, padding=1, bias=False)
        self.excite = nn.Conv2d(hidden, 1, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Weight [B, C, T, F] by channel and band."""
        means = x.mean(dim=2)[:, None]  # [B, 1, C, F]
        weights = self.excite(torch.relu(self.squeeze(means)))
        return x * torch.sigmoid(weights).transpose(1, 2)


class _SqueezeExcitation(nn.Module):
    def __init__(self, channels: nn.Module, bands: nn.Module):
        super().__init__()
        self.channels, self.bands = channels, bands

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Weight [B, C, T, F] by channel, then by frame and band."""
        x = x * self.channels(x.mean(dim=(2, 3)))[:, :, None, None]
        return x * self.bands(x.mean(dim=1))[:, None]


def _excitation(size: int, reduction: int) -> nn.Sequential:
    """The weights of so many channels (or bands) from their means."""
    hidden = max(1, size // reduction)
    return nn.Sequential(
        nn.Linear(size, hidden),
        nn.ReLU(),
        nn.Linear(hidden, size),
        nn.Sigmoid(),
    )


class _DynamicConv(nn.Module):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        n_kernels: int,
        temperature: float,
    ):
        super().__init__()
        hidden = max(1, in_channels // 4)
        self.n_kernels, self.temperature = n_kernels, temperature
        # The kernels side by side: the mean of their outputs is that of a mean
        # of kernels.
        self.kernels = nn.Conv2d(
            in_channels, n_kernels * out_channels, 3, padding=1
        )
        self.choice = nn.Sequential(
            nn.Conv1d(in_channels, hidden, 3, padding=1, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Conv1d(hidden, n_kernels, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T, F] to [B, C', T, F]."""
        logits = self.choice(x.mean(dim=2))  # [B, kernels, F]
        weights = torch.softmax(logits / self.temperature, dim=1)
        outputs = self.kernels(x).unflatten(1, (self.n_kernels, -1))
        return (outputs * weights[:, :, None, None]).sum(dim=1)
