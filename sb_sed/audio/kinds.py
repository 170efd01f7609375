"""What a file or a pipe holds, by its first bytes.

Authors
 * sb_sed contributors 2026
"""

import re
from collections.abc import Callable
from mmap import mmap

# As many bytes as it takes to know; MP3, AAC and MPEG need frames.
ENOUGH, ENOUGH_FRAMES = 64, 2**14
# Frames that must follow one another; more where others came before them.
_AT_THE_START, _IN_THE_MIDDLE = 2, 4
_CONVERT = "convert it to WAV or FLAC, as with ffmpeg -i INPUT OUTPUT.wav"
# What libsndfile reads, but for what it names only with the file's name.
_CONTAINERS = {
    "WAV": rb"RIF[FX]|RF64|BW64",
    "W64": rb"riff\x2e\x91\xcf\x11",
    "FLAC": rb"fLaC",
    "Ogg": rb"OggS",
    "ID3": rb"ID3[\x02-\x04]|APETAGEX",
    "AIFF": rb"FORM[\s\S]{4}AIF[FC]",
    "IFF": rb"FORM",
    "CAF": rb"caff",
    "AU": rb"\.snd|dns\.",
    "NIST": rb"NIST_1A",
    "VOC": rb"Creative Voice File",
    "PVF": rb"PVF1\n",
    "PAF": rb" paf|fap ",
    "AVR": rb"2BIT",
    "IRCAM": rb"\x64\xa3[\x01-\x04]\0|\0[\x01-\x04]\xa3\x64",
    "MAT": rb"MATLAB 5\.0 MAT-file",
    "XI": rb"Extended Instrument: ",
    "WVE": rb"ALawSoundFile\*\*",
}
# What it does not read, and what is no recording at all.
_FOREIGN = {
    "M4A or MP4 cannot be read": rb"[\s\S]{4}(?:ftyp|moov|mdat|wide)",
    "Matroska or WebM cannot be read": rb"\x1aE\xdf\xa3",
    "WMA cannot be read": rb"0&\xb2u\x8ef\xcf\x11",
    "AVI cannot be read": rb"RIFF[\s\S]{4}AVI ",
    "WavPack cannot be read": rb"wvpk",
    "Monkey's Audio cannot be read": rb"MAC ",
    "AMR cannot be read": rb"#!AMR",
    "DSD cannot be read": rb"DSD |FRM8",
    "Flash video cannot be read": rb"FLV\x01",
    "an MPEG stream cannot be read": (
        rb"\0\0\x01[\xba\xb3]"
        rb"|G(?!G|[\s\S]G|[\s\S]{3}G)(?:[\s\S]{187}G){4}"
    ),
}
_NO_RECORDINGS = {
    "a pointer of Git LFS, not the recording: run git lfs pull": (
        rb"version https://git-lfs\.github\.com/"
    ),
    "a web page, not a recording: download the file itself": (
        rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|error|\?xml)"
        rb"[\s>]"
    ),
    "a MIDI file, not a recording: give the recording": rb"MThd\0\0\0\x06",
    "a ZIP archive, not a recording: unpack it": rb"PK\x03\x04",
    "a gzip archive, not a recording: unpack it": rb"\x1f\x8b\x08",
    "an archive, not a recording: unpack it": (
        rb"Rar!\x1a\x07|7z\xbc\xaf'\x1c|\xfd7zXZ\0|BZh[1-9]1AY&SY"
    ),
    "a PDF, not a recording: give the recording": rb"%PDF-",
    "a picture, not a recording: give the recording": (
        rb"\x89PNG\r\n|\xff\xd8\xff[\xe0-\xef]|GIF8[79]a"
    ),
}
# kbit/s of MPEG-1 and of MPEG-2 and 2.5, layer III.
_BIT_RATES = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
# By the bits of the version (MPEG-1, 2, 2.5); also 160/147 and 320/441 of it.
_RATES = {0x18: 44100, 0x10: 22050, 0x00: 11025}


def container(head: bytes) -> str:
    """Return which format with a header, that can be read, begins so.

    Arguments
    ---------
    head : bytes
        The first ``ENOUGH_FRAMES`` bytes; of fewer, MP3 may be overlooked.

    Returns
    -------
    str
        Empty if none is recognised, as with raw samples.

    Example
    -------
    >>> container(b"RIFF\\x24\\x7d\\0\\0WAVEfmt "), container(bytes(64))
    ('WAV', '')
    """
    if name := _first(_CONTAINERS, head):
        return name
    return "MP3" if _has_frames(head, _mp3_bytes) else ""


