"""What a detector processes of a batch: mel spectrograms and embeddings.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from speechbrain.dataio.batch import PaddedBatch
from torch import nn

from sb_sed.training.adaptation import unwrapped
from sb_sed.training.augmented import BatchAugmentation, NetworkInputs

NETWORKS = ("student", "teacher")


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


class BatchInputs:
    """What each network processes of a batch; in training, of its view.

    Arguments
    ---------
    modules : Mapping[str, nn.Module]
        The Brain's: ``spectrogram`` and ``student`` are used, as they are at
        the time of a call.
    views : Mapping[str, nn.Module]
        The augmentation of each network's mel spectrograms.
    augmentations : sequence of nn.Module
        What comes before and changes labels too (``BatchAugmentation``).
    on_device : Callable
        Copies a tensor to the device.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        views: Mapping[str, nn.Module],
        augmentations: Sequence[nn.Module],
        on_device: Callable[[torch.Tensor], torch.Tensor],
    ):
        self.modules = modules
        self.views = views
        self.on_device = on_device
        self.augment = BatchAugmentation(
            augmentations, unwrapped(modules["student"]), on_device
        )

    @torch.no_grad()
    def __call__(self, batch: PaddedBatch) -> NetworkInputs:
        """Return each network's; computed once if they share the waveform."""
        inputs = DetectorInputs(
            self.modules["spectrogram"],
            getattr(unwrapped(self.modules["student"]), "encoder", None),
            self.on_device,
        )
        of_network = dict.fromkeys(NETWORKS, inputs(batch.sig.data, batch))
        if hasattr(batch, "sig_teacher"):
            of_network["teacher"] = inputs(batch.sig_teacher.data)
        return of_network

    @torch.no_grad()
    def training(self, batch: PaddedBatch) -> tuple[NetworkInputs, PaddedBatch]:
        """Return each network's view, and the batch with the labels of these.

        First what changes labels too, one draw for both networks; then the
        view of each.
        """
        inputs, batch = self.augment(self(batch), batch)
        views = {
            name: (self.views[name](mel), *rest)
            for name, (mel, *rest) in inputs.items()
        }
        return views, batch
