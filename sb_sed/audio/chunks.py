"""Where the samples of a WAV, AIFF, W64, CAF or AU lie, by its header.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import NamedTuple

# A size so near to one of these is none, if the file is shorter: what programs
# write that do not know it, less the header or rounded to blocks.
_NONE, _NEAR = (2**31, 2**32, 2**63, 2**64), 2**16
# Fewer bytes behind a size of 0 are no samples.
_LEAST = 16
# Bytes behind the samples that may be anything, as a share of the samples.
_MOST_BEHIND = 0.01
_STEP = 2**20


@dataclass(frozen=True)
class Samples:
    """Where the samples of a file lie.

    Arguments
    ---------
    start : int
        The first byte of them.
    there : int
        Bytes from that to the end of the file.
    is_known : bool
        Whether the header says how many they are.
    goes_on : bool
        Whether there is more behind them than belongs to a recording.
    fields : tuple
        The sizes in the header: place, format as of ``struct``, and what else
        than ``there`` the size counts.

    Example
    -------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, [0.5] * 100, 8000, format="WAV")
    >>> samples = find_samples(file.getvalue()[:40] + b"\\xff" * 4 + bytes(9))
    >>> samples.start, samples.is_known, samples.mended()
    (44, False, [(40, b'\\t\\x00\\x00\\x00'), (4, b'-\\x00\\x00\\x00')])
    """

    start: int
    there: int
    is_known: bool
    goes_on: bool
    fields: tuple[tuple[int, str, int], ...]

    def mended(self) -> list[tuple[int, bytes]]:
        """Return the sizes as they should be: places in the file, and bytes."""
        return [
            (place, struct.pack(form, min(self.there + more, _largest(form))))
            for place, form, more in self.fields
        ]


def find_samples(content: mmap | bytes, base: int = 0) -> Samples | None:
    """Find the samples of a file.

    Arguments
    ---------
    content : mmap | bytes
        The bytes of the file.
    base : int
        Where its header begins.

    Returns
    -------
    Samples, optional
        None if the format is another, or the header does not go so far.
    """
    head = content[base : base + 24]
    if re.match(rb"\.snd|dns\.", head) and len(head) == 24:
        order = ">" if head.startswith(b".") else "<"
        offset, size = struct.unpack(f"{order}4xII", head[:12])
        fields = ((base + 8, f"{order}I", 0),)
        start = base + offset
        return _samples(content, start, [size], start + size, fields)
    for pattern, container in _CONTAINERS.items():
        if re.match(pattern, head):
            return container.find(content, base)
    return None


class _Chunk(NamedTuple):
    """A named part of a file; ``size`` is that of its content."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True)
class _Container:
    """How a format divides its files into chunks.

    Arguments
    ---------
    first : int
        Where the first chunk begins.
    samples : bytes
        Name of the chunk with the samples.
    size : str
        Format of a chunk's size.
    skipped : int
        Bytes before the samples in their chunk.
    header : int
        Bytes of name and size, if a chunk's size counts them.
    multiple : int
        Bytes of which a chunk takes a multiple.
    whole : tuple, optional
        Where the size of the whole is, and how many bytes it does not count.
    """

    first: int
    samples: bytes
    size: str
    skipped: int = 0
    header: int = 0
    multiple: int = 2
    whole: tuple[int, int] | None = (4, 8)

    def find(self, content: mmap | bytes, base: int) -> Samples | None:
        """Find the samples: see ``find_samples``."""
        place, parts, long = base + self.first, [], None
        for chunk in self._chunks(content, place):
            place = chunk.start + max(0, chunk.size)
            if chunk.name == b"ds64" and chunk.size >= 24:
                long = chunk.start
            elif chunk.name == self.samples:
                parts.append(chunk)
        if not parts:
            return None
        sizes = [max(0, part.size - self.skipped) for part in parts]
        start, width = parts[0].start + self.skipped, struct.calcsize(self.size)
        own = parts[0].start - width, self.size, self.skipped + self.header
        fields = [own]
        if self.whole:
            outer, uncounted = self.whole
            fields.append((base + outer, self.size, start - base - uncounted))
        if long:  # sizes of 64 bits
            sizes = list(struct.unpack("<Q", content[long + 8 : long + 16]))
            place = start + sizes[0]
            for chunk in self._chunks(content, place + sizes[0] % 2):
                place = chunk.start + chunk.size
            fields = [(long, "<Q", start - base - 8), (long + 8, "<Q", 0)]
            there = len(content) - start
            fields.append((long + 16, "<Q", -there))  # no number of samples
        return _samples(content, start, sizes, place, fields)

    def _chunks(self, content: mmap | bytes, place: int) -> Iterator[_Chunk]:
        """Chunks from a place on; of others than samples, whole ones."""
        while re.fullmatch(rb"[ -~]{4}", content[place : place + 4]):
            middle = place + len(self.samples)
            start = middle + struct.calcsize(self.size)
            if start > len(content):
                return
            name = content[place:middle]
            [size] = struct.unpack(self.size, content[middle:start])
            size -= self.header
            end = start + max(0, size)
            if name != self.samples and (size < 0 or end > len(content)):
                return
            yield _Chunk(name, start, size)
            # Many programs forget to fill up the last bytes.
            padding = -size % self.multiple
            place = end + padding * (not any(content[end : end + padding]))


_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0O\x8e\xdb\x8a"
_CONTAINERS = {
    rb"(?:RIFF|RF64|BW64)[\s\S]{4}WAVE": _Container(12, b"data", "<I"),
    rb"RIFX[\s\S]{4}WAVE": _Container(12, b"data", ">I"),
    rb"FORM[\s\S]{4}AIF[FC]": _Container(12, b"SSND", ">I", skipped=8),
    rb"riff\x2e\x91\xcf\x11": _Container(
        40, b"data" + _GUID, "<Q", header=24, multiple=8, whole=(16, 0)
    ),
    rb"caff": _Container(8, b"data", ">q", 4, multiple=1, whole=None),
}


def _samples(
    content: mmap | bytes,
    start: int,
    sizes: Sequence[int],
    behind: int,
    fields: Sequence[tuple[int, str, int]],
) -> Samples:
    """What the sizes of all parts with samples, and the rest, say."""
    there, promised = max(0, len(content) - start), sum(sizes)
    if promised:
        near = min(abs(promised - none) for none in _NONE) <= _NEAR
        is_known = promised <= there or not near
    else:
        # With other chunks behind them, they are really none.
        is_known = behind > start or len(content) - behind < _LEAST
    n_more = _extent(content, behind)
    goes_on = sum(map(bool, sizes)) > 1 or n_more > _MOST_BEHIND * promised
    return Samples(start, there, is_known, is_known and goes_on, tuple(fields))


def _largest(form: str) -> int:
    return 256 ** struct.calcsize(form) // (2 if form.islower() else 1) - 1


def _extent(content: mmap | bytes, place: int) -> int:
    """Bytes from the first to the last that is not 0, from a place on."""
    steps = range(place, len(content), _STEP)
    first, last = len(content), place
    for at in steps:
        if block := content[at : at + _STEP].lstrip(b"\0"):
            first = min(at + _STEP, len(content)) - len(block)
            break
    for at in reversed(steps):
        if block := content[at : at + _STEP].rstrip(b"\0"):
            last = at + len(block)
            break
    return max(0, last - first)
