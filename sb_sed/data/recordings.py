"""Recordings in a folder: found by name, divided into sets, cut into clips.

Authors
 * sb_sed contributors 2026
"""

import math
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from sb_sed.audio.search import find_recordings
from sb_sed.data.manifests import manifest_entry
from sb_sed.errors import InputError
from sb_sed.formats import TIME_NOISE, Event, atomic_path, same_name, stem
from sb_sed.formats.names import path_ends

# So many divisions are drawn, to find one with all classes in all sets.
_N_DRAWS = 100


class Recordings(dict):
    """The recordings of a folder, at any depth: path inside it to path.

    Arguments
    ---------
    folder : str | Path
        The folder.
    without : Sequence[str | Path]
        Files, and folders with all that is in them, to leave out.

    Raises
    ------
    InputError
        If there are none, or two would be clips of the same name.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "b").mkdir()
    >>> (folder / "b" / "one.wav").touch()
    >>> Recordings(folder).find("one.wav", "events.tsv")
    'b/one.wav'
    """

    def __init__(self, folder: str | Path, without: Sequence[str | Path] = ()):
        self.folder = str(folder)
        left_out = {Path(os.path.realpath(path)) for path in without}
        clips: dict[str, str] = {}
        self._by_path, self._by_end = defaultdict(list), defaultdict(list)
        for name, path in find_recordings([self.folder]).items():
            real = Path(os.path.realpath(path))
            if not left_out.isdisjoint((real, *real.parents)):
                continue
            self[name] = os.path.abspath(path)
            if (twin := clips.setdefault(clip_name(name), name)) != name:
                raise InputError(
                    f"{self.folder} has {twin} and {name}: a recording is "
                    "known by its name without the extension, rename one."
                )
            self._index(name)

    def _index(self, name: str) -> None:
        """Note what tables may call a recording."""
        path = same_name(name)
        for key in {path, stem(path)}:
            self._by_path[key].append(name)
        for end in (path, *path_ends(path)):
            for key in {end, stem(end)}:
                self._by_end[key].append(name)

    def find(self, filename: str, table: str | Path) -> str:
        """Return the recording that a table names by its path or its name.

        Arguments
        ---------
        filename : str
            The path inside the folder, with fewer folders or more in front, in
            any Unicode form, with or without its extension.
        table : str | Path
            The table, for the message.

        Returns
        -------
        str
            The path inside the folder; ``filename`` if there is none.

        Raises
        ------
        InputError
            If several recordings have the name.
        """
        if filename in self:
            return filename
        name = same_name(filename)
        found = self._by_end.get(name) or self._by_end.get(stem(name), [])
        for end in path_ends(name):
            found = found or self._by_path.get(end, [])
            found = found or self._by_path.get(stem(end), [])
        if len(found) > 1:
            raise InputError(
                f"{table} names {filename}, of which {self.folder} has "
                f"{' and '.join(found)}: write the one that is meant."
            )
        return found[0] if found else filename


def clip_name(recording: str) -> str:
    """Return what a recording's clips are called: no folder, no extension.

    Example
    -------
    >>> clip_name("monday/garden.wav")
    'monday__garden'
    """
    return stem(recording).replace("/", "__")


