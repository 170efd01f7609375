"""Recordings of any format, rate and length: whole and in blocks.

All of it gives the same samples: one channel, at the rate that is wanted. A
file that is damaged or cut off is an error, never a shorter recording.

Authors
 * sb_sed contributors 2026
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soxr

from sb_sed.audio.downmix import Downmix
from sb_sed.audio.headers import AudioFile
from sb_sed.audio.integrity import continues, fault, shortfall
from sb_sed.audio.kinds import ENOUGH_FRAMES, foreign

# Samples of a block, all channels counted.
_BLOCK = 2**18
# Rates at which recordings are made. Damaged headers name any.
_RATES = (1000, 768000)
# Times full scale. Integers of 32 bits read as floats reach 2e9; what is far
# beyond is damage, and spectrograms of it overflow.
_MOST = 1e10
# Where the samples of 16 bits end, and the share of them that means clipping.
_FULL_SCALE, _CLIPPED_SHARE = 0.9999, 0.01
# What libsndfile says where the file is to blame, and what is meant.
_OBSCURE = {
    "possibly a pipe": "no audio was found in it",
    "nternal": "its header is damaged",
    "flac decoder": "its frames are damaged or end early",
}
_HEADERLESS = "has no header that says how to read it"


class UnusableAudio(ValueError):
    """A recording that cannot be used; the text is the reason."""


class Recording:
    """A recording that is read block by block, once, with its statistics.

    Arguments
    ---------
    blocks : Iterable[np.ndarray]
        Its samples, in blocks [N].

    Attributes
    ----------
    n_samples : int
        Read so far.
    peak : float
        The largest magnitude so far.

    Example
    -------
    >>> recording = Recording([np.zeros(3), np.zeros(2)])
    >>> len(list(recording)), recording.n_samples, recording.notes()
    (2, 5, ['is silent'])
    """

    def __init__(self, blocks: Iterable[np.ndarray]):
        self.blocks = blocks
        self.n_samples, self.peak = 0, 0.0
        self._n_full = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the blocks."""
        for block in self.blocks:
            levels = np.abs(block)
            self.n_samples += len(block)
            self.peak = max(self.peak, float(levels.max(initial=0)))
            self._n_full += int((levels >= _FULL_SCALE).sum())
            yield block

    def notes(self) -> list[str]:
        """Return what its user should know of it, once it has been read.

        Each note, such as ``is silent``, goes after the name of the file.
        """
        notes = []
        if self.peak == 0:
            notes.append("is silent")
        share = self._n_full / max(self.n_samples, 1)
        if share >= _CLIPPED_SHARE:
            notes.append(f"is clipped ({share:.0%} of it is at full scale)")
        return notes


def file_notes(path: str | Path) -> list[str]:
    """Return notes, as of ``Recording.notes``, that the file itself gives."""
    notes = []
    try:
        with AudioFile(path) as file:
            if file.is_open_ended:
                notes.append(
                    "has a header without its length: it was read to the end "
                    "of the file"
                )
        if continues(path):
            notes.append(
                "goes on behind the end that its header names, which is not "
                "read"
            )
    except (OSError, RuntimeError, ValueError):  # it is gone by now
        pass
    return notes


def read_mono(
    path: str | Path,
    sample_rate: int | None = None,
    note: Callable[[str], None] | None = None,
) -> tuple[np.ndarray, int]:
    """Read a whole audio file as the mean of its channels.

    Where the channels cancel each other, it is one of them.

    Arguments
    ---------
    path : str | Path
        Any file that libsndfile reads (WAV, FLAC, Ogg, MP3, …).
    sample_rate : int, optional
        Samples per second wanted; default: those of the file.
    note : Callable[[str], None], optional
        Called with what its user should know, as of ``Recording.notes``.

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
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "stereo.wav"
    >>> sf.write(path, np.array([[0.5, 0.25], [0.0, -0.5]]), 44100)
    >>> read_mono(path)
    (array([ 0.375, -0.25 ], dtype=float32), 44100)
    """
    with open_audio(path) as file:
        rate = sample_rate or file.samplerate
    return np.concatenate(list(read_blocks(path, rate, note))), rate


