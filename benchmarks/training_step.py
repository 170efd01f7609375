#!/usr/bin/env python3
"""A training step of the full-scale baseline: plain PyTorch against ours.

And ours with PPCEN in front, and with YAMNet beside the CNN, to see what these
cost: with all embeddings at hand, as of clips that are not mixed, or with those
of the synthetic clips yet to be computed.

Student and teacher forward, backward, optimiser and EMA for a batch of 24
clips of 10 s (6 synthetic, 12 unlabelled, 6 weak, of MiniDESED). Plain is the
same network of the same parameters as one would write it down: contiguous
tensors, float32, ``torch.nn.Dropout``. Both take the same batches in turn, step
by step, so that the ratio holds when the machine's speed drifts; a second
plain run with other dropout masks shows how much loss curves differ by chance.

And what each augmentation on the device adds to such a step, which does not
depend on the network: those of batches once, with the embeddings, those of
views once for each network. Of the smaller networks' steps they are a larger
share. And how many times the step of ours the networks of ``models/`` take.

> python benchmarks/training_step.py [--steps 50] [--threads 2]

Authors
 * sb_sed contributors 2026
"""

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable

import torch
from speechbrain.dataio.batch import PaddedBatch
from torch import nn

from sb_sed.augment.batch import FrameShift, Mixup, TimeMask
from sb_sed.augment.frequency import FilterAugment, FrequencyWarp
from sb_sed.augment.spectrogram import GaussianNoise, SpecAugment
from sb_sed.data.clips import ClipReader
from sb_sed.data.desed import DESED_CLASSES, prepare_desed
from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import Streams
from sb_sed.encoders import YAMNet
from sb_sed.features import get_featurizer
from sb_sed.minidesed import make_minidesed
from sb_sed.models.attention import (
    ChannelFrequencyAttention,
    FrequencyDynamic,
    SqueezeExcitation,
)
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.models.fusion import Fusion
from sb_sed.training.augmented import BatchAugmentation
from sb_sed.training.run_options import fastest_precision
from sb_sed.training.schedules import EMATeacher

OF_BATCHES = {
    "FrameShift": [FrameShift()],
    "Mixup": [Mixup()],
    "TimeMask": [TimeMask()],
    "all three": [FrameShift(), Mixup(), TimeMask()],
}
OF_VIEWS = {
    "GaussianNoise": GaussianNoise(),
    "SpecAugment": SpecAugment(),
    "FilterAugment": FilterAugment(),
    "FilterAugment, step": FilterAugment("step", (2, 4), (-4.5, 6.0), 4),
    "FrequencyWarp": FrequencyWarp(),
}
_WIDE = {"width": 2, "gate": "context"}
NETWORKS = {
    "crnn": {},
    "crnn_wide": _WIDE,
    "crnn_attention": _WIDE | {"attention": ChannelFrequencyAttention()},
    "crnn_squeeze": _WIDE | {"attention": SqueezeExcitation()},
    "crnn_dynamic": _WIDE | {"dynamic": FrequencyDynamic()},
}


class PlainBlock(nn.Module):
    """The convolutional block of the baseline, contiguous."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.conv, self.norm = block.conv, block.norm
        self.linear, self.pool = block.gate.linear, block.pool
        self.dropout = nn.Dropout(block.dropout.p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T, F] to the pooled [B, C', T', F']."""
        x = self.norm(self.conv(x))
        linear = self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.pool(self.dropout(linear * torch.sigmoid(x)))


def plain(detector: Detector) -> Detector:
    """The same detector, parameters copied, written down plainly."""
    detector = copy.deepcopy(detector)
    network = detector.network
    network.cnn = nn.Sequential(*(PlainBlock(block) for block in network.cnn))
    network.cnn.to(memory_format=torch.contiguous_format)
    network.dropout = nn.Dropout(network.dropout.p)
    network.rnn.__class__ = nn.GRU  # on all threads
    return detector


