"""Detection in many files: found in folders, heard side by side, none lost.

Authors
 * sb_sed contributors 2026
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
import torch
from tqdm import tqdm

from sb_sed.data.reading import UnusableAudio, open_audio
from sb_sed.errors import InputError
from sb_sed.formats import stem, write_scores
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.recordings import Recording, file_notes, read_blocks

# Also those that libsndfile cannot read: they are then reported, not missed.
_SUFFIXES = {f".{name.lower()}" for name in sf.available_formats()} - {".raw"}
_SUFFIXES |= {".aif", ".bwf", ".oga", ".opus", ".wave"}
_SUFFIXES |= {".aac", ".m4a", ".mp4", ".wma"}


@dataclass(frozen=True)
class FileResult:
    """What became of one recording.

    Arguments
    ---------
    filename : str
        What it is called in the output.
    duration : float
        Seconds of it that were heard.
    events : pd.DataFrame
        As of ``SoundEventDetector.detect_file``; empty if it was skipped.
    notes : list of str
        What its user should know, to go after the name.
    reason : str
        Why it was skipped; empty if it was not.
    """

    filename: str
    duration: float = 0.0
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)
    reason: str = ""


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
        What each is called: the file's name, or its path inside the folder.
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
    named = [entry for path in paths for entry in _named(Path(path))]
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
        if os.path.abspath(other) != os.path.abspath(path):
            raise InputError(
                f"{other} and {path} would both be called {unique}: rename one."
            )
    return files


def detect_files(
    detector: SoundEventDetector,
    files: Mapping[str, Path],
    threads: int = 1,
    scores_folder: Path | None = None,
) -> Iterator[FileResult]:
    """Detects in files, as many side by side as there are threads.

    Arguments
    ---------
    detector : SoundEventDetector
        The detector.
    files : Mapping[str, Path]
        Of ``find_recordings``.
    threads : int
        Each hears one file; those that are left over help the network.
    scores_folder : Path, optional
        Where the scores go, ``<name>.tsv`` for each file.

    Yields
    ------
    FileResult
        Of each file, in their order.

    Raises
    ------
    InputError
        If two files would have the same scores file.
    """
    if scores_folder is not None:
        _check_stems(files)
    workers = max(1, min(threads, len(files)))

    def _work(item: tuple[str, Path]) -> FileResult:
        name, path = item
        blocks = read_blocks(path, detector.hparams.sample_rate)
        result = detect_blocks(
            detector, name, blocks, scores_folder, _seconds(path)
        )
        if not result.reason:
            result.notes.extend(file_notes(path))
        return result

    with _threads(workers, threads // workers) as pool:
        try:
            yield from pool.map(_work, files.items())
        finally:
            pool.shutdown(cancel_futures=True)


def detect_blocks(
    detector: SoundEventDetector,
    name: str,
    blocks: Iterable[np.ndarray],
    scores_folder: Path | None = None,
    seconds: float | None = None,
) -> FileResult:
    """Detects in a recording that comes in pieces.

    Arguments
    ---------
    detector : SoundEventDetector
        The detector.
    name : str
        What the recording is called.
    blocks : Iterable[np.ndarray]
        Its samples, at the detector's rate.
    scores_folder : Path, optional
        Where the scores go.
    seconds : float, optional
        How long it will probably be, for the progress bar.

    Returns
    -------
    FileResult
        Of a recording that cannot be used, the reason.
    """
    rate = detector.hparams.sample_rate
    recording = Recording(_shown(blocks, name, rate, seconds))
    try:
        scores = detector.scores(recording)
    except UnusableAudio as reason:
        return FileResult(name, reason=str(reason))
    if scores_folder is not None:
        place = scores_folder / stem(name)
        write_scores({place.name: scores}, place.parent)
    return FileResult(
        name,
        recording.n_samples / rate,
        detector.events(scores, name),
        recording.notes(),
    )


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
        folders[:] = [name for name in folders if not name.startswith(".")]
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


def _check_stems(files: Mapping[str, Path]) -> None:
    taken: dict[str, str] = {}
    for name in files:
        other = taken.setdefault(stem(name), name)
        if other != name:
            raise InputError(
                f"{other} and {name} would have the same scores file, "
                f"{stem(name)}.tsv: rename one, or leave out the scores."
            )


def _seconds(path: Path) -> float | None:
    try:
        with open_audio(path) as file:
            return file.frames / file.samplerate
    except UnusableAudio:
        return None


def _shown(
    blocks: Iterable[np.ndarray], name: str, rate: int, seconds: float | None
) -> Iterator[np.ndarray]:
    """The pieces, with a progress bar if they take a while."""
    with tqdm(
        desc=name, total=seconds, unit="s", delay=3, leave=False, disable=None
    ) as bar:
        for block in blocks:
            yield block
            bar.update(round(len(block) / rate, 1))


def _threads(workers: int, each: int) -> ThreadPoolExecutor:
    # PyTorch's number of threads is one for each thread that calls it.
    def _prepare() -> None:
        torch.set_num_threads(max(1, each))

    return ThreadPoolExecutor(workers, initializer=_prepare)
