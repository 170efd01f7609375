"""The folders of a DESED copy, and how to read its annotations.

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
from typing import NoReturn

from sb_sed.audio.search import list_names, plain_name
from sb_sed.data.jams import read_jams, strip_suffixes
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    Event,
    match_names,
    read_events,
    read_filenames,
    read_weak_labels,
    same_name,
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
    """The annotation of one recording.

    Arguments
    ---------
    events : list of Event
        Empty without strong labels.
    tags : list of str
        Classes that occur; empty without any label.
    judged : list of Event, optional
        Parts and a class that is known in them; by default all are, everywhere.
    """

    events: list[Event] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    judged: list[Event] | None = None


@dataclass(frozen=True)
class Source:
    """One annotated folder of DESED.

    Arguments
    ---------
    name : str
        Its name in the prepared folder.
    places : tuple of (str, str)
        Annotation table below ``metadata/`` and audio folder below ``audio/``,
        in order of preference; absolute once :meth:`find` has chosen one.
    read_table : callable
        From the table (a Path) to a dict of file name to Labels.
    read_folder : callable
        The same from the Source, for copies without the table.
    """

    name: str
    places: tuple[tuple[str | Path, str | Path], ...]
    read_table: Callable[[Path], dict[str, Labels]]
    read_folder: Callable[["Source"], dict[str, Labels]]

    def find(self, root: Path) -> "Source | None":
        """Return the source with its place in the copy at ``root``, or None."""
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
        """Return the annotation table."""
        return Path(self.places[0][0])

    @property
    def folder(self) -> Path:
        """Return the audio folder."""
        return Path(self.places[0][1])

    def read(self) -> dict[str, Labels]:
        """Return file name to Labels, for all annotated files.

        Folders in front of a name are left out: the audio lies in one.

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
            name = stem(same_name(_without_folders(filename)))
            twin = stems.setdefault(name, filename)
            if twin != filename:
                raise InputError(
                    f"{self.table} names {twin} and {filename}: a recording "
                    "is known by its name without the extension, rename one."
                )
        return {_without_folders(name): labels[name] for name in labels}

    def locate(self, filenames: list[str]) -> dict[str, str]:
        """Return file name to path, for the files that exist.

        A file is also found under another audio extension.
        """
        names = {plain_name(name): name for name in list_names(self.folder)}
        sides = str(self.table), str(self.folder)
        return {
            filename: os.path.join(self.folder, names[plain])
            for filename, plain in match_names(filenames, names, sides).items()
        }


def _without_folders(filename: str) -> str:
    name = same_name(filename)
    last = name.rpartition("/")[2]
    return last if last.strip(".") and last != name else filename


def find_root(data_folder: str | Path) -> Path:
    """Return the absolute path of the folder with ``audio/`` and ``metadata/``.

    Arguments
    ---------
    data_folder : str | Path
        That folder, or the one that contains it as ``dataset/``.

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

    def __contains__(self, label: object) -> bool:
        return super().__contains__(strip_suffixes(str(label)))


_CLASSES = _Classes(DESED_CLASSES)


def _read_strong(table: Path) -> dict[str, Labels]:
    found = {}
    events = read_events(table, _CLASSES)[EVENT_COLUMNS]
    for filename, onset, offset, label in events.itertuples(index=False):
        of_file = found.setdefault(filename, [])
        if not math.isnan(onset):
            of_file.append(Event(onset, offset, strip_suffixes(label)))
    return {filename: _strong(of_file) for filename, of_file in found.items()}


def _read_jams_folder(source: Source) -> dict[str, Labels]:
    names = list_names(source.folder, (".jams",))
    if not names:
        _require_table(source)
    return {
        f"{Path(plain_name(name)).stem}.wav": _strong(
            read_jams(source.folder / name, DESED_CLASSES)
        )
        for name in names
    }


def _read_weak(table: Path) -> dict[str, Labels]:
    weak = read_weak_labels(table, _CLASSES)
    return {
        filename: Labels(tags=sorted({strip_suffixes(tag) for tag in tags}))
        for filename, tags in weak.itertuples(index=False)
    }


def _read_unlabelled(table: Path) -> dict[str, Labels]:
    return {filename: Labels() for filename in read_filenames(table)}


def _list_unlabelled(source: Source) -> dict[str, Labels]:
    return {plain_name(x): Labels() for x in list_names(source.folder)}


def _require_table(source: Source) -> NoReturn:
    raise InputError(
        f"{source.folder} holds audio, but its annotations {source.table} are "
        "missing: fetch them, or move the audio away to leave it out."
    )


def _strong(events: list[Event]) -> Labels:
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
