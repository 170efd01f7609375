"""Statistics of the training data: fitted once, and again after a change."""

import pytest
import torch

from sb_sed.features import (
    PCEN,
    AmplitudeToDB,
    Featurizer,
    MelSpectrogram,
    MinMax,
    ZScore,
)
from sb_sed.training.statistics import STATISTICS, fit_once


def make_featurizer():
    """One that learns from the data."""
    mel = MelSpectrogram(1000, n_fft=64, hop_length=20, n_mels=8, f_max=500.0)
    return Featurizer(mel, [AmplitudeToDB(), ZScore(8)])


class Waveforms:
    """Batches of noise; counts how often they are read."""

    reads = 0

    def __iter__(self):
        self.reads += 1
        generator = torch.Generator().manual_seed(0)
        return iter(torch.randn(2, 3, 1000, generator=generator))


@pytest.fixture
def folders(tmp_path):
    """A run's folder and a prepared one."""
    run, prepared = tmp_path / "run", tmp_path / "prepared"
    run.mkdir(), prepared.mkdir()
    (run / "hyperparams.yaml").write_text("seed: 1")
    (prepared / "train_weak.json").write_text("{}")
    return run, prepared


def test_a_restart_restores_the_same_statistics(folders):
    waveforms = Waveforms()
    first = fit_once(make_featurizer(), waveforms, *folders)
    expected = make_featurizer().fit(Waveforms()).state_dict()
    for featurizer in (
        first,
        fit_once(make_featurizer(), waveforms, *folders),
    ):
        state = featurizer.state_dict()
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[name], expected[name]) for name in state)
    assert waveforms.reads == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda run, prepared: (run / "hyperparams.yaml").write_text("seed: 2"),
        lambda run, prepared: (prepared / "train_weak.json").write_text("[]"),
        lambda run, prepared: (prepared / "train_new.json").write_text("{}"),
        lambda run, prepared: (run / "save" / STATISTICS).unlink(),
        lambda run, prepared: (run / "save" / STATISTICS).write_bytes(b"PK"),
    ],
)
def test_a_change_fits_again(folders, change):
    waveforms = Waveforms()
    fit_once(make_featurizer(), waveforms, *folders)
    change(*folders)
    assert fit_once(make_featurizer(), waveforms, *folders).stages[1].fitted
    assert waveforms.reads == 2


def test_another_featurizer_fits_again(folders):
    waveforms = Waveforms()
    fit_once(make_featurizer(), waveforms, *folders)
    other = make_featurizer()
    other.stages.append(MinMax())
    other.stages.append(PCEN(8))
    fit_once(other, waveforms, *folders)
    assert waveforms.reads == 2
