"""Folders of other programs' annotations as one table of events.

Authors
 * sb_sed contributors 2026
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sb_sed.audio.search import find_audio
from sb_sed.data.recordings import Recordings
from sb_sed.errors import InputError
from sb_sed.formats import Event, events_table
from sb_sed.formats.foreign import Reader

# What programs put behind the name of a recording.
_ENDING = re.compile(
    r"(\.BirdNET)?(\.Table\.\d+)?(\.selections?)?(\.table)?\.\w+$"
)


def import_annotations(
    annotations: str | Path,
    read: Reader,
    audio: str | Path | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Read the annotations of recordings.

    A file belongs to the recording that it names or that has its name, without
    what the programs put behind it (``garden.Table.1.selections.txt``); several
    files of a recording are joined, and events that are there twice are one.

    Arguments
    ---------
    annotations : str | Path
        A file, or a folder with files at any depth.
    read : Reader
        Of :mod:`sb_sed.formats.foreign`.
    audio : str | Path, optional
        The folder of the recordings, at any depth, which gives their names;
        by default that of the annotations, if it has recordings.

    Returns
    -------
    events : pd.DataFrame
        filename, onset, offset (seconds), event_label.
    files : list of str
        All annotated recordings, also those without an event.

    Raises
    ------
    InputError
        If there is no such file, one cannot be read, a recording is not there
        or not known for certain.

    Example
    -------
    >>> from sb_sed.formats.foreign import Audacity
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.wav").touch()
    >>> _ = (folder / "a.txt").write_text("0.5\\t1\\tDog\\n")
    >>> import_annotations(folder, Audacity())[0]
      filename  onset  offset event_label
    0    a.wav    0.5     1.0         Dog
    """
    root, recordings = Path(annotations), None
    folder = root if root.is_dir() else root.parent
    if audio is not None or find_audio(folder):
        recordings = Recordings(audio or folder)
    found: dict[str, set[Event]] = {}
    for path in _files(root, read.suffixes):
        own = _ENDING.sub("", str(path.relative_to(folder)))
        events = [*read(path)]
        for name in {name or own for name, _ in events} or {own}:
            place = _recording(recordings, name, path, audio is not None)
            some = (e for of, e in events if (of or own) == name)
            found.setdefault(place, set()).update(some)
    order = sorted(found)
    return events_table({name: sorted(found[name]) for name in order}), order


def _files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The annotation files below a folder, hidden ones left out."""
    if not root.exists():
        raise InputError(f"{root} does not exist: check the path.")
    if root.is_file():
        yield root
        return
    n_files = 0
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(x for x in folders if not x.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                n_files += 1
                yield Path(folder, name)
    if not n_files:
        raise InputError(
            f"{root} has no file that ends in {' or '.join(suffixes)}: give "
            "the folder of the annotations, and their --format."
        )


def _recording(
    recordings: Recordings | None, name: str, path: Path, is_wanted: bool
) -> str:
    """The recording of a name; the name itself if none is known."""
    if recordings is None:
        return name
    found = recordings.find(name, path)
    if is_wanted and found not in recordings:
        raise InputError(
            f"{path} annotates {name}, which is not in {recordings.folder}: "
            "add the recording, or move the annotations elsewhere."
        )
    return found
