"""Audio files, opened with a length also where their header does not say it.

Programs that write into a pipe, and recorders that lose their power, leave the
length in the header open: as 0, or as a number that no file has. libsndfile
then finds no samples, or too many. The samples are in the file, so they are
counted, and libsndfile gets to see the header that belongs to them.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from sb_sed.audio.chunks import find_samples
from sb_sed.audio.flac import flac_extent, total_of_samples
from sb_sed.audio.kinds import behind_tags
from sb_sed.audio.mp3 import mended_index

# What libsndfile reads quickly from any place on, to the sample. Codecs that
# lose something decode slowly, and seek inexactly or not at all.
_PLAIN_FORMATS = {"WAV", "WAVEX", "RF64", "FLAC"}
_PLAIN_SUBTYPES = {"PCM_U8", "PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT",
                   "DOUBLE", "ULAW", "ALAW"}  # fmt: skip


class AudioFile(sf.SoundFile):
    """An audio file, opened to be read once, from its beginning to its end.

    Arguments
    ---------
    path : str | Path
        Any file that libsndfile reads and that is not empty.

    Attributes
    ----------
    path : str | Path
        As given.
    is_open_ended : bool
        Whether the header does not say how long the recording is, so that
        nobody knows whether all of it is there.

    Raises
    ------
    soundfile.LibsndfileError
        If libsndfile cannot open it.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, [0.5] * 100, 8000)
    >>> content = path.read_bytes()
    >>> _ = path.write_bytes(content[:40] + bytes(4) + content[44:])
    >>> sf.SoundFile(path).frames, AudioFile(path).frames
    (0, 100)
    """

    _mended: _Mended | None = None

    def __init__(self, path: str | Path):
        self.path = path
        with mapped(path) as content:
            self._lacking = _lacking(content)
        self.is_open_ended = self._lacking.is_open_ended
        if self._lacking != _Lacking():
            self._mended = _Mended(path, self._lacking)
        super().__init__(self._mended or os.fsencode(path))

    @property
    def frames(self) -> int:
        """Samples of each channel."""
        counted = self._lacking.n_frames
        return super().frames if counted is None else counted

    @property
    def is_counted(self) -> bool:
        """Whether ``frames`` is what is there, not what is promised."""
        return self._lacking.n_frames is not None

    @property
    def is_plain(self) -> bool:
        """Whether libsndfile alone reads any part of it, to the sample."""
        return (
            self._lacking == _Lacking()
            and self.format in _PLAIN_FORMATS
            and self.subtype in _PLAIN_SUBTYPES
        )

    def seekable(self) -> bool:
        """Return False: soundfile would seek after each block that is read.

        Some codecs cannot, others are inexact, and all take time for it.
        """
        return False

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self._mended:
            self._mended.close()


def mapped(path: str | Path) -> mmap.mmap:
    """Return the bytes of a file, without reading all of them into memory."""
    with open(path, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


@dataclass(frozen=True)
class _Lacking:
    """What keeps libsndfile from reading a file to its end.

    Arguments
    ---------
    patches : tuple
        Places in the file, and the bytes that belong there.
    start : int
        What it has before its header.
    n_frames : int, optional
        Samples of each channel, where they can only be read one by one.
    is_open_ended : bool
        See ``AudioFile``.
    """

    patches: tuple[tuple[int, bytes], ...] = ()
    start: int = 0
    n_frames: int | None = None
    is_open_ended: bool = False


def _lacking(content: mmap.mmap) -> _Lacking:
    start = behind_tags(content)
    if samples := find_samples(content, start):
        patches = () if samples.is_known else tuple(samples.mended())
        return _Lacking(patches, start, None, not samples.is_known)
    flac = flac_extent(content, start)
    if flac and (flac.first or not flac.promised):
        # A part of a longer FLAC has frames with their numbers in the whole,
        # which libFLAC takes for times: it stops by them, and must not seek.
        total = total_of_samples(content, start, flac.end)
        return _Lacking((total,), start, flac.end - flac.first)
    if not flac and (number := mended_index(content)):
        return _Lacking((number,), start, is_open_ended=True)
    # libsndfile knows ID3 tags, but no others.
    is_odd = content.find(b"APETAGEX", 0, start) >= 0
    return _Lacking(start=start * is_odd)


class _Mended:
    """A file in which some bytes are read as others, from a place on."""

    def __init__(self, path: str | Path, lacking: _Lacking):
        self._file, self._start = open(path, "rb"), lacking.start
        self._patches = lacking.patches
        self.close = self._file.close
        self.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; return it."""
        if whence == os.SEEK_SET:
            offset += self._start
        return self._file.seek(offset, whence) - self._start

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell() - self._start

    def readinto(self, buffer) -> int:
        """Fill a buffer with the next bytes; return how many there were."""
        first = self._file.tell()
        n_bytes = self._file.readinto(buffer)
        for place, patch in self._patches:
            for at, byte in enumerate(patch, place - first):
                if 0 <= at < n_bytes:
                    buffer[at : at + 1] = bytes([byte])
        return n_bytes
