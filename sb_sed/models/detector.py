"""The detector: featurizer, network and encoder as one module.

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
    encoder : nn.Module | None
        Pretrained, from waveforms to embeddings that the network fuses with
        its own; see ``sb_sed.encoders.FrameEncoder``.

    Raises
    ------
    InputError
        If both have ``n_channels`` and these differ, or the encoder is of
        another sample rate or does not fit the network's fusion.

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

    def __init__(
        self,
        featurizer: nn.Module,
        network: nn.Module,
        encoder: nn.Module | None = None,
    ):
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
        self.encoder = encoder
        self._check_encoder()

    def _check_encoder(self) -> None:
        """Make sure that encoder, fusion and features fit."""
        fusion = getattr(self.network, "fusion", None)
        if self.encoder is None and fusion is None:
            return
        if self.encoder is None or fusion is None:
            raise InputError(
                "The detector has an encoder without a fusion in its network, "
                "or a fusion without an encoder: give it both."
            )
        if self.encoder.size != fusion.encoder_size:
            raise InputError(
                f"The encoder's embeddings have {self.encoder.size} values, "
                f"the fusion takes {fusion.encoder_size}: give it "
                f"encoder_size={self.encoder.size}."
            )
        if self.encoder.sample_rate != self.featurizer.mel.sample_rate:
            raise InputError(
                f"The encoder is made for {self.encoder.sample_rate} Hz, the "
                f"features for {self.featurizer.mel.sample_rate}: train at the "
                "encoder's rate."
            )

    @property
    def sample_rate(self) -> int:
        """Of the waveforms, in Hz."""
        return self.featurizer.mel.sample_rate

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

    def forward(
        self, mel: torch.Tensor, encoded: torch.Tensor | None = None
    ) -> Predictions:
        """Return the predictions for linear mel spectrograms.

        Arguments
        ---------
        mel : torch.Tensor
            [B, T, F].
        encoded : torch.Tensor, optional
            Where there is an encoder: its embeddings [B, T_e, D], or the
            waveforms [B, N], which it then encodes.

        Returns
        -------
        Predictions
        """
        features = self.featurizer.from_mel(mel)
        if self.encoder is None:
            return self.network(features)
        if encoded.dim() == 2:
            encoded = self.encoder(encoded)
        n_frames = self.network.n_output_frames(features.shape[1])
        positions = self._positions(n_frames, encoded.device)
        return self.network(features, encoded, positions)

    def from_waveforms(self, wavs: torch.Tensor) -> Predictions:
        """Return the predictions for waveforms [B, N]."""
        return self(self.featurizer.mel(wavs), wavs)

    def _positions(self, n_frames: int, device: torch.device) -> torch.Tensor:
        """Where output frames are among the encoder's, as fractional indices.

        The time of a frame is the centre of what it covers. Mel frames are
        centred at multiples of their shift; an output frame covers several.
        """
        first = (self.frame_shift - self.featurizer.frame_shift) / 2
        times = first + self.frame_shift * torch.arange(n_frames, device=device)
        return (times - self.encoder.first_frame) / self.encoder.frame_shift