def draw_split(
    tags: Mapping[str, Collection[str]], sizes: Mapping[str, int], seed: int
) -> dict[str, str]:
    """Divide recordings at random, so that all sets have all classes.

    Of many divisions, the one that has most classes in the first set, the
    training, and then most in the others.

    Arguments
    ---------
    tags : Mapping[str, Collection[str]]
        The classes of each recording.
    sizes : Mapping[str, int]
        The number of recordings in each set.
    seed : int
        The seed of the divisions.

    Returns
    -------
    dict[str, str]
        The set of each recording.

    Example
    -------
    >>> tags = {"a": ["Cat"], "b": ["Dog"], "c": ["Cat"], "d": ["Dog"]}
    >>> split = draw_split(tags, {"train": 2, "test": 2}, seed=0)
    >>> sorted(label for x in tags for label in tags[x] if split[x] == "test")
    ['Cat', 'Dog']
    """
    names = sorted(tags)
    sets = np.repeat([*sizes], [*sizes.values()])

    def classes_found(order: np.ndarray) -> tuple[int, int]:
        """Count the classes of the first set, and those of the others."""
        found = {name: set() for name in sizes}
        for of_set, index in zip(sets, order, strict=True):
            found[of_set].update(tags[names[index]])
        first, *others = map(len, found.values())
        return first, sum(others)

    # RandomState: its draws are the same in every version of numpy.
    random = np.random.RandomState(seed)
    orders = [random.permutation(len(names)) for _ in range(_N_DRAWS)]
    best = max(orders, key=classes_found)
    return {names[i]: str(s) for s, i in zip(sets, best, strict=True)}


def cut_recording(
    path: str | Path,
    events: Sequence[Event],
    n_samples: int,
    folder: str | Path,
    name: str,
    judged: Sequence[Event] | None = None,
) -> dict[str, dict]:
    """Cut a recording into clips of equal length; write those not yet there.

    Arguments
    ---------
    path : str | Path
        The recording, mono.
    events : Sequence[Event]
        Its events: onset and offset in seconds, class.
    n_samples : int
        The most samples of a clip.
    folder : str | Path
        Where to write 16-bit WAV files.
    name : str
        What the clips' names start with; onset and offset in seconds follow.
    judged : Sequence[Event], optional
        As of ``manifest_entry``.

    Returns
    -------
    dict[str, dict]
        Name of the clip to its ``manifest_entry``.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", np.zeros(3000), 1000)
    >>> events = [(1.25, 2.0, "Cat")]
    >>> clips = cut_recording(folder / "a.wav", events, 1500, folder, "a")
    >>> {name: clip["events"] for name, clip in clips.items()}
    {'a_0.000_1.500': [[1.25, 1.5, 'Cat']], 'a_1.500_...': [[0.0, 0.5, 'Cat']]}
    """
    with soundfile.SoundFile(os.fsencode(path)) as file:
        rate, length = file.samplerate, len(file)
    edges = np.linspace(0, length, math.ceil(length / n_samples) + 1)
    clips = {}
    for start, stop in pairwise(edges.astype(int).tolist()):
        onset, offset = start / rate, stop / rate
        clip = f"{name}_{onset:.3f}_{offset:.3f}"
        target = Path(folder, f"{clip}.wav")
        _write_part(path, start, stop, target)
        inside = shifted(events, onset, offset)
        tags = sorted({label for *_, label in inside})
        seconds = (stop - start) / rate
        known = None if judged is None else shifted(judged, onset, offset)
        clips[clip] = manifest_entry(target, seconds, inside, tags, known)
    return clips


def shifted(
    events: Iterable[tuple[float, float, str]], onset: float, offset: float
) -> list[Event]:
    """Return the events of a part, cut at its ends, in the time of the part.

    Example
    -------
    >>> shifted([(1.0, 3.0, "Cat"), (5.0, 6.0, "Cat")], 2.0, 4.0)
    [Event(onset=0.0, offset=1.0, event_label='Cat')]
    """
    return [
        Event(max(begin - onset, 0.0), min(end, offset) - onset, label)
        for begin, end, label in events
        if begin < offset - TIME_NOISE and end > onset + TIME_NOISE
    ]


def _write_part(
    source: str | Path, start: int, stop: int, target: Path
) -> None:
    """Write samples of a recording, unless that was done before."""
    modified = os.stat(source).st_mtime_ns
    if target.exists() and os.stat(target).st_mtime_ns == modified:
        return
    samples, rate = soundfile.read(os.fsencode(source), stop - start, start)
    with atomic_path(target) as temporary:
        soundfile.write(
            os.fsencode(temporary), samples, rate, "PCM_16", format="WAV"
        )
        os.utime(temporary, ns=(modified, modified))
