"""Detectors in onnxruntime: the same events as PyTorch's, without PyTorch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from small_onnx import write_small_onnx

import sb_sed
from sb_sed.cli.main import main
from sb_sed.errors import InputError
from sb_sed.inference.onnx_finder import OnnxFinder
from sb_sed.inference.source import Source
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother

pytest.importorskip("onnxruntime")


def test_its_events_are_those_of_pytorch(exported, make_wav, capsys):
    pytest.importorskip("onnxscript")
    paths = [make_wav("a.wav", 7.3), make_wav("b.wav", 1.1, seed=1)]
    torch = Source(str(exported), device="cpu").load()
    # Far from all scores, which differ by rounding.
    scores = [torch.scores_file(path)[["Cat", "Dog"]] for path in paths]
    values = np.sort(np.concatenate([x.to_numpy().ravel() for x in scores]))
    central = values[len(values) // 4 : -len(values) // 4]
    place = np.diff(central).argmax()
    middle = float(central[place : place + 2].mean())
    state = json.loads((exported / "detector.json").read_text())
    state["smoother"] = ThresholdSmoother(middle).state()
    (exported / "detector.json").write_text(json.dumps(state))
    with pytest.raises(InputError, match="has no detector.onnx: write it"):
        Source(str(exported), in_onnx=True).load()
    target = exported / "detector.onnx"
    assert main(["export-onnx", str(exported), str(target)]) == 0
    onnx = Source(str(exported), in_onnx=True).load(threads=2)
    torch = Source(str(exported), device="cpu").load()
    for path in paths:
        pd.testing.assert_frame_equal(
            onnx.scores_file(path), torch.scores_file(path), atol=1e-5
        )
        found, expected = onnx.detect_file(path), torch.detect_file(path)
        assert len(found)
        pd.testing.assert_frame_equal(found, expected, atol=1e-5)
    # By its file it is the same.
    assert Source(str(target)).load().key == onnx.key != torch.key
    # Of other weights it would not be.
    state["sha256"] = "0" * 64
    (exported / "detector.json").write_text(json.dumps(state))
    with pytest.raises(InputError, match="is not of the weights in"):
        Source(str(exported), in_onnx=True).load()
    capsys.readouterr()


def test_it_needs_neither_pytorch_nor_speechbrain(small_onnx, tmp_path):
    levels = np.repeat([0.01, 0.3, 0.01], 1000)
    noise = np.random.default_rng(0).uniform(-1, 1, 3000)
    sf.write(tmp_path / "a.wav", levels * noise, 1000)
    code = (
        "import sys; from sb_sed.cli.main import main; status = main();"
        "assert status == 0;"
        "heavy = {'torch', 'torchaudio', 'speechbrain', 'matplotlib', 'sklearn',"
        " 'sed_eval', 'scipy', 'asteroid', 'requests', 'ruamel', 'tensorboard'};"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "detect", "small.onnx", "a.wav"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(sb_sed.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    labels = [row.split("\t")[3] for row in done.stdout.splitlines()[1:]]
    assert labels == ["Dog", "Cat", "Dog"]


def test_another_smoother_and_gates(tmp_path, small_onnx):
    sf.write(tmp_path / "a.wav", np.full(1500, 0.1), 1000)
    save_smoother(ThresholdSmoother({"Cat": 0.0, "Dog": 1.0}), "s.json")
    found = OnnxFinder(small_onnx, smoother="s.json").detect_file(
        tmp_path / "a.wav"
    )
    assert found["event_label"].tolist() == ["Cat"]
    gated = json.dumps(ThresholdSmoother(0.5, clip_gate=True).state())
    path = write_small_onnx(tmp_path / "gated.onnx", smoother=gated)
    scores = [
        OnnxFinder(x).scores_file(tmp_path / "a.wav")[["Cat", "Dog"]].to_numpy()
        for x in (small_onnx, path)
    ]
    assert (scores[1] <= scores[0]).all()


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """Relative names are of files in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "about, words",
    [
        ({"smoother": "{"}, "names no smoother: export it again"),
        ({"smoother": "[]"}, "is no JSON object"),
        ({"classes": '["Cat"]'}, "does not say what it needs"),
        ({"clip_seconds": "nan"}, "does not say what it needs"),
        ({"clip_seconds": "1e9"}, "does not say what it needs"),
        ({"sample_rate": "fast"}, "does not say what it needs"),
    ],
)
def test_files_that_say_too_little(tmp_path, about, words):
    path = write_small_onnx(tmp_path / "small.onnx", **about)
    with pytest.raises(InputError, match=words):
        OnnxFinder(path)


def test_what_is_no_model(tmp_path, small_onnx):
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(InputError, match="cannot be loaded as ONNX"):
        OnnxFinder(tmp_path / "text.onnx")
    with pytest.raises(InputError, match="cannot be read"):
        OnnxFinder(tmp_path / "nowhere.onnx")
    with pytest.raises(InputError, match="yamnet has no form in ONNX"):
        Source(in_onnx=True).load()
    with pytest.raises(InputError, match="leave out --device cuda"):
        Source(str(small_onnx), device="cuda").load()
    with pytest.raises(InputError, match="has classes of its own"):
        Source(str(small_onnx), classes="Dog").load()