def foreign(head: bytes) -> str:
    """Return why what begins so cannot be read, and the remedy.

    Arguments
    ---------
    head : bytes
        As of :func:`container`.

    Returns
    -------
    str
        Empty if nothing is recognised that can never be read.

    Example
    -------
    >>> foreign(b"version https://git-lfs.github.com/spec/v1")
    'a pointer of Git LFS, not the recording: run git lfs pull'
    """
    if reason := _first(_NO_RECORDINGS, head):
        return reason
    if _is_text(head) and not container(head):
        return "a text, not a recording: give the recording"
    name = _first(_FOREIGN, head)
    if not name and _has_frames(head, _aac_frame):
        name = "AAC cannot be read"
    return f"{name}: {_CONVERT}" if name else ""


def mp3_frame(header: bytes) -> tuple[int, int]:
    """Return samples and bytes of the frame of layer III that begins so.

    Both are 0 if the four bytes begin none.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0, 0
    version, bits = header[1] & 0x18, header[2] >> 4
    if version not in _RATES or not 0 < bits < 15 or header[2] & 0x0C == 0x0C:
        return 0, 0
    n_samples = 1152 if version == 0x18 else 576
    bit_rate = 1000 * _BIT_RATES[version != 0x18][bits - 1]
    rate = _RATES[version] * (441, 480, 320)[header[2] >> 2 & 3] // 441
    padding = header[2] >> 1 & 1
    return n_samples, n_samples // 8 * bit_rate // rate + padding


def behind_tags(content: bytes | mmap) -> int:
    """Return where the ID3v2 and APE tags at the beginning of a file end.

    Example
    -------
    >>> behind_tags(b"ID3\\4\\0\\0\\0\\0\\0\\5title" + b"fLaC")
    15
    """
    place = 0
    while re.match(rb"ID3[\x02-\x04]|APETAGEX", content[place : place + 8]):
        header = content[place : place + 16].ljust(16, b"\0")
        if header[:1] == b"A":
            place += 32 + int.from_bytes(header[12:], "little")
            continue
        size = 0
        for byte in header[6:10]:
            size = size << 7 | byte & 0x7F
        # Some tags repeat their header at their end.
        place += 10 + size + 10 * bool(header[5] & 0x10)
    return place


def before_tags(content: bytes | mmap) -> int:
    """Return where the ID3v1, APE and Lyrics3 tags at a file's end begin.

    Example
    -------
    >>> before_tags(b"audio" + b"TAG" + bytes(125))
    5
    """
    end = len(content)
    while True:
        tail = content[max(0, end - 128) : end]
        if len(tail) == 128 and tail.startswith(b"TAG"):
            size = 128
        elif len(tail) >= 32 and tail[-32:].startswith(b"APETAGEX"):
            footer = tail[-32:]
            has_header = footer[23] & 0x80
            size = int.from_bytes(footer[12:16], "little") + 32 * bool(
                has_header
            )
        elif lyrics := re.search(rb"(\d{6})LYRICS200\Z", tail):
            size = int(lyrics[1]) + 15
        else:
            return end
        if not 0 < size <= end:
            return end
        end -= size


def may_be_frames(head: bytes) -> bool:
    """Return whether MP3, AAC or MPEG may begin so: see ``ENOUGH_FRAMES``."""
    is_first = mp3_frame(head[:4])[1] or _aac_frame(head[:6])
    return bool(is_first) or head.startswith(b"G")


def _mp3_bytes(header: bytes) -> int:
    return mp3_frame(header[:4])[1]


def _aac_frame(header: bytes) -> int:
    """Bytes of the ADTS frame that begins so, or 0."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5


def _has_frames(head: bytes, size_of: Callable[[bytes], int]) -> bool:
    """Whether frames follow one another, as a radio station sends them, too.

    Those begin anywhere.
    """
    for match in re.finditer(rb"\xff", head):
        place = match.start()
        n_left = _IN_THE_MIDDLE if place else _AT_THE_START
        while n_left and (size := size_of(head[place : place + 6])):
            place, n_left = place + size, n_left - 1
        if not n_left:
            return True
    return False


def _is_text(head: bytes) -> bool:
    """Whether it begins with so many letters as samples never do."""
    start = head[:ENOUGH]
    is_plain = re.fullmatch(rb"[\t\n\r -~]{16,}", start) is not None
    return is_plain and len(set(start)) > 8


def _first(patterns: dict[str, bytes], head: bytes) -> str:
    for name, pattern in patterns.items():
        if re.match(pattern, head):
            return name
    return ""
