"""What an audio file promises to hold, against what comes out of it.

libsndfile reads what there is: of a file that is cut off or damaged it gives
the rest, of joined files the first, and says so in its log at most.

Authors
 * sb_sed contributors 2026
"""

import mmap
import os
import re
import struct
from pathlib import Path

import soundfile as sf

from sb_sed.audio.mp3_frames import count_samples, promised_samples
from sb_sed.audio.ogg_pages import n_recordings, ogg_fault

# Where libsndfile's log has what a header promises and what is there.
_SIZES = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff|Riff size) *: "
    r"(\d+) \(should be (\d+)\)$",
    re.MULTILINE,
)
# Less than this (seconds) is a matter of rounding.
_LEAST_CUT = 0.01
# Bytes behind the samples, as a share of theirs, that may be anything.
_MOST_BEHIND = 0.01


def fault(file: sf.SoundFile) -> str:
    """What shows that a file is not whole before it is decoded.

    Arguments
    ---------
    file : SoundFile
        Of a path.

    Returns
    -------
    str
        Such as ``cut off: 1.00 s of 2.00 s are there``; empty if nothing does.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, [0.0] * 16000, 8000)
    >>> _ = path.write_bytes(path.read_bytes()[:-16000])
    >>> fault(sf.SoundFile(path))
    'cut off: 1.00 s of 2.00 s are there'
    """
    if file.format == "OGG":
        return ogg_fault(file.name)
    if "Seems to be a truncated file" in file.extra_info:
        return "cut off: its end is missing"
    promised, present = _sizes(file)
    if promised <= present or _is_unknown(promised):
        return ""
    seconds = file.frames / file.samplerate
    return _cut_off(seconds, seconds * promised / max(present, 1))


def shortfall(file: sf.SoundFile, n_frames: int) -> str:
    """What shows that a file is not whole once it is decoded.

    Arguments
    ---------
    file : SoundFile
        Of a path.
    n_frames : int
        Samples of a channel that came out of it.

    Returns
    -------
    str
        As of :func:`fault`.
    """
    rate, promised = file.samplerate, file.frames
    if file.format == "MP3":
        of_index = promised_samples(file.name)
        if of_index is None:
            return _unindexed(file, n_frames)
        promised = max(promised, of_index)
        n_frames += _dropped(rate)
    return _cut_off(n_frames / rate, promised / rate)


def goes_on(path: str | Path) -> bool:
    """Whether a file holds more sound than its first header names.

    Joined files do, and those of a recorder that could not correct the header
    at the end.

    Arguments
    ---------
    path : str or Path
        Any audio file.

    Returns
    -------
    bool

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.flac"
    >>> sf.write(path, [0.0] * 16000, 8000)
    >>> goes_on(path)
    False
    >>> _ = path.write_bytes(2 * path.read_bytes())
    >>> goes_on(path), sf.info(path).duration
    (True, 2.0)
    """
    with sf.SoundFile(os.fsencode(path)) as file:
        look = _BEHIND.get(file.format)
        return look is not None and look(file)


def _cut_off(present: float, promised: float) -> str:
    if promised - present < _LEAST_CUT:
        return ""
    return f"cut off: {present:.2f} s of {promised:.2f} s are there"


def _unindexed(file: sf.SoundFile, n_frames: int) -> str:
    """As :func:`shortfall`; libsndfile reads an MP3 as far as it guesses."""
    there = count_samples(file.name)
    if not _clearly_more(there, n_frames, file.samplerate):
        return ""
    return (
        f"only {n_frames / file.samplerate:.2f} s of "
        f"{there / file.samplerate:.2f} s can be read, as it has no index: "
        "convert it"
    )


def _sizes(file: sf.SoundFile) -> tuple[int, int]:
    """What is promised and what is there, in the same unit."""
    if match := _SIZES.search(file.extra_info):
        return int(match[1]), int(match[2])
    if match := re.search(
        r"^ *Frames *: (\d+)$", file.extra_info, re.MULTILINE
    ):
        return int(match[1]), file.frames
    if file.format == "NIST":
        with open(file.name, "rb") as stream:
            header = stream.read(1024)
        if match := re.search(rb"sample_count -i (\d{1,18})\n", header):
            return int(match[1]), file.frames
    return 0, 0


def _is_unknown(n_bytes: int) -> bool:
    """Whether it is what recorders write that do not know the length yet."""
    return min(abs(n_bytes - 2**31), abs(n_bytes - 2**32)) <= 2**16


def _wav_goes_on(file: sf.SoundFile) -> bool:
    place, sizes = 12, []
    with _mapped(file) as content:
        while re.fullmatch(rb"[ -~]{4}", name := content[place : place + 4]):
            size = int.from_bytes(content[place + 4 : place + 8], "little")
            end = place + 8 + size
            if name == b"data" and size:
                sizes.append(size)
            elif end > len(content):
                break
            # Many programs forget the byte that makes the size even.
            place = end + (size % 2 and content[end : end + 1] == b"\0")
        behind = len(content[place:].strip(b"\0"))
    # Of several chunks of samples, libsndfile reads one.
    return len(sizes) > 1 or behind > _MOST_BEHIND * sum(sizes)


def _au_goes_on(file: sf.SoundFile) -> bool:
    with open(file.name, "rb") as stream:
        start, size = struct.unpack(">4xII", stream.read(12))
    behind = os.path.getsize(file.name) - start - size
    return behind > _MOST_BEHIND * size


def _flac_goes_on(file: sf.SoundFile) -> bool:
    with _mapped(file) as content:
        # With the length of the first block, which is always the same.
        return content.find(b"fLaC\0\0\0\x22", 4) > 0


def _mp3_goes_on(file: sf.SoundFile) -> bool:
    return _clearly_more(count_samples(file.name), file.frames, file.samplerate)


def _clearly_more(there: int, heard: int, rate: int) -> bool:
    """Whether an MP3 holds more than is heard, but for delay and padding."""
    return there > 1.05 * heard + 3 * _dropped(rate)


def _dropped(rate: int) -> int:
    """Samples of the frames that a decoder may drop at begin and end."""
    return 2 * (1152 if rate >= 32000 else 576)


def _mapped(file: sf.SoundFile) -> mmap.mmap:
    with open(file.name, "rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


_BEHIND = {
    "WAV": _wav_goes_on,
    "WAVEX": _wav_goes_on,
    "AU": _au_goes_on,
    "FLAC": _flac_goes_on,
    "MP3": _mp3_goes_on,
    "OGG": lambda file: n_recordings(file.name) > 1,
}
