"""The CRNN's fastest form gives its scores."""

import copy

import pytest
import torch
from torch import nn

from sb_sed.features import MinMax, get_featurizer
from sb_sed.models.attention import FrequencyDynamic, SqueezeExcitation
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.models.folded import FoldedBlock, TwoConvolutions, folded


@pytest.fixture
def network():
    """A small one whose batch norms have seen something."""
    torch.manual_seed(0)
    network = CRNN(
        n_classes=3,
        n_mels=16,
        n_channels=2,
        filters=(4, 6),
        pooling=((2, 2), (1, 2)),
        rnn_hidden=5,
    )
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_()
    return network.eval()


@pytest.mark.parametrize("n_clips", [1, 5])
def test_scores_are_the_same(network, n_clips):
    features = torch.randn(n_clips, 40, 16, 2)
    before = copy.deepcopy(network.state_dict())
    with torch.inference_mode():
        fast = folded(network)
        for exact, found in zip(network(features), fast(features), strict=True):
            torch.testing.assert_close(found, exact, rtol=1e-5, atol=1e-6)
    assert sum(isinstance(x, FoldedBlock) for x in fast.modules()) == 2
    assert not any(isinstance(x, nn.BatchNorm2d) for x in fast.modules())
    # The original is as it was, and shares the rest of its weights.
    assert not any(isinstance(x, FoldedBlock) for x in network.modules())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert fast.rnn is network.rnn


def test_of_few_channels_the_gate_is_a_convolution(network):
    sizes = {"filters": (20, 4), "pooling": ((2, 2), (1, 2)), "n_mels": 16}
    small = CRNN(3, n_channels=2, rnn_hidden=5, **sizes)
    small.cnn[0].conv.bias.data.normal_()
    small.cnn[0].gate.linear.weight.data.normal_()
    small.cnn[0].gate.linear.bias.data.normal_()
    small(torch.randn(4, 40, 16, 2))  # so that batch norms have seen something
    features = torch.randn(3, 40, 16, 2)
    with torch.inference_mode():
        fast = folded(small.eval())
        for exact, found in zip(small(features), fast(features), strict=True):
            torch.testing.assert_close(found, exact, rtol=1e-5, atol=1e-6)
    kinds = [type(block) for block in fast.cnn.module]
    assert kinds == [TwoConvolutions, FoldedBlock]
    # Of as many input channels, it takes fewer products as it is.
    assert type(folded(network).cnn.module[0]) is FoldedBlock


@pytest.mark.parametrize(
    "options",
    [
        {"gate": "context"},
        {"dynamic": FrequencyDynamic(n_kernels=2)},
        {"attention": SqueezeExcitation()},
    ],
)
def test_wider_networks(options):
    torch.manual_seed(0)
    sizes = {"filters": (4, 8), "pooling": ((2, 2), (1, 2)), "n_mels": 16}
    network = CRNN(3, rnn_hidden=5, **sizes, **options)
    network(torch.randn(4, 40, 16))  # so that batch norms have seen something
    features = torch.randn(2, 40, 16)
    with torch.inference_mode():
        exact, found = network.eval()(features), folded(network)(features)
        torch.testing.assert_close(found.strong, exact.strong)
        torch.testing.assert_close(found.weak, exact.weak)


def test_a_detector_and_what_has_nothing_to_fold(network):
    featurizer = get_featurizer("log_mel", normalise=MinMax())
    detector = Detector(featurizer, CRNN()).eval()
    fast = folded(detector)
    assert fast is not detector and fast.featurizer is featurizer
    wavs = torch.randn(2, 16000)
    with torch.inference_mode():
        exact = detector.from_waveforms(wavs).strong
        torch.testing.assert_close(fast.from_waveforms(wavs).strong, exact)
    for module in (nn.Linear(1, 1), network.train()):
        assert folded(module) is module
