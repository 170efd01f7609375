"""What an audio file promises to hold, compared with what is in it.

libsndfile reads what there is: of a file that is cut off or damaged it gives
the rest, of joined files the first, and says so in its log at most. The length
that a header promises is taken from it (``SoundFile.frames`` and the log).
Three things it does not tell, and neither would ``mutagen``, which reads
headers only, so they are found here:

- whether a page of an Ogg file is damaged or missing: libogg passes over it,
  and the recording becomes shorter,
- how long an MP3 is that has no index: libsndfile guesses that from the bit
  rate of the first frame and reads no further,
- whether more audio follows the end that a header names: other files that were
  joined to the first, or the rest of a recording whose header was never
  corrected.

Authors
 * sb_sed contributors 2026
"""

import re
import struct
import zlib
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path

from sb_sed.audio.chunks import find_samples
from sb_sed.audio.flac import flac_behind
from sb_sed.audio.headers import AudioFile, mapped
from sb_sed.audio.kinds import behind_tags
from sb_sed.audio.mp3 import count_mp3_samples, mp3_index

# Sizes in libsndfile's log: as the header promises them, and as they are.
_SIZES = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff|Riff size) *: "
    r"(\d+) \(should be (\d+)\)$",
    re.MULTILINE,
)
_FRAMES = re.compile(r"^ *Frames *: (\d+)$", re.MULTILINE)
_NIST_FRAMES = re.compile(rb"sample_count -i (\d{1,18})\n")
# Less than this (seconds) is a matter of rounding.
_LEAST_CUT = 0.01
# libsndfile's number of samples where it knows none.
_UNKNOWN = 2**62


def fault(file: AudioFile) -> str:
    """Describe why a file is not whole, as far as its header shows it.

    Arguments
    ---------
    file : AudioFile
        Just opened.

    Returns
    -------
    str
        Such as ``cut off: 1.00 s of 2.00 s are there``; empty if nothing is
        wrong.

    Example
    -------
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, [0.0] * 16000, 8000)
    >>> _ = path.write_bytes(path.read_bytes()[:-16000])
    >>> fault(AudioFile(path))
    'cut off: 1.00 s of 2.00 s are there'
    """
    if file.format == "OGG":
        return _ogg_fault(file)
    if file.frames > _UNKNOWN:
        return "damaged: it has no frame with samples"
    if file.is_counted:
        return ""
    if "Seems to be a truncated file" in file.extra_info:
        return "cut off: its end is missing"
    promised, present = _promised_and_present(file)
    # Recorders that do not know the length yet write one that is near these.
    unknown = min(abs(promised - 2**31), abs(promised - 2**32)) <= 2**16
    if promised <= present or unknown:
        return ""
    seconds = file.frames / file.samplerate
    return _cut_off(seconds, seconds * promised / max(present, 1))


def shortfall(file: AudioFile, n_frames: int) -> str:
    """Describe why a file is not whole, once it is decoded.

    Arguments
    ---------
    file : AudioFile
        Just opened.
    n_frames : int
        Samples of each channel that were read.

    Returns
    -------
    str
        As of :func:`fault`.
    """
    rate = file.samplerate
    if file.format == "MP3":
        if not _mp3_has_index(file):
            there = _n_mp3_samples(file)
            if _is_clearly_more(there, n_frames, rate):
                return (
                    f"only {n_frames / rate:.2f} s of {there / rate:.2f} s can "
                    "be read, as it has no index: convert it"
                )
        n_frames += _mp3_dropped(rate)
    return _cut_off(n_frames / rate, file.frames / rate)


def continues(path: str | Path) -> bool:
    """Return whether a file holds more audio than its first header names.

    Joined files do, and those of a recorder that could not correct the header
    at the end.

    Arguments
    ---------
    path : str | Path
        Any audio file.

    Returns
    -------
    bool

    Example
    -------
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> sf.write(path, [0.0] * 16000, 8000)
    >>> continues(path)
    False
    >>> _ = path.write_bytes(2 * path.read_bytes())
    >>> continues(path), sf.info(path).duration
    (True, 2.0)
    """
    with AudioFile(path) as file:
        look = _BEHIND.get(file.format)
        return look is not None and look(file)


def _cut_off(present: float, promised: float) -> str:
    """The sentence about seconds that are missing, if they are."""
    if promised - present < _LEAST_CUT:
        return ""
    return f"cut off: {present:.2f} s of {promised:.2f} s are there"


