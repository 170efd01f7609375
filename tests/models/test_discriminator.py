"""The discriminators: against plain PyTorch, and without padding."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sb_sed.models.discriminator import (
    SpeechBrainTCNDiscriminator,
    TCNDiscriminator,
)

BOTH = [TCNDiscriminator, SpeechBrainTCNDiscriminator]


def gln(x, weight, bias):
    """Global layer norm of [B, C, T], written out."""
    mean = x.mean((1, 2), keepdim=True)
    variance = (x - mean).square().mean((1, 2), keepdim=True)
    x = (x - mean) / (variance + 1e-8).sqrt()
    return x * weight[:, None] + bias[:, None]


def written_out(parameters, x, dilations, pad, biases):
    """The network in functions alone, from its parameters in their order.

    Arguments
    ---------
    parameters : Iterator of torch.Tensor
        As they are used.
    x : torch.Tensor
        [B, T, D].
    dilations : list of int
        Of the blocks.
    pad : str
        Padding at the ends of clips: "constant" (zeros) or "reflect".
    biases : bool
        Whether the convolutions of the blocks have them.
    """

    def conv(x, bias=biases, **options):
        weight = next(parameters)
        return F.conv1d(
            x, weight, next(parameters) if bias else None, **options
        )

    def norm(x):
        weight, bias = next(parameters), next(parameters)
        return gln(x, weight.flatten(), bias.flatten())

    x = conv(norm(x.transpose(1, 2)), bias=True)
    for dilation in dilations:
        y = norm(F.prelu(conv(x), next(parameters)))
        half = dilation  # of three taps
        y = F.pad(y, (half, half), mode=pad)
        y = conv(y, dilation=dilation, groups=y.shape[1])
        x = x + conv(norm(F.prelu(y, next(parameters))))
    x = conv(F.prelu(x, next(parameters)), bias=True)
    return x.mean((1, 2))


@pytest.mark.parametrize(
    "discriminator, pad, biases",
    [(TCNDiscriminator, "constant", True)]
    + [(SpeechBrainTCNDiscriminator, "reflect", False)],
)
@pytest.mark.parametrize("n_blocks, n_repeats", [(4, 2), (2, 1)])
def test_against_plain_pytorch(discriminator, pad, biases, n_blocks, n_repeats):
    torch.manual_seed(0)
    network = discriminator(
        7, bottleneck=5, hidden=6, n_blocks=n_blocks, n_repeats=n_repeats
    ).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    x = torch.randn(3, 20, 7).double()
    dilations = [2**block for block in range(n_blocks)] * n_repeats
    parameters = network.parameters()
    expected = written_out(parameters, x, dilations, pad, biases)
    assert next(parameters, None) is None  # all were used
    # It computes in float32.
    found = network.frame_logits(x).mean(1)
    torch.testing.assert_close(found, expected)


def test_against_asteroids_own_forward_pass():
    torch.manual_seed(0)
    network = TCNDiscriminator(7)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    embedding = torch.randn(3, 40, 7)
    x = network.head(embedding.transpose(1, 2))
    for block in network.blocks:
        x = x + block(x)
    expected = network.tail(x).squeeze(1)
    torch.testing.assert_close(
        network.frame_logits(embedding), expected, rtol=1e-4, atol=1e-4
    )


def test_parameters():
    """Those of the released code, without a layer that it never uses."""

    def count(*arguments):
        return sum(p.numel() for p in TCNDiscriminator(*arguments).parameters())

    assert count() == count(128) == 149_394
    # Each input channel: two of the norm, 64 of the first convolution.
    assert count(256) == 149_394 + 128 * 66


@pytest.mark.parametrize("discriminator", BOTH)
def test_padding_has_no_influence(discriminator):
    torch.manual_seed(0)
    network = discriminator(6, 4, 5, n_blocks=3, n_repeats=1)
    x = torch.randn(5, 40, 6)
    n_frames = [40, 25, 9, 25, 40]
    lens = torch.tensor(n_frames) / 40
    expected = torch.stack(
        [
            network(clip[None, :n])[0]
            for clip, n in zip(x, n_frames, strict=True)
        ]
    )
    for clip, n in zip(x, n_frames, strict=True):
        clip[n:] = torch.nan
    x.requires_grad_()
    logits = network(x, lens)
    torch.testing.assert_close(logits, expected)
    assert logits.shape == (5,)
    logits.sum().backward()
    for gradient, n in zip(x.grad, n_frames, strict=True):
        assert gradient[:n].abs().sum() > 0
        assert not gradient[n:].any()
    for parameter in network.parameters():
        assert parameter.grad.isfinite().all()


@pytest.mark.parametrize("discriminator", BOTH)
def test_whole_clips_need_no_lengths(discriminator):
    network = discriminator(6, 4, 5, n_blocks=2, n_repeats=1)
    x = torch.randn(3, 30, 6)
    torch.testing.assert_close(network(x, torch.ones(3)), network(x))


@pytest.mark.parametrize("discriminator", BOTH)
@pytest.mark.parametrize("n", [1, 4, 5, 30])
def test_the_shortest_clips(discriminator, n):
    network = discriminator(6, 4, 5, n_blocks=3, n_repeats=1)
    x = torch.randn(2, 30, 6)
    assert network(x, torch.tensor([n / 30, 0.0])).isfinite().all()


@pytest.mark.parametrize("discriminator", BOTH)
def test_it_computes_in_single_precision(discriminator):
    network = discriminator(6, 4, 5, n_blocks=2, n_repeats=1)
    x = torch.randn(3, 30, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(x.bfloat16())
    assert logits.dtype == torch.float32
    assert torch.equal(logits, network(x.bfloat16().float()))


@pytest.mark.parametrize("discriminator", BOTH)
def test_level_and_other_clips_have_no_influence(discriminator):
    network = discriminator(6, 4, 5, n_blocks=2, n_repeats=1)
    x = torch.randn(3, 30, 6)
    torch.testing.assert_close(network(x[1:2])[0], network(x)[1])
    # The norm at its entry takes mean and scale away.
    torch.testing.assert_close(
        network(3 * x + 1), network(x), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("discriminator", BOTH)
def test_it_learns_to_tell_textures_apart(discriminator):
    torch.manual_seed(0)
    network = discriminator(4, 6, 8, n_blocks=2, n_repeats=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)

    def clips():
        """White noise, and noise that is similar from frame to frame."""
        x = torch.randn(16, 61, 4)
        smooth = (x[:8, 1:] + x[:8, :-1]) / 2**0.5
        return torch.cat([smooth, x[8:, 1:]]), torch.arange(16) < 8

    for _ in range(150):
        x, labels = clips()
        loss = F.binary_cross_entropy_with_logits(network(x), labels.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = [(network(x) > 0) == y for x, y in (clips() for _ in range(10))]
    assert torch.cat(right).float().mean() > 0.9
