"""Featurizers by name: the registry, entry points and presets.

Authors
 * sb_sed contributors 2026
"""

import sys

import pytest
import torch

from sb_sed.errors import InputError
from sb_sed.features import (
    PCEN,
    AmplitudeToDB,
    Featurizer,
    MelSpectrogram,
    MinMax,
    ParallelPCEN,
    get_featurizer,
    list_featurizers,
    register_featurizer,
)


def test_register():
    @register_featurizer("test_register")
    class Mine(Featurizer):
        """Registered by its class."""

        def __init__(self, n_mels=16):
            super().__init__(MelSpectrogram(n_mels=n_mels), [])

    assert "test_register" in list_featurizers()
    assert isinstance(get_featurizer("test_register", n_mels=8), Mine)
    assert register_featurizer("test_register")(Mine) is Mine
    with pytest.raises(InputError, match="'test_register' is taken"):
        register_featurizer("test_register")(Featurizer)


def test_unknown_name_names_the_known_ones():
    with pytest.raises(InputError, match="no featurizer 'mfcc'.*log_mel"):
        get_featurizer("mfcc")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Installs a package with entry points, as pip would lay it out."""
    (tmp_path / "their_features.py").write_text(
        "from sb_sed.features import Featurizer, MelSpectrogram\n"
        "def linear(n_mels=128):\n"
        "    return Featurizer(MelSpectrogram(n_mels=n_mels), [])\n"
    )
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[sb_sed.featurizers]\n"
        "their_linear = their_features:linear\n"
        "their_broken = their_features:missing\n"
        "their_gone = their_gone_module:linear\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("their_features", None)


def test_entry_points_of_other_packages(plugin):
    assert "their_linear" in list_featurizers()
    assert "their_features" not in sys.modules  # listing imports nothing
    assert get_featurizer("their_linear", n_mels=16).n_mels == 16


@pytest.mark.parametrize("name", ["their_broken", "their_gone"])
def test_broken_entry_point_is_one_sentence(plugin, name):
    with pytest.raises(InputError, match=f"{name}.*cannot be loaded"):
        get_featurizer(name)


def test_ppcen_by_name_is_the_stages_written_out():
    wavs = torch.randn(8, 8000)
    featurizer = get_featurizer("ppcen", n_mels=32, n_fft=1024, hop_length=640)
    written_out = Featurizer(
        MelSpectrogram(n_mels=32, n_fft=1024, hop_length=640),
        [
            AmplitudeToDB(),
            MinMax(),
            ParallelPCEN(32, s=[0.037220, 0.508132]),
        ],
    )
    assert featurizer.n_channels == 2
    assert featurizer(wavs).shape == (8, 13, 32, 2)
    torch.testing.assert_close(
        featurizer(wavs), written_out(wavs), rtol=1e-4, atol=1e-5
    )


def test_pcen_by_name_is_on_mel_amplitudes():
    wavs = torch.randn(8, 8000)
    featurizer = get_featurizer("pcen", alpha=0.98, trainable=False)
    assert featurizer.n_channels == 1
    pcen = PCEN(128, 0.98, 10.0, 0.5, [0.015, 0.25], trainable=False)
    expected = pcen(MinMax()(MelSpectrogram()(wavs)))
    torch.testing.assert_close(featurizer(wavs), expected, rtol=1e-3, atol=1e-6)
