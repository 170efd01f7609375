"""Sounds for ``sb-sed mix``."""

import numpy as np
import pytest
import soundfile as sf
from small_mix import RATE


@pytest.fixture
def here(make_wav, tmp_path, monkeypatch):
    """Folders of noises; some are mono at 1 kHz, others have to be converted.

    There is one of each kind, so that the files of a class are known.
    """
    monkeypatch.chdir(tmp_path)
    make_wav("sounds/Cat/a.wav", 0.5)
    make_wav("sounds/Cat/b.flac", 1.0, 4000, 2)
    make_wav("sounds/Dog_nOff/c.ogg", 0.5, 8000)
    make_wav("rooms/kitchen/d.wav", 3.0)
    make_wav("rooms/hall.wav", 0.7, 2000)
    path = make_wav("rirs/e.wav", 0.1)
    samples, _ = sf.read(path)
    sf.write(path, samples * np.exp(-np.arange(100) / 10), RATE)
    return tmp_path
