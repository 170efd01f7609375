"""How many samples an MP3 holds, frame by frame and by its index.

The index is a first frame without audio, marked ``Xing`` or ``Info``. Programs
that write into a pipe leave its number of frames at 0.

Authors
 * sb_sed contributors 2026
"""

import re
from mmap import mmap

from sb_sed.audio.kinds import before_tags, behind_tags, mp3_frame

# Frame header and side information, then the name and whether it has frames.
_INDEX = re.compile(
    rb"(\xff[\xe0-\xff][\s\S]{2})[\s\S]{9,34}(?:Xing|Info)\0\0\0([\s\S])"
)


def count_mp3_samples(content: mmap | bytes) -> int:
    """Count the samples of an MP3 by going from frame to frame.

    Arguments
    ---------
    content : mmap | bytes
        The bytes of a file.

    Returns
    -------
    int
        Samples of each channel, encoder delay and padding included; 0 where
        there are no frames of layer III.

    Example
    -------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, [0.0] * 32000, 32000, format="MP3")
    >>> count_mp3_samples(file.getvalue()) // 1152
    30
    """
    n_samples, first = 0, None
    place, end = behind_tags(content), before_tags(content)
    while 0 <= place <= end - 4:
        header = content[place : place + 4]
        length, size = mp3_frame(header)
        # All frames of a file have one version, layer and rate.
        kind = header[1] & 0xFE, header[2] & 0x0C
        if size and kind == (first or kind):
            first = kind
            n_samples += length
            place += size
        else:
            place = content.find(b"\xff", place + 1)
    return n_samples


def mp3_index(content: mmap | bytes) -> tuple[int, int] | None:
    """Return where the index of an MP3 has its number of frames, and that.

    None if it has no index, or one without the number.
    """
    start = behind_tags(content)
    index = _INDEX.search(content[start : start + 2048])
    if index is None or not index[2][0] & 1:
        return None
    place = start + index.end()
    return place, int.from_bytes(content[place : place + 4], "big")


def mended_index(content: mmap | bytes) -> tuple[int, bytes] | None:
    """Return the number of frames that an index lacks: its place, and bytes.

    None if it lacks none.
    """
    index = mp3_index(content)
    if index is None or index[1]:
        return None
    start = behind_tags(content)
    header = _INDEX.search(content[start : start + 2048])[1]
    if not (length := mp3_frame(header)[0]):
        return None
    # The index itself is not counted.
    n_frames = count_mp3_samples(content) // length - 1
    return index[0], max(1, n_frames).to_bytes(4, "big")
