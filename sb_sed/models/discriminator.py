"""Discriminators: the domain of a clip from the embedding of its frames.

Authors
 * sb_sed contributors 2026
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from speechbrain.lobes.models.conv_tasnet import (
    TemporalBlocksSequential,
    choose_norm,
)
from speechbrain.nnet.CNN import Conv1d
from torch import nn
from torch.nn.functional import group_norm

from sb_sed.errors import InputError


class Discriminator(nn.Module, ABC):
    """From frame embeddings to one logit a clip, padding left out.

    A clip's logit is the mean of its frames'. Clips that are shorter than the
    batch are processed without their padding, so that neither the convolutions
    nor the statistics of global layer norms (gLN) depend on it. It runs in
    float32: the 1e-8 of a gLN vanishes in half precision, and the network is
    small.
    """

    min_frames = 1  # a shorter clip keeps padding up to this

    @abstractmethod
    def frame_logits(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return logits of frames [B, T] for embeddings [B, T, D]."""

    def forward(
        self, embedding: torch.Tensor, lens: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the domain of each clip as a logit.

        Arguments
        ---------
        embedding : torch.Tensor
            [B, T, D].
        lens : torch.Tensor, optional
            Length of each clip relative to T, [B]; without it all are T.

        Returns
        -------
        torch.Tensor
            Logits, [B]; positive for synthetic clips.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.float()
            if lens is None:
                return self.frame_logits(embedding).mean(1)
            n_all = embedding.shape[1]
            n_frames = (lens * n_all).round().int()
            n_frames = n_frames.clamp(min(self.min_frames, n_all), n_all)
            if (n_frames == n_all).all():
                return self.frame_logits(embedding).mean(1)
            return self.without_padding(embedding, n_frames)

    def without_padding(
        self, embedding: torch.Tensor, n_frames: torch.Tensor
    ) -> torch.Tensor:
        """Return the logits of clips of several lengths.

        Here those of one length together, length by length.

        Arguments
        ---------
        embedding : torch.Tensor
            [B, T, D]; the padding may hold anything.
        n_frames : torch.Tensor
            Of each clip, [B].

        Returns
        -------
        torch.Tensor
            [B].
        """
        logits = embedding.new_zeros(len(embedding))
        for n in n_frames.unique().tolist():
            clips = (n_frames == n).nonzero().squeeze(1)
            # From the host to a GPU, which is not waited for.
            clips = clips.to(logits.device, non_blocking=True)
            means = self.frame_logits(embedding[clips, :n]).mean(1)
            logits = logits.index_copy(0, clips, means)
        return logits


class TCNDiscriminator(Discriminator):
    """A Conv-TasNet separator cut down to tell two domains apart.

    As in the released UNIVPM-INRIA code, from Asteroid's blocks: gLN, 1 x 1
    convolution to the bottleneck, blocks of dilation 1, 2, 4, … that are added
    to their input, PReLU, 1 x 1 convolution to a logit a frame. (The paper
    mentions skip connections and a mean of probabilities; the code has residual
    connections only and the mean of logits.)

    Arguments
    ---------
    in_channels : int
        D, size of the embeddings.
    bottleneck : int
        Channels between the blocks.
    hidden : int
        Channels inside of them.
    n_blocks, n_repeats : int
        Blocks (block b has dilation 2^b), and how often they are repeated.
    kernel_size : int
        Of the depthwise convolutions, odd.

    Raises
    ------
    InputError
        If Asteroid is not installed.

    Example
    -------
    >>> discriminator = TCNDiscriminator(in_channels=128)
    >>> sum(p.numel() for p in discriminator.parameters())
    149394
    >>> discriminator(torch.randn(3, 157, 128)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        in_channels: int = 128,
        bottleneck: int = 64,
        hidden: int = 128,
        n_blocks: int = 4,
        n_repeats: int = 2,
        kernel_size: int = 3,
    ):
        super().__init__()
        try:  # few systems have a discriminator, and Asteroid is heavy
            from asteroid.masknn.convolutional import Conv1DBlock
            from asteroid.masknn.norms import GlobLN
        except ImportError:
            raise InputError(
                "TCNDiscriminator needs Asteroid: pip install asteroid, or take "
                "SpeechBrainTCNDiscriminator."
            ) from None
        self.head = nn.Sequential(
            GlobLN(in_channels), nn.Conv1d(in_channels, bottleneck, 1)
        )
        self.blocks = nn.ModuleList(
            Conv1DBlock(
                bottleneck,
                hidden,
                skip_out_chan=0,
                kernel_size=kernel_size,
                padding=dilation * (kernel_size // 2),
                dilation=dilation,
                norm_type="gLN",
            )
            for _ in range(n_repeats)
            for dilation in (2**block for block in range(n_blocks))
        )
        self.tail = nn.Sequential(nn.PReLU(), nn.Conv1d(bottleneck, 1, 1))

    def frame_logits(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return logits of frames [B, T] for embeddings [B, T, D]."""
        return self._logits(embedding, _norm)

    def _logits(self, embedding: torch.Tensor, norm: Callable) -> torch.Tensor:
        """Logits [B, T], by another way to compute the norms: with Asteroid's
        own, the discriminator's part of a step takes 1.8 times as long on a
        CPU."""
        norm_in, convolution = self.head
        x = convolution(norm(norm_in, embedding.transpose(1, 2)))
        for block in self.blocks:
            enter, prelu, norm_1, depthwise, prelu_2, norm_2 = (
                block.shared_block
            )
            y = norm(norm_1, prelu(enter(x)))
            y = norm(norm_2, prelu_2(depthwise(y)))
            x = x + block.res_conv(y)
        return self.tail(x).squeeze(1)

    def without_padding(
        self, embedding: torch.Tensor, n_frames: torch.Tensor
    ) -> torch.Tensor:
        """Return the logits of clips of several lengths, all at once.

        Whatever the lengths, as many kernels as for one: what a norm or a
        convolution reads of the padding is left out or 0.
        """
        n_frames = n_frames.to(embedding.device, non_blocking=True)
        n_frames = n_frames[:, None, None]
        positions = torch.arange(embedding.shape[1], device=embedding.device)
        padding = positions >= n_frames  # [B, 1, T]
        norm = partial(_masked_norm, padding=padding, n_frames=n_frames)
        logits = self._logits(embedding, norm)
        return logits.masked_fill(padding[:, 0], 0).sum(1) / n_frames[:, 0, 0]


def _norm(norm: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Asteroid's gLN in one of PyTorch's kernels; [B, C, T]."""
    return group_norm(x, 1, norm.gamma, norm.beta, eps=1e-8)


def _masked_norm(
    norm: nn.Module,
    x: torch.Tensor,
    padding: torch.Tensor,
    n_frames: torch.Tensor,
) -> torch.Tensor:
    """Asteroid's gLN of what is no padding, which becomes 0; [B, C, T]."""
    n = x.shape[1] * n_frames
    mean = x.masked_fill(padding, 0).sum((1, 2), keepdim=True) / n
    centred = (x - mean).masked_fill(padding, 0)
    variance = centred.square().sum((1, 2), keepdim=True) / n
    normalised = centred / (variance + 1e-8).sqrt()
    return norm.apply_gain_and_bias(normalised).masked_fill(padding, 0)


class SpeechBrainTCNDiscriminator(Discriminator):
    """``TCNDiscriminator`` with SpeechBrain's blocks.

    They differ from Asteroid's in two ways: their convolutions have no bias,
    and they reflect a clip at its ends instead of adding zeros. So it must have
    more frames than the largest dilation times half the kernel.

    Arguments
    ---------
    in_channels, bottleneck, hidden, n_blocks, n_repeats, kernel_size : int
        As for ``TCNDiscriminator``.

    Example
    -------
    >>> discriminator = SpeechBrainTCNDiscriminator(in_channels=128)
    >>> sum(p.numel() for p in discriminator.parameters())
    146834
    >>> discriminator(torch.randn(3, 157, 128)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        in_channels: int = 128,
        bottleneck: int = 64,
        hidden: int = 128,
        n_blocks: int = 4,
        n_repeats: int = 2,
        kernel_size: int = 3,
    ):
        super().__init__()
        self.min_frames = 2 ** (n_blocks - 1) * (kernel_size // 2) + 1
        self.layers = nn.Sequential(
            choose_norm("gLN", in_channels),
            Conv1d(bottleneck, 1, in_channels=in_channels),
            TemporalBlocksSequential(
                (None, None, bottleneck),
                hidden,
                kernel_size,
                n_repeats,
                n_blocks,
                "gLN",
                causal=False,
            ),
            nn.PReLU(),
            Conv1d(1, 1, in_channels=bottleneck),
        )

    def frame_logits(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return logits of frames [B, T] for embeddings [B, T, D]."""
        return self.layers(embedding).squeeze(-1)
