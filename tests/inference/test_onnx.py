"""Detectors as ONNX files, run by onnxruntime beside PyTorch."""

import argparse
import json
import shutil
import sys

import numpy as np
import pytest
import torch
from torch import nn

from sb_sed.cli.export import add_export_onnx
from sb_sed.errors import InputError
from sb_sed.features import (
    AmplitudeToDB,
    Featurizer,
    MelSpectrogram,
    MinMax,
    ParallelPCEN,
    get_featurizer,
)
from sb_sed.features.ema import causal, forward_backward
from sb_sed.models.attention import (
    ChannelFrequencyAttention,
    FrequencyDynamic,
    SqueezeExcitation,
)
from sb_sed.models.crnn import CRNN, initialise_as_swish
from sb_sed.models.detector import Detector

onnxruntime = pytest.importorskip(
    "onnxruntime", reason="the extra onnx is not installed"
)
onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

from sb_sed.inference import onnx as onnx_export  # noqa: E402
from sb_sed.inference.onnx import (  # noqa: E402
    export_onnx,
    exportable,
    quantise,
)

RATE, CLASSES = 16000, ["Cat", "Dog", "Ünknown"]
FRONT_ENDS = {
    "log_mel": {},
    "pcen": {"ema": forward_backward, "per_band": True},
    "ppcen": {},
}


