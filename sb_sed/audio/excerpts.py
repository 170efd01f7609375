"""Parts of recordings, without reading the rest.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

import numpy as np

from sb_sed.audio.downmix import Downmix
from sb_sed.audio.reading import UnusableAudio, open_audio


def read_excerpt(
    path: str | Path, start: float, end: float
) -> tuple[np.ndarray, int]:
    """Read a part of a recording as the mean of its channels.

    Arguments
    ---------
    path : str | Path
        Any file that libsndfile reads.
    start, end : float
        In seconds; what is behind the end of the recording is left out.

    Returns
    -------
    samples : np.ndarray
        float32 [time], full scale is 1.
    rate : int
        Samples per second.

    Raises
    ------
    UnusableAudio
        If the recording cannot be read, or ends before the part.

    Example
    -------
    >>> import soundfile as sf
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> sf.write(path, np.zeros(16000), 8000)
    >>> samples, rate = read_excerpt(path, 1.5, 2.5)
    >>> len(samples), rate
    (4000, 8000)
    """
    with open_audio(path) as file:
        rate = file.samplerate
        file.seek(min(round(start * rate), max(0, file.frames - 1)))
        samples = file.read(
            max(1, round((end - start) * rate)),
            dtype="float32",
            always_2d=True,
        )
    if not len(samples):
        raise UnusableAudio("it ends before the detection")
    return Downmix(rate)(samples), rate