class Run:
    """One way of training: its networks, losses and times."""

    def __init__(self, detector: Detector, precision: str, seed: int):
        self.student = detector
        self.teacher = copy.deepcopy(detector).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.student.parameters(), lr=1e-3)
        self.noise = GaussianNoise(30.0)
        self.ema = EMATeacher()
        self.autocast = precision == "bf16"
        self.seed = seed
        self.losses: list[float] = []
        self.seconds: list[float] = []

    def step(self, inputs: Callable[[], tuple], batch: PaddedBatch) -> None:
        """Train on a batch, whose mel comes first; note loss and time."""
        torch.manual_seed(self.seed + len(self.losses))
        start = time.perf_counter()
        mel, *encoded = inputs()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            student = self.student(mel, *encoded)
            with torch.no_grad():
                teacher = self.teacher(self.noise(mel), *encoded)
        bce, mse = nn.functional.binary_cross_entropy, nn.functional.mse_loss
        strong, weak = batch.has_strong, batch.has_weak
        loss = (
            bce(student.strong[strong], batch.strong.data[strong])
            + bce(student.weak[weak], batch.weak.data[weak])
            + 2 * mse(student.strong, teacher.strong)
            + 2 * mse(student.weak, teacher.weak)
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.ema.update(self.student, self.teacher, len(self.losses) + 1)
        self.losses.append(float(loss.detach()))
        self.seconds.append(time.perf_counter() - start)


def minidesed_batches(detector: Detector, folder: str):
    """Endless batches of 24 clips of MiniDESED."""
    make_minidesed(folder, scale=0.2, progress=False)
    prepare_desed(folder, f"{folder}/prepared")
    reader = ClipReader(
        EventEncoder(DESED_CLASSES, detector.frame_shift),
        sample_rate=16000,
        n_samples=160000,
        n_frames=detector.n_output_frames,
    )
    clips, batches = Streams(
        {"synthetic": 6, "unlabelled": 12, "weak": 6}
    ).build(
        {
            "synthetic": reader.training_clips(
                f"{folder}/prepared/train_synthetic.json", strong=True
            ),
            "unlabelled": reader.training_clips(
                f"{folder}/prepared/train_unlabelled.json"
            ),
            "weak": reader.training_clips(
                f"{folder}/prepared/train_weak.json", weak=True
            ),
        },
        seed=0,
    )
    epoch = 0
    while True:
        batches.set_epoch(epoch)
        for indices in batches:
            yield PaddedBatch([clips[i] for i in indices])
        epoch += 1


def inputs_of(
    name: str, mel: torch.Tensor, wavs: torch.Tensor, encoder: YAMNet
) -> Callable[[], tuple]:
    """What a step begins with: how its inputs come about."""
    if "YAMNet" not in name:
        return lambda: (mel,)
    encoded = encoder(wavs)
    if "at hand" in name:
        return lambda: (mel, encoded)
    return lambda: (mel, torch.cat([encoder(wavs[:6]), encoded[6:]]))


def difference(first: Run, second: Run) -> float:
    """Mean absolute difference of two loss curves over their mean."""
    gaps = [
        abs(a - b) for a, b in zip(first.losses, second.losses, strict=True)
    ]
    return statistics.mean(gaps) / statistics.mean(first.losses)


def augmentation_seconds(
    detector: Detector, mel: torch.Tensor, encoded: torch.Tensor, batch
) -> dict[str, float]:
    """What each augmentation adds to a step, the median of 20."""
    both = {"student": (mel, encoded), "teacher": (mel, encoded)}

    def _median(function: Callable) -> float:
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)

    found = {}
    for name, augmentations in OF_BATCHES.items():
        augment = BatchAugmentation(augmentations, detector, lambda x: x)
        augment(both, batch)  # which computes an embedding of silence
        found[name] = _median(lambda a=augment: a(both, batch))
    for name, view in OF_VIEWS.items():
        found[f"{name}, 2 views"] = 2 * _median(lambda v=view: v(mel))
    found["three and FilterAugment"] = (
        found["all three"] + found["FilterAugment, 2 views"]
    )
    return found


def network_seconds(
    detector: Detector, mel: torch.Tensor, batch, precision: str
) -> dict[str, float]:
    """A step of each network, the median of 3 after a first one."""
    found = {}
    for name, options in NETWORKS.items():
        network = CRNN(**options)
        run = Run(Detector(detector.featurizer, network), precision, seed=0)
        for _ in range(4):
            run.step(lambda: (mel,), batch)
        found[name] = statistics.median(run.seconds[1:])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    detector = Detector(get_featurizer("log_mel"), CRNN())
    precision = fastest_precision()
    with tempfile.TemporaryDirectory() as folder:
        batches = minidesed_batches(detector, folder)
        detector.featurizer.fit([next(batches).sig.data for _ in range(4)])
        encoder = YAMNet(["layer12", "embedding"])
        network = CRNN(fusion=Fusion(encoder.size))
        fused = Detector(detector.featurizer, network, encoder)
        runs = {
            "plain, float32": Run(plain(detector), "fp32", seed=0),
            f"ours, {precision}": Run(detector, precision, seed=0),
            "plain, other dropout": Run(plain(detector), "fp32", seed=10**6),
            f"ours, {precision}, PPCEN": Run(
                Detector(get_featurizer("ppcen"), CRNN(n_channels=2)),
                precision,
                seed=0,
            ),
            "YAMNet, at hand": Run(fused, precision, seed=0),
            "YAMNet, 6 to compute": Run(
                copy.deepcopy(fused), precision, seed=0
            ),
        }
        for _ in range(arguments.steps):
            batch = next(batches)
            mel = detector.featurizer.mel(batch.sig.data)
            for name, run in runs.items():
                run.step(inputs_of(name, mel, batch.sig.data, encoder), batch)
        augmentations = augmentation_seconds(
            fused, mel, encoder(batch.sig.data), batch
        )
        networks = network_seconds(detector, mel, batch, precision)
    reference = runs["plain, float32"]
    print(
        f"batch 24, {arguments.steps} steps, {arguments.threads} threads; "
        "median seconds a step"
    )
    print(
        f"{'':22}{'seconds':>9}{'speed-up':>10}{'first loss':>12}"
        f"{'last 10':>9}{'curve differs':>15}"
    )
    for name, run in runs.items():
        ratio = statistics.median(
            a / b for a, b in zip(reference.seconds, run.seconds, strict=True)
        )
        print(
            f"{name:22}{statistics.median(run.seconds):9.2f}{ratio:10.2f}"
            f"{run.losses[0]:12.4f}{statistics.mean(run.losses[-10:]):9.4f}"
            f"{100 * difference(reference, run):14.2f}%"
        )
    ours = runs.pop(f"ours, {precision}").seconds
    for name in list(runs)[2:]:
        added = statistics.median(
            b / a - 1 for a, b in zip(ours, runs[name].seconds, strict=True)
        )
        print(f"{name} adds {100 * added:.1f} % to the time of a step of ours")
    print("\naugmentation                 ms   % of a step of ours")
    for name, seconds in augmentations.items():
        share = 100 * seconds / statistics.median(ours)
        print(f"{name:24}{1000 * seconds:7.1f}{share:10.2f}")
    print("\nnetwork             seconds   times crnn")
    for name, seconds in networks.items():
        print(f"{name:20}{seconds:7.2f}{seconds / networks['crnn']:13.2f}")


if __name__ == "__main__":
    main()
