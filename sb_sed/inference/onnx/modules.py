"""Which parts of a detector are exported in another form; the CRNN's.

What is fast in training (gradients of one's own, loops over blocks of memory)
cannot be traced. Each part that needs it has a stand-in, which computes the
same numbers from the same parameters.

Authors
 * sb_sed contributors 2026
"""

import copy
from functools import singledispatch

import torch
from torch import Tensor, nn

from sb_sed.features import (
    PCEN,
    AmplitudeToDB,
    MelSpectrogram,
    ParallelPCEN,
    ZScore,
)
from sb_sed.inference.onnx.front_end import (
    OnnxAmplitudeToDB,
    OnnxMelSpectrogram,
    OnnxParallelPCEN,
    OnnxPCEN,
    OnnxZScore,
)
from sb_sed.models.crnn import CRNN, ConvBlock, Predictions, attended
from sb_sed.models.head import Head


@singledispatch
def exportable(module: nn.Module) -> nn.Module:
    """Return a module's stand-in, or a copy with those of its children.

    For a module of your own that ``torch.export`` cannot trace, register one:
    ``exportable.register(MyStage, MyStageForONNX)``, which is called with the
    original.

    Arguments
    ---------
    module : nn.Module
        Trained; it stays as it is.

    Returns
    -------
    nn.Module
        Computes the same, in evaluation mode.

    Example
    -------
    >>> stages = nn.Sequential(MelSpectrogram(), PCEN(128), nn.Tanh())
    >>> [type(stage).__name__ for stage in exportable(stages)]
    ['OnnxMelSpectrogram', 'OnnxPCEN', 'Tanh']
    """
    module = copy.copy(module)
    module._modules = {
        name: child and exportable(child)
        for name, child in module._modules.items()
    }
    return module


class OnnxCRNN(nn.Module):
    """``CRNN`` without autocast and dropout."""

    def __init__(self, crnn: CRNN):
        super().__init__()
        self.cnn = nn.Sequential(*map(OnnxConvBlock, crnn.cnn))
        self.rnn = OnnxGRU(crnn.rnn)
        self.strong, self.attention = crnn.strong, crnn.attention
        self.fusion = crnn.fusion
        self.time_pooling = crnn.time_pooling
        self.n_output_frames = crnn.n_output_frames

    def forward(
        self,
        features: Tensor,
        encoded: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> Predictions:
        """[B, T, F] or [B, T, F, channels] -> ``Predictions``."""
        if features.dim() == 3:
            features = features.unsqueeze(-1)
        x = self.cnn(features.permute(0, 3, 1, 2))
        embedding = x.permute(0, 2, 1, 3).flatten(2)
        if self.fusion is not None:
            embedding = self.fusion(embedding, encoded, positions)
        hidden = self.rnn(embedding)
        scores = attended(self.strong(hidden), self.attention(hidden))
        return Predictions(*scores, embedding)


class OnnxHead(nn.Module):
    """``Head`` without autocast and dropout."""

    def __init__(self, head: Head):
        super().__init__()
        self.fusion, self.rnn = head.fusion, OnnxGRU(head.rnn)
        self.strong, self.attention = head.strong, head.attention
        self.time_pooling = head.time_pooling
        self.n_output_frames = head.n_output_frames

    def forward(
        self, features: Tensor, encoded: Tensor, positions: Tensor
    ) -> Predictions:
        """As that of ``Head``."""
        embedding = self.fusion.project(encoded, positions)
        hidden = self.rnn(embedding)
        scores = attended(self.strong(hidden), self.attention(hidden))
        return Predictions(*scores, embedding)


class OnnxConvBlock(nn.Module):
    """``ConvBlock`` with its gate as a convolution.

    Channels stay where ONNX's convolutions have them.
    """

    def __init__(self, block: ConvBlock):
        super().__init__()
        self.conv, self.norm, self.pool = block.conv, block.norm, block.pool
        self.attention, self.joined = block.attention, block.gate.joined
        linear = block.gate.linear
        self.register_buffer("weight", linear.weight.detach()[..., None, None])
        self.register_buffer("bias", linear.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T, F] to [B, C', T // pooling, F // pooling]."""
        x = self.norm(self.conv(x))
        linear = nn.functional.conv2d(x, self.weight, self.bias)
        return self.attention(self.pool(self.joined(linear, x)))


class OnnxGRU(nn.Module):
    """The output of a bidirectional ``nn.GRU`` with ``batch_first``.

    As ONNX's operator GRU. Only for the export: PyTorch gets zeros from it.
    """

    def __init__(self, gru: nn.GRU):
        super().__init__()
        self.hidden_size = gru.hidden_size
        self.layers = nn.ModuleList(
            nn.ParameterList(_weights(gru, layer))
            for layer in range(gru.num_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, 2 H]."""
        x = x.transpose(0, 1)
        n_frames, n_clips = x.shape[:2]
        for layer in self.layers:
            x = torch.onnx.ops.symbolic(
                "GRU",
                (x, *layer),
                {
                    "direction": "bidirectional",
                    "hidden_size": self.hidden_size,
                    "linear_before_reset": 1,
                },
                dtype=x.dtype,
                shape=(n_frames, 2, n_clips, self.hidden_size),
            )
            x = x.transpose(1, 2).flatten(2)
        return x.transpose(0, 1)


def _weights(gru: nn.GRU, layer: int) -> list[Tensor]:
    """Return W [2, 3 H, D], R [2, 3 H, H] and both biases [2, 6 H] of ONNX."""

    def both_ways(name: str) -> Tensor:
        """Return [2, 3 H, ...]: ONNX has the update before the reset gate."""
        ways = []
        for way in ("", "_reverse"):
            weight = getattr(gru, f"{name}_l{layer}{way}").detach()
            reset, update, new = weight.chunk(3)
            ways.append(torch.cat([update, reset, new]))
        return torch.stack(ways)

    biases = torch.cat([both_ways("bias_ih"), both_ways("bias_hh")], 1)
    return [both_ways("weight_ih"), both_ways("weight_hh"), biases]


for _original, _stand_in in {
    MelSpectrogram: OnnxMelSpectrogram,
    AmplitudeToDB: OnnxAmplitudeToDB,
    ZScore: OnnxZScore,
    ParallelPCEN: OnnxParallelPCEN,
    PCEN: OnnxPCEN,
    CRNN: OnnxCRNN,
    Head: OnnxHead,
}.items():
    exportable.register(_original, _stand_in)
