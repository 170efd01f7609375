"""Audio from a pipe: raw samples, and files whose header says what they are.

Authors
 * sb_sed contributors 2026
"""

import io
from collections.abc import Callable, Iterator
from tempfile import NamedTemporaryFile, gettempdir
from typing import IO, BinaryIO, Literal

import numpy as np
import soundfile as sf

from sb_sed.audio.kinds import (
    ENOUGH,
    ENOUGH_FRAMES,
    container,
    foreign,
    may_be_frames,
)
from sb_sed.audio.reading import (
    UnusableAudio,
    check_rate,
    one_line,
    open_audio,
    read_blocks,
    resampled,
)

PCM_FORMATS = {"u8": "u1", "s16": "<i2", "s32": "<i4", "f32": "<f4"}
_BLOCK = 2**18  # bytes
# Bytes of a sample, where blocks of a WAV can be decoded one by one.
_WIDTHS = {
    "PCM_U8": 1,
    "ULAW": 1,
    "ALAW": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
}
_MOST_HEADER = 2**22


def read_piped(
    stream: BinaryIO,
    rate: int,
    kind: str,
    channels: int,
    sample_rate: int,
    live: bool = False,
    recognised: Callable[[str, int], None] = lambda name, rate: None,
    note: Callable[[str], None] | None = None,
) -> Iterator[np.ndarray]:
    """Read a stream, such as standard input, in blocks.

    A stream that begins with the header of an audio file is decoded as that,
    whatever it was said to be; what cannot be read is refused.

    Arguments
    ---------
    stream : BinaryIO
        Interleaved little-endian samples, or an audio file.
    rate : int
        Samples per second and channel, if they are raw.
    kind : str
        One of ``PCM_FORMATS``, if they are raw: unsigned 8-bit, signed 16-bit
        or 32-bit integers, or 32-bit floats.
    channels : int
        Of raw samples.
    sample_rate : int
        Samples per second wanted.
    live : bool
        Whether blocks are wanted as soon as they are there. An audio file other
        than WAV is then refused; otherwise it is read to its end first.
    recognised : Callable[[str, int], None]
        Called with the format's name and the rate if the stream is an audio
        file that can be read.
    note : Callable[[str], None], optional
        Called with what its user should know, as of ``Recording.notes``.

    Yields
    ------
    np.ndarray
        float32 [N], full scale is 1.

    Raises
    ------
    UnusableAudio
        If the stream is empty, holds NaN or infinite samples, or is a file that
        is damaged, cut off, or cannot be read.

    Example
    -------
    >>> raw = np.array([0, 16384, -32768], "<i2").tobytes()
    >>> list(read_piped(io.BytesIO(raw), 16000, "s16", 1, 16000))
    [array([ 0. ,  0.5, -1. ], dtype=float32)]
    """
    check_rate(rate)
    ahead = _Ahead(stream, live)
    if reason := foreign(ahead.head):
        raise UnusableAudio(reason)
    name = container(ahead.head)
    if not name:
        blocks = _decoded(ahead, kind, channels)
        yield from resampled(blocks, rate, sample_rate, note)
        return
    if not live:
        with NamedTemporaryFile(prefix="sb_sed.") as file:
            _keep(ahead, file)
            with open_audio(file.name) as audio:
                name = audio.format if name == "ID3" else name
                recognised(name, audio.samplerate)
            yield from read_blocks(file.name, sample_rate, note)
    elif name == "WAV":
        wav = _LiveWav(ahead)
        recognised(name, wav.rate)
        yield from resampled(wav.blocks(), wav.rate, sample_rate, note)
    else:
        raise UnusableAudio(
            f"a file in the format {name} can be read only as a whole: send "
            "WAV or raw samples, or leave out --stream"
        )


class _Ahead:
    """A stream whose first bytes can be looked at."""

    def __init__(self, stream: BinaryIO, live: bool):
        self._stream = stream
        self.head = b""
        self._fill(ENOUGH)
        # Those of a live stream are waited for only where they may begin.
        if not live or may_be_frames(self.head):
            self._fill(ENOUGH_FRAMES)
        self._left = self.head

    def _fill(self, size: int) -> None:
        while len(self.head) < size and (data := self._stream.read(_BLOCK)):
            self.head += data

    def read(self) -> bytes:
        """Return the next bytes, at least one before the end."""
        data, self._left = self._left, b""
        return data or self._stream.read(_BLOCK)


