"""Every module on a device against a CPU: single precision, bfloat16, compiled.

The reference is the same module in single precision on the CPU, in training
mode without dropout. Outputs, and the gradients of a random projection of them
with respect to input and parameters, are compared; the error is the largest
difference over the largest value.

Authors
 * sb_sed contributors 2026
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import torch
from notes import Clock, Notes
from torch import Tensor, nn

from sb_sed.features import (
    AmplitudeToDB,
    MelSpectrogram,
    MinMax,
    get_featurizer,
)
from sb_sed.features.ema import forward_backward
from sb_sed.features.normalise import ZScore
from sb_sed.features.pcen import PCEN, ParallelPCEN
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.models.discriminator import (
    SpeechBrainTCNDiscriminator,
    TCNDiscriminator,
)

# Largest errors that are taken for rounding. Batch norms and a recurrence of
# 157 frames amplify it.
TOLERANCES = {"fp32": 2e-3, "bf16": 0.1, "compiled": 2e-3}


class Strong(nn.Module):
    """A network's or detector's scores and embeddings as one tensor."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, F] to [B, T' (C + D)]."""
        found = self.network(x)
        parts = (found.strong, found.embedding, found.weak)
        return torch.cat([part.flatten(1) for part in parts], 1)


class WithLengths(nn.Module):
    """A discriminator of clips, one of them shorter."""

    def __init__(self, discriminator: nn.Module):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] to [B]."""
        lens = torch.ones(len(x))
        lens[1] = 0.5
        return self.discriminator(x, lens)


def cases(
    n_clips: int, seconds: float
) -> Iterator[tuple[str, Callable, Tensor]]:
    """Names, what makes the modules, and inputs."""
    torch.manual_seed(0)
    wavs = torch.randn(n_clips, round(16000 * seconds)) / 8
    mel = MelSpectrogram()(wavs)
    energy = MinMax()(AmplitudeToDB()(mel))
    network = partial(CRNN, dropout=0.0)
    yield "MelSpectrogram", MelSpectrogram, wavs
    yield "AmplitudeToDB", AmplitudeToDB, mel
    yield "MinMax", MinMax, mel
    yield "ZScore", lambda: ZScore().fit([energy]), energy
    yield "PCEN", PCEN, energy
    yield (
        "PCEN, all per band",
        partial(PCEN, per_band=True, trainable=True),
        energy,
    )
    yield "PPCEN", ParallelPCEN, energy
    yield (
        "PPCEN, both ways",
        partial(ParallelPCEN, ema=forward_backward),
        energy,
    )
    yield "CRNN", lambda: Strong(network()), energy
    yield (
        "Detector with PPCEN",
        lambda: Strong(
            Detector(get_featurizer("ppcen"), network(n_channels=2))
        ),
        mel,
    )
    embedding = torch.randn(n_clips, energy.shape[1] // 4, 128)
    for made in (TCNDiscriminator, SpeechBrainTCNDiscriminator):
        yield made.__name__, lambda made=made: WithLengths(made()), embedding


def computed(
    module: nn.Module, x: Tensor, device: str, bf16: bool = False
) -> list[Tensor]:
    """Output and gradients, on the CPU."""
    x = x.to(device, copy=True).requires_grad_()
    with torch.autocast(
        torch.device(device).type, torch.bfloat16, enabled=bf16
    ):
        output = module(x)
    generator = torch.Generator().manual_seed(1)
    projection = torch.randn(output.shape, generator=generator)
    (output.float() * projection.to(device)).sum().backward()
    leaves = [x, *module.parameters()]
    return [
        value.detach().float().cpu()
        for value in (output, *(leaf.grad for leaf in leaves))
        if value is not None
    ]


def errors(found: list[Tensor], expected: list[Tensor]) -> dict[str, float]:
    """Of the output, and the largest of the gradients'."""
    if len(found) != len(expected):
        raise ValueError("Other tensors have gradients.")
    each = [
        float((a - b).abs().max() / b.abs().max().clamp_min(1e-12))
        for a, b in zip(found, expected, strict=True)
    ]
    # A parameter without influence has a gradient of rounding alone.
    largest = max(float(x.abs().max()) for x in expected[1:])
    gradients = [
        error
        for error, value in zip(each[1:], expected[1:], strict=True)
        if float(value.abs().max()) > 1e-4 * largest
    ]
    return {"output": each[0], "gradients": max(gradients, default=0.0)}


# Of a try on a CPU: compilation is the same for all.
COMPILED_IF_SMALL = ("PPCEN", "TCNDiscriminator")


def main(
    notes: Notes, clock: Clock, device: str, backend: str, small: bool
) -> None:
    """Compare as long as there is time: compilation comes last."""
    torch.backends.cudnn.allow_tf32 = False
    chosen = list(cases(*((2, 1.0) if small else (4, 10.0))))
    references = {}
    for name, make, x in chosen:
        torch.manual_seed(1)
        module = make().train()
        expected = computed(copy.deepcopy(module), x, "cpu")
        references[name] = (module, expected)
    for way in TOLERANCES:
        # Compiled, the largest first: time may not suffice for all.
        for name, _, x in chosen[::-1] if way == "compiled" else chosen:
            if small and way == "compiled" and name not in COMPILED_IF_SMALL:
                continue
            if not clock.has(5):
                notes.add(f"{name}, {way}", skipped="no time left")
                continue
            module, expected = references[name]
            with notes.guarded(f"{name}, {way}"):
                moved = copy.deepcopy(module).to(device)
                if way == "compiled":
                    torch.compiler.reset()
                    moved.compile(backend=backend)
                found = computed(moved, x, device, way == "bf16")
                figures = errors(found, expected)
                notes.add(
                    f"{name}, {way}",
                    **figures,
                    agrees=max(figures.values()) <= TOLERANCES[way],
                )
