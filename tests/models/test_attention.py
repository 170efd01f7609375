"""Attention over frequency against plain loops, and in a CRNN."""

import pytest
import torch
from torch.nn import functional as F

from sb_sed.models.attention import (
    ChannelFrequencyAttention,
    FrequencyDynamic,
    SqueezeExcitation,
)
from sb_sed.models.crnn import CRNN, ContextGate

TINY = {
    "n_classes": 3,
    "n_mels": 16,
    "filters": (4, 8, 8),
    "pooling": ((2, 2), (1, 2), (1, 4)),
    "rnn_hidden": 5,
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_channel_frequency_attention_is_a_convolution_of_means():
    attention, x = ChannelFrequencyAttention(2)(4, 6), torch.randn(2, 4, 5, 6)
    first, second = (p.detach() for p in attention.parameters())
    image = F.pad(x.mean(dim=2), (1, 1, 1, 1))
    hidden = torch.zeros(2, 2, 4, 6)
    for c in range(4):
        for f in range(6):
            patch = image[:, c : c + 3, f : f + 3]
            for h in range(2):
                hidden[:, h, c, f] = (patch * first[h, 0]).sum((1, 2)).relu()
    hidden = F.pad(hidden, (1, 1, 1, 1))
    expected = torch.empty_like(x)
    for c in range(4):
        for f in range(6):
            patch = hidden[:, :, c : c + 3, f : f + 3]
            weight = (patch * second[0]).sum((1, 2, 3)).sigmoid()
            expected[:, c, :, f] = x[:, c, :, f] * weight[:, None]
    torch.testing.assert_close(attention(x), expected)


def test_squeeze_excitation_weights_channels_then_bands_by_frame():
    attention, x = SqueezeExcitation(2)(4, 6), torch.randn(2, 4, 5, 6)
    w1, b1, w2, b2, w3, b3, w4, b4 = attention.parameters()
    expected = torch.empty_like(x)
    for clip in range(2):
        means = x[clip].mean((1, 2))
        channels = ((w1 @ means + b1).relu() @ w2.T + b2).sigmoid()
        weighted = x[clip] * channels[:, None, None]
        for frame in range(5):
            means = weighted[:, frame].mean(0)
            bands = ((w3 @ means + b3).relu() @ w4.T + b4).sigmoid()
            expected[clip, :, frame] = weighted[:, frame] * bands
    torch.testing.assert_close(attention(x), expected)


def test_a_dynamic_convolution_has_one_kernel_a_clip_and_band():
    conv, x = FrequencyDynamic(3, 2.0)(4, 5), torch.randn(2, 4, 7, 6)
    conv.eval()
    weights = (conv.choice(x.mean(2)) / 2.0).softmax(1)  # [B, kernels, F]
    kernels = conv.kernels.weight.unflatten(0, (3, 5))
    biases = conv.kernels.bias.unflatten(0, (3, 5))
    expected = torch.empty(2, 5, 7, 6)
    for clip in range(2):
        for band in range(6):
            of_band = weights[clip, :, band]
            kernel = torch.einsum("k,koixy->oixy", of_band, kernels)
            bias = of_band @ biases
            whole = F.conv2d(x[clip : clip + 1], kernel, bias, padding=1)
            expected[clip, :, :, band] = whole[0, :, :, band]
    torch.testing.assert_close(conv(x), expected)


def test_one_kernel_is_a_plain_convolution():
    conv, x = FrequencyDynamic(1)(4, 5), torch.randn(2, 4, 7, 6)
    plain = F.conv2d(x, conv.kernels.weight, conv.kernels.bias, padding=1)
    torch.testing.assert_close(conv(x), plain)


def test_context_gate():
    gate, x = ContextGate(3), torch.randn(2, 5, 3)
    weight, bias = gate.linear.weight, gate.linear.bias
    expected = x * torch.sigmoid(torch.einsum("bti,oi->bto", x, weight) + bias)
    torch.testing.assert_close(gate(x), expected)


# Published: 4 427 956 for FDY-SED without its convolutions and 11.06 million
# with them; squeeze and excitation adds 2.7 %.
@pytest.mark.parametrize(
    "options, n_parameters",
    [
        ({}, 4_427_956),
        ({"attention": ChannelFrequencyAttention()}, 4_427_956 + 6 * 144),
        ({"attention": SqueezeExcitation()}, 4_541_142),
        ({"dynamic": FrequencyDynamic()}, 11_066_332),
    ],
)
def test_the_wide_network_has_the_published_size(options, n_parameters):
    network = CRNN(width=2, gate="context", **options)
    assert sum(p.numel() for p in network.parameters()) == n_parameters
    assert network(torch.rand(1, 64, 128)).strong.shape == (1, 16, 10)


@pytest.mark.parametrize(
    "options",
    [
        {"width": 2, "gate": "context"},
        {"attention": ChannelFrequencyAttention()},
        {"attention": SqueezeExcitation(reduction=1)},
        {"dynamic": FrequencyDynamic()},
    ],
)
def test_every_weight_learns_and_the_scores_repeat(options):
    network = CRNN(**TINY, **options, initialise=None)
    network(torch.rand(2, 12, 16)).weak.sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    network.eval()
    features = torch.rand(3, 12, 16)
    with torch.no_grad():
        together = network(features).strong
        alone = [network(clip[None]).strong[0] for clip in features]
    torch.testing.assert_close(together, torch.stack(alone))


def test_an_unknown_gate():
    with pytest.raises(ValueError, match="choose from linear, context"):
        CRNN(**TINY, gate="tanh")
