"""The detector: a featurizer and a network as one module.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import nn

from sb_sed.errors import InputError
from sb_sed.models.crnn import Predictions


class Detector(nn.Module):
    """From linear mel spectrograms, or waveforms, to strong and weak scores.

    The featurizer's parameters are the detector's, so that a teacher, a deep
    copy, averages the front-end too. Training passes mel spectrograms, which
    student and teacher share (each in its own view).

    Arguments
    ---------
    featurizer : nn.Module
        Has ``mel`` (waveforms [B, N] to mel [B, T, F]), ``from_mel`` (mel to
        the network's input) and ``frame_shift`` (seconds); see
        ``sb_sed.features.Featurizer``.
    network : nn.Module
        From features to ``Predictions``; has ``n_output_frames``.

    Raises
    ------
    InputError
        If both have ``n_channels`` and these differ.

    Example
    -------
    >>> from sb_sed.features import MinMax, get_featurizer
    >>> from sb_sed.models.crnn import CRNN
    >>> featurizer = get_featurizer("log_mel", normalise=MinMax())
    >>> detector = Detector(featurizer, CRNN())
    >>> detector.from_waveforms(torch.randn(1, 160000)).strong.shape
    torch.Size([1, 157, 10])
    >>> detector.n_output_frames(160000), detector.frame_shift
    (157, 0.06375)
    """

    def __init__(self, featurizer: nn.Module, network: nn.Module):
        super().__init__()
        given = getattr(featurizer, "n_channels", None)
        wanted = getattr(network, "n_channels", None)
        if None not in (given, wanted) and given != wanted:
            raise InputError(
                f"The features have {given} channel(s), the network takes "
                f"{wanted}: give the network n_channels={given}."
            )
        self.featurizer = featurizer
        self.network = network

    @property
    def frame_shift(self) -> float:
        """Seconds between output frames."""
        pooled = 1
        for pool in self.network.time_pooling:
            pooled *= pool
        return self.featurizer.frame_shift * pooled

    def n_output_frames(self, n_samples: int) -> int:
        """Return the number of output frames for ``n_samples`` samples."""
        return self.network.n_output_frames(
            self.featurizer.mel.n_frames(n_samples)
        )

    def forward(self, mel: torch.Tensor) -> Predictions:
        """Return the predictions for linear mel spectrograms [B, T, F]."""
        return self.network(self.featurizer.from_mel(mel))

    def from_waveforms(self, wavs: torch.Tensor) -> Predictions:
        """Return the predictions for waveforms [B, N]."""
        return self(self.featurizer.mel(wavs))
