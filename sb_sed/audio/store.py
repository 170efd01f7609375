"""Audio files of any rate and channel count, made ready to train on once.

A file that is already mono at the wanted rate is used where it lies; every
other one is converted into a folder of the user's choice. Each file is decoded
to its end, so a broken download is found here and not in the middle of a
training. The outcome is kept in an index, so the next call is quick.

Authors
 * sb_sed contributors 2026
"""

import io
import json
import multiprocessing
import os
import threading
import time
import wave
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from tqdm import tqdm

from sb_sed.audio.reading import (
    Recording,
    UnusableAudio,
    one_line,
    open_audio,
    quiet_decoders,
    read_blocks,
)
from sb_sed.errors import UNREADABLE, InputError
from sb_sed.formats import atomic_path

# A kill costs at most this many seconds of looking at files again.
_SAVE_EVERY = 10.0
# Of what is remembered of a file; older ones are not read.
_VERSION = 2
# Samples that a WAV of 16 bits can hold, and the least that is not 0.
_MOST_SAMPLES, _STEP = 2**31 - 2**6, 2**-15


@dataclass(frozen=True)
class ReadyAudio:
    """The outcome of making one audio file ready.

    Arguments
    ---------
    path : str
        The mono file at the wanted rate; empty if there is none.
    duration : float
        Its length in seconds.
    reason : str
        Why the file cannot be used; empty if it can.
    note : str
        What its user should know, to follow its name; may be empty.
    is_silent : bool
        Whether there is no sound in it.
    """

    path: str
    duration: float
    reason: str = ""
    note: str = ""
    is_silent: bool = False


@contextmanager
def open_ready(path: str | Path, sample_rate: int) -> Iterator[sf.SoundFile]:
    """Open a file that was made ready.

    Arguments
    ---------
    path : str | Path
        Mono audio.
    sample_rate : int
        Samples per second that it must have.

    Yields
    ------
    soundfile.SoundFile

    Raises
    ------
    InputError
        If it cannot be read, is not mono or of another rate.
    """
    try:
        with sf.SoundFile(os.fsencode(path)) as file:
            if (file.samplerate, file.channels) != (sample_rate, 1):
                raise InputError(
                    f"{path} has {file.samplerate} Hz and {file.channels} "
                    f"channel(s) where mono at {sample_rate} Hz is expected: "
                    "prepare the data again at this rate."
                )
            yield file
    except (sf.LibsndfileError, OSError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): replace it, or delete its "
            "prepared copy, then prepare the data again."
        ) from error


def write_wav(
    path: str | Path,
    samples: np.ndarray,
    sample_rate: int,
    modified_ns: int | None = None,
) -> None:
    """Write a recording as 16-bit WAV; what exceeds full scale is clipped.

    Arguments
    ---------
    path : str | Path
        The file; missing folders are made. It is complete once it exists.
    samples : np.ndarray
        [time], full scale is 1.
    sample_rate : int
        Samples per second.
    modified_ns : int, optional
        Its modification time in nanoseconds; default: now.
    """
    _write_wav(path, [samples], sample_rate, modified_ns)


def make_ready(source: str, target: str, sample_rate: int) -> ReadyAudio:
    """Check one audio file and convert it if necessary.

    Converted files are 16-bit WAV (what exceeds full scale is clipped) and
    have the modification time of their source, so that an interrupted
    conversion can be resumed.

    Arguments
    ---------
    source : str
        The audio file.
    target : str
        Where the converted file goes if one is needed.
    sample_rate : int
        Samples per second wanted.

    Returns
    -------
    ReadyAudio
        The file to use, or the reason why there is none.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> sf.write(folder / "a.wav", np.zeros((44100, 2)), 44100)
    >>> ready = make_ready(str(folder / "a.wav"), str(folder / "b.wav"), 16000)
    >>> ready.path.endswith("b.wav"), ready.duration
    (True, 1.0)
    """
    notes: list[str] = []
    recording = Recording(read_blocks(source, sample_rate, notes.append))
    try:
        if is_in_place := _is_usable_in_place(source, sample_rate):
            target = source
        if is_in_place or _is_converted(source, target, sample_rate):
            for _ in recording:
                pass
        else:
            modified = os.stat(source).st_mtime_ns
            _write_wav(target, recording, sample_rate, modified)
    except UnusableAudio as reason:
        return ReadyAudio("", 0.0, str(reason))
    # Of less than a step, 16 bits leave nothing.
    least = _STEP if target != source else 0
    if is_silent := recording.peak <= least:
        notes.insert(0, "is silent")
    duration = recording.n_samples / sample_rate
    return ReadyAudio(target, duration, "", "; ".join(notes), is_silent)


def _write_wav(
    path: str | Path,
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    modified_ns: int | None,
) -> None:
    """Write blocks of samples: see ``write_wav``."""
    with atomic_path(path) as temporary:
        # soundfile has no clear error for a full disk, so it only encodes.
        with wave.open(os.fspath(temporary), "wb") as file:
            file.setparams((1, 2, sample_rate, 0, "NONE", ""))
            for block in blocks:
                encoded = io.BytesIO()
                sf.write(encoded, block, sample_rate, "PCM_16", format="RAW")
                if file.tell() + len(block) > _MOST_SAMPLES:
                    raise UnusableAudio("too long for a WAV: divide it")
                file.writeframesraw(encoded.getbuffer())
        if modified_ns is not None:
            os.utime(temporary, ns=(modified_ns, modified_ns))


def _is_usable_in_place(path: str, sample_rate: int) -> bool:
    with open_audio(path) as file:
        is_wanted = (file.channels, file.samplerate) == (1, sample_rate)
        return is_wanted and file.is_plain


