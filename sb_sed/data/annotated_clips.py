"""Training clips of recordings that several people annotated.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sb_sed.data.aggregation import Aggregation, Marked
from sb_sed.data.annotations import Annotation, read_annotations
from sb_sed.data.chunks import Chunks
from sb_sed.data.clips import ClipReader, fit_length
from sb_sed.data.epochs import EpochClips
from sb_sed.data.labels import EventEncoder
from sb_sed.errors import InputError
from sb_sed.formats import Event, stem

# Seconds of the frames by which annotators are compared.
_FRAME = 0.1


class AnnotatedClips(EpochClips):
    """Chunks of recordings, with targets of all of their annotators.

    Items are those of ``ClipReader.training_clips``; ``strong`` [T, C] is
    what the aggregation makes of the marks, and ``weak`` [C] its maximum: both
    may be soft.

    Arguments
    ---------
    manifest : str | Path
        Of the recordings, ``train_annotated.json``.
    annotations : str | Path
        Who marked what in them (``annotations.tsv``).
    reader : ClipReader
        Rate, length and classes of a clip.
    aggregation : Aggregation
        One of ``sb_sed.data.aggregation``; it is fitted here.
    chunks : Chunks
        One of ``sb_sed.data.chunks``.
    reviews : Sequence[str]
        Which annotations are taken (``read_annotations``).
    seed : Sequence[int]
        Of the random numbers.

    Raises
    ------
    InputError
        If the recordings have no such annotations.
    """

    def __init__(
        self,
        manifest: str | Path,
        annotations: str | Path,
        reader: ClipReader,
        aggregation: Aggregation,
        chunks: Chunks,
        reviews: Sequence[str],
        seed: Sequence[int],
    ):
        self.reader = reader
        self.aggregation = aggregation
        self.chunks = chunks
        known = {
            stem(name): marked
            for name, marked in read_annotations(annotations, reviews).items()
        }
        recorded = reader.test_clips(manifest)
        self.recorded = recorded.filtered_sorted(
            key_test={"id": lambda name: name in known}
        )
        if not len(self.recorded):
            raise InputError(
                f"{annotations} has no {' or '.join(reviews)} annotation of "
                f"the recordings of {manifest}: prepare the data again."
            )
        self.annotations = {x: known[x] for x in self.recorded.data_ids}
        self.clips = [
            (name, number)
            for name in self.recorded.data_ids
            for number in range(self._count(name))
        ]
        super().__init__(len(self.clips), seed)
        aggregation.fit(self._whole())

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        name, number = self.clips[index]
        entry, n_samples = self.recorded.data[name], self.reader.n_samples
        duration = entry["duration"]
        start = self.chunks.start(
            self.generator(index), number, duration, self._seconds
        )
        first = round(start * self.reader.sample_rate)
        samples = self.reader.read(entry["wav"], first, n_samples)
        strong = self._targets(name, start)
        return {
            "id": f"{name}-{number}",
            "sig": fit_length(samples, n_samples),
            "strong": strong,
            "weak": strong.amax(dim=0),
            "has_strong": True,
            "has_weak": True,
            "duration": min(duration - start, self._seconds),
            **self.reader.encoded_chunk(entry["wav"], duration, start),
        }

    @property
    def _seconds(self) -> float:
        """The length of a clip."""
        return self.reader.n_samples / self.reader.sample_rate

    def _count(self, name: str) -> int:
        duration = self.recorded.data[name]["duration"]
        return self.chunks.count(duration, self._seconds)

    def _targets(self, name: str, start: float) -> torch.Tensor:
        """What is to be learned of a clip, [T, C]."""
        n_frames = self.reader.n_frames(self.reader.n_samples)
        marked = self.annotations[name]
        marks = encode_marks(self.reader.encoder, marked, n_frames, start)
        clip = Marked(name, marked, marks, int(self._epoch))
        return torch.from_numpy(self.aggregation(clip)).float()

    def _whole(self) -> Iterator[Marked]:
        """Each recording, whole, in frames by which annotators are compared."""
        encoder = EventEncoder(self.reader.encoder.classes, _FRAME)
        for name, marked in self.annotations.items():
            n_frames = round(self.recorded.data[name]["duration"] / _FRAME)
            marks = encode_marks(encoder, marked, max(1, n_frames))
            yield Marked(name, marked, marks)


def encode_marks(
    encoder: EventEncoder,
    annotations: Sequence[Annotation],
    n_frames: int,
    start: float = 0.0,
) -> np.ndarray:
    """Mark the frames of each annotator's events, from a time on.

    Arguments
    ---------
    encoder : EventEncoder
        Classes and frame shift.
    annotations : Sequence[Annotation]
        Of A annotators.
    n_frames : int
        T, the number of frames.
    start : float
        Where the first frame begins, in seconds.

    Returns
    -------
    np.ndarray
        0 or 1, float32, [A, T, C].

    Example
    -------
    >>> annotation = Annotation("Ann", [Event(0.5, 2.0, "Dog")])
    >>> encode_marks(EventEncoder(["Dog"], 0.5), [annotation], 3, 1.0)[0].T
    array([[1., 1., 0.]], dtype=float32)
    """
    return np.stack(
        [
            encoder.encode_strong(
                [
                    Event(onset - start, offset - start, label)
                    for onset, offset, label in annotation.events
                    if offset > start
                ],
                n_frames,
            ).numpy()
            for annotation in annotations
        ]
    )
