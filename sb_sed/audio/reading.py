"""Audio files opened in such a way that a damaged one is found out.

Authors
 * sb_sed contributors 2026
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

from sb_sed.audio.containers import fault

# Rates at which sounds are recorded. Damaged headers name any.
_RATES = (1000, 768000)
# Times full scale. Integers of 32 bits taken for floats reach 2e9; what is far
# beyond is damage, and spectrograms of it overflow.
_MOST = 1e10
# What libsndfile says where the file is to blame, and what is meant.
_OBSCURE = {
    "possibly a pipe": "no sound was found in it",
    "nternal": "its header is damaged",
}
_HEADERLESS = "has no header that says how to read it"


class UnusableAudio(ValueError):
    """An audio file that cannot be used; the text is the reason."""


@contextmanager
def open_audio(path: str | Path) -> Iterator[sf.SoundFile]:
    """Opens an audio file; what goes wrong in the block counts as its fault.

    Arguments
    ---------
    path : str or Path
        Any file that libsndfile reads (WAV, FLAC, Ogg, MP3, …).

    Yields
    ------
    soundfile.SoundFile

    Raises
    ------
    UnusableAudio
        If the file is missing, empty, not audio, cut off or damaged, or has a
        rate at which nothing is recorded.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> _ = path.write_text("hello")
    >>> with open_audio(path):
    ...     pass
    Traceback (most recent call last):
    sb_sed.audio.reading.UnusableAudio: unreadable: Format not recognised
    """
    _check_there(path)
    try:
        with sf.SoundFile(os.fsencode(path)) as file:
            if file.format == "RAW":  # a guess from the name
                raise UnusableAudio(_HEADERLESS)
            if reason := fault(file):
                raise UnusableAudio(reason)
            check_rate(file.samplerate)
            yield file
    except UnusableAudio:
        raise
    # A damaged header can also promise sizes that do not fit in memory.
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        raise UnusableAudio(f"unreadable: {one_line(error)}") from error


def mixed_down(samples: np.ndarray, rate: int, n_before: int = 0) -> np.ndarray:
    """The mean of the channels.

    Arguments
    ---------
    samples : np.ndarray
        [time, channels], full scale is 1.
    rate : int
        Samples per second.
    n_before : int
        Samples that came before, for the complaint.

    Returns
    -------
    np.ndarray
        [time], same type.

    Raises
    ------
    UnusableAudio
        If samples are NaN, infinite or far beyond full scale.

    Example
    -------
    >>> mixed_down(np.array([[0.5, 0.25], [0.0, -0.5]]), 44100)
    array([ 0.375, -0.25 ])
    """
    if np.abs(samples).max(initial=0) <= _MOST:  # False for NaN, too
        return samples.mean(axis=1)
    wrong = ~(np.abs(samples) <= _MOST).all(axis=1)
    first = int(wrong.argmax())
    found = np.abs(samples[first])
    what = "NaN or infinite samples"
    if np.isfinite(found).all():
        what = f"samples of {found.max():.0e} times full scale"
    second = (n_before + first) / rate
    raise UnusableAudio(f"holds {what} (first at {second:.2f} s)")


def one_line(error: BaseException) -> str:
    """What went wrong, as a line without the path, which is known.

    Arguments
    ---------
    error : BaseException
        Of soundfile, soxr or Python.

    Returns
    -------
    str
    """
    text = getattr(error, "error_string", str(error))
    for words, meaning in _OBSCURE.items():
        if words in text:
            return meaning
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def check_rate(rate: int) -> None:
    """Makes sure that sounds can have been recorded at a rate.

    Arguments
    ---------
    rate : int
        Samples per second.

    Raises
    ------
    UnusableAudio
        If they cannot.
    """
    low, high = _RATES
    if not low <= rate <= high:
        raise UnusableAudio(
            f"has a rate of {rate} Hz, outside of {low} to {high} Hz"
        )


def _check_there(path: str | Path) -> None:
    if not os.path.exists(path):
        raise UnusableAudio("no such file, or a broken link")
    if os.path.isdir(path):
        raise UnusableAudio("a folder, not a recording")
    if not os.path.isfile(path):  # opening a pipe would wait for its writer
        raise UnusableAudio("a pipe or device, not a recording")
    if os.path.getsize(path) == 0:
        raise UnusableAudio("empty file (0 bytes)")
    if Path(path).suffix.lower() == ".raw":
        raise UnusableAudio(_HEADERLESS)
