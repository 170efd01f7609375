"""Clips of a manifest: their waveforms, labels and embeddings.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.utils.data_pipeline import provides, takes

from sb_sed.audio.store import open_ready
from sb_sed.data.labels import EventEncoder
from sb_sed.data.manifests import read_manifest


@dataclass
class ClipReader:
    """Reads the clips of manifests, with their labels as matrices.

    Arguments
    ---------
    encoder : EventEncoder
        From events to frame matrices and weak labels.
    sample_rate : int
        Samples per second of every recording.
    n_samples : int
        Length of a training clip. Shorter recordings are padded with silence,
        longer ones are cut for training and kept whole for testing.
    n_frames : Callable[[int], int]
        From a number of samples to the detector's number of output frames.
    """

    encoder: EventEncoder
    sample_rate: int
    n_samples: int
    n_frames: Callable[[int], int]

    def training_clips(
        self, manifest: str | Path, strong: bool = False, weak: bool = False
    ) -> DynamicItemDataset:
        """Return the clips of a manifest, all of one length, with their targets.

        Arguments
        ---------
        manifest : str | Path
            JSON of ``{id: {"wav", "duration", "events", "tags"}}``.
        strong, weak : bool
            Which labels of these clips the losses may use.

        Returns
        -------
        DynamicItemDataset
            Items of ``id``, ``sig`` [N], ``strong`` [T, C], ``weak`` [C],
            ``has_strong``, ``has_weak``, ``duration`` (seconds).
        """

        @takes("wav")
        @provides("sig")
        def _waveform(wav):
            return fit_length(self.read(wav), self.n_samples)

        return self._clips(manifest, _waveform, strong, weak)

    def test_clips(self, manifest: str | Path) -> DynamicItemDataset:
        """Return the clips of a manifest, whole, with all of their labels.

        Their items are those of ``training_clips``; clips longer than a
        training clip keep their length (see ``batches_of_one_length``).
        """

        @takes("wav")
        @provides("sig")
        def _waveform(wav):
            samples = self.read(wav)
            return fit_length(samples, max(len(samples), self.n_samples))

        return self._clips(manifest, _waveform, True, True)

    def read(self, wav: str) -> torch.Tensor:
        """Read a recording, which must be mono at ``sample_rate``: [N]."""
        with open_ready(wav, self.sample_rate) as file:
            return torch.from_numpy(file.read(dtype="float32"))

    def _clips(
        self, manifest, waveform, strong: bool, weak: bool
    ) -> DynamicItemDataset:
        @takes("events", "sig")
        @provides("strong")
        def _strong(events, sig):
            return self.encoder.encode_strong(events, self.n_frames(len(sig)))

        @takes("tags")
        @provides("weak")
        def _weak(tags):
            return self.encoder.encode_weak(tags)

        clips = DynamicItemDataset(read_manifest(manifest))
        for item in (waveform, _strong, _weak):
            clips.add_dynamic_item(item)
        # A function of no key is a constant of the stream.
        clips.add_dynamic_item(lambda _: strong, ["id"], ["has_strong"])
        clips.add_dynamic_item(lambda _: weak, ["id"], ["has_weak"])
        clips.set_output_keys(
            "id sig strong weak has_strong has_weak duration".split()
        )
        return clips


def fit_length(samples: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Pad a waveform [N] with silence, or cut it, to ``n_samples``."""
    samples = samples[:n_samples]
    return torch.nn.functional.pad(samples, (0, n_samples - len(samples)))


def hold_out(
    clips: DynamicItemDataset, most: int, seed: int
) -> tuple[DynamicItemDataset, DynamicItemDataset]:
    """Divide clips at random into those to train on and those held out.

    Arguments
    ---------
    clips : DynamicItemDataset
        Any; both parts keep their order.
    most : int
        How many to hold out; a tenth of the clips (rounded up) if that is less.
    seed : int
        The choice depends on it and on the clips' names alone.

    Returns
    -------
    tuple[DynamicItemDataset, DynamicItemDataset]
        What remains, and what is held out.

    Example
    -------
    >>> clips = DynamicItemDataset({f"clip{i}": {} for i in range(15)})
    >>> [len(part) for part in hold_out(clips, 100, seed=0)]
    [13, 2]
    """
    names = np.array(sorted(clips.data_ids))
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = set(names[order[: min(most, ceil(len(names) / 10))]])
    return (
        clips.filtered_sorted(key_test={"id": lambda i: i not in chosen}),
        clips.filtered_sorted(key_test={"id": lambda i: i in chosen}),
    )


def batches_of_one_length(
    clips: DynamicItemDataset, batch_size: int, clip_seconds: float
) -> list[list[int]]:
    """Return batches of clips of one length.

    A recurrent network processes padding as well: without any, the scores of
    a clip do not depend on the others in its batch.

    Arguments
    ---------
    clips : DynamicItemDataset
        Of ``ClipReader.test_clips``.
    batch_size : int
        Most clips in a batch.
    clip_seconds : float
        The length to which shorter clips are padded anyway.

    Returns
    -------
    list[list[int]]
        Indices, for the ``batch_sampler`` of a ``DataLoader``.
    """
    by_length: dict[float, list[int]] = {}
    for index, clip_id in enumerate(clips.data_ids):
        length = max(clips.data[clip_id]["duration"], clip_seconds)
        by_length.setdefault(length, []).append(index)
    return [
        indices[start : start + batch_size]
        for _, indices in sorted(by_length.items())
        for start in range(0, len(indices), batch_size)
    ]
