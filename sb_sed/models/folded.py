"""A trained CRNN in the form in which it scores fastest.

What training needs and scoring does not is left out: batch norms become part of
the convolutions before them (``torch.nn.utils.fusion``; Jacob et al., 2018,
section 3.2), the gates work in place, and there is no dropout.

Authors
 * sb_sed contributors 2026
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sb_sed.models.crnn import CRNN, ConvBlock, GatedLinear


def folded(module: nn.Module) -> nn.Module:
    """Return a module whose CRNN is in its fastest form.

    Arguments
    ---------
    module : nn.Module
        In evaluation mode, such as a ``Detector``; it stays as it is, and
        shares its other parameters with what is returned.

    Returns
    -------
    nn.Module
        Gives the same scores but for rounding (below 1e-6). The module itself
        if there is nothing to fold.

    Example
    -------
    >>> network = CRNN().eval()
    >>> features = torch.rand(1, 628, 128)
    >>> with torch.inference_mode():
    ...     exact, fast = network(features), folded(network)(features)
    >>> torch.allclose(exact.strong, fast.strong, atol=1e-6)
    True
    """
    network = module if isinstance(module, CRNN) else None
    network = network or getattr(module, "network", None)
    if not isinstance(network, CRNN) or network.training:
        return module
    fast = _shallow(network)
    fast.cnn = InTurn(nn.Sequential(*map(_folded_block, network.cnn)))
    if network is module:
        return fast
    module = _shallow(module)
    module.network = fast
    return module


class FoldedBlock(nn.Module):
    """``ConvBlock`` without its batch norm and dropout.

    Arguments
    ---------
    block : ConvBlock
        In evaluation mode.
    """

    def __init__(self, block: ConvBlock):
        super().__init__()
        if type(block.conv) is nn.Conv2d:
            conv = fuse_conv_bn_eval(block.conv, block.norm)
            self.conv = conv.to(memory_format=torch.channels_last)
        else:  # of more kernels than one
            self.conv = nn.Sequential(block.conv, block.norm)
        self.gate, self.pool = block.gate, block.pool
        self.attention = block.attention

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T, F] to [B, C', T // pooling, F // pooling]."""
        x = self.conv(x).permute(0, 2, 3, 1)
        if type(self.gate) is GatedLinear:
            gated = self.gate.linear(x)
            gated *= x.sigmoid_()
        else:
            gated = self.gate(x)
        return self.attention(self.pool(gated.permute(0, 3, 1, 2)))


class TwoConvolutions(nn.Module):
    """``FoldedBlock`` whose gate's linear branch is a convolution as well.

    ``W (k * x + c) + b`` is ``(W k) * x + (W c + b)``. Of few input channels,
    as of the first block, that takes fewer products than ``W`` of the images of
    all output channels, and these are not read once more.

    Arguments
    ---------
    block : ConvBlock
        In evaluation mode, with an ``nn.Conv2d`` and a ``GatedLinear``.
    """

    def __init__(self, block: ConvBlock):
        super().__init__()
        conv = fuse_conv_bn_eval(block.conv, block.norm)
        self.conv = conv.to(memory_format=torch.channels_last)
        self.projected = _projected(conv, block.gate.linear)
        self.pool, self.attention = block.pool, block.attention

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T, F] to [B, C', T // pooling, F // pooling]."""
        gated = self.projected(x)
        gated *= self.conv(x).sigmoid_()
        return self.attention(self.pool(gated))


class InTurn(nn.Module):
    """Runs a module on one clip after the other where that is a processor.

    One clip's images fit into its cache, several do not; what follows, a
    recurrence, is the faster for each clip the more of them there are
    (``benchmarks/detection.py``).

    Arguments
    ---------
    module : nn.Module
        From [B, ...] to [B, ...], clip by clip.
    """

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """As the module."""
        if x.device.type != "cpu":
            return self.module(x)
        return torch.cat([self.module(clip) for clip in x.split(1)])


def _folded_block(block: ConvBlock) -> nn.Module:
    """Return a block in the form that takes fewest products."""
    conv = block.conv
    if type(conv) is nn.Conv2d and type(block.gate) is GatedLinear:
        if conv.weight[0].numel() < conv.out_channels:
            return TwoConvolutions(block)
    return FoldedBlock(block)


@torch.no_grad()
def _projected(conv: nn.Conv2d, linear: nn.Linear) -> nn.Conv2d:
    """Return a convolution followed by a linear layer over its channels."""
    both = copy.deepcopy(conv)
    weight = linear.weight.double()
    kernels = weight @ conv.weight.double().flatten(1)
    both.weight.copy_(kernels.view_as(conv.weight))
    both.bias.copy_(weight @ conv.bias.double() + linear.bias.double())
    return both


def _shallow(module: nn.Module) -> nn.Module:
    """Return a copy whose children may be replaced."""
    module = copy.copy(module)
    module._modules = dict(module._modules)
    return module
