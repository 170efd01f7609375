"""Times YAMNet in PyTorch and onnxruntime beside its multiplications.

    python benchmarks/encoders.py [--seconds 10] [--hop 0.16] [--threads 1]

Of one clip, a recording of a dog again and again: milliseconds (median over
rounds in which all take turns), the ratio to the floor, multiplications in
millions, and the cosine between the embeddings and those of the windows one by
one. The floor are as many multiplications as PyTorch's YAMNet has, as products
of matrices of 512 x 512 that lie ready in the cache. "Without windows' edges"
is what the package does not do: the first twelve layers over the whole
recording, of which windows are cut.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
import torch
from _measure import take_turns
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from sb_sed.encoders import YAMNet
from sb_sed.encoders.yamnet_network import HOP, ROWS, YAMNetNetwork

RATE, OPSET = 16000, 18
RECORDING = Path(__file__).parents[1] / "tests/encoders/yamnet_reference.npz"


def clip(seconds: float) -> Tensor:
    """The recording as often as it takes [1, N]."""
    wav = torch.from_numpy(np.load(RECORDING)["wav"]) / 32768
    n_samples = int(seconds * RATE)
    return wav.repeat(-(-n_samples // len(wav)))[None, :n_samples]


def padded(wavs: Tensor, step: int) -> Tensor:
    """The clip with zeros to whole windows."""
    beyond = wavs.shape[-1] - (ROWS - 1) * HOP - 400
    return functional.pad(wavs, (0, -beyond % (step * HOP)))


def one_by_one(net: YAMNetNetwork, wavs: Tensor, step: int) -> Tensor:
    """Every window as a picture of its own."""
    x = net.log_mel(padded(wavs, step))[0].unfold(0, ROWS, step)
    x = x.transpose(1, 2)[..., None].contiguous()
    for layer in net.layers:
        x = layer(x)
    return x.mean((1, 2))[None]


def without_edges(net: YAMNetNetwork, wavs: Tensor, step: int) -> Tensor:
    """Windows of the map of layer 12."""
    x = net.log_mel(padded(wavs, step))[..., None]
    for layer in net.layers[:12]:
        x = layer(x)
    x = x[0].unfold(0, ROWS // 16, step // 16).permute(0, 3, 1, 2).contiguous()
    for layer in net.layers[12:]:
        x = layer(x)
    return x.mean((1, 2))[None]


def in_onnxruntime(encoder: YAMNet, folder: str, threads: int) -> Callable:
    """The whole encoder as a file, from waveforms to embeddings."""
    path = Path(folder) / "yamnet.onnx"
    n_samples = torch.export.Dim("samples")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder,
            (torch.zeros(1, 160000),),
            path,
            input_names=["waveforms"],
            dynamic_shapes=({1: n_samples},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options)

    def run(wavs: Tensor) -> Tensor:
        """Waveforms [1, N] to embeddings."""
        feed = {"waveforms": wavs.numpy()}
        return torch.from_numpy(session.run(None, feed)[0])

    return run


def multiplications(compute: Callable, *inputs) -> float:
    """Of convolutions and products of matrices, in millions."""
    with FlopCounterMode(display=False) as counter:
        compute(*inputs)
    return counter.get_total_flops() / 2e6


def products(millions: float) -> Callable:
    """So many multiplications, and nothing else."""
    left, right = torch.randn(512, 512), torch.randn(512, 512)
    out = torch.empty(512, 512)
    n_products = round(millions * 1e6 / 512**3)

    def compute() -> None:
        """Multiply matrices."""
        for _ in range(n_products):
            torch.mm(left, right, out=out)

    return compute


@torch.no_grad()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--hop", type=float, default=0.16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    encoder, wavs = YAMNet(hop=args.hop), clip(args.seconds)
    net, step = encoder.net, round(args.hop * 100)
    with TemporaryDirectory() as folder:
        ways = {
            "PyTorch": encoder,
            "onnxruntime": in_onnxruntime(encoder, folder, args.threads),
            "windows one by one": lambda wavs: one_by_one(net, wavs, step),
        }
        if step % 16 == 0:
            ways["without windows' edges"] = lambda wavs: without_edges(
                net, wavs, step
            )
        counts = {
            name: multiplications(way, wavs)
            for name, way in ways.items()
            if name != "onnxruntime"
        }
        counts["onnxruntime"] = counts["floor"] = counts["PyTorch"]
        expected = one_by_one(net, wavs, step)
        cosines = {
            name: functional.cosine_similarity(way(wavs), expected, -1).mean()
            for name, way in ways.items()
        }
        entries = {
            name: lambda way=way: way(wavs) for name, way in ways.items()
        }
        entries["floor"] = products(counts["floor"])
        times = take_turns(entries, args.rounds)
    print(
        f"YAMNet, {args.seconds:g} s, a window each {args.hop:g} s, "
        f"threads: {args.threads}"
    )
    print(f"{'':24}{'ms':>8}{'x floor':>9}{'M mult.':>9}{'cosine':>9}")
    for name, time in times.items():
        cosine = f"{cosines[name]:9.4f}" if name in cosines else ""
        print(
            f"{name:24}{time:8.1f}{time / times['floor']:9.2f}"
            f"{counts[name]:9.0f}{cosine}"
        )


if __name__ == "__main__":
    main()