def make_detector(name: str) -> Detector:
    """A small detector whose scores depend on the waveform."""
    torch.manual_seed(0)
    featurizer = get_featurizer(
        name, n_mels=32, hop_length=400, **FRONT_ENDS[name]
    )
    noise = torch.randn(8, RATE) * torch.logspace(-3, 0, 8)[:, None]
    featurizer.fit([noise])
    network = CRNN(
        n_classes=len(CLASSES),
        n_mels=32,
        n_channels=featurizer.n_channels,
        filters=(8, 16),
        pooling=((2, 4), (1, 4)),
        rnn_hidden=16,
        rnn_layers=2,
        initialise=initialise_as_swish,
    )
    with torch.no_grad():
        network(featurizer(noise))  # the statistics of the batch norms
        network.strong.weight *= 30
    return Detector(featurizer, network).eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Of each front-end the detector and its file."""
    folder = tmp_path_factory.mktemp("onnx")
    made = {}
    for name in FRONT_ENDS:
        detector, path = make_detector(name).train(), folder / f"{name}.onnx"
        before = {k: v.clone() for k, v in detector.state_dict().items()}
        export_onnx(detector, path, CLASSES, {"licence": "Apache-2.0"})
        # It stays as it is.
        assert all(module.training for module in detector.modules())
        for key, value in detector.state_dict().items():
            assert torch.equal(value, before[key])
        made[name] = detector.eval(), path
    return made


def signals(n_samples: int) -> torch.Tensor:
    """Noise, something like speech, silence, clipped, a click, very quiet."""
    rng = np.random.default_rng(n_samples)
    time = np.arange(n_samples) / RATE
    noise = rng.normal(size=n_samples)
    phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(20 * time)) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    click = np.zeros(n_samples)
    click[n_samples // 2] = 1
    half = np.where(time < time[-1] / 2, noise / 10, 0)
    clips = [
        noise / 10,
        0.2 * voice * np.sin(15 * time).clip(0) + 1e-4 * noise,
        np.zeros(n_samples),
        (3 * noise).clip(-1, 1),
        click,
        half,
        1e-5 * noise,
        np.sin(2 * np.pi * 440 * time),
        np.full(n_samples, 0.5),
    ]
    return torch.tensor(np.array(clips), dtype=torch.float32)


def run(path, waveforms):
    """Strong and weak scores by onnxruntime alone."""
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {"waveforms": waveforms.numpy()})


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("seconds", [0.1, 0.7312, 10, 60])
def test_scores_are_pytorchs(models, name, seconds):
    detector, path = models[name]
    waveforms = signals(int(seconds * RATE))
    if seconds > 10:
        waveforms = waveforms[:3]
    with torch.no_grad():
        expected = detector.from_waveforms(waveforms)
    strong, weak = run(path, waveforms)
    assert strong.shape == expected.strong.shape
    np.testing.assert_allclose(strong, expected.strong, rtol=0, atol=1e-4)
    np.testing.assert_allclose(weak, expected.weak, rtol=0, atol=1e-4)
    assert np.ptp(expected.strong.numpy()) > 0.2  # they do differ


def test_a_clip_does_not_hear_its_neighbours(models):
    _, path = models["ppcen"]
    waveforms = signals(RATE)
    strong, _ = run(path, waveforms)
    for clip, expected in zip(waveforms, strong, strict=True):
        alone, _ = run(path, clip[None])
        np.testing.assert_allclose(alone[0], expected, rtol=0, atol=1e-5)


def test_file_describes_itself(models):
    detector, path = models["pcen"]
    session = onnxruntime.InferenceSession(path)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == CLASSES
    assert about["sample_rate"] == "16000"
    assert float(about["frame_shift"]) == detector.frame_shift == 0.05
    assert about["licence"] == "Apache-2.0"
    shortest = int(about["min_samples"])
    shape = [x.shape for x in (*session.get_inputs(), *session.get_outputs())]
    assert shape == [["batch", "samples"], ["batch", "frames", 3], ["batch", 3]]
    strong, _ = run(path, torch.rand(1, shortest))
    assert strong.shape == (1, 1, 3)
    assert not any(map(detector.n_output_frames, range(1, shortest)))
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert b".py" not in path.read_bytes()  # nothing of who exported it


def test_quantised_file(models, tmp_path):
    detector, path = models["log_mel"]
    small = tmp_path / "small.onnx"
    quantise(path, small)
    assert small.stat().st_size < path.stat().st_size
    both = [onnx.load(x) for x in (path, small)]
    about, kept_about = (
        {entry.key: entry.value for entry in m.metadata_props} for m in both
    )
    assert about.items() <= kept_about.items()
    kept = [
        {
            t.name: t.raw_data
            for t in m.graph.initializer
            if ".featurizer." in t.name
        }
        for m in both
    ]
    assert kept[0] == kept[1] and len(kept[0]) > 3
    waveforms = signals(3 * RATE)
    with torch.no_grad():
        expected = detector.from_waveforms(waveforms).strong.numpy()
    difference = np.abs(run(small, waveforms)[0] - expected)
    assert 0 < difference.mean() < 0.02 < np.ptp(expected) / 10


@pytest.mark.parametrize("options", [
    {}, {"n_fft": 500, "hop_length": 160}, {"n_fft": 401, "hop_length": 450},
    {"n_fft": 512, "hop_length": 512}, {"f_min": 300.0, "f_max": 4000.0},
])  # fmt: skip
@pytest.mark.parametrize("n_samples", [1, 200, 1024, 1025, 16001])
def test_mel_of_any_size(options, n_samples):
    mel = MelSpectrogram(n_mels=20, **options)
    waveforms = torch.randn(2, n_samples)
    found, expected = exportable(mel)(waveforms), mel(waveforms)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("ema", [causal, forward_backward])
@pytest.mark.parametrize("n_frames", [1, 2, 63, 3000])
@pytest.mark.parametrize("s", [1.0, 0.25, 0.015, 1e-5])
def test_averages_without_a_loop(ema, n_frames, s):
    pcen = ParallelPCEN(5, s=[s], ema=ema)
    energy = torch.rand(2, n_frames, 5)
    torch.testing.assert_close(
        exportable(pcen)(energy), pcen(energy), rtol=1e-4, atol=1e-5
    )


class Unexportable(nn.Module):
    """Looks at values, which cannot be traced."""

    def forward(self, features):
        """[B, T, F] -> [B, T, F]."""
        return features if features.max() > 1 else features / 2


class Drawn(nn.Module):
    """Gives other numbers in each call."""

    def forward(self, features):
        """[B, T, F] -> [B, T, F]."""
        return torch.rand_like(features)


def own_filter(energy, coefficient):
    """A filter of one's own."""
    return energy