def read_blocks(
    path: str | Path,
    sample_rate: int,
    note: Callable[[str], None] | None = None,
) -> Iterator[np.ndarray]:
    """Read an audio file as :func:`read_mono`, in blocks of a few seconds.

    Yields
    ------
    np.ndarray
        float32 [N], full scale is 1.

    Example
    -------
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "stereo.wav"
    >>> sf.write(path, np.zeros((44100, 2)), 44100)
    >>> sum(len(block) for block in read_blocks(path, 16000))
    16000
    """
    with open_audio(path) as file:
        rate = file.samplerate
        yield from resampled(_blocks(file), rate, sample_rate, note)
    for phrase in file_notes(path) if note else ():
        note(phrase)


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Change the sampling rate of samples [time] with soxr's HQ filter.

    Example
    -------
    >>> resample(np.zeros(44100, dtype="float32"), 44100, 16000).shape
    (16000,)
    """
    return soxr.resample(samples, rate, new_rate, quality="HQ")


@contextmanager
def open_audio(path: str | Path) -> Iterator[AudioFile]:
    """Open an audio file; every error inside the block is taken for its fault.

    Raises
    ------
    UnusableAudio
        If the file is missing, empty, not audio, cut off or damaged, or has a
        rate at which nothing is recorded.

    Example
    -------
    >>> with open_audio("nowhere.wav"):
    ...     pass
    Traceback (most recent call last):
    sb_sed.audio.reading.UnusableAudio: no such file, or a broken link
    """
    _check_there(path)
    try:
        with open(path, "rb") as stream:
            if reason := foreign(stream.read(ENOUGH_FRAMES)):
                raise UnusableAudio(reason)
        with AudioFile(path) as file:
            if file.format == "RAW":  # a guess from the name
                raise UnusableAudio(_HEADERLESS)
            if reason := fault(file):
                raise UnusableAudio(reason)
            check_rate(file.samplerate)
            yield file
    except UnusableAudio:
        raise
    # A damaged header can also promise sizes that do not fit in memory.
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        raise UnusableAudio(f"unreadable: {one_line(error)}") from error


def check_samples(samples: np.ndarray, rate: int, n_before: int = 0) -> None:
    """Raise UnusableAudio for samples that are no sound.

    Arguments
    ---------
    samples : np.ndarray
        [time, channels], full scale is 1.
    rate : int
        Samples per second.
    n_before : int
        Samples that came before, for the error message.

    Raises
    ------
    UnusableAudio
        If samples are NaN, infinite or far beyond full scale.

    Example
    -------
    >>> check_samples(np.array([[0.5], [np.nan]]), 2)
    Traceback (most recent call last):
    sb_sed.audio.reading.UnusableAudio: holds NaN or infinite samples (first ...
    """
    if np.abs(samples).max(initial=0) <= _MOST:  # False for NaN, too
        return
    wrong = ~(np.abs(samples) <= _MOST).all(axis=1)
    first = int(wrong.argmax())
    found = np.abs(samples[first])
    what = "NaN or infinite samples"
    if np.isfinite(found).all():
        what = f"samples of {found.max():.0e} times full scale"
    second = (n_before + first) / rate
    raise UnusableAudio(f"holds {what} (first at {second:.2f} s)")


def one_line(error: BaseException) -> str:
    """Return what soundfile, soxr or Python say, without the file's path."""
    text = getattr(error, "error_string", str(error))
    for words, meaning in _OBSCURE.items():
        if words in text:
            return meaning
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def check_rate(rate: int) -> None:
    """Raise UnusableAudio for a rate at which nothing is recorded."""
    low, high = _RATES
    if not low <= rate <= high:
        raise UnusableAudio(
            f"has a rate of {rate} Hz, outside of {low} to {high} Hz"
        )


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Drop what C libraries write to the standard error, not what Python does.

    libmpg123 comments on every damaged MP3 there and has no switch for it.
    """
    try:
        original = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    before = sys.stderr
    before.flush()
    with (
        open(os.devnull, "wb") as nowhere,
        open(original, "w", 1, before.encoding, before.errors) as ours,
    ):
        os.dup2(nowhere.fileno(), 2)
        if before is sys.__stderr__:
            sys.stderr = ours
        try:
            yield
        finally:
            sys.stderr = before
            os.dup2(original, 2)


def _check_there(path: str | Path) -> None:
    """Raise UnusableAudio where there is no file that can be opened."""
    if not os.path.exists(path):
        raise UnusableAudio("no such file, or a broken link")
    if os.path.isdir(path):
        raise UnusableAudio("a folder, not a recording")
    if not os.path.isfile(path):  # opening a pipe would wait for its writer
        raise UnusableAudio("a pipe or device, not a recording")
    if os.path.getsize(path) == 0:
        raise UnusableAudio("empty file (0 bytes)")
    if Path(path).suffix.lower() == ".raw":
        raise UnusableAudio(_HEADERLESS)


def _blocks(file: AudioFile) -> Iterator[np.ndarray]:
    """Blocks [N, channels] of a file that must hold what its header says."""
    n_frames, most = 0, max(1, _BLOCK // file.channels)
    # Not beyond the end: what is there may be no audio.
    while size := min(most, file.frames - n_frames):
        block = file.read(size, dtype="float32", always_2d=True)
        if not len(block):
            break
        n_frames += len(block)
        yield block
    if reason := shortfall(file, n_frames):
        raise UnusableAudio(reason)


def resampled(
    blocks: Iterable[np.ndarray],
    rate: int,
    sample_rate: int,
    note: Callable[[str], None] | None = None,
) -> Iterator[np.ndarray]:
    """Yield blocks [N, C] as one channel at another rate, as of ``read_mono``.

    It is what :func:`resample` gives for :class:`~sb_sed.audio.downmix.Downmix`
    of all.
    """
    downmix = Downmix(rate, note)
    resampler = None
    if rate != sample_rate:
        resampler = soxr.ResampleStream(
            rate, sample_rate, 1, dtype="float32", quality="HQ"
        )
    n_read = n_yielded = 0
    for block in blocks:
        check_samples(block, rate, n_read)
        n_read += len(block)
        block = downmix(block)
        if resampler:
            block = resampler.resample_chunk(block)
        n_yielded += len(block)
        if len(block):
            yield block
    if n_read == 0:
        raise UnusableAudio("holds no samples")
    if resampler:
        block = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        n_yielded += len(block)
        if len(block):
            yield block
    if n_yielded == 0:
        raise UnusableAudio(f"only {n_read} samples at {rate} Hz")
