"""Making a data set once: its stamp, its processes, its random numbers.

Authors
 * sb_sed contributors 2026
"""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path


@dataclass(frozen=True)
class Maker:
    """What is known of a data set before it is made.

    Arguments
    ---------
    title : str
        Its name, for messages.
    stamp : str
        The file that says that it is finished, without ``.json``.
    folders : tuple[str, ...]
        The folders that it is made of.
    """

    title: str
    stamp: str
    folders: tuple[str, ...]


def check_size(seed: int, scale: float) -> None:
    """Raise an ``InputError`` for a seed or a scale that cannot be."""
    if seed < 0 or seed != int(seed):
        raise InputError(f"The seed {seed} must be a whole number, 0 or more.")
    if not 0 < scale <= 1000:
        raise InputError(f"The scale {scale} must be in (0, 1000].")


def make_once(
    folder: Path,
    maker: Maker,
    settings: dict,
    make: Callable[[Callable], None],
    n_jobs: int,
) -> Path:
    """Make a data set, unless it is there with the same settings.

    Arguments
    ---------
    folder : Path
        Where its folders go.
    maker : Maker
        Its name, stamp and folders.
    settings : dict
        All that it depends on; plain values.
    make : Callable
        Makes it, given a ``map`` over processes.
    n_jobs : int
        Number of processes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder is a file, holds another data set, or a process stops.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder.")
    stamp = folder / f"{maker.stamp}.json"
    unfinished = folder / f"{maker.stamp}.unfinished"
    text = json.dumps(settings, indent=1) + "\n"
    if stamp.is_file() and stamp.read_text() == text:
        return folder
    _make_room(folder, maker, stamp, unfinished)
    unfinished.write_text(text)
    try:
        with _workers(n_jobs) as run:
            make(run)
    except BrokenProcessPool:
        raise InputError(
            'A process stopped: call this under `if __name__ == "__main__":`, '
            "or with n_jobs=1, or give it more memory."
        ) from None
    with atomic_path(stamp) as temporary:
        temporary.write_text(text)
    unfinished.unlink()
    return folder


def generator(seed: int, *stream: object) -> np.random.Generator:
    """Return the random generator of a file, whichever process makes it."""
    numbers = [n for word in stream for n in str(word).encode()]
    return np.random.default_rng([seed, *numbers])


def call(job: tuple) -> object:
    """Call the first of a tuple with the others: a job for another process."""
    function, *arguments = job
    return function(*arguments)


def _make_room(
    folder: Path, maker: Maker, stamp: Path, unfinished: Path
) -> None:
    """Delete an earlier one, and refuse to touch anything else."""
    ours = stamp.exists() or unfinished.exists()
    for name in maker.folders:
        if (folder / name).exists() and not ours:
            raise InputError(
                f"{folder / name} exists and is not from {maker.title}: give "
                f"{maker.title} a folder of its own."
            )
    folder.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    stamp.unlink(missing_ok=True)
    for name in maker.folders:
        if (folder / name).exists():
            shutil.rmtree(folder / name)


@contextmanager
def _workers(n_jobs: int) -> Iterator[Callable]:
    """Yield a ``map`` that keeps the order, over processes if more than 1."""
    if n_jobs <= 1:
        yield map
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(n_jobs, mp_context=context) as pool:
        yield lambda job, items: pool.map(job, items, chunksize=4)