@pytest.mark.parametrize(
    "stages, words",
    [
        ([Unexportable()], "has no form in ONNX"),
        ([Drawn()], "nothing was written"),
        ([ParallelPCEN(32, 0.5, 2.0, 0.5, ema=own_filter)],
         "'own_filter' has no form in ONNX"),
    ],
)  # fmt: skip
def test_own_parts_get_one_sentence(tmp_path, stages, words):
    detector = make_detector("log_mel")
    mel = detector.featurizer.mel
    detector.featurizer = Featurizer(mel, [AmplitudeToDB(), MinMax(), *stages])
    path = tmp_path / "detector.onnx"
    path.write_text("of yesterday")
    with pytest.raises(InputError, match=words) as caught:
        export_onnx(detector, path, CLASSES)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_number_of_names(tmp_path):
    with pytest.raises(InputError, match="3 classes, but 2 names"):
        export_onnx(make_detector("pcen"), tmp_path / "x.onnx", ["Cat", "Dog"])
    assert not list(tmp_path.iterdir())


def test_missing_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install .*sb_sed\[onnx\]"):
        export_onnx(make_detector("pcen"), tmp_path / "x.onnx", CLASSES)
    assert not list(tmp_path.iterdir())


def test_what_is_no_model(tmp_path):
    source = tmp_path / "source.onnx"
    for content in (None, b"", b"no model"):
        if content is not None:
            source.write_bytes(content)
        with pytest.raises(InputError, match="source.onnx cannot be"):
            quantise(source, tmp_path / "target.onnx")
    assert list(tmp_path.iterdir()) == [source]


def command(*arguments):
    """Runs ``sb-sed export-onnx``."""
    parser = argparse.ArgumentParser()
    add_export_onnx(parser.add_subparsers())
    parsed = parser.parse_args(["export-onnx", *map(str, arguments)])
    parsed.run(parsed)


def test_command(run_folder, exported, detector, tmp_path, capsys, monkeypatch):
    waveforms = torch.rand(2, 2000) - 0.5
    expected = detector(waveforms)
    model = tmp_path / "detector.onnx"
    command(run_folder, model)
    assert capsys.readouterr().out == f"{model}\n"
    for found, ours in zip(run(model, waveforms), expected, strict=False):
        np.testing.assert_allclose(found, ours, rtol=0, atol=1e-5)
    # As the export that it begins with was seen to work.
    monkeypatch.setattr(
        onnx_export,
        "export_onnx",
        lambda _, path, *__: shutil.copy(model, path),
    )
    command(exported, tmp_path / "small.onnx", "--int8")
    found, _ = run(tmp_path / "small.onnx", waveforms)
    np.testing.assert_allclose(found, expected.strong, rtol=0, atol=0.05)
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx")
    about = session.get_modelmeta().custom_metadata_map
    assert about["clip_seconds"] == "2.0" and about["sample_rate"] == "1000"
    with pytest.raises(InputError, match="nowhere is neither"):
        command("nowhere", tmp_path / "nothing.onnx")
    assert not (tmp_path / "nothing.onnx").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"width": 2, "gate": "context"},
        {"attention": ChannelFrequencyAttention()},
        {"attention": SqueezeExcitation()},
        {"dynamic": FrequencyDynamic()},
    ],
)
def test_every_kind_of_crnn(tmp_path, options):
    torch.manual_seed(0)
    network = CRNN(
        n_classes=len(CLASSES),
        n_mels=32,
        filters=(8, 16),
        pooling=((2, 4), (1, 4)),
        rnn_hidden=8,
        initialise=initialise_as_swish,
        **options,
    )
    featurizer = get_featurizer("log_mel", n_mels=32, hop_length=400)
    noise = torch.randn(4, RATE)
    featurizer.fit([noise])
    detector = Detector(featurizer, network)
    with torch.no_grad():
        detector(featurizer.mel(noise))  # the statistics of the batch norms
    export_onnx(detector.eval(), tmp_path / "model.onnx", CLASSES, {})
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    strong, weak = session.run(None, {"waveforms": noise.numpy()})
    with torch.no_grad():
        expected = detector.from_waveforms(noise)
    np.testing.assert_allclose(strong, expected.strong, atol=1e-5)
    np.testing.assert_allclose(weak, expected.weak, atol=1e-5)
