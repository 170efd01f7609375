"""Sound, spectrogram and scores of a clip as short text, for a page.

Authors
 * sb_sed contributors 2026
"""

import io
import math
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from sb_sed.audio.reading import (
    UnusableAudio,
    open_audio,
    read_mono,
    resample,
)
from sb_sed.plots.spectrogram import RANGE_DB

# Sample rates of MP3; a higher one than the last is reduced to it.
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000)
SOUND_TYPES = {"mp3": "audio/mpeg", "ogg": "audio/ogg"}  # of sound_file
_BLOCK = 1 << 16  # libsndfile's encoders want long recordings in parts
_LEVELS = 64  # of grey; fewer make smaller files
_CELLS = 800  # of the scores


def encode_audio(samples: np.ndarray, rate: int) -> str:
    """Encode a recording as the data URL of what :func:`sound_file` makes.

    Example
    -------
    >>> encode_audio(np.zeros(16000, dtype="float32"), 16000)[:16]
    'data:audio/mpeg;'
    """
    suffix, content = sound_file(samples, rate)
    return _data_url(SOUND_TYPES[suffix], content)


def sound_file(samples: np.ndarray, rate: int) -> tuple[str, bytes]:
    """Encode a recording as an MP3, about 3 kB a second.

    MP3 because every browser plays it; where libsndfile is too old for it,
    Ogg Vorbis. Both keep the time to the sample. Returns the name's ending
    and the file.

    Example
    -------
    >>> sound_file(np.zeros(16000, dtype="float32"), 16000)[0]
    'mp3'
    """
    new_rate = max((r for r in _RATES if r <= rate), default=_RATES[0])
    samples = np.clip(resample(samples, rate, new_rate), -1, 1)
    mp3 = "MP3" in sf.available_formats()
    form = ("MP3", "MPEG_LAYER_III") if mp3 else ("OGG", "VORBIS")
    buffer = io.BytesIO()
    with sf.SoundFile(
        buffer,
        "w",
        samplerate=new_rate,
        channels=1,
        format=form[0],
        subtype=form[1],
        compression_level=0.7,
    ) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    return "mp3" if mp3 else "ogg", buffer.getvalue()


def encode_spectrogram(decibels: np.ndarray) -> str:
    """Encode decibels [T, F] as the data URL of a grey PNG, the loudest black.

    Example
    -------
    >>> encode_spectrogram(np.zeros((3, 2)))[:15]
    'data:image/png;'
    """
    return _data_url("image/png", spectrogram_file(decibels))


def spectrogram_file(decibels: np.ndarray) -> bytes:
    """Encode decibels [T, F] as a PNG, as :func:`encode_spectrogram`."""
    from PIL import Image

    grey = np.clip(-decibels / RANGE_DB, 0, 1)
    grey = np.round(grey * (_LEVELS - 1)) * (255 / (_LEVELS - 1))
    buffer = io.BytesIO()
    image = Image.fromarray(grey.T[::-1].astype(np.uint8))
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def encode_scores(
    table: pd.DataFrame, low: float, high: float
) -> tuple[float, str]:
    """Encode scores as bytes, on cells of one length from 0 to the end.

    A cell is as long as a frame, or longer where there would be more than 800.
    It has the largest score of the frames that overlap it, so that no peak
    of a long recording is lost. ``low`` becomes 0 and ``high`` 255. Returns the
    length of a cell in seconds, and base64 of [cell, class].

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> encode_scores(scores_table([[0.0], [1.0]], 0.5, ["Dog"]), 0, 1)
    (0.5, 'AP8=')
    """
    matrix = table.to_numpy(dtype=float)
    onsets, offsets = matrix[:, 0], matrix[:, 1]
    cell = max(np.median(offsets - onsets), offsets[-1] / _CELLS)
    n_cells = int(np.ceil(offsets[-1] / cell - 1e-6))
    # A little inside of the cell, or its neighbours would overlap it, too.
    begins = (np.arange(n_cells) + 0.1) * cell
    first = np.searchsorted(offsets, begins, side="right")
    last = np.searchsorted(onsets, begins + 0.8 * cell, side="left")
    # Before the first frame, or behind the last, there may be cells of none.
    none = last <= first
    first[none], last[none] = len(matrix), len(matrix) + 1
    bounds = np.stack([first, last], axis=1).ravel()
    padded = np.pad(matrix[:, 2:], ((0, 2), (0, 0)), constant_values=low)
    values = np.maximum.reduceat(padded, bounds)[::2]
    scaled = np.clip((values - low) / (high - low), 0, 1)
    octets = np.round(255 * scaled).astype(np.uint8)
    return float(cell), b64encode(octets.tobytes()).decode()


def read_clip(
    path: Path,
    note: Callable[[str], None] | None = None,
    longest: float = math.inf,
) -> tuple[np.ndarray, int] | None:
    """Read a recording: mono samples and rate, or None if it is unusable.

    So it is if it lasts more than ``longest`` seconds. ``note`` is called with
    what its user should know.
    """
    try:
        with open_audio(path) as file:
            if file.frames > longest * file.samplerate:
                return None
        return read_mono(path, note=note)
    except UnusableAudio:
        return None


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
