"""The discriminator out of SpeechBrain's own Conv-TasNet.

Authors
 * sb_sed contributors 2026
"""

import torch
from speechbrain.lobes.models.conv_tasnet import (
    TemporalBlocksSequential,
    choose_norm,
)
from speechbrain.nnet.CNN import Conv1d
from torch import nn

from sb_sed.models.discriminator import Discriminator


class SpeechBrainTCNDiscriminator(Discriminator):
    """``TCNDiscriminator`` with the blocks that SpeechBrain has.

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
        """Logits of frames, [B, T], of embeddings, [B, T, D]."""
        return self.layers(embedding).squeeze(-1)
