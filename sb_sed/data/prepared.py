"""A prepared folder: clips to train on, clips to score, references.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd
import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.dataio.dataset import DynamicItemDataset
from torch.utils.data import DataLoader, Dataset

from sb_sed.data.clips import ClipReader, batches_of_one_length, in_batches
from sb_sed.data.manifests import reference_files
from sb_sed.formats import read_durations, read_events


class PreparedData:
    """What the preparation of a data set wrote, as clips, loaders and tables.

    The folder has a manifest ``<split>.json`` for each set of clips, and
    :func:`sb_sed.data.manifests.reference_files` for those that are scored.

    Arguments
    ---------
    folder : str | Path
        The prepared folder.
    reader : ClipReader
        Rate, length and labels of a clip.
    batch_size : int
        Most clips in a batch of the loaders made here.
    num_workers : int
        Processes that read clips, for each loader.

    Example
    -------
    >>> from sb_sed.data.labels import EventEncoder
    >>> from sb_sed.data.manifests import manifest_entry, write_manifest
    >>> folder = getfixture("tmp_path")
    >>> clip = manifest_entry("a.wav", 1.0, tags=["Cat"])
    >>> write_manifest({"a": clip}, folder / "train_weak.json")
    >>> encoder = EventEncoder(["Cat"], 0.1)
    >>> reader = ClipReader(encoder, 1000, 1000, lambda n: n // 100)
    >>> data = PreparedData(folder, reader)
    >>> clips = data.training_clips({"weak": ["weak"], "unlabelled": []})
    >>> {stream: len(of_stream) for stream, of_stream in clips.items()}
    {'weak': 1}
    """

    def __init__(
        self,
        folder: str | Path,
        reader: ClipReader,
        batch_size: int = 1,
        num_workers: int = 0,
    ):
        self.folder = Path(folder)
        self.reader = reader
        self.batch_size = batch_size
        # Workers live as long as their loader, not as a pass over it: those of
        # the training with the audio that they have decoded, those of the
        # validation so that no epoch waits for them to start. Clips that are
        # drawn at random have to take their numbers from seed, epoch and
        # index, as ``EpochClips`` does.
        self.loader_options = {
            "num_workers": num_workers,
            "collate_fn": PaddedBatch,
            "pin_memory": torch.cuda.is_available(),
            "persistent_workers": num_workers > 0,
        }

    def __contains__(self, split: str) -> bool:
        """Whether the folder has such a set of clips."""
        return self._manifest(split).exists()

    def training_clips(
        self, streams: Mapping[str, Collection[str]]
    ) -> dict[str, DynamicItemDataset]:
        """Return the clips of ``train_<stream>.json``, all of one length.

        Arguments
        ---------
        streams : Mapping[str, Collection[str]]
            For each stream the labels that the losses may use of its clips:
            "strong", "weak", both or none.

        Returns
        -------
        dict[str, DynamicItemDataset]
            The clips of the streams that are there, in this order.
        """
        return {
            name: self.reader.training_clips(
                self._manifest(f"train_{name}"),
                strong="strong" in labels,
                weak="weak" in labels,
            )
            for name, labels in streams.items()
            if f"train_{name}" in self
        }

    def validation_clips(self, split: str) -> DynamicItemDataset:
        """Return the clips of a split, cut to the length of training clips."""
        return self.reader.training_clips(self._manifest(split), strong=True)

    def test_loader(self, split: str) -> DataLoader:
        """Return a loader of the whole clips of a split, in its order.

        No clip is padded for the sake of another (see
        :func:`sb_sed.data.clips.batches_of_one_length`).
        """
        clips = self.test_clips(split)
        seconds = self.reader.n_samples / self.reader.sample_rate
        batches = batches_of_one_length(clips, self.batch_size, seconds)
        return DataLoader(clips, batch_sampler=batches, **self.loader_options)

    def test_clips(self, split: str) -> DynamicItemDataset:
        """Return the whole clips of a split."""
        return self.reader.test_clips(self._manifest(split))

    def loader(self, clips: Dataset) -> DataLoader:
        """Return a loader of clips of one length."""
        return DataLoader(clips, self.batch_size, **self.loader_options)

    def encode(self, clips: Iterable[Dataset], device: str = "cpu") -> None:
        """Fill the reader's cache of embeddings with those that it lacks.

        Arguments
        ---------
        clips : Iterable[Dataset]
            Clips of the reader, or what was made from them (``recorded``).
        device : str
            Where to encode.

        Raises
        ------
        InputError
            If the embeddings cannot be written.
        """
        for part in clips:
            recorded = getattr(part, "recorded", part)
            if recorded is not None:
                self._encode(recorded, device)

    def encode_all(
        self, clips: Iterable[Dataset], splits: Iterable[str], device: str
    ) -> None:
        """Fill the cache, if there is one, for a training and its test sets.

        Arguments
        ---------
        clips : Iterable[Dataset]
            As for ``encode``.
        splits : Iterable[str]
            Sets of whole clips; those that are not there are left out.
        device : str
            Where to encode.

        Raises
        ------
        InputError
            If the embeddings cannot be written.
        """
        if self.reader.embeddings is not None:
            whole = [self.test_clips(x) for x in splits if x in self]
            self.encode([*clips, *whole], device)

    def _encode(self, clips: DynamicItemDataset, device: str) -> None:
        """Encode the clips of one part that have no embeddings yet."""
        cache = self.reader.embeddings
        with clips.output_keys_as(["wav", "n_samples"]):
            lacking = [
                (clip["n_samples"], index)
                for index, clip in enumerate(clips)
                if not cache.has(**clip)
            ]
        if not lacking:
            return
        batches = in_batches(lacking, self.batch_size)
        options = self.loader_options | {"collate_fn": _paths_and_waveforms}
        with clips.output_keys_as(["wav", "sig"]):
            loader = DataLoader(clips, batch_sampler=batches, **options)
            cache.fill(loader, len(lacking), self.reader.n_samples, device)

    def waveforms(self, clips: Dataset) -> DataLoader:
        """Return a loader of waveforms alone, [B, N], for the normalisation."""
        options = self.loader_options | {"collate_fn": _stack_waveforms}
        return DataLoader(clips, self.batch_size, **options)

    def reference(self, split: str) -> tuple[pd.DataFrame, dict[str, float]]:
        """Read the true events of a split and its durations in seconds."""
        events, durations = reference_files(self.folder, split)
        classes = self.reader.encoder.classes
        return read_events(events, classes), read_durations(durations)

    def _manifest(self, split: str) -> Path:
        return self.folder / f"{split}.json"


def _stack_waveforms(clips: list[Mapping]) -> torch.Tensor:
    """Collate clips of one length to their waveforms, [B, N]."""
    return torch.stack([clip["sig"] for clip in clips])


def _paths_and_waveforms(
    clips: list[Mapping],
) -> tuple[list[str], torch.Tensor]:
    """Collate clips of one length to their files and waveforms, [B, N]."""
    return [clip["wav"] for clip in clips], _stack_waveforms(clips)