def _is_converted(source: str, target: str, sample_rate: int) -> bool:
    """Whether there is an earlier conversion of this very source.

    A converted file is complete as soon as it exists. Some file systems keep
    whole seconds only, hence the tolerance.
    """
    try:
        age_difference = os.stat(source).st_mtime - os.stat(target).st_mtime
        info = sf.info(os.fsencode(target))
    except (OSError, sf.SoundFileError):
        return False
    return abs(age_difference) <= 1 and info.samplerate == sample_rate


class AudioStore:
    """Makes many audio files ready, in parallel, and remembers the outcome.

    The outcome is kept in ``index.json``, each file under its path, size and
    modification time. A file that was replaced is looked at again; all others
    cost one look at the folder. The memory does not grow with the amount of
    audio.

    Arguments
    ---------
    folder : str | Path
        Where converted files and the index are written.
    sample_rate : int
        Samples per second wanted.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> sf.write(folder / "clip.wav", np.zeros((32000, 2)), 32000)
    >>> store = AudioStore(folder / "ready", sample_rate=16000)
    >>> source = str(folder / "clip.wav")
    >>> ready = store.prepare([(source, "weak/clip.wav")], n_jobs=1)
    >>> ready[source].path == str(folder / "ready" / "weak" / "clip.wav")
    True
    """

    def __init__(self, folder: str | Path, sample_rate: int):
        self.folder = Path(os.path.abspath(folder))
        self.sample_rate = sample_rate
        self._index_path = self.folder / "index.json"
        self._index = self._read_index()

    def prepare(
        self, files: Sequence[tuple[str, str]], n_jobs: int | None = None
    ) -> dict[str, ReadyAudio]:
        """Make the files ready; shows a progress bar if there is work.

        Arguments
        ---------
        files : sequence of (str, str)
            Source file, and the name inside ``folder`` of its converted form.
        n_jobs : int, optional
            Number of processes; default: one for each processor allowed.

        Returns
        -------
        dict of str to ReadyAudio
            By source file.

        Raises
        ------
        InputError
            If a converted file cannot be written, or a process was killed.
        """
        outcome, stamps, work = {}, {}, []
        for source, name in files:
            target = str(self.folder / name)
            known = self._index.get(source)
            stamp = stamps[source] = _stamp(source)
            if known and known[:2] == stamp and _still_there(known):
                outcome[source] = ReadyAudio(*known[2:])
                continue
            if known and known[:2] != stamp:
                # The source was replaced: what was made of it is of no use.
                Path(target).unlink(missing_ok=True)
            work.append((source, target, self.sample_rate))
        last_save = time.monotonic()
        try:
            with quiet_decoders():
                for source, ready in _make_all_ready(work, n_jobs):
                    outcome[source] = ready
                    self._index[source] = [*stamps[source], *astuple(ready)]
                    if time.monotonic() - last_save > _SAVE_EVERY:
                        self._write_index()
                        last_save = time.monotonic()
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot write the converted audio "
                f"({one_line(error)}): free space or choose another folder."
            ) from error
        finally:
            if work:
                self._write_index()
        return outcome

    def _read_index(self) -> dict[str, list]:
        """Empty if the index is damaged or of another rate or version."""
        try:
            content = json.loads(self._index_path.read_text("utf-8"))
            is_ours = content["version"] == _VERSION
            is_ours &= content["sample_rate"] == self.sample_rate
            return content["files"] if is_ours else {}
        except UNREADABLE:
            return {}

    def _write_index(self) -> None:
        content = {
            "version": _VERSION,
            "sample_rate": self.sample_rate,
            "files": self._index,
        }
        with atomic_path(self._index_path) as temporary:
            temporary.write_text(json.dumps(content), "utf-8")


def _stamp(path: str) -> list[int]:
    """Size and modification time; a file that is gone has none."""
    try:
        status = os.stat(path)
    except OSError:
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]


def _still_there(entry: list) -> bool:
    ready = ReadyAudio(*entry[2:])
    return bool(ready.reason) or os.path.exists(ready.path)


def _make_all_ready(
    work: Sequence[tuple[str, str, int]], n_jobs: int | None
) -> Iterator[tuple[str, ReadyAudio]]:
    """Sources with their outcome, in order, with a progress bar."""
    n_jobs = min(n_jobs or _processors(), len(work))
    # None: only on a terminal.
    hide = None if work else True
    bar = tqdm(total=len(work), desc="audio", unit="file", disable=hide)
    with bar:
        for outcome in _run(work, n_jobs):
            bar.update()
            yield outcome


def _run(
    work: Sequence[tuple[str, str, int]], n_jobs: int
) -> Iterator[tuple[str, ReadyAudio]]:
    """The same over processes, if more than one."""
    if n_jobs <= 1:
        yield from map(_make_one_ready, work)
        return
    with ProcessPoolExecutor(n_jobs, initializer=_end_with_parent) as pool:
        try:
            yield from pool.map(_make_one_ready, work, chunksize=8)
        except BrokenProcessPool as error:
            raise InputError(
                "a process that converted audio was killed, most likely for "
                "lack of memory: run again with fewer processes (n_jobs), "
                "what is done is kept."
            ) from error


def _make_one_ready(job: tuple[str, str, int]) -> tuple[str, ReadyAudio]:
    return job[0], make_ready(*job)


def _end_with_parent() -> None:
    """End a worker whose parent was killed; otherwise it would wait forever."""

    def _wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=_wait, daemon=True).start()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