def _promised_and_present(file: AudioFile) -> tuple[int, int]:
    """How much the header promises and how much is there, in one unit."""
    log = file.extra_info
    if match := _SIZES.search(log):
        return int(match[1]), int(match[2])
    if match := _FRAMES.search(log):
        return int(match[1]), file.frames
    if file.format == "NIST":
        with open(file.path, "rb") as stream:
            match = _NIST_FRAMES.search(stream.read(1024))
        return int(match[1]) if match else 0, file.frames
    return 0, 0


# WAV, AIFF, CAF, AU, FLAC


def _samples_go_on(file: AudioFile) -> bool:
    """Whether there are several chunks of samples, or bytes behind them.

    Of several chunks of samples, libsndfile reads one.
    """
    with mapped(file.path) as content:
        samples = find_samples(content, behind_tags(content))
        return samples is not None and samples.goes_on


def _flac_continues(file: AudioFile) -> bool:
    with mapped(file.path) as content:
        return flac_behind(content, behind_tags(content)) < len(content)


# MP3


def _n_mp3_samples(file: AudioFile) -> int:
    with mapped(file.path) as content:
        return count_mp3_samples(content)


def _mp3_has_index(file: AudioFile) -> bool:
    """Whether libsndfile is told how many frames there are."""
    with mapped(file.path) as content:
        return mp3_index(content) is not None


def _mp3_continues(file: AudioFile) -> bool:
    return _is_clearly_more(_n_mp3_samples(file), file.frames, file.samplerate)


def _is_clearly_more(there: int, n_read: int, rate: int) -> bool:
    """Whether an MP3 holds more than was read, but for delay and padding."""
    return there > 1.05 * n_read + 3 * _mp3_dropped(rate)


def _mp3_dropped(rate: int) -> int:
    """Samples of the frames that a decoder may drop at begin and end."""
    return 2 * (1152 if rate >= 32000 else 576)


# Ogg

# Version, flags, granule position, stream, number, checksum, segments.
_PAGE = struct.Struct("<4xBBqIIIB")
_FIRST, _LAST = 2, 4  # flags
# Ogg's checksum is zlib's with all bits in the other order.
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ogg_fault(file: AudioFile) -> str:
    """As :func:`fault`: each page has a number and a checksum."""
    following: dict[int, int] = {}  # stream -> number of its next page
    with mapped(file.path) as content:
        for place, flags, stream, number, is_valid in _ogg_pages(content):
            if not is_valid:
                if content.find(b"OggS", place + 4) < 0:
                    break
                return f"damaged: its page at byte {place} is not as written"
            if flags & _FIRST:
                following[stream] = number
            if number != following.pop(stream, number):
                return f"damaged: pages before byte {place} are missing"
            if not flags & _LAST:
                following[stream] = number + 1
        return "cut off: its end is missing" if following else ""


def _ogg_continues(file: AudioFile) -> bool:
    """Whether recordings follow one another.

    Streams side by side, such as pictures beside the audio, are one recording.
    """
    n_recordings, open_streams = 0, set()
    with mapped(file.path) as content:
        for _, flags, stream, *_ in _ogg_pages(content):
            if flags & _FIRST:
                n_recordings += not open_streams
                open_streams.add(stream)
            if flags & _LAST:
                open_streams.discard(stream)
    return n_recordings > 1


def _ogg_pages(content: mmap) -> Iterator[tuple[int, int, int, int, bool]]:
    """Place, flags, stream, number of each page, and whether it is valid."""
    place = content.find(b"OggS")
    while place >= 0:
        end = place + _PAGE.size
        if end > len(content):
            yield place, 0, 0, 0, False
            return
        header = _PAGE.unpack(content[place:end])
        _, flags, _, stream, number, checksum, n_segments = header
        end += n_segments
        end += sum(content[end - n_segments : end])
        page = bytearray(content[place:end])
        page[22:26] = bytes(4)
        is_valid = end <= len(content) and _ogg_checksum(page) == checksum
        yield place, flags, stream, number, is_valid
        place = content.find(b"OggS", end if is_valid else place + 4)


def _ogg_checksum(page: bytes | bytearray) -> int:
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


_BEHIND = {
    "WAV": _samples_go_on,
    "WAVEX": _samples_go_on,
    "RF64": _samples_go_on,
    "AIFF": _samples_go_on,
    "CAF": _samples_go_on,
    "AU": _samples_go_on,
    "FLAC": _flac_continues,
    "MP3": _mp3_continues,
    "OGG": _ogg_continues,
}
