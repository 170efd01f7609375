"""Times parallel PCEN beside SpeechBrain's PCEN and a stack built on SciPy.

    python benchmarks/pcen.py [--clips 24] [--frames 628] [--threads 2]

Forward and backward pass of a batch: two layers with two EMA filters of ours,
one layer of SpeechBrain's (a step of Python for each frame), two layers as the
released code of the paper has them (SciPy's filtfilt, then PyTorch), and the
formula of ours as PyTorch's own graph, to show the gain of the hand-written
kernel. First with the gradients of the parameters, then of the input too; the
SciPy stack has none through its filter.

The floor is the time in which a memory copy would move what any implementation
must: the energies read and the output written, then both energies and output's
gradient read, and where asked the input's gradient written. The error is the
largest difference from the same computation in double precision, over the
largest output. MB is the peak memory, with energies (8 MB of 24 clips), output
and gradient (15 MB each for two layers).

Authors
 * sb_sed contributors 2026
"""

import argparse
import math
from collections.abc import Callable
from functools import partial

import torch
from _measure import peak_megabytes, take_turns
from scipy.signal import filtfilt
from speechbrain.nnet.normalization import PCEN as SpeechBrainPCEN
from torch import Tensor, nn

from sb_sed.features.ema import forward_backward
from sb_sed.features.pcen import ParallelPCEN

N_MELS = 128


class WithPyTorchsGraph(ParallelPCEN):
    """The same filters; the formula as one would write it down."""

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F, N]."""
        averages = [self.ema(energy, s) for s in self.s]
        layers = zip(self.weights, self.alpha, self.delta, self.r, strict=True)
        outputs = []
        for weights, alpha, delta, r in layers:
            mixed = sum(w * m for w, m in zip(weights, averages, strict=True))
            gain = torch.exp(-alpha * torch.log(self.eps + mixed))
            outputs.append((energy * gain + delta) ** r - delta**r)
        return torch.stack(outputs, -1)


class WithSciPy(ParallelPCEN):
    """As the released code: SciPy filters a copy of the energies for each
    layer, and all is done on tensors [B, N, F, T]."""

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F, N]."""
        n_layers = self.n_channels
        layers = energy.transpose(1, 2)[:, None].expand(-1, n_layers, -1, -1)
        array = layers.detach().numpy()
        filtered = [
            filtfilt([s], [1, s - 1], array, axis=-1, padtype=None)
            for s in self.s.flatten().tolist()
        ]
        averages = torch.stack(
            [torch.tensor(x.astype("float32")) for x in filtered]
        )
        weights = self.weights.transpose(0, 1)[:, None, ..., None]
        mixed = (averages * weights).sum(0)
        alpha, delta, r = (
            parameter[None, ..., None].expand_as(layers)
            for parameter in (self.alpha, self.delta, self.r)
        )
        log_mixed = math.log(self.eps) + torch.log1p(mixed / self.eps)
        gained = layers * torch.exp(-alpha * log_mixed)
        output = (gained + delta).pow(r) - delta.pow(r)
        return output.permute(0, 3, 2, 1)


WAYS: dict[str, Callable[[], nn.Module]] = {
    "sb_sed, 2 layers": partial(ParallelPCEN, N_MELS),
    "sb_sed, 2 layers, forward-backward": partial(
        ParallelPCEN, N_MELS, ema=forward_backward
    ),
    "PyTorch's graph, 2 layers": partial(WithPyTorchsGraph, N_MELS),
    "SpeechBrain, 1 layer": partial(SpeechBrainPCEN, N_MELS, floor=1e-6),
    "SciPy's filtfilt, 2 layers": partial(WithSciPy, N_MELS),
}


def forward_and_backward(
    way: str, shape: tuple[int, int], threads: int, to_input: bool
) -> Callable[[], object]:
    """What is timed: a module on a batch, with a gradient that lies ready."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    energy = torch.rand(*shape, N_MELS).pow_(4)
    module = WAYS[way]()
    gradient = torch.randn_like(module(energy))

    def run() -> Tensor:
        """One step's worth."""
        leaf = energy.detach().requires_grad_(to_input)
        output = module(leaf)
        output.backward(gradient)
        return output

    return run


def once(way: str, *settings) -> None:
    """A pass in a fresh process."""
    forward_and_backward(way, *settings)()


def memory(way: str, shape: tuple[int, int], *settings) -> float:
    """Peak memory of a pass, energies and gradient included, in MB."""
    return peak_megabytes(
        once, (way, (1, 9), *settings), (way, shape, *settings)
    )


def error(way: str, shape: tuple[int, int]) -> float:
    """The largest difference from double precision, over the largest value."""
    energy = torch.rand(*shape, N_MELS).pow_(4)
    module = WAYS[way]()
    with torch.no_grad():
        single = module(energy)
        double = module.double()(energy.double())
    return ((single - double).abs().max() / double.abs().max()).item()


def copy_rate(rounds: int) -> float:
    """Bytes that a copy of 400 MB reads and writes in a millisecond."""
    source = torch.ones(100_000_000)
    target = torch.empty_like(source).fill_(0)
    times = take_turns({"copy": lambda: target.copy_(source)}, rounds)
    return 2 * 4 * source.numel() / times["copy"]


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=628)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shape = (options.clips, options.frames)
    rate = copy_rate(options.rounds)
    energies = 4 * options.clips * options.frames * N_MELS
    print(
        f"{options.clips} clips x {options.frames} frames x {N_MELS} bands, "
        f"{options.threads} threads, memory copies {rate / 1e6:.1f} GB/s"
    )
    for to_input in (False, True):
        settings = (shape, options.threads, to_input)
        entries = {way: forward_and_backward(way, *settings) for way in WAYS}
        times = take_turns(entries, options.rounds)
        # Energies twice, two layers out and their gradients in, input's out.
        floor = energies * (2 + 2 + 2 + to_input) / rate
        ours = times["sb_sed, 2 layers"]
        print(
            "\nforward, backward to parameters"
            + (" and input" if to_input else "")
        )
        print(f"{'':36}{'ms':>7}{'x ours':>8}{'error':>9}{'MB':>6}")
        for way, milliseconds in times.items():
            print(
                f"{way:36}{milliseconds:7.1f}{milliseconds / ours:8.2f}"
                f"{error(way, shape):9.0e}"
                f"{memory(way, *settings):6.0f}"
            )
        print(f"{'floor':36}{floor:7.1f}{floor / ours:8.2f}")
        print(f"ours takes {ours / floor:.1f} times the floor")


if __name__ == "__main__":
    main()
