"""The detector: a featurizer and a network as one module."""

import copy

import pytest
import torch

from sb_sed.errors import InputError
from sb_sed.features import MinMax, ZScore, get_featurizer
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector

TINY = {
    "n_classes": 3,
    "n_mels": 32,
    "filters": (4, 6),
    "pooling": ((2, 2), (2, 4)),
    "rnn_hidden": 5,
}


@pytest.fixture
def detector():
    torch.manual_seed(0)
    featurizer = get_featurizer("log_mel", n_mels=32, normalise=MinMax())
    return Detector(featurizer, CRNN(**TINY)).eval()


def test_the_baselines_frames():
    detector = Detector(get_featurizer("log_mel"), CRNN())
    assert detector.frame_shift == pytest.approx(0.06375)
    assert detector.n_output_frames(160_000) == 157
    assert detector.n_output_frames(159_744) == 156


def test_frames_of_other_poolings_and_hops():
    featurizer = get_featurizer("log_mel", n_mels=32, hop_length=400)
    detector = Detector(featurizer, CRNN(**TINY))
    assert detector.frame_shift == pytest.approx(4 * 400 / 16000)


@pytest.mark.parametrize("n_samples", [1, 1000, 4000, 16000, 17001])
def test_the_number_of_output_frames_is_that_of_the_output(detector, n_samples):
    predictions = detector.from_waveforms(torch.randn(2, n_samples))
    n_frames = detector.n_output_frames(n_samples)
    assert predictions.strong.shape == (2, n_frames, 3)


def test_the_detector_is_its_parts_in_turn(detector):
    wavs = torch.randn(2, 16000)
    mel = detector.featurizer.mel(wavs)
    features = detector.featurizer(wavs)
    assert mel.shape == features.shape == (2, 63, 32)
    for whole, from_mel, parts in zip(
        detector.from_waveforms(wavs),
        detector(mel),
        detector.network(features),
        strict=True,
    ):
        assert torch.equal(whole, from_mel)
        assert torch.equal(whole, parts)


def test_a_view_of_the_mel_changes_the_scores(detector):
    mel = detector.featurizer.mel(torch.randn(1, 16000))
    noisy = mel * (1 + 0.1 * torch.randn_like(mel))
    assert not torch.equal(detector(mel).embedding, detector(noisy).embedding)


def test_a_copy_has_the_front_end_too():
    featurizer = get_featurizer("log_mel", n_mels=32)
    student = Detector(featurizer, CRNN(**TINY))
    teacher = copy.deepcopy(student)
    featurizer.fit([torch.randn(2, 16000)])
    names = set(student.state_dict())
    assert {f"featurizer.stages.1.{b}" for b in ("mean", "std")} < names
    assert isinstance(featurizer.stages[1], ZScore)
    assert not teacher.featurizer.stages[1].fitted
    teacher.load_state_dict(student.state_dict(), strict=True)
    wavs = torch.randn(1, 16000)
    student.eval(), teacher.eval()
    for ours, theirs in zip(
        student.from_waveforms(wavs), teacher.from_waveforms(wavs), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_features_and_network_must_have_as_many_channels():
    with pytest.raises(InputError, match="n_channels=2"):
        Detector(get_featurizer("ppcen"), CRNN())
