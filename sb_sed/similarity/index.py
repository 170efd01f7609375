"""The moments of a collection on disk, and those nearest to examples.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.audio.excerpts import read_excerpt
from sb_sed.audio.reading import (
    Recording,
    UnusableAudio,
    open_audio,
    read_blocks,
    resample,
)
from sb_sed.errors import UNREADABLE, InputError, brief
from sb_sed.formats import EVENT_COLUMNS, atomic_path
from sb_sed.similarity.moments import Moments, unit

# Up to so many moments (130 hours) all are compared; of more, the graph is
# searched, which may miss some.
_EXACT = 10**6
# What a kill costs at most, seconds of work.
_SAVE_EACH = 60.0
# A moment's key: its recording's number above these bits, its place below.
_BITS = 32


@dataclass(frozen=True)
class Example:
    """A part of a recording that others are to be like.

    Arguments
    ---------
    path : Path
        The recording.
    onset, offset : float, optional
        The part, in seconds; all of it by default.
    """

    path: Path
    onset: float | None = None
    offset: float | None = None


class MomentIndex:
    """The moments of recordings in a folder, by ``usearch``.

    It is kept by the encoder's settings, and knows recordings by path, size and
    date: what is there already is not embedded again, what has changed is. It
    is saved each minute, so that a run that was killed goes on.

    Arguments
    ---------
    folder : str | Path
        Of the indices of all encoders.
    moments : Moments
        How recordings are embedded.

    Raises
    ------
    InputError
        If usearch is not installed, or the index is damaged.
    """

    def __init__(self, folder: str | Path, moments: Moments):
        try:
            from usearch.index import Index
        except ImportError:
            raise InputError(
                "The index is kept by usearch, which is not installed: pip "
                "install sb_sed[search]."
            ) from None
        self.moments = moments
        text = json.dumps(moments.settings, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.folder = Path(folder) / key
        self._index = Index(
            ndim=moments.encoder.size, metric="cos", dtype="f16"
        )
        self._state: dict[str, Any] = {
            "settings": moments.settings,
            "saves": 0,
            "next": 0,
        }
        # Path -> size and date, number, duration in seconds, moments.
        self._known: dict[str, list] = {}
        self._load()

    def __len__(self) -> int:
        """Return the number of moments."""
        return len(self._index)

    def fill(self, files: Mapping[str, Path]) -> list[str]:
        """Embed the recordings that are not there yet.

        Arguments
        ---------
        files : Mapping[str, Path]
            Name to path, as of :func:`sb_sed.audio.search.find_recordings`.

        Returns
        -------
        skipped : list of str
            Recordings that cannot be used, and why: sentences.

        Raises
        ------
        InputError
            If the index cannot be written.
        """
        skipped = []
        left = {name: x for name, x in files.items() if not self._has(x)}
        saved, is_new = time.monotonic(), False
        try:
            for name, path in tqdm(
                left.items(), "index", unit="file", leave=False, disable=None
            ):
                stamp = _stamp(path)
                try:
                    self._add(path, stamp)
                    is_new = True
                except UnusableAudio as reason:
                    skipped.append(f"{name} was skipped: {reason}.")
                if is_new and time.monotonic() - saved > _SAVE_EACH:
                    self._save()
                    saved, is_new = time.monotonic(), False
        finally:
            if is_new:
                self._save()
        return skipped

    def nearest(
        self, examples: Sequence[Example], files: Mapping[str, Path], count: int
    ) -> pd.DataFrame:
        """Find the moments that are most like some examples.

        What is looked for is the mean of the examples: it finds more than the
        nearest one of them does.

        Arguments
        ---------
        examples : sequence of Example
            What is looked for; moments that overlap one are none.
        files : Mapping[str, Path]
            The recordings to look in, which are in the index.
        count : int
            Most moments.

        Returns
        -------
        found : pd.DataFrame
            filename, onset, offset (seconds, as far apart as in the examples'
            median), similarity (the cosine), the highest first. No two overlap.

        Raises
        ------
        InputError
            If an example cannot be read, or there is nothing beside them.
        """
        spans, vectors = zip(*map(self._embed, examples), strict=True)
        length = float(
            np.median([offset - onset for _, onset, offset in spans])
        )
        taken: dict[str, list[tuple[float, float]]] = {}
        for path, *span in spans:
            taken.setdefault(path, []).append(span)
        places = {
            self._known[key][1]: (name, key, self._known[key][2])
            for name, path in files.items()
            if (key := _key(path)) in self._known
        }
        rows = []
        for key, similarity in self._ranked(unit(np.mean(vectors, axis=0))):
            if len(rows) == count:
                break
            if (number := key >> _BITS) not in places:
                continue
            name, path, end = places[number]
            centre = self.moments.first + key % 2**_BITS * self.moments.step
            onset = max(0.0, min(centre, end) - length / 2)
            offset = min(onset + length, end)
            others = taken.setdefault(path, [])
            if any(onset < end and begin < offset for begin, end in others):
                continue
            others.append((onset, offset))
            rows.append((name, onset, offset, similarity))
        if not rows:
            raise InputError(
                "The recordings hold nothing beside the examples: give more."
            )
        columns = [*EVENT_COLUMNS[:3], "similarity"]
        return pd.DataFrame(rows, columns=columns)

    def _ranked(self, query: np.ndarray) -> Iterator[tuple[int, float]]:
        """Yield key and similarity of all moments, the nearest first."""
        size, n_asked, n_given = len(self._index), 256, 0
        while n_given < size:
            n_asked = min(4 * n_asked, size)
            found = self._index.search(query, n_asked, exact=size <= _EXACT)
            if len(found.keys) <= n_given:
                return
            for place in range(n_given, len(found.keys)):
                distance = float(found.distances[place])
                yield int(found.keys[place]), 1 - distance
            n_given = len(found.keys)

    def _embed(self, example: Example) -> tuple[tuple, np.ndarray]:
        """Path and span of an example, and its vector."""
        path, encoder = example.path, self.moments.encoder
        rate = encoder.sample_rate
        try:
            with open_audio(path) as file:
                end = file.frames / file.samplerate
            onset = example.onset or 0.0
            offset = end if example.offset is None else min(example.offset, end)
            if not 0 <= onset < offset:
                raise InputError(
                    f"The example {path} is {end:.2f} s long and has no part "
                    f"from {onset:g} to {example.offset:g} s: correct the times."
                )
            around = encoder.min_samples / rate
            start = max(0.0, onset - around)
            samples, own = read_excerpt(path, start, offset + around)
        except UnusableAudio as reason:
            raise InputError(
                f"The example {path} cannot be used ({reason}): give another "
                "one."
            ) from None
        if own != rate:
            samples = resample(samples, own, rate)
        vector = self.moments.example(samples, onset - start, offset - start)
        return (_key(path), onset, offset), vector

    def _has(self, path: Path) -> bool:
        known = self._known.get(_key(path))
        return known is not None and known[0] == _stamp(path)

    def _add(self, path: Path, stamp: list[int]) -> None:
        """Embed a recording; what it was before is forgotten."""
        rate = self.moments.encoder.sample_rate
        recording = Recording(read_blocks(path, rate))
        vectors = self.moments.of(recording)
        if old := self._known.pop(_key(path), None):
            keys = (old[1] << _BITS) + np.arange(old[3], dtype=np.uint64)
            self._index.remove(keys)
        number = self._state["next"]
        self._state["next"] += 1
        keys = (number << _BITS) + np.arange(len(vectors), dtype=np.uint64)
        self._index.add(keys, vectors, threads=1)
        duration = recording.n_samples / rate
        self._known[_key(path)] = [stamp, number, duration, len(vectors)]

    def _load(self) -> None:
        path = self.folder / "index.json"
        if not path.exists():
            return
        try:
            state = json.loads(path.read_text("utf-8"))
            self._known = state.pop("recordings")
            self._state = state
            vectors = self.folder / f"vectors-{state['saves']}.usearch"
            self._index.load(str(vectors))
            n_moments = sum(x[3] for x in self._known.values())
            if len(self._index) != n_moments:
                raise ValueError(f"{len(self._index)} of {n_moments} moments")
        except UNREADABLE as error:
            raise InputError(
                f"{self.folder} holds no whole index ({brief(error)}): delete "
                "the folder, and it is made again."
            ) from error

    def _save(self) -> None:
        """Write both files; the table, last, says which the other one is."""
        old = self._state["saves"]
        self._state["saves"] += 1
        vectors = self.folder / f"vectors-{old + 1}.usearch"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._index.save(str(vectors))
            state = {**self._state, "recordings": self._known}
            with atomic_path(self.folder / "index.json") as temporary:
                temporary.write_text(json.dumps(state), "utf-8")
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"The index cannot be kept in {self.folder} "
                f"({brief(error)}): make room there."
            ) from error
        (self.folder / f"vectors-{old}.usearch").unlink(missing_ok=True)


def _key(path: Path) -> str:
    """What a recording is known by."""
    return os.fsencode(os.path.abspath(path)).decode(
        "utf-8", "backslashreplace"
    )


def _stamp(path: Path) -> list[int]:
    try:
        stat = os.stat(path)
    except OSError:
        return [0, 0]
    return [stat.st_size, stat.st_mtime_ns]
