"""Decoded recordings, the latest of them kept in memory.

``functools.lru_cache`` bounds the number of its entries; recordings differ a
thousandfold in size, so here the memory is bounded.

Authors
 * sb_sed contributors 2026
"""

from collections import OrderedDict

import numpy as np
import soundfile

from sb_sed.audio.store import open_ready
from sb_sed.errors import InputError
from sb_sed.mixing.rooms import without_tail

# A file longer than this (seconds) is read in parts and not kept.
_LONGEST_KEPT = 60.0
# What is this far below the peak at either end of a file is silence.
_SILENCE = 1e-3  # -60 dB


class AudioCache:
    """Reads mono recordings and keeps the latest in memory.

    A copy, as a worker process gets it, begins empty.

    Arguments
    ---------
    max_megabytes : float
        Most memory for what is kept.
    sample_rate : int
        Samples per second that every recording must have.

    Raises
    ------
    InputError
        If a file cannot be read, is not mono or of another rate.

    Example
    -------
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, np.array([0, 0.5, 0.25, 0]), 8000)
    >>> cache = AudioCache(max_megabytes=1, sample_rate=8000)
    >>> cache.read(path)
    array([0.  , 0.5 , 0.25, 0.  ], dtype=float32)
    >>> cache.extent(path)
    (0.000125, 0.000375)
    """

    def __init__(self, max_megabytes: float = 512, sample_rate: int = 16000):
        self.max_megabytes = max_megabytes
        self.sample_rate = sample_rate
        self._kept: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._extents: dict[str, tuple[float, float]] = {}

    def read(
        self, path: str, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        """Return a file's samples ``start`` to ``stop``, float32, read-only."""
        samples = self._find(("samples", path))
        if samples is None:
            with open_ready(path, self.sample_rate) as file:
                if file.frames > _LONGEST_KEPT * self.sample_rate:
                    return _decode(file, start, stop)
                samples = _decode(file)
            samples.flags.writeable = False
            self._keep(("samples", path), samples)
        return samples[start:stop]

    def extent(self, path: str) -> tuple[float, float]:
        """Return where the audible part of a file begins and ends, seconds.

        Silence at the ends (60 dB below the peak) is left out; a silent file
        has the extent (0, 0). A file longer than a minute is used whole.
        """
        if path not in self._extents:
            with open_ready(path, self.sample_rate) as file:
                extent = 0, file.frames
            if extent[1] <= _LONGEST_KEPT * self.sample_rate:
                extent = _extent(self.read(path))
            first, last = extent
            self._extents[path] = (
                first / self.sample_rate,
                last / self.sample_rate,
            )
        return self._extents[path]

    def rir(self, path: str) -> np.ndarray:
        """Return a room impulse response without its inaudible end, float32."""
        response = self._find(("rir", path))
        if response is None:
            with open_ready(path, self.sample_rate) as file:
                response = without_tail(_decode(file))
            if len(response) == 0:
                raise InputError(f"{path} is silent: replace or remove it.")
            self._keep(("rir", path), response)
        return response

    def _find(self, key: tuple) -> np.ndarray | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: tuple, value: np.ndarray) -> None:
        self._kept[key] = value
        self._bytes += value.nbytes
        while self._bytes > self.max_megabytes * 1e6:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes

    def __getstate__(self) -> dict:
        return {
            "max_megabytes": self.max_megabytes,
            "sample_rate": self.sample_rate,
        }

    def __setstate__(self, state: dict) -> None:
        AudioCache.__init__(self, **state)


def _decode(
    file: soundfile.SoundFile, start: int = 0, stop: int | None = None
) -> np.ndarray:
    if start:
        file.seek(start)
    length = -1 if stop is None else stop - start
    if file.subtype != "PCM_16":
        return file.read(length, dtype="float32")
    # The same values, in a third of the time.
    left = max(0, file.frames - start)
    integers = np.empty(left if length < 0 else min(length, left), np.int16)
    integers = integers[: file.buffer_read_into(integers, "int16")]
    return np.multiply(integers, np.float32(2**-15), dtype=np.float32)


def _extent(samples: np.ndarray) -> tuple[int, int]:
    magnitude = np.abs(samples)
    (loud,) = np.nonzero(magnitude > _SILENCE * magnitude.max(initial=0))
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, 0)
