"""Clips of a manifest: their waveforms, labels and embeddings.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.utils.data_pipeline import provides, takes

from sb_sed.audio.store import open_ready
from sb_sed.data.labels import EventEncoder
from sb_sed.data.manifests import read_manifest

if TYPE_CHECKING:
    from sb_sed.encoders.cache import EmbeddingCache


class GivesFrames(Protocol):
    """What is known of a detector where clips are read."""

    frame_shift: float  # seconds

    def n_output_frames(self, n_samples: int) -> int:
        """Return the number of frames for a number of samples."""


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
    embeddings : EmbeddingCache | None
        Of a pretrained encoder (``sb_sed.encoders``). The items then have
        ``encoded``, the clip's embeddings [T_e, D] (float16), and
        ``has_encoded``, which is False, and ``encoded`` zeros, where the cache
        lacks them.
    """

    encoder: EventEncoder
    sample_rate: int
    n_samples: int
    n_frames: Callable[[int], int]
    embeddings: EmbeddingCache | None = None

    @classmethod
    def for_detector(
        cls,
        detector: GivesFrames,
        classes: Sequence[str],
        sample_rate: int,
        clip_seconds: float,
        embeddings: EmbeddingCache | None = None,
    ) -> ClipReader:
        """Make the reader of a data set for what a detector gives out.

        Arguments
        ---------
        detector : GivesFrames
            Has ``frame_shift`` in seconds and ``n_output_frames``.
        classes : Sequence[str]
            Of its labels.
        sample_rate : int
            Samples per second of every recording.
        clip_seconds : float
            Length of a training clip.
        embeddings : EmbeddingCache | None
            As for the class.
        """
        return cls(
            EventEncoder(classes, detector.frame_shift),
            sample_rate,
            round(clip_seconds * sample_rate),
            detector.n_output_frames,
            embeddings,
        )

    def training_clips(
        self,
        manifest: str | Path,
        strong: bool = False,
        weak: bool = False,
        pseudo: bool = False,
    ) -> DynamicItemDataset:
        """Return a manifest's clips, all of one length, with their targets.

        Arguments
        ---------
        manifest : str | Path
            JSON of ``{id: {"wav", "duration", "events", "tags"}}``.
        strong, weak : bool
            Which labels of these clips the losses may use.
        pseudo : bool
            Whether both are labels that a system gave.

        Returns
        -------
        DynamicItemDataset
            Items of ``id``, ``sig`` [N], ``strong`` [T, C], ``weak`` [C],
            ``has_strong``, ``has_weak``, ``has_pseudo``, ``duration``
            (seconds). Of a clip that has ``judged`` parts, the other labels
            are NaN: the losses have to leave them out.
        """
        has = {"strong": strong, "weak": weak, "pseudo": pseudo}
        return self._clips(manifest, lambda _: self.n_samples, has)

    def test_clips(self, manifest: str | Path) -> DynamicItemDataset:
        """Return the clips of a manifest, whole, with all of their labels.

        Their items are those of ``training_clips``; clips longer than a
        training clip keep their length (see ``batches_of_one_length``).
        """
        has = {"strong": True, "weak": True, "pseudo": False}
        return self._clips(manifest, self._whole, has)

    def read(
        self, wav: str, first: int = 0, n_samples: int = -1
    ) -> torch.Tensor:
        """Read a recording, which must be mono at ``sample_rate``: [N].

        Arguments
        ---------
        wav : str
            The recording.
        first : int
            The sample to begin with.
        n_samples : int
            How many samples at most; all that follow if -1.
        """
        with open_ready(wav, self.sample_rate) as file:
            if first:
                file.seek(min(first, file.frames))
            return torch.from_numpy(file.read(n_samples, dtype="float32"))

    def encoded(self, n_samples: int, wav: str | None = None) -> dict[str, Any]:
        """Return the items of a clip that its embeddings are.

        Arguments
        ---------
        n_samples : int
            Of the clip.
        wav : str, optional
            The recording; without it there are no embeddings yet, such as of a
            clip that was mixed.

        Returns
        -------
        dict[str, Any]
            ``encoded`` and ``has_encoded``; empty without a cache.
        """
        cache = self.embeddings
        if cache is None:
            return {}
        found = None if wav is None else cache.read(wav, n_samples)
        return {
            "encoded": cache.nothing(n_samples) if found is None else found,
            "has_encoded": found is not None,
        }

    def encoded_chunk(
        self, wav: str, duration: float, start: float
    ) -> dict[str, Any]:
        """Return the items of a part of a recording that its embeddings are.

        The embeddings are those of the whole recording, cut.

        Arguments
        ---------
        wav : str
            The recording.
        duration : float
            Its length in seconds.
        start : float
            Where the part begins, in seconds; it has ``n_samples`` samples.

        Returns
        -------
        dict[str, Any]
            As of ``encoded``.
        """
        if self.embeddings is None:
            return {}
        whole = self.encoded(self._whole(duration), wav)
        nothing = self.embeddings.nothing(self.n_samples)
        first = round(start / self.embeddings.encoder.frame_shift)
        part = whole["encoded"][first : first + len(nothing)]
        nothing[: len(part)] = part
        return whole | {"encoded": nothing}

    def _whole(self, duration: float) -> int:
        """Samples of a whole recording, in which short ones are padded."""
        return max(round(duration * self.sample_rate), self.n_samples)

    def _clips(
        self, manifest, n_samples, has: dict[str, bool]
    ) -> DynamicItemDataset:
        @takes("wav", "n_samples")
        @provides("sig")
        def _waveform(wav, n_samples):
            return fit_length(self.read(wav), n_samples)

        @takes("events", "n_samples", "judged")
        @provides("strong")
        def _strong(events, n_samples, judged):
            n_frames = self.n_frames(n_samples)
            strong = self.encoder.encode_strong(events, n_frames)
            if judged is not None:
                known = self.encoder.known(judged, n_frames)
                strong[~known] = torch.nan
            return strong

        @takes("tags", "judged", "duration")
        @provides("weak")
        def _weak(tags, judged, duration):
            weak = self.encoder.encode_weak(tags)
            if judged is not None:
                # What occurs is known by that; what does not, if all is known.
                n_frames = max(1, floor(duration / self.encoder.frame_shift))
                known = self.encoder.known(judged, n_frames).all(0)
                weak[~known & (weak == 0)] = torch.nan
            return weak

        @takes("n_samples", "wav")
        @provides("encoded", "has_encoded")
        def _encoded(n_samples, wav):
            yield from self.encoded(n_samples, wav).values()

        entries = read_manifest(manifest)
        clips = DynamicItemDataset(
            {name: {"judged": None} | x for name, x in entries.items()}
        )
        clips.add_dynamic_item(n_samples, ["duration"], ["n_samples"])
        for item in (_waveform, _strong, _weak, _encoded):
            clips.add_dynamic_item(item)
        # A function of no key is a constant of the stream.
        for name, value in has.items():
            clips.add_dynamic_item(
                lambda _, value=value: value, ["id"], [f"has_{name}"]
            )
        clips.set_output_keys(
            [*"id sig strong weak duration".split()]
            + [f"has_{name}" for name in has]
            + [*self.encoded(self.n_samples)]
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


def without(
    clips: DynamicItemDataset, others: DynamicItemDataset
) -> DynamicItemDataset:
    """Return the clips whose names are not among those of others.

    Example
    -------
    >>> clips = DynamicItemDataset({"a": {}, "b": {}})
    >>> without(clips, DynamicItemDataset({"b": {}, "c": {}})).data_ids
    ['a']
    """
    names = set(others.data_ids)
    return clips.filtered_sorted(key_test={"id": lambda i: i not in names})


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
    return in_batches(
        [
            (max(clips.data[clip_id]["duration"], clip_seconds), index)
            for index, clip_id in enumerate(clips.data_ids)
        ],
        batch_size,
    )


def in_batches(
    clips: Iterable[tuple[float, int]], batch_size: int
) -> list[list[int]]:
    """Return batches of clips of one length, in the order of the lengths.

    Arguments
    ---------
    clips : Iterable[tuple[float, int]]
        Length and index of each.
    batch_size : int
        Most clips in a batch.

    Example
    -------
    >>> in_batches([(2.0, 0), (1.0, 1), (2.0, 2), (2.0, 3)], 2)
    [[1], [0, 2], [3]]
    """
    by_length: dict[float, list[int]] = {}
    for length, index in clips:
        by_length.setdefault(length, []).append(index)
    return [
        indices[start : start + batch_size]
        for _, indices in sorted(by_length.items())
        for start in range(0, len(indices), batch_size)
    ]
