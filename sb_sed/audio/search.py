"""The audio files in folders, and those that a user names.

Authors
 * sb_sed contributors 2026
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import soundfile as sf

from sb_sed.errors import InputError
from sb_sed.formats import same_name

# What libsndfile reads, except raw samples. Also what it cannot read, so that
# such files are reported and not missed.
AUDIO_SUFFIXES = tuple(
    sorted(
        {f".{name.lower()}" for name in sf.available_formats()} - {".raw"}
        | {".aif", ".bwf", ".oga", ".opus", ".wave"}
        | {".aac", ".m4a", ".mp4", ".wma"}
    )
)


def list_names(
    folder: str | Path, suffixes: tuple[str, ...] = AUDIO_SUFFIXES
) -> list[str]:
    """Return the names in a folder that end so, sorted; hidden ones left out.

    Arguments
    ---------
    folder : str | Path
        Those below it are not searched. One that does not exist is empty.
    suffixes : tuple of str
        In lower case; those of audio files by default.

    Returns
    -------
    list of str
    """
    if not os.path.isdir(folder):
        return []
    return _chosen(os.listdir(folder), suffixes)


def plain_name(name: str) -> str:
    """Return a name that can be written: what is not UTF-8 in it is escaped.

    Example
    -------
    >>> plain_name(os.fsdecode(b"caf\\xe9.wav"))
    'caf\\\\xe9.wav'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def find_audio(folder: str | Path) -> list[str]:
    """Return the paths of all audio files below a folder, at any depth, sorted.

    Links are followed. A folder that does not exist is empty.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.WAV").touch(), (folder / "b.txt").touch()
    (None, None)
    >>> [Path(path).name for path in find_audio(folder)]
    ['a.WAV']
    """
    return sorted(map(str, _walk(folder))) if os.path.isdir(folder) else []


def find_recordings(paths: Iterable[str | Path]) -> dict[str, Path]:
    """Find the recordings in files and, at any depth, folders.

    Arguments
    ---------
    paths : Iterable[str | Path]
        Files are taken whatever their names; in folders, names have to end as
        those of audio files do, and hidden ones are left out.

    Returns
    -------
    dict[str, Path]
        Name to path, each file once. The name is that of the file, or its path
        inside the first folder that it is found in. Where two would have the
        same name, it is the path below the folder that all files share.

    Raises
    ------
    InputError
        If a path does not exist, a folder has no recording or cannot be read,
        or a name cannot be written into a table.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "b").mkdir()
    >>> for name in ("a.wav", "b/c.FLAC", "notes.txt"):
    ...     (folder / name).touch()
    >>> list(find_recordings([folder]))
    ['a.wav', 'b/c.FLAC']
    """
    found: dict[str, tuple[str, Path]] = {}
    for given in paths:
        for name, path in _named(Path(given)):
            found.setdefault(os.path.abspath(path), (name, path))
    named = list(found.values())
    uses = Counter(name for name, _ in named)
    root = _common_folder([path for _, path in named])
    files: dict[str, Path] = {}
    taken: dict[str, Path] = {}
    for name, path in named:
        unique = name if uses[name] == 1 else _inside(root, path)
        unique = plain_name(unique)
        if re.search(r"[\t\r\n]", unique):
            raise InputError(
                f"{unique!r} has a tab or a line break in its name: rename it."
            )
        other = taken.setdefault(same_name(unique), path)
        if other is not path:
            raise InputError(
                f"{other} and {path} would both be called {unique}: rename one."
            )
        files[unique] = path
    return files


def _named(path: Path) -> Iterator[tuple[str, Path]]:
    """The name and path of a file, or of each recording in a folder."""
    if path.is_file():
        yield path.name, path
        return
    if not path.exists():
        raise InputError(f"{path} does not exist: check the path.")
    if not path.is_dir():
        raise InputError(
            f"{path} is neither a file nor a folder: give one, or pipe raw "
            "samples in and give -."
        )
    found = sorted(_walk(path))
    if not found:
        raise InputError(
            f"{path} holds no recording: give a folder with .wav, .flac, .ogg "
            "or .mp3 files."
        )
    for file in found:
        yield file.relative_to(path).as_posix(), file


def _walk(folder: str | Path) -> Iterator[Path]:
    """The audio files in a folder at any depth, each folder once."""
    visited = set()
    for place, folders, names in os.walk(
        folder, onerror=_refuse, followlinks=True
    ):
        real = os.path.realpath(place)
        if real in visited:  # a link that leads back
            folders.clear()
            continue
        visited.add(real)
        # Sorted, so that of two ways to a folder it is always the same one.
        folders[:] = sorted(x for x in folders if not x.startswith("."))
        for name in _chosen(names, AUDIO_SUFFIXES):
            yield Path(place, name)


def _chosen(names: Iterable[str], suffixes: tuple[str, ...]) -> list[str]:
    """The names that end so, without macOS's hidden twins, ``._name.wav``."""
    return sorted(
        name
        for name in names
        if name.lower().endswith(suffixes) and not name.startswith(".")
    )


def _refuse(error: OSError) -> None:
    raise InputError(
        f"{error.filename} cannot be read ({error.strerror}): allow it, or "
        "leave the folder out."
    ) from error


def _common_folder(paths: Sequence[Path]) -> str:
    return os.path.commonpath([os.path.abspath(path.parent) for path in paths])


def _inside(root: str, path: Path) -> str:
    return Path(os.path.abspath(path)).relative_to(root).as_posix()
