"""The recordings that a user names: files, and folders of them.

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

# Also those that libsndfile cannot read: they are then reported, not missed.
_SUFFIXES = {f".{name.lower()}" for name in sf.available_formats()} - {".raw"}
_SUFFIXES |= {".aif", ".bwf", ".oga", ".opus", ".wave"}
_SUFFIXES |= {".aac", ".m4a", ".mp4", ".wma"}


def find_recordings(paths: Iterable[str | Path]) -> dict[str, Path]:
    """Finds the recordings in files and, at any depth, folders.

    Arguments
    ---------
    paths : Iterable[str | Path]
        Files are taken whatever their names; in folders, names have to end as
        those of recordings do, and hidden ones are passed over.

    Returns
    -------
    dict[str, Path]
        Each file once, by what it is called: its name, or its path inside the
        first folder that it is found in.
        Where two would be called the same, the path below the folder that all
        files share.

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
    for name, path in named:
        unique = name if uses[name] == 1 else _inside(root, path)
        # Names that are not UTF-8 cannot be written as they are.
        unique = os.fsencode(unique).decode("utf-8", "backslashreplace")
        if re.search(r"[\t\r\n]", unique):
            raise InputError(
                f"{unique!r} has a tab or a line break in its name: rename it."
            )
        other = files.setdefault(unique, path)
        if other is not path:
            raise InputError(
                f"{other} and {path} would both be called {unique}: rename one."
            )
    return files


def _named(path: Path) -> Iterator[tuple[str, Path]]:
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


def _walk(folder: Path) -> Iterator[Path]:
    """The recordings in a folder at any depth, also behind links."""
    been = set()
    for place, folders, names in os.walk(
        folder, onerror=_refuse, followlinks=True
    ):
        real = os.path.realpath(place)
        if real in been:  # a link that leads back
            folders.clear()
            continue
        been.add(real)
        # Sorted, so that of two ways to a folder it is always the same one.
        folders[:] = sorted(x for x in folders if not x.startswith("."))
        for name in names:
            if Path(name).suffix.lower() in _SUFFIXES and name[0] != ".":
                yield Path(place, name)


def _refuse(error: OSError) -> None:
    raise InputError(
        f"{error.filename} cannot be read ({error.strerror}): allow it, or "
        "leave the folder out."
    ) from error


def _common_folder(paths: Sequence[Path]) -> str:
    return os.path.commonpath([os.path.abspath(path.parent) for path in paths])


def _inside(root: str, path: Path) -> str:
    return Path(os.path.abspath(path)).relative_to(root).as_posix()
