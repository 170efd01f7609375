"""Audio files of any rate and channel count, made ready to train on once.

A file that is already mono at the wanted rate is used where it lies; every
other one is converted into a folder of the user's choice. Each file is decoded
to its end, so a broken download is found here and not in the middle of a
training. What was found is kept in an index, so the next call is quick.

Authors
 * sb_sed contributors 2026
"""

import io
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from tqdm import tqdm

from sb_sed.audio.containers import shortfall
from sb_sed.audio.quiet import quiet_decoders
from sb_sed.audio.reading import (
    UnusableAudio,
    mixed_down,
    one_line,
    open_audio,
)
from sb_sed.errors import InputError
from sb_sed.formats import atomic_path

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")

# Lossy formats decode slowly and seek inexactly: they are always converted.
_USED_IN_PLACE = {"WAV", "WAVEX", "RF64", "FLAC"}

# A kill costs at most this many seconds of looking at files again.
_SAVE_EVERY = 10.0


@dataclass(frozen=True)
class ReadyAudio:
    """What became of one audio file.

    Arguments
    ---------
    path : str
        The mono file at the wanted rate; empty if there is none.
    duration : float
        Its length in seconds.
    reason : str
        Why the file cannot be used; empty if it can.
    """

    path: str
    duration: float
    reason: str = ""


def read_mono(path: str | Path) -> tuple[np.ndarray, int]:
    """Reads a whole audio file as the mean of its channels.

    Arguments
    ---------
    path : str or Path
        Any file that libsndfile reads (WAV, FLAC, Ogg, MP3, …).

    Returns
    -------
    samples : np.ndarray
        float32 [time], full scale is 1.
    rate : int
        Samples per second.

    Raises
    ------
    UnusableAudio
        If the file is missing, empty, not audio, cut off or damaged, holds NaN
        or infinite samples, or has a rate at which nothing is recorded.

    Example
    -------
    >>> path = getfixture("tmp_path") / "stereo.wav"
    >>> sf.write(path, np.array([[0.5, 0.25], [0.0, -0.5]]), 44100)
    >>> read_mono(path)
    (array([ 0.375, -0.25 ], dtype=float32), 44100)
    """
    with open_audio(path) as file:
        samples = file.read(dtype="float32", always_2d=True)
        rate = file.samplerate
        if reason := shortfall(file, len(samples)):
            raise UnusableAudio(reason)
    if len(samples) == 0:
        raise UnusableAudio("holds no samples")
    return mixed_down(samples, rate), rate


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Changes the sampling rate with soxr's high-quality band-limited filter.

    Arguments
    ---------
    samples : np.ndarray
        [time].
    rate : int
        Samples per second of ``samples``.
    new_rate : int
        Samples per second wanted.

    Returns
    -------
    np.ndarray
        [time · new_rate / rate], same type.

    Example
    -------
    >>> resample(np.zeros(44100, dtype="float32"), 44100, 16000).shape
    (16000,)
    """
    return soxr.resample(samples, rate, new_rate, quality="HQ")


def make_ready(source: str, target: str, sample_rate: int) -> ReadyAudio:
    """Checks one audio file and converts it if it has to be converted.

    Converted files are 16-bit WAV (what exceeds full scale is clipped) and
    carry the modification time of their source, so that an interrupted
    conversion can go on where it stopped.

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
    duration = _converted_before(source, target, sample_rate)
    if duration is not None:
        return ReadyAudio(target, duration)
    try:
        samples, rate = read_mono(source)
        if rate == sample_rate and _is_usable_in_place(source):
            return ReadyAudio(source, len(samples) / rate)
        if rate != sample_rate:
            samples = _resample_file(samples, rate, sample_rate)
    except UnusableAudio as reason:
        return ReadyAudio("", 0.0, str(reason))
    # Written in memory first: soundfile has no clear error for a full disk.
    wav = io.BytesIO()
    sf.write(wav, samples, sample_rate, "PCM_16", format="WAV")
    with atomic_path(target) as temporary:
        temporary.write_bytes(wav.getvalue())
        modified = os.stat(source).st_mtime_ns
        os.utime(temporary, ns=(modified, modified))
    return ReadyAudio(target, len(samples) / sample_rate)


def _resample_file(samples, rate, sample_rate):
    try:
        resampled = resample(samples, rate, sample_rate)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise UnusableAudio(
            f"cannot be resampled from {rate} Hz: {one_line(error)}"
        ) from error
    if len(resampled) == 0:
        raise UnusableAudio(f"only {len(samples)} samples at {rate} Hz")
    return resampled


def _is_usable_in_place(path: str) -> bool:
    info = sf.info(path)
    return info.channels == 1 and info.format in _USED_IN_PLACE


def _converted_before(source, target, sample_rate) -> float | None:
    """Seconds of an earlier conversion of this very source, if there is one.

    A converted file is complete as soon as it exists. Some file systems keep
    whole seconds only, hence the tolerance.
    """
    try:
        age_difference = os.stat(source).st_mtime - os.stat(target).st_mtime
        info = sf.info(target)
    except (OSError, sf.SoundFileError):
        return None
    if abs(age_difference) > 1 or info.samplerate != sample_rate:
        return None
    return info.duration


class AudioStore:
    """Makes many audio files ready, in parallel, and remembers the outcome.

    The outcome is kept in ``index.json``, each file under its path, size and
    modification time. A file that was replaced is looked at again; all others
    cost one look at the folder. The memory does not grow with the amount of
    audio.

    Arguments
    ---------
    folder : str or Path
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
        """Makes the files ready; shows a progress bar if there is work.

        Arguments
        ---------
        files : sequence of (str, str)
            Source file, and the name inside ``folder`` of its converted form.
        n_jobs : int, optional
            Number of processes; default: one for each processor allowed.

        Returns
        -------
        dict of str to ReadyAudio
            For each source file.

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
                    entry = [ready.path, ready.duration, ready.reason]
                    self._index[source] = stamps[source] + entry
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
        """An index of another rate, or a damaged one, counts as none."""
        try:
            content = json.loads(self._index_path.read_text("utf-8"))
            same_rate = content["sample_rate"] == self.sample_rate
            return content["files"] if same_rate else {}
        except (OSError, ValueError, TypeError, LookupError):
            return {}

    def _write_index(self) -> None:
        content = {"sample_rate": self.sample_rate, "files": self._index}
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


def _make_all_ready(work, n_jobs) -> Iterator[tuple[str, ReadyAudio]]:
    n_jobs = min(n_jobs or _processors(), len(work))
    # None: only on a terminal.
    hide = None if work else True
    bar = tqdm(total=len(work), desc="audio", unit="file", disable=hide)
    with bar:
        for outcome in _run(work, n_jobs):
            bar.update()
            yield outcome


def _run(work, n_jobs) -> Iterator[tuple[str, ReadyAudio]]:
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


def _make_one_ready(job) -> tuple[str, ReadyAudio]:
    return job[0], make_ready(*job)


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed; otherwise it would wait forever."""

    def _wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=_wait, daemon=True).start()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
