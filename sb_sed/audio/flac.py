"""Which samples the frames of a FLAC hold, whatever its header says.

The layout is that of RFC 9639.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

# Marker, and the header of the block that is always the first, with its size:
# it may be the last as well.
_BEGINNINGS = b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22"
# Bytes to the total of the samples: the lower half of one, and four more.
_TOTAL = 21
# Last frames that are looked at, where some turn out to be none.
_TRIES = 1000


class FlacExtent(NamedTuple):
    """What a FLAC promises, and what is in it.

    Arguments
    ---------
    promised : int
        Samples of each channel, as the header says; 0 if it does not.
    first, end : int
        Numbers of the first sample, and of the one behind the last. In a part
        of a longer FLAC they are those in the whole. If the promise can be
        true, nobody has looked for the end.
    """

    promised: int
    first: int
    end: int


class _Frame(NamedTuple):
    """A frame: the number of its first sample, and its length."""

    number: int
    length: int


def flac_extent(content: mmap | bytes, start: int = 0) -> FlacExtent | None:
    """Find the first and the last frame of a FLAC.

    Arguments
    ---------
    content : mmap | bytes
        The bytes of the file.
    start : int
        Where the FLAC begins in it.

    Returns
    -------
    FlacExtent, optional
        None if there is no FLAC, or no frame in it.

    Example
    -------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, [0.0] * 10000, 8000, format="FLAC")
    >>> flac_extent(file.getvalue())
    FlacExtent(promised=10000, first=0, end=10000)
    """
    if content[start : start + 8] not in _BEGINNINGS:
        return None
    info = content[start + 8 : start + 42]
    place, is_last = start + 4, False
    while not is_last and place + 4 <= len(content):
        is_last = content[place] >= 0x80
        size = int.from_bytes(content[place + 1 : place + 4], "big")
        place += 4 + size
    if len(info) < 34 or not (first := _frame(content, place, info)):
        return None
    promised = int.from_bytes(info[13:18], "big") & 0xFFFFFFFFF
    if promised and not first.number:
        return FlacExtent(promised, 0, promised)
    end, stop = first.number + first.length, flac_behind(content, start)
    for frame, before in _last_frames(content, place, stop, info):
        if before and frame.number == before.number + before.length:
            end = frame.number + frame.length
            break
    return FlacExtent(promised, first.number, end)


def flac_behind(content: mmap | bytes, start: int = 0) -> int:
    """Return where another FLAC begins behind the one at ``start``.

    That is the end of the file if there is none.
    """
    places = [content.find(one, start + 4) for one in _BEGINNINGS]
    return min((place for place in places if place >= 0), default=len(content))


def total_of_samples(
    content: mmap | bytes, start: int, total: int
) -> tuple[int, bytes]:
    """Return a place in the header, and the bytes with another total."""
    place = start + _TOTAL
    others = content[place] & 0xF0
    return place, (others << 32 | total).to_bytes(5, "big")


def _last_frames(
    content: mmap | bytes, start: int, stop: int, info: bytes
) -> Iterator[tuple[_Frame, _Frame | None]]:
    """Frames from the last one back, each with the one before it.

    Samples may look like the beginning of a frame; then its number is not
    that which follows the one before it.
    """
    sync, later = content[start : start + 2], []
    for _ in range(_TRIES):
        stop = content.rfind(sync, start, stop + 1)
        if stop < 0:
            return
        if frame := _frame(content, stop, info):
            for candidate in later:
                yield candidate, frame
            later = [*later[-8:], frame]


def _frame(content: mmap | bytes, place: int, info: bytes) -> _Frame | None:
    """The frame that begins at a place, if one does."""
    header = content[place : place + 16]
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xFE != 0xF8:
        return None
    size, rate = header[2] >> 4, header[2] & 15
    if not size or rate == 15 or header[3] & 1 or header[3] >> 4 > 10:
        return None
    # As UTF-8 does it, but up to 36 bits.
    n_ones = 8 - (header[4] ^ 0xFF).bit_length()
    if n_ones in (1, 8):
        return None
    number = header[4] & 0x7F >> n_ones
    at = 5
    for byte in header[5 : 4 + n_ones]:
        if byte & 0xC0 != 0x80:
            return None
        number, at = number << 6 | byte & 0x3F, at + 1
    length = 192 if size == 1 else 144 << size if size < 6 else 1 << size
    if size in (6, 7):
        length = 1 + int.from_bytes(header[at : at + size - 5], "big")
        at += size - 5
    at += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if at >= len(header) or _checksum(header[:at]) != header[at]:
        return None
    if not header[1] & 1:  # of a fixed length, so the frames are counted
        number *= int.from_bytes(info[2:4], "big")
    return _Frame(number, length)


def _checksum(header: bytes) -> int:
    """CRC-8 with the polynomial 7."""
    crc = 0
    for byte in header:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 7 * (crc >> 7)) & 0xFF
    return crc
