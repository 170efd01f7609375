"""Where a DESED copy keeps its audio and annotations, and how to read them.

Two official trees are known: that of the DCASE 2020 baseline, and that of the
later DESED tool, which has its own synthetic validation set and one folder
more in front of the validation audio.

Authors
 * sb_sed contributors 2026
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from sb_sed.audio.search import list_names
from sb_sed.data.jams import read_jams, strip_suffixes
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    Event,
    read_events,
    read_filenames,
    read_weak_labels,
    stem,
)

DESED_CLASSES = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)


@dataclass(frozen=True)
class Labels:
    """What is known about one recording.

    Arguments
    ---------
    events : list of (float, float, str)
        Onset and offset in seconds and class; empty without strong labels.
    tags : list of str
        Classes that occur; empty without any label.
    """

    events: list[Event] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """One annotated folder of DESED.

    Arguments
    ---------
    name : str
        What it is called in the prepared folder.
    places : tuple of (str, str)
        Annotation table below ``metadata/`` and audio folder below ``audio/``,
        in order of preference; absolute once :meth:`find` has chosen one.
    read_table : callable
        Reads the table (a Path) into a dict of file name to Labels.
    read_folder : callable
        Does the same from the Source, for copies without the table.
    """

    name: str
    places: tuple[tuple[str | Path, str | Path], ...]
    read_table: Callable[[Path], dict[str, Labels]]
    read_folder: Callable[["Source"], dict[str, Labels]]

    def find(self, root: Path) -> "Source | None":
        """The source with its one place in the copy at ``root``, or None."""
        places = [
            (root / "metadata" / table, root / "audio" / folder)
            for table, folder in self.places
        ]
        with_audio = [place for place in places if list_names(place[1])]
        annotated = [
            (table, folder)
            for table, folder in places
            if table.exists() or list_names(folder, (".jams",))
        ]
        found = (with_audio or annotated)[:1]
        return replace(self, places=tuple(found)) if found else None

    @property
    def table(self) -> Path:
        """The annotation table."""
        return self.places[0][0]

    @property
    def folder(self) -> Path:
        """The audio folder."""
        return self.places[0][1]

    def read(self) -> dict[str, Labels]:
        """File name to Labels, for all files that are annotated.

        Raises
        ------
        InputError
            If the annotations are missing or wrong.
        """
        if self.table.exists():
            labels = self.read_table(self.table)
        else:
            labels = self.read_folder(self)
        stems = {}
        for filename in labels:
            twin = stems.setdefault(stem(filename), filename)
            if twin != filename:
                raise InputError(
                    f"{self.table} names {twin} and {filename}: a recording "
                    "is known by its name without the extension, rename one."
                )
        return labels

    def locate(self, filenames: list[str]) -> dict[str, str]:
        """File name to path, for those that are there.

        A file is also found under another audio extension.
        """
        names = list_names(self.folder)
        by_stem = {stem(name): name for name in names}
        present = set(names)
        paths = {}
        for filename in filenames:
            name = filename
            if name not in present:
                name = by_stem.get(stem(filename))
            if name is not None:
                paths[filename] = os.path.join(self.folder, name)
        return paths


def find_root(data_folder: str | Path) -> Path:
    """The folder with ``audio/`` and ``metadata/``.

    Arguments
    ---------
    data_folder : str or Path
        That folder, or the one that contains it as ``dataset/``.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(os.path.abspath(data_folder))
    for root in (folder / "dataset", folder):
        if (root / "audio").is_dir():
            return root
    raise InputError(
        f"{folder} is not a DESED copy: give the folder that contains "
        "dataset/audio and dataset/metadata."
    )


class _Classes(tuple):
    """Class names that are also found with ``_nOn`` and ``_nOff`` behind."""

    def __contains__(self, label):
        return super().__contains__(strip_suffixes(label))


_CLASSES = _Classes(DESED_CLASSES)


def _read_strong(table):
    found = {}
    events = read_events(table, _CLASSES)[EVENT_COLUMNS]
    for filename, onset, offset, label in events.itertuples(index=False):
        of_file = found.setdefault(filename, [])
        if not math.isnan(onset):
            of_file.append(Event(onset, offset, strip_suffixes(label)))
    return {filename: _strong(of_file) for filename, of_file in found.items()}


def _read_jams_folder(source):
    names = list_names(source.folder, (".jams",))
    if not names:
        _require_table(source)
    return {
        f"{stem(name)}.wav": _strong(
            read_jams(source.folder / name, DESED_CLASSES)
        )
        for name in names
    }


def _read_weak(table):
    weak = read_weak_labels(table, _CLASSES)
    return {
        filename: Labels(tags=sorted({strip_suffixes(tag) for tag in tags}))
        for filename, tags in weak.itertuples(index=False)
    }


def _read_unlabelled(table):
    return {filename: Labels() for filename in read_filenames(table)}


def _list_unlabelled(source):
    return {name: Labels() for name in list_names(source.folder)}


def _require_table(source):
    raise InputError(
        f"{source.folder} holds audio, but its annotations {source.table} are "
        "missing: fetch them, or move the audio away to leave it out."
    )


def _strong(events):
    return Labels(events, sorted({label for *_, label in events}))


def _synthetic(name: str, subset: str, sets: tuple[str, ...]) -> Source:
    places = tuple(
        (f"{subset}/{one}/soundscapes.tsv", f"{subset}/{one}/soundscapes")
        for one in sets
    )
    return Source(name, places, _read_strong, _read_jams_folder)


SOURCES = (
    _synthetic(
        "synthetic",
        "train",
        ("synthetic20", "synthetic20_train", "synthetic21_train"),
    ),
    _synthetic(
        "synthetic_validation",
        "validation",
        ("synthetic20_validation", "synthetic21_validation"),
    ),
    Source(
        "weak", (("train/weak.tsv", "train/weak"),), _read_weak, _require_table
    ),
    Source(
        "unlabelled",
        (("train/unlabel_in_domain.tsv", "train/unlabel_in_domain"),),
        _read_unlabelled,
        _list_unlabelled,
    ),
    Source(
        "validation",
        (
            ("validation/validation.tsv", "validation/validation"),
            ("validation/validation.tsv", "validation"),
        ),
        _read_strong,
        _require_table,
    ),
    Source(
        "public",
        (("eval/public.tsv", "eval/public"),),
        _read_strong,
        _require_table,
    ),
)
