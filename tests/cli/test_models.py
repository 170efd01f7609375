"""Which argument of ``sb-sed detect`` is the detector."""

import pytest
import soundfile as sf

from sb_sed.cli.models import split_model
from sb_sed.errors import InputError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Recordings, a model by its marker, and folders that are neither."""
    for name in ("a.wav", "audio/deep/b.flac", "model/c.wav", "odd"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, [0.1] * 100, 16000, format="WAV")
    (tmp_path / "model/detector.json").write_text("{}")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/hyperparams.yaml").write_text("name: x\n")
    (tmp_path / "run/save").mkdir()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("a.wav", None),
        ("a.wav audio", None),
        ("audio", None),
        ("audio a.wav", None),
        ("odd a.wav", None),
        ("gone.wav a.wav", None),
        ("gone", None),
        ("empty", None),
        ("-", None),
        ("yamnet a.wav", "yamnet"),
        ("yamnet -", "yamnet"),
        ("model a.wav", "model"),
        ("model/ a.wav", "model/"),
        ("run audio", "run"),
        ("run/save audio", "run/save"),
        ("owner/name a.wav", "owner/name"),
        ("gone a.wav", "gone"),
    ],
)
def test_what_is_there_as_audio_is_no_model(here, line, model):
    inputs = line.split()
    expected = inputs if model is None else inputs[1:]
    assert split_model(inputs) == (model, expected)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("yamnet", "write sb-sed detect yamnet clip.wav"),
        ("model", "model is a detector, and no recording is named"),
        ("run/save", "no recording is named"),
        ("empty a.wav", "empty is neither a detector"),
        ("model/detector.json a.wav", "give the folder that it is in"),
    ],
)
def test_what_cannot_be_divided(here, line, match):
    with pytest.raises(InputError, match=match):
        split_model(line.split())


def test_a_folder_called_yamnet(here):
    (here / "audio").rename(here / "yamnet")
    with pytest.raises(InputError, match=r"write ./yamnet for the latter"):
        split_model(["yamnet", "a.wav"])
    assert split_model(["./yamnet"]) == (None, ["./yamnet"])
