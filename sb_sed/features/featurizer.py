"""The featurizer: what turns waveforms into the network's input.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from tqdm import tqdm


class Featurizer(nn.Module):
    """A mel spectrogram and the stages that follow it.

    It replaces ``compute_features`` of a SpeechBrain recipe. The mel
    spectrogram is separate so that noise can be added to it before the rest:
    ``featurizer.from_mel(noisy(featurizer.mel(wavs)))``.

    Arguments
    ---------
    mel : MelSpectrogram
        Or any module [B, N] -> [B, T, F] with ``n_mels``, ``hop_length`` and
        ``sample_rate``.
    stages : sequence of nn.Module
        Each takes [B, T, F]; the last may return [B, T, F, C], with C as its
        attribute ``n_channels``. A stage with a method ``fit`` learns from the
        training data before the first use.

    Attributes
    ----------
    n_mels : int
        Bands, F.
    n_channels : int
        Channels, C; 1 where the output has no such axis.
    frame_shift : float
        Distance between frames, in seconds.

    Example
    -------
    >>> from sb_sed.features import AmplitudeToDB, MelSpectrogram, MinMax
    >>> featurizer = Featurizer(MelSpectrogram(), [AmplitudeToDB(), MinMax()])
    >>> featurizer(torch.randn(2, 160000)).shape
    torch.Size([2, 628, 128])
    """

    def __init__(self, mel: nn.Module, stages: Sequence[nn.Module]):
        super().__init__()
        self.mel = mel
        self.stages = nn.ModuleList(stages)
        self.n_mels = mel.n_mels
        self.n_channels = getattr(stages[-1], "n_channels", 1) if stages else 1
        self.frame_shift = mel.hop_length / mel.sample_rate

    def forward(self, wavs: Tensor, lens: Tensor | None = None) -> Tensor:
        """Return the features of a batch of waveforms.

        Arguments
        ---------
        wavs : Tensor
            Waveforms [B, N]; shorter clips padded with zeros.
        lens : Tensor, optional
            Relative lengths [B], as SpeechBrain passes them. Not used: the
            padding is processed as silence.

        Returns
        -------
        Tensor
            [B, T, F] or [B, T, F, C].
        """
        return self.from_mel(self.mel(wavs))

    def from_mel(self, mel: Tensor) -> Tensor:
        """Return the features of mel spectrograms [B, T, F], as ``forward``."""
        return _through(self.stages, mel)

    @torch.no_grad()
    def fit(self, wav_batches: Iterable[Tensor]) -> "Featurizer":
        """Fit the stages that learn, each on the output of those before it.

        Arguments
        ---------
        wav_batches : iterable of Tensor
            Waveforms [B, N] on this module's device. Read once for every stage
            that learns: where there are several, pass a list or a loader, not a
            generator.

        Returns
        -------
        Featurizer
            This module.
        """
        for position, stage in enumerate(self.stages):
            if hasattr(stage, "fit"):
                before = self.stages[:position]
                name = type(stage).__name__
                bar = tqdm(wav_batches, desc=f"fitting {name}", disable=None)
                stage.fit(_through(before, self.mel(wavs)) for wavs in bar)
        return self


def _through(stages: Iterable[nn.Module], features: Tensor) -> Tensor:
    for stage in stages:
        features = stage(features)
    return features
