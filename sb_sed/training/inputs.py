"""What a detector processes of a batch: mel spectrograms and embeddings.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable

import torch
from speechbrain.dataio.batch import PaddedBatch
from torch import nn


class DetectorInputs:
    """The arguments of a ``Detector`` for the waveforms of a batch.

    Arguments
    ---------
    spectrogram : Callable
        From waveforms [B, N] to mel [B, T, F].
    encoder : nn.Module | None
        The detector's. What it gives is taken from the batch as far as its
        clips have been encoded (``has_encoded``), and computed for the others.
    on_device : Callable
        Copies a tensor to the device.
    """

    def __init__(
        self,
        spectrogram: Callable,
        encoder: nn.Module | None,
        on_device: Callable[[torch.Tensor], torch.Tensor],
    ):
        self.spectrogram = spectrogram
        self.encoder = encoder
        self.on_device = on_device

    def __call__(
        self, wavs: torch.Tensor, batch: PaddedBatch | None = None
    ) -> tuple[torch.Tensor, ...]:
        """Return mel and, with an encoder, embeddings.

        Arguments
        ---------
        wavs : torch.Tensor
            [B, N].
        batch : PaddedBatch, optional
            Has ``encoded`` and ``has_encoded`` of these waveforms, if at all.

        Returns
        -------
        tuple[torch.Tensor, ...]
            Mel [B, T, F], and the embeddings [B, T_e, D]; of an encoder that is
            trained, which every network has its own of, the waveforms.
        """
        wavs = self.on_device(wavs)
        mel = self.spectrogram(wavs)
        if self.encoder is None:
            return (mel,)
        if self.encoder.trainable:
            return mel, wavs
        return mel, self._embeddings(wavs, batch)

    def _embeddings(
        self, wavs: torch.Tensor, batch: PaddedBatch | None
    ) -> torch.Tensor:
        """Complete the embeddings of a batch, in single precision."""
        with torch.autocast(wavs.device.type, enabled=False):
            if not hasattr(batch, "encoded"):
                return self.encoder(wavs)
            encoded = self.on_device(batch.encoded.data).float()
            lacking = [
                index
                for index, has in enumerate(batch.has_encoded.tolist())
                if not has
            ]
            if lacking:
                places = self.on_device(torch.tensor(lacking))
                encoded[places] = self.encoder(wavs[places])
        return encoded
