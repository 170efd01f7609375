"""The frames of an MP3, and the index that may stand before them.

Encoders write the number of frames and bytes in the place of the sound of the
first frame, as ``Xing`` or ``Info``. Without such an index, libsndfile guesses
the length from the bit rate of the first frame, and reads no further.

Authors
 * sb_sed contributors 2026
"""

import mmap
import re
from pathlib import Path

# Frame header and side information, name, flags, number of frames.
_INDEX = re.compile(
    rb"\xff([\xe0-\xff])[\s\S]{11,36}(?:Xing|Info)[\s\S]{3}([\s\S])([\s\S]{4})"
)
_HAS_FRAMES = 1  # flag
# Bits of the second byte of a frame's header.
_VERSION, _MPEG_1 = 0x18, 0x18
# So many frames are at most cut away as the encoder's delay and padding.
_DELAY = 4
# kbit/s of MPEG-1 and of MPEG-2 and 2.5, layer III.
_BIT_RATES = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {0x18: 44100, 0x10: 22050, 0x00: 11025}  # and 160/147, 320/441 of it


def promised_samples(path: str | Path) -> int | None:
    """How many samples there are at least by the index of an MP3.

    Arguments
    ---------
    path : str or Path
        Any file that is not empty.

    Returns
    -------
    int | None
        A channel's; 0 if the index does not say, None if there is none.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.mp3"
    >>> soundfile.write(path, [0.0] * 32000, 32000)
    >>> promised_samples(path)
    28800
    """
    with _mapped(path) as content:
        start = _behind_tags(content, 0)
        match = _INDEX.search(content[start : start + 2048])
    if match is None:
        return None
    n_frames = int.from_bytes(match[3], "big")
    n_frames *= match[2][0] & _HAS_FRAMES
    return max(0, n_frames - _DELAY) * _samples_of_frame(match[1][0])


def count_samples(path: str | Path) -> int:
    """Counts the samples of an MP3 by walking along its frames.

    Arguments
    ---------
    path : str or Path
        Any file that is not empty.

    Returns
    -------
    int
        A channel's; 0 where it has no frames of layer III.

    Example
    -------
    >>> import soundfile
    >>> path = getfixture("tmp_path") / "a.mp3"
    >>> soundfile.write(path, [0.0] * 32000, 32000)
    >>> count_samples(path) // 1152
    30
    """
    n_samples = 0
    with _mapped(path) as content:
        first, place = None, _behind_tags(content, 0)
        while 0 <= place <= len(content) - 4:
            header = content[place : place + 4]
            size = _size_of_frame(header)
            # All frames of a file have one version, layer and rate.
            kind = header[1] & 0xFE, header[2] & 0x0C
            if size and kind == (first or kind):
                first = kind
                n_samples += _samples_of_frame(header[1])
                place += size
            else:
                place = content.find(b"\xff", place + 1)
    return n_samples


def _samples_of_frame(second: int) -> int:
    return 1152 if second & _VERSION == _MPEG_1 else 576


def _size_of_frame(header: bytes) -> int:
    """Bytes of the frame that begins so; 0 if none of layer III does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bits = header[1] & _VERSION, header[2] >> 4
    if version not in _RATES or not 0 < bits < 15 or header[2] & 0x0C == 0x0C:
        return 0
    bit_rate = 1000 * _BIT_RATES[version != _MPEG_1][bits - 1]
    rate = _RATES[version] * (441, 480, 320)[header[2] >> 2 & 3] // 441
    padding = header[2] >> 1 & 1
    return _samples_of_frame(header[1]) // 8 * bit_rate // rate + padding


def _behind_tags(content: mmap.mmap, place: int) -> int:
    """The place behind the ID3v2 tags that begin at a place, if any do."""
    while content[place : place + 3] == b"ID3" and place + 10 <= len(content):
        size = 0
        for byte in content[place + 6 : place + 10]:
            size = size << 7 | byte & 0x7F
        place += 10 + size
    return place


def _mapped(path: str | Path) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
