"""A trained run with all that inference asks of it, and recordings."""

import numpy as np
import pytest
import soundfile as sf

_CONSTANTS = """\
name: tiny
seed: 7
data_folder: /home/somebody/secret/TinyData
dataset:
  classes: [Cat, Dog]
  sample_rate: 1000
  clip_seconds: 2.0
smoothing:
  smoother: !new:sb_sed.smoothing.median.MedianSmoother
    threshold: 0.5
    window: 0.12
"""


@pytest.fixture
def whole_run(run_folder):
    """A run of random weights: 2 classes, 1 kHz, clips of 2 s, frames of 40 ms.

    Its outputs lie around 0.5, so that there are events.
    """
    with open(run_folder / "hyperparams.yaml", "a") as file:
        file.write(_CONSTANTS)
    return run_folder


@pytest.fixture
def exported(whole_run, tmp_path):
    """The run, exported."""
    from sb_sed.inference.export import export_run

    assert export_run(whole_run, tmp_path / "exported") == ""
    return tmp_path / "exported"


@pytest.fixture
def detector(exported):
    """The run's detector."""
    from sb_sed.inference.detector import SoundEventDetector

    return SoundEventDetector.from_folder(exported, {"device": "cpu"})


@pytest.fixture
def make_wav(tmp_path):
    """Writes a recording of noise; returns its path."""

    def make(name, seconds=1.0, rate=1000, channels=1, seed=0, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (round(seconds * rate), channels)
        samples = np.random.default_rng(seed).uniform(-0.5, 0.5, shape)
        sf.write(path, samples, rate, **options)
        return path

    return make
