"""The pages of an Ogg file, each with a number and a checksum.

libogg passes over pages that are damaged or missing, and the decoder goes on
with the next: the recording becomes shorter and nobody is told.

Authors
 * sb_sed contributors 2026
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"OggS"
# Version, flags, granule position, stream, number, checksum, segments.
_HEADER = struct.Struct("<4xBBqIIIB")
_FIRST, _LAST = 2, 4  # flags
# Ogg's checksum is zlib's with all bits in the other order.
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg_fault(path: str | Path) -> str:
    """What is wrong with the pages of an Ogg file.

    Arguments
    ---------
    path : str or Path
        An Ogg file that is not empty.

    Returns
    -------
    str
        Such as ``cut off: its end is missing``; empty if they are all there.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.ogg"
    >>> soundfile.write(path, [0.0] * 9000, 8000)
    >>> ogg_fault(path)
    ''
    >>> _ = path.write_bytes(path.read_bytes()[:-9])
    >>> ogg_fault(path)
    'cut off: its end is missing'
    """
    following: dict[int, int] = {}  # stream -> number of its next page
    with _mapped(path) as content:
        for place, flags, stream, number, sound in _pages(content):
            if not sound:
                if content.find(_MAGIC, place + 4) < 0:
                    break
                return f"damaged: its page at byte {place} is not as written"
            if flags & _FIRST:
                following[stream] = number
            if number != following.pop(stream, number):
                return f"damaged: pages before byte {place} are missing"
            if not flags & _LAST:
                following[stream] = number + 1
        return "cut off: its end is missing" if following else ""


def n_recordings(path: str | Path) -> int:
    """How many recordings follow one another in an Ogg file.

    Arguments
    ---------
    path : str or Path
        An Ogg file that is not empty.

    Returns
    -------
    int
        1, unless files were joined. Streams side by side, such as pictures
        beside the sound, are one recording.
    """
    number, playing = 0, set()
    with _mapped(path) as content:
        for _, flags, stream, *_ in _pages(content):
            if flags & _FIRST:
                number += not playing
                playing.add(stream)
            if flags & _LAST:
                playing.discard(stream)
    return number


def _pages(content: mmap.mmap) -> Iterator[tuple[int, int, int, int, bool]]:
    """Place, flags, stream, number of each page, and whether it is sound."""
    place = content.find(_MAGIC)
    while place >= 0:
        end = place + _HEADER.size
        if end > len(content):
            yield place, 0, 0, 0, False
            return
        _, flags, _, stream, number, checksum, n_segments = _HEADER.unpack(
            content[place:end]
        )
        end += n_segments
        end += sum(content[end - n_segments : end])
        page = bytearray(content[place:end])
        page[22:26] = bytes(4)
        sound = end <= len(content) and _checksum(page) == checksum
        yield place, flags, stream, number, sound
        place = content.find(_MAGIC, end if sound else place + 4)


def _checksum(page: bytes) -> int:
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _mapped(path: str | Path) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