def _keep(stream: _Ahead, file: IO[bytes]) -> None:
    """Write all of a stream to a file."""
    try:
        while data := stream.read():
            file.write(data)
        file.flush()
    except OSError as error:
        raise UnusableAudio(
            f"cannot be kept in {gettempdir()} while it is read "
            f"({error.strerror}): free space, or set TMPDIR to another folder"
        ) from error


class _LiveWav:
    """A WAV that is decoded while it comes in."""

    def __init__(self, stream: _Ahead):
        self._stream, self._content = stream, b""
        place, long = 12, 0
        order: Literal["big", "little"]
        order = "big" if self._at(0, 4) == b"RIFX" else "little"
        while (name := self._at(place, 4)) != b"data":
            size = int.from_bytes(self._at(place + 4, 4), order)
            if name == b"ds64":  # sizes of 64 bits
                long = int.from_bytes(self._at(place + 16, 8), "little")
            place += 8 + size + size % 2
            if place > _MOST_HEADER:
                raise UnusableAudio("unreadable: its header has no end")
        size = int.from_bytes(self._at(place + 4, 4), order)
        if size == 2**32 - 1 and 0 < long < 2**62:
            size = long
        # Programs that do not know the length write 0, or one near these.
        known = size and min(abs(size - 2**31), abs(size - 2**32)) > 2**16
        self._promised = size if known else None
        header, self._rest = self._split(place + 8)
        try:
            with sf.SoundFile(io.BytesIO(header + bytes(2**12))) as file:
                self.rate = file.samplerate
                self._layout = {
                    "samplerate": file.samplerate,
                    "channels": file.channels,
                    "subtype": file.subtype,
                    "format": "RAW",
                    "endian": order.upper(),
                }
        except (OSError, RuntimeError, ValueError) as error:
            raise UnusableAudio(f"unreadable: {one_line(error)}") from error
        check_rate(self.rate)
        if (subtype := self._layout["subtype"]) not in _WIDTHS:
            raise UnusableAudio(
                f"a WAV in the encoding {subtype} can be read only as a whole: "
                "send plain samples, or leave out --stream"
            )

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield blocks [N, channels]."""
        channels = self._layout["channels"]
        width = _WIDTHS[self._layout["subtype"]] * channels
        n_read, rest, data = 0, b"", self._rest
        while data or (data := self._stream.read()):
            if self._promised is not None:
                data = data[: self._promised - n_read]
                if not data:  # what follows is not samples
                    return
            n_read += len(data)
            rest += data
            n_frames = len(rest) // width
            whole, rest = rest[: n_frames * width], rest[n_frames * width :]
            if n_frames:
                with sf.SoundFile(io.BytesIO(whole), **self._layout) as file:
                    yield file.read(dtype="float32", always_2d=True)
            data = b""
        if self._promised is not None and n_read < self._promised:
            seconds = np.array([n_read, self._promised]) / width / self.rate
            raise UnusableAudio(
                "cut off: {:.2f} s of {:.2f} s are there".format(*seconds)
            )

    def _at(self, place: int, size: int) -> bytes:
        while len(self._content) < place + size:
            if not (data := self._stream.read()):
                raise UnusableAudio("cut off: it ends in its header")
            self._content += data
        return self._content[place : place + size]

    def _split(self, place: int) -> tuple[bytes, bytes]:
        self._at(place, 0)
        return self._content[:place], self._content[place:]


def _decoded(stream: _Ahead, kind: str, channels: int) -> Iterator[np.ndarray]:
    """Blocks [N, channels]; of the last sample all channels or none."""
    sample = np.dtype(PCM_FORMATS[kind])
    width = sample.itemsize * channels
    rest = b""
    while data := stream.read():
        data = rest + data
        whole = len(data) // width * width
        rest = data[whole:]
        values = np.frombuffer(data[:whole], sample).astype(np.float32)
        if sample.kind == "u":
            values -= 128
        if sample.kind != "f":
            values /= 2.0 ** (8 * sample.itemsize - 1)
        yield values.reshape(-1, channels)
