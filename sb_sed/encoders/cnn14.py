"""Cnn14: maps of a convolutional network that SpeechBrain trained.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from speechbrain.lobes.models import Cnn14 as lobes
from speechbrain.processing.features import (
    STFT,
    Filterbank,
    spectral_magnitude,
)
from torch import Tensor, nn

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.weights import (
    digest,
    find_weights,
    load_state,
    read_checkpoint,
)
from sb_sed.errors import InputError

_WEIGHTS = "speechbrain/cnn14-esc50/embedding_model.ckpt"
_ORIGIN = f"the Hugging Face hub ({_WEIGHTS})"
_RATE, _N_FFT, _N_MELS = 16000, 1024, 80
_HOP_MS, _WINDOW_MS = 11.6099, 23.2199
_HOP = round(_RATE * _HOP_MS / 1000)
_SIZES = {3: 256, 4: 512, 5: 1024, 6: 2048}


class Cnn14(FrameEncoder):
    """SpeechBrain's Cnn14 (PANNs' architecture), trained on VGGSound.

    Frames are columns of a block's map, averaged over frequency: 0.09, 0.19,
    0.37 and 0.37 s apart for blocks 3 to 6. Samples after the last whole
    column are left out.

    Kong et al., "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio
    Pattern Recognition", 2020; recipe ESC50 of SpeechBrain.

    Arguments
    ---------
    weights : str | Path
        A checkpoint, or ``owner/name/file`` of the Hugging Face hub.
    block : int
        Which block of convolutions, 3 to 6.
    trainable : bool
        Whether the weights are trained with the rest.

    Raises
    ------
    InputError
        If there is no such block, or the weights cannot be had or are others.

    Example
    -------
    >>> Cnn14("embedding_model.ckpt")
    Traceback (most recent call last):
    sb_sed.errors.InputError: embedding_model.ckpt cannot be found ...
    """

    def __init__(
        self,
        weights: str | Path = _WEIGHTS,
        block: int = 6,
        trainable: bool = False,
    ):
        if block not in _SIZES:
            raise InputError(
                f"Cnn14's block {block} cannot be tapped: take one from 3 to 6."
            )
        path = find_weights(weights, _ORIGIN)
        lobe = lobes.Cnn14(_N_MELS, _SIZES[6], return_reps=True)
        load_state(lobe, read_checkpoint(path), path, _ORIGIN)
        self._block = block
        self._stride = 2 ** min(block, 5)
        super().__init__(
            _Network(lobe),
            size=_SIZES[block],
            frame_shift=self._stride * _HOP / _RATE,
            first_frame=(self._stride - 1) / 2 * _HOP / _RATE,
            sample_rate=_RATE,
            # One column of the last block.
            min_samples=31 * _HOP,
            settings={"block": block, "weights": digest(lobe.state_dict())},
            trainable=trainable,
        )

    def _encode(self, wavs: Tensor) -> Tensor:
        maps = self.net(wavs)
        return maps[6 - self._block].mean(3).transpose(1, 2)

    def _n_frames(self, n_samples: int) -> int:
        return (n_samples // _HOP + 1) // self._stride

    def _layers(self) -> Sequence[Sequence[nn.Module]]:
        blocks = range(1, self._block + 1)
        return [[getattr(self.net.cnn, f"conv_block{n}")] for n in blocks]


class _Network(nn.Module):
    """The front-end of the recipe ESC50 and the lobe."""

    def __init__(self, lobe: nn.Module):
        super().__init__()
        self.stft = STFT(_RATE, _WINDOW_MS, _HOP_MS, _N_FFT)
        self.fbank = Filterbank(
            _N_MELS, n_fft=_N_FFT, sample_rate=_RATE, log_mel=False
        )
        self.cnn = lobe

    def forward(self, wavs: Tensor) -> tuple[Tensor, ...]:
        """[B, N] -> maps of blocks 6, 5, 4, 3, each [B, C, T, F]."""
        with torch.autocast(wavs.device.type, enabled=False):
            magnitudes = spectral_magnitude(self.stft(wavs), power=0.5)
            features = torch.log1p(self.fbank(magnitudes))
        return self.cnn(features)[1]
