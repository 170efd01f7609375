"""Recordings of any format, rate and length, read in pieces.

Only a few seconds are in memory at a time. What comes out is what
``sb_sed.audio.store`` gives for the whole file: the mean of the channels at the
wanted rate.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf
import soxr

from sb_sed.audio.containers import goes_on, shortfall
from sb_sed.audio.reading import (
    UnusableAudio,
    check_rate,
    mixed_down,
    one_line,
    open_audio,
)

# Samples of a piece, all channels counted.
_BLOCK = 2**18

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
    with open_audio(path) as file:
        yield from _resampled(_pieces(file), file.samplerate, sample_rate)


def file_notes(path: str | Path) -> list[str]:
    """What the user of a file should know that its samples do not tell.

    Arguments
    ---------
    path : str | Path
        A file that has been read.

    Returns
    -------
    list of str
        As of ``Recording.notes``.
    """
    try:
        more = goes_on(path)
    except (OSError, RuntimeError, ValueError):  # it is gone by now
        return []
    return ["goes on behind the end that its header names, unheard"] * more


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
    check_rate(rate)
    yield from _resampled(_decoded(stream, kind, channels), rate, sample_rate)


def _pieces(file: sf.SoundFile) -> Iterator[np.ndarray]:
    """Pieces [N, channels] of a file that must hold what its header says."""
    n_frames, size = 0, max(1, _BLOCK // file.channels)
    while True:
        try:
            block = file.read(size, dtype="float32", always_2d=True)
        except sf.SoundFileError as error:
            raise UnusableAudio(
                f"damaged or cut off ({one_line(error)})"
            ) from error
        if not len(block):
            break
        n_frames += len(block)
        yield block
    if reason := shortfall(file, n_frames):
        raise UnusableAudio(reason)


def _decoded(
    stream: BinaryIO, kind: str, channels: int
) -> Iterator[np.ndarray]:
    """Pieces [N, channels]; of the last sample all channels or none."""
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
        yield values.reshape(-1, channels)


def _resampled(
    blocks: Iterable[np.ndarray], rate: int, sample_rate: int
) -> Iterator[np.ndarray]:
    """What ``sb_sed.audio.store.resample`` gives for the whole, in pieces."""
    resampler = None
    if rate != sample_rate:
        resampler = soxr.ResampleStream(
            rate, sample_rate, 1, dtype="float32", quality="HQ"
        )
    n_read = n_given = 0
    for block in blocks:
        block = mixed_down(block, rate, n_read)
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
