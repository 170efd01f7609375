"""Detectors with a pretrained encoder: exported, refused, in ONNX, streamed."""

import copy
import json

import numpy as np
import pytest
import torch

from sb_sed.encoders import YAMNet
from sb_sed.errors import InputError
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.exported import export_run
from sb_sed.models.detector import Detector
from sb_sed.runs.run import Run
from sb_sed.training.checkpoints import AtomicCheckpointer

RATE = 16000
HYPERPARAMS = """\
name: tiny
seed: 7
data_folder: TinyData
dataset:
  classes: [Cat, Dog]
  sample_rate: 16000
  clip_seconds: 2.0
encoder:
  module: &id001 !new:sb_sed.encoders.YAMNet
    taps: [layer6, embedding]
    hop: 0.08
  fusion: &id002 !new:sb_sed.models.fusion.Fusion
    encoder_size: !apply:getattr [*id001, size]
    size: 5
features:
  mel: &id003 !new:sb_sed.features.MelSpectrogram
    hop_length: 640
    n_mels: 16
  featurizer: &id004 !new:sb_sed.features.Featurizer
    mel: *id003
    stages:
    - !new:sb_sed.features.AmplitudeToDB
    - !new:sb_sed.features.MinMax
model:
  network: &id005 !new:sb_sed.models.crnn.CRNN
    n_classes: 2
    n_mels: 16
    filters: [3, 4]
    pooling: [[1, 2], [1, 2]]
    rnn_hidden: 4
    rnn_layers: 1
    initialise: null
    fusion: *id002
student: &id006 !new:sb_sed.models.detector.Detector
  featurizer: *id004
  network: *id005
  encoder: *id001
smoothing:
  smoother: !new:sb_sed.smoothing.threshold.ThresholdSmoother
    threshold: 0.5
"""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of random weights, whose encoder is YAMNet."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS)
    torch.manual_seed(3)
    student = Run(folder).build(["student"])["student"]
    with torch.no_grad():
        student.network.strong.weight *= 20  # so that there are events
    checkpointer = AtomicCheckpointer(folder / "save", {"student": student})
    checkpointer.save_checkpoint({"event_f1": 1.0, "epoch": 1})
    return folder


@pytest.fixture(scope="module")
def exported(run_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "detector"
    assert export_run(run_folder, folder) == ""
    return folder


@pytest.fixture(scope="module")
def waveforms():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 2 * RATE)).astype(np.float32) / 10


def test_the_encoder_is_in_no_checkpoint(run_folder):
    student = Run(run_folder).student()
    weights = torch.load(Run(run_folder).weights, weights_only=True)
    assert not [name for name in weights if name.startswith("encoder")]
    assert isinstance(student.encoder, YAMNet)


def test_a_teacher_has_the_encoder_of_its_student(run_folder):
    student = Run(run_folder).student()
    assert copy.deepcopy(student).encoder is student.encoder


def test_the_exported_detector_is_the_run_s(run_folder, exported, waveforms):
    detector = SoundEventDetector.from_folder(exported, {"device": "cpu"})
    student = Run(run_folder).student()
    with torch.no_grad():
        expected = student.from_waveforms(torch.from_numpy(waveforms))
    found = detector(waveforms)
    torch.testing.assert_close(found.strong, expected.strong)
    torch.testing.assert_close(found.weak, expected.weak)
    embedding = expected.embedding
    assert embedding.shape[-1] == student.network.embedding_size


def test_another_encoder_is_refused(exported, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in exported.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = json.loads((folder / "detector.json").read_text())
    assert content["encoder"] == YAMNet(["layer6", "embedding"], 0.08).key
    content["encoder"] = "0123456789abcdef"
    (folder / "detector.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="another encoder than YAMNet"):
        SoundEventDetector.from_folder(folder, {"device": "cpu"})


def test_a_stream_has_the_events_of_the_file(exported, waveforms):
    """Of a clip that is one window, whatever the chunks."""
    detector = SoundEventDetector.from_folder(exported, {"device": "cpu"})
    (expected,) = detector.detect_batch(waveforms[:1])
    chunks = np.array_split(waveforms[0], 7)
    found = list(detector.stream(chunks, latency=1.5))
    assert sum(e.offset - e.onset for e in found) > 0 < len(expected)


def test_onnx_gives_the_scores_of_pytorch(exported, waveforms, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from sb_sed.inference.onnx import export_onnx

    detector = SoundEventDetector.from_folder(exported, {"device": "cpu"})
    module = detector.mods.detector
    assert isinstance(module, Detector)
    export_onnx(module, tmp_path / "detector.onnx", ["Cat", "Dog"])
    session = onnxruntime.InferenceSession(tmp_path / "detector.onnx")
    for wavs in (waveforms, waveforms[:1, : 20 * 1000]):
        with torch.no_grad():
            expected = module.from_waveforms(torch.from_numpy(wavs))
        strong, weak = session.run(None, {"waveforms": wavs})
        np.testing.assert_allclose(strong, expected.strong, atol=1e-4)
        np.testing.assert_allclose(weak, expected.weak, atol=1e-4)
