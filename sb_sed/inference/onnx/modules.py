"""Which parts of a detector are exported in another form.

What is fast in training (gradients of one's own, loops over blocks of memory)
cannot be traced. Each part that needs it has a stand-in, which computes the
same numbers from the same parameters.

Authors
 * sb_sed contributors 2026
"""

import copy
import math
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
from sb_sed.inference.onnx.mel import OnnxMelSpectrogram
from sb_sed.inference.onnx.network import OnnxCRNN
from sb_sed.inference.onnx.pcen import OnnxParallelPCEN, OnnxPCEN
from sb_sed.models.crnn import CRNN


@singledispatch
def exportable(module: nn.Module) -> nn.Module:
    """The stand-in of a module, or a copy with stand-ins of its children.

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


class OnnxAmplitudeToDB(nn.Module):
    """``AmplitudeToDB`` with one number for all that is below ``amin``.

    onnxruntime's logarithm gives one argument two values, a bit apart, in one
    call; of digital silence ``MinMax`` would make zeros and ones of them.

    Arguments
    ---------
    to_db : AmplitudeToDB
        The original.
    """

    def __init__(self, to_db: AmplitudeToDB):
        super().__init__()
        self.amin, self.top_db = to_db.amin, to_db.top_db

    def forward(self, mel: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F]."""
        amplitudes = mel.abs()
        decibels = torch.where(
            amplitudes > self.amin,
            20 * amplitudes.clamp_min(self.amin).log10(),
            20 * math.log10(self.amin),
        )
        peak = decibels.amax(dim=(1, 2), keepdim=True)
        return torch.maximum(decibels, peak - self.top_db)


class OnnxZScore(nn.Module):
    """``ZScore`` that has its statistics.

    Arguments
    ---------
    z_score : ZScore
        The original.

    Raises
    ------
    InputError
        If it has none.
    """

    def __init__(self, z_score: ZScore):
        super().__init__()
        z_score(z_score.mean[None, None])
        self.register_buffer("mean", z_score.mean)
        self.register_buffer("std", z_score.std)

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F]."""
        return (features - self.mean) / self.std


for _original, _stand_in in {
    MelSpectrogram: OnnxMelSpectrogram,
    AmplitudeToDB: OnnxAmplitudeToDB,
    ZScore: OnnxZScore,
    ParallelPCEN: OnnxParallelPCEN,
    PCEN: OnnxPCEN,
    CRNN: OnnxCRNN,
}.items():
    exportable.register(_original, _stand_in)
