"""Augmentation of linear mel spectrograms: the views of student and teacher.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import nn


class GaussianNoise(nn.Module):
    """Add Gaussian noise to each mel band at a signal-to-noise ratio.

    The noise of a band has the power of that band over the clip, less
    ``snr_db``: the teacher's view in the DCASE 2020 Task 4 baseline (30 dB).
    The result may be negative; ``AmplitudeToDB`` takes the magnitude. The
    input is left as it was, so that another view can share it.

    Arguments
    ---------
    snr_db : float
        Signal-to-noise ratio in dB.

    Example
    -------
    >>> mel = torch.ones(1, 20000, 2)
    >>> noise = GaussianNoise(snr_db=20.0)(mel) - mel
    >>> noise.std(dim=1).round(decimals=2)
    tensor([[0.1000, 0.1000]])
    """

    def __init__(self, snr_db: float = 30.0):
        super().__init__()
        self.snr_db = snr_db

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """A noisy copy of a linear mel spectrogram, [B, T, F]."""
        power = mel.square().mean(dim=1, keepdim=True)
        deviation = (power * 10 ** (-self.snr_db / 10)).sqrt()
        return mel + deviation * torch.randn_like(mel)
