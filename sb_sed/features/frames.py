"""Frames without a spectrogram, for detectors that look at none.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError


class FrameGrid(nn.Module):
    """Count the frames of waveforms and compute no spectrogram.

    In the place of :class:`~sb_sed.features.mel.MelSpectrogram`, where a
    network takes nothing but the embeddings of an encoder: the spectrogram
    has no band. Frames are centred at multiples of the hop.

    Arguments
    ---------
    sample_rate : int
        Of the waveforms, in Hz.
    hop_length : int
        Distance between frames, in samples.

    Example
    -------
    >>> grid = FrameGrid(hop_length=320)
    >>> grid(torch.zeros(2, 160000)).shape, grid.n_frames(160000)
    (torch.Size([2, 501, 0]), 501)
    """

    n_mels = 0

    def __init__(self, sample_rate: int = 16000, hop_length: int = 320):
        super().__init__()
        self.sample_rate = sample_rate
        self.hop_length = hop_length

    def forward(self, wavs: Tensor) -> Tensor:
        """Return a spectrogram of no band.

        Arguments
        ---------
        wavs : Tensor
            Waveforms [B, N].

        Returns
        -------
        Tensor
            [B, T, 0], float32, T = ``n_frames(N)``.

        Raises
        ------
        InputError
            If the waveforms are not [B, N].
        """
        if wavs.dim() != 2:
            raise InputError(
                f"Waveforms have the shape {tuple(wavs.shape)}: mix the "
                "channels down and pass [batch, samples]."
            )
        n_clips, n_samples = wavs.shape
        return wavs.new_zeros(
            (n_clips, self.n_frames(n_samples), 0), dtype=torch.float32
        )

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames T of a clip of ``n_samples``."""
        return 1 + n_samples // self.hop_length
