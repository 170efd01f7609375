"""Recordings of any format, rate and length, read in pieces.

Only a few seconds are in memory at a time. What comes out is what
``sb_sed.data.audio`` gives for the whole file: the mean of the channels at the
wanted rate.

Authors
 * sb_sed contributors 2026
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf
import soxr

from sb_sed.data.audio import UnusableAudio

# Samples of a piece, all channels counted.
_BLOCK = 2**18
# Recorders that do not know the length when they begin promise about 4 GB.
_UNKNOWN_BYTES = 0x7FFF0000
# Rates at which sounds are recorded. Damaged headers name any.
_RATES = (1000, 768000)

# Where the samples of 16 bits end, and from where on many of them are clipped.
_FULL_SCALE, _CLIPPED_SHARE = 0.9999, 0.01

PCM_FORMATS = {"u8": "u1", "s16": "<i2", "s32": "<i4", "f32": "<f4"}


class Recording:
    """A recording that is read piece by piece, once, and what it is like.

    Arguments
    ---------
    blocks : Iterable[np.ndarray]
        Its samples, in pieces [N].

    Attributes
    ----------
    n_samples : int
        Read so far.

    Example
    -------
    >>> recording = Recording([np.zeros(3), np.zeros(2)])
    >>> len(list(recording)), recording.n_samples, recording.notes()
    (2, 5, ['is silent'])
    """

    def __init__(self, blocks: Iterable[np.ndarray]):
        self.blocks = blocks
        self.n_samples = 0
        self._peak, self._n_full = 0.0, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        """The pieces."""
        for block in self.blocks:
            levels = np.abs(block)
            self.n_samples += len(block)
            self._peak = max(self._peak, float(levels.max(initial=0)))
            self._n_full += int((levels >= _FULL_SCALE).sum())
            yield block

    def notes(self) -> list[str]:
        """What its user should know of it, once it has been read.

        Returns
        -------
        list of str
            Such as ``is silent``, to go after the file's name.
        """
        notes = []
        if self._peak == 0:
            notes.append("is silent")
        share = self._n_full / max(self.n_samples, 1)
        if share >= _CLIPPED_SHARE:
            notes.append(f"is clipped ({share:.0%} of it is at full scale)")
        return notes


def read_blocks(path: str | Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Reads a file in pieces.

    Arguments
    ---------
    path : str | Path
        Any file that libsndfile reads (WAV, FLAC, Ogg, MP3, …).
    sample_rate : int
        Samples per second wanted.

    Yields
    ------
    np.ndarray
        Samples, float32 [N], full scale is 1.

    Raises
    ------
    UnusableAudio
        If the file is missing, empty, not audio or cut off, holds NaN or
        infinite samples, or has a rate at which nothing is recorded.

    Example
    -------
    >>> path = getfixture("tmp_path") / "stereo.wav"
    >>> sf.write(path, np.zeros((44100, 2)), 44100)
    >>> sum(len(block) for block in read_blocks(path, 16000))
    16000
    """
    if not os.path.exists(path):
        raise UnusableAudio("no such file, or a broken link")
    if os.path.isdir(path):
        raise UnusableAudio("a folder, not a recording")
    if os.path.getsize(path) == 0:
        raise UnusableAudio("empty file (0 bytes)")
    try:
        with sf.SoundFile(path) as file:
            _check_whole(file)
            mono = (block.mean(axis=1) for block in _pieces(file))
            yield from _resampled(mono, file.samplerate, sample_rate)
    except UnusableAudio:
        raise
    # A damaged header can also promise sizes that do not fit in memory.
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        raise UnusableAudio(f"unreadable: {_one_line(error)}") from error


