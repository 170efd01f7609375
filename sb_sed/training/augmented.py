"""The batch augmentations of a training, applied to what a Brain has.

Authors
 * sb_sed contributors 2026
"""

import copy
import functools
from collections.abc import Callable, Sequence

import torch
from speechbrain.dataio.batch import PaddedBatch, PaddedData
from torch import nn

from sb_sed.augment.batch import Clips, Frames

# The arguments of each network's ``Detector``, by the network's name.
NetworkInputs = dict[str, tuple[torch.Tensor, ...]]


class BatchAugmentation:
    """Changes the inputs of both networks and the labels of a batch.

    One draw for both networks, and for all that belongs to a clip.

    Arguments
    ---------
    augmentations : sequence of nn.Module
        From ``Clips`` to ``Clips`` (:mod:`sb_sed.augment.batch`), in order;
        without any, batches stay as they are.
    detector : nn.Module
        The student: knows when its frames and those of its encoder are.
    on_device : Callable
        Copies a tensor to the device.
    """

    def __init__(
        self,
        augmentations: Sequence[nn.Module],
        detector: nn.Module,
        on_device: Callable[[torch.Tensor], torch.Tensor],
    ):
        self.augmentations = augmentations
        self.detector = detector
        self.on_device = on_device

    def __call__(
        self, inputs: NetworkInputs, batch: PaddedBatch
    ) -> tuple[NetworkInputs, PaddedBatch]:
        """Return other inputs, and the batch with the labels of those.

        Arguments
        ---------
        inputs : dict[str, tuple[torch.Tensor, ...]]
            Each network's, of ``DetectorInputs``.
        batch : PaddedBatch
            Has ``strong``, ``weak``, ``has_strong``, ``has_weak`` and
            ``duration``.

        Returns
        -------
        tuple
            New inputs, and a copy of the batch in which ``strong``, ``weak``
            and ``duration`` are those of the augmented clips.
        """
        if not self.augmentations:
            return inputs, batch
        mels, encoded = {}, {}
        for mel, *rest in inputs.values():
            mels[id(mel)] = mel
            encoded |= {id(x): x for x in rest}
        # Each tensor once: networks share what they have in common.
        clips = self._clips(
            {str(key): self._mel(x) for key, x in mels.items()}
            | {str(key): self._encoded(x) for key, x in encoded.items()},
            batch,
        )
        for augmentation in self.augmentations:
            clips = augmentation(clips)
        changed = {
            name: tuple(clips.inputs[str(id(x))].values for x in tensors)
            for name, tensors in inputs.items()
        }
        return changed, _relabelled(batch, clips)

    def _clips(self, inputs: dict[str, Frames], batch: PaddedBatch) -> Clips:
        """The augmentations' view of a batch."""
        strong = self.on_device(batch.strong.data)
        return Clips(
            inputs,
            Frames(strong, self.detector.frame_shift),
            self.on_device(batch.weak.data),
            batch.duration.float(),
            kinds_of(batch),
        )

    def _mel(self, mel: torch.Tensor) -> Frames:
        return Frames(mel, self.detector.featurizer.frame_shift)

    def _encoded(self, encoded: torch.Tensor) -> Frames:
        """The embeddings, or the waveforms that an encoder trained has."""
        encoder = self.detector.encoder
        if encoded.dim() == 2:
            return Frames(encoded, 1 / encoder.sample_rate)
        return Frames(
            encoded, encoder.frame_shift, encoder.first_frame, self._silence
        )

    @functools.cached_property
    def _silence(self) -> torch.Tensor:
        """The embedding of silence, [D]: far from 0 for most encoders."""
        encoder = self.detector.encoder
        silence = self.on_device(torch.zeros(1, encoder.sample_rate))
        embeddings = encoder(silence)[0]
        return embeddings[len(embeddings) // 2]


def kinds_of(batch: PaddedBatch) -> dict[str, torch.Tensor]:
    """Return the indices of clips by the labels that the losses may use.

    Arguments
    ---------
    batch : PaddedBatch
        Has ``has_strong``, ``has_weak`` and, where some clips have labels that
        a system gave, ``has_pseudo``, [B] each.

    Returns
    -------
    dict[str, torch.Tensor]
        Of "strong", "weak", "pseudo" and "unlabelled" those that are there,
        each to indices on the CPU; a clip counts as the first that fits.

    Example
    -------
    >>> clips = [
    ...     {"has_strong": i == 1, "has_weak": i < 2, "duration": 1.0}
    ...     for i in range(4)
    ... ]
    >>> {k: x.tolist() for k, x in kinds_of(PaddedBatch(clips)).items()}
    {'weak': [0], 'strong': [1], 'unlabelled': [2, 3]}
    """
    kinds = {}
    names = ("strong", "weak", "pseudo")
    flags = {
        name: getattr(batch, f"has_{name}").tolist()
        for name in names
        if hasattr(batch, f"has_{name}")
    }
    for index in range(len(batch.duration)):
        has = (name for name in flags if flags[name][index])
        kinds.setdefault(next(has, "unlabelled"), []).append(index)
    return {name: torch.tensor(indices) for name, indices in kinds.items()}


def _relabelled(batch: PaddedBatch, clips: Clips) -> PaddedBatch:
    """A copy of a batch with the labels and lengths of augmented clips."""
    batch = copy.copy(batch)
    batch.strong = PaddedData(clips.strong.values, batch.strong.lengths)
    batch.weak = PaddedData(clips.weak, batch.weak.lengths)
    batch.duration = clips.seconds
    return batch