def read_pcm(
    stream: BinaryIO, rate: int, kind: str, channels: int, sample_rate: int
) -> Iterator[np.ndarray]:
    """Reads raw samples from a stream, such as standard input, in pieces.

    Arguments
    ---------
    stream : BinaryIO
        Interleaved little-endian samples without a header.
    rate : int
        Samples per second and channel of the stream.
    kind : str
        One of ``PCM_FORMATS``: unsigned 8-bit, signed 16-bit or 32-bit
        integers, or 32-bit floats.
    channels : int
        Of the stream.
    sample_rate : int
        Samples per second wanted.

    Yields
    ------
    np.ndarray
        Samples, float32 [N], full scale is 1.

    Raises
    ------
    UnusableAudio
        If nothing comes, or samples are NaN or infinite.

    Example
    -------
    >>> import io
    >>> raw = np.array([0, 16384, -32768], "<i2").tobytes()
    >>> list(read_pcm(io.BytesIO(raw), 16000, "s16", 1, 16000))
    [array([ 0. ,  0.5, -1. ], dtype=float32)]
    """
    yield from _resampled(_decoded(stream, kind, channels), rate, sample_rate)


def _pieces(file: sf.SoundFile) -> Iterator[np.ndarray]:
    """Pieces [N, channels] of a file that must hold what its header says."""
    n_frames, size = 0, max(1, _BLOCK // file.channels)
    while True:
        try:
            block = file.read(size, dtype="float32", always_2d=True)
        except sf.SoundFileError as error:
            raise UnusableAudio(
                f"damaged or cut off ({_one_line(error)})"
            ) from error
        if not len(block):
            break
        n_frames += len(block)
        yield block
    # Without an index, the length of an MP3 is an estimate.
    if n_frames < file.frames * (0.9 if file.format == "MP3" else 1):
        raise _cut_off(
            n_frames / file.samplerate, file.frames / file.samplerate
        )


def _check_whole(file: sf.SoundFile) -> None:
    """Finds out what libsndfile passes over: a WAV or Ogg that is cut off."""
    if match := re.search(
        r"^data : (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE
    ):
        promised, present = map(int, match.groups())
        if present < promised < _UNKNOWN_BYTES:
            seconds = file.frames / file.samplerate
            raise _cut_off(seconds, seconds * promised / max(present, 1))
    if "lacks an end-of-stream bit" in file.extra_info:
        raise UnusableAudio("cut off: its end is missing")


def _one_line(error: BaseException) -> str:
    # soundfile also gives its text without the path, which is known here.
    text = getattr(error, "error_string", str(error))
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def _cut_off(present: float, promised: float) -> UnusableAudio:
    return UnusableAudio(
        f"cut off: {present:.2f} s of {promised:.2f} s are there"
    )


def _decoded(
    stream: BinaryIO, kind: str, channels: int
) -> Iterator[np.ndarray]:
    sample = np.dtype(PCM_FORMATS[kind])
    width = sample.itemsize * channels
    rest = b""
    while data := stream.read(_BLOCK):
        data = rest + data
        whole = len(data) // width * width
        rest = data[whole:]
        values = np.frombuffer(data[:whole], sample).astype(np.float32)
        if sample.kind == "u":
            values -= 128
        if sample.kind != "f":
            values /= 2.0 ** (8 * sample.itemsize - 1)
        yield values.reshape(-1, channels).mean(axis=1)


def _resampled(
    blocks: Iterable[np.ndarray], rate: int, sample_rate: int
) -> Iterator[np.ndarray]:
    """What ``sb_sed.data.audio.resample`` gives for the whole, in pieces."""
    low, high = _RATES
    if not low <= rate <= high:
        raise UnusableAudio(
            f"has a rate of {rate} Hz, outside of {low} to {high} Hz"
        )
    resampler = None
    if rate != sample_rate:
        resampler = soxr.ResampleStream(
            rate, sample_rate, 1, dtype="float32", quality="HQ"
        )
    n_read = n_given = 0
    for block in blocks:
        if not np.isfinite(block).all():
            second = (n_read + int(np.argmin(np.isfinite(block)))) / rate
            raise UnusableAudio(
                f"holds NaN or infinite samples (first at {second:.2f} s)"
            )
        n_read += len(block)
        if resampler:
            block = resampler.resample_chunk(block)
        n_given += len(block)
        if len(block):
            yield block
    if n_read == 0:
        raise UnusableAudio("holds no samples")
    if resampler:
        block = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        n_given += len(block)
        if len(block):
            yield block
    if n_given == 0:
        raise UnusableAudio(f"only {n_read} samples at {rate} Hz")
