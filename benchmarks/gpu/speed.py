"""How long a training step, the loader, detection and PCEN take on a device.

Authors
 * sb_sed contributors 2026
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from notes import Clock, Notes
from speechbrain.nnet.normalization import PCEN as SpeechBrainPCEN
from torch.utils.data import DataLoader

from sb_sed.features import ema
from sb_sed.features.pcen import ParallelPCEN
from sb_sed.models.discriminator import Discriminator, TCNDiscriminator

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "DCASE2020"
# What each improvement replaces, by what was there before.
BEFORE = {
    "products in the filters": (ema, "_scan", ema._in_steps),
    "masks in the discriminator": (
        TCNDiscriminator,
        "without_padding",
        Discriminator.without_padding,
    ),
}


@dataclass
class Way:
    """A way of training: run options, and which improvements it has."""

    precision: str = "fp32"
    fused: bool = False
    improved: tuple[str, ...] = ()
    compile_mode: str | None = None
    tf32: bool = False
    options: list[str] = field(default_factory=list)


ALL = tuple(BEFORE)
WAYS = {
    "plain": Way(),
    "bfloat16": Way("bf16"),
    "fused Adam": Way(fused=True),
    **{name: Way(improved=(name,)) for name in ALL},
    "all": Way("bf16", True, ALL, tf32=True),
    "all, compiled": Way("bf16", True, ALL, "default", tf32=True),
    "all, CUDA graphs": Way("bf16", True, ALL, "reduce-overhead", tf32=True),
}


class Training:
    """The recipe's Brain, and batches that lie ready."""

    def __init__(self, way: Way, arguments: list[str], folder: Path):
        sys.path.insert(0, str(RECIPE))
        import train  # of the recipe

        sys.path.pop(0)
        options = [*arguments, f"--precision={way.precision}"]
        hparams, run_opts = train.load_recipe(
            [str(RECIPE / "hparams" / "ppcen_dat.yaml"), *options]
            + [f"--output_folder={folder}", "--noprogressbar"]
        )
        if not way.fused:
            _unfuse(hparams["training"])
            _unfuse(hparams["adaptation"]["method"].opt_classes)
        data, self.clips, self.batches, _ = train.dataio_prep(hparams)
        self.options = data.loader_options
        self.brain = train.make_brain(
            hparams, run_opts, data, self.batches, held_out=[]
        )
        self.brain.checkpointer = None
        self.brain.on_fit_start()
        self.brain.modules.train()
        self.brain.epoch, self.brain.step = 1, 0

    def compile(self, mode: str | None, backend: str) -> None:
        """Compile what has no values for the host to see."""
        options = {"mode": mode} if backend == "inductor" else {}
        for name in ("student", "teacher"):
            network = self.brain.modules[name].network
            network.cnn.compile(backend=backend, **options)
        head = self.brain.modules.discriminator
        head.frame_logits = torch.compile(
            head.frame_logits, backend=backend, **options
        )

    def loader(self, n_workers: int) -> DataLoader:
        """The recipe's, with so many workers."""
        options = self.options | {
            "num_workers": n_workers,
            "persistent_workers": False,
        }
        return DataLoader(self.clips, batch_sampler=self.batches, **options)

    def step(self, batch) -> None:
        """Train on a batch."""
        torch.compiler.cudagraph_mark_step_begin()
        self.brain.step += 1
        self.brain.fit_batch(batch)


def _unfuse(options: dict) -> None:
    """PyTorch's default instead of the fused optimiser."""
    for name, make in options.items():
        if isinstance(make, partial) and make.func.__name__ == "adam":
            options[name] = partial(torch.optim.Adam, **make.keywords)


@contextmanager
def arranged(way: Way):
    """What a way asks for, and nothing else, is in place."""
    with ExitStack() as stack:
        for name, (where, attribute, old) in BEFORE.items():
            if name not in way.improved:
                stack.enter_context(patch.object(where, attribute, old))
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if way.tf32 else before)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


def wait(device: str) -> None:
    """Until the device has done what it was told."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def milliseconds(call: Callable, device: str, times: int) -> float:
    """The median of some calls, each with a wait, after two to warm up."""
    seconds = []
    for _ in range(times + 2):
        wait(device)
        start = time.perf_counter()
        call()
        wait(device)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[2:])


def time_steps(
    notes: Notes,
    clock: Clock,
    arguments: list[str],
    folder: Path,
    device: str,
    small: bool,
) -> Training | None:
    """Each way of training, on the same batches; a profile of the best."""
    batches, last = None, None
    ways = {n: WAYS[n] for n in ("plain", "all")} if small else WAYS
    # The whole first: what comes last is what time may not suffice for.
    for name in sorted(ways, key=lambda name: name != "all"):
        way = ways[name]
        needed = 0 if small else 45 if way.compile_mode else 8
        if not clock.has(needed):
            notes.add(f"step, {name}", skipped="no time left")
            continue
        with notes.guarded(f"step, {name}"), arranged(way):
            training = Training(way, arguments, folder / name.replace(" ", "_"))
            if batches is None:
                loader = training.loader(0)
                batches = list(itertools.islice(loader, 1 if small else 4))
                if device.startswith("cuda"):
                    batches = [batch.pin_memory() for batch in batches]
            if way.compile_mode:
                training.compile(way.compile_mode, "inductor")
            supply = itertools.cycle(batches)
            figure = milliseconds(
                lambda training=training, supply=supply: training.step(
                    next(supply)
                ),
                device,
                1 if small else 40,
            )
            notes.add(f"step, {name}", milliseconds=figure)
            if name == "all":
                profile(notes, training, supply, device, small)
                last = training
    return last


def profile(notes: Notes, training, supply, device: str, small: bool) -> None:
    """What the device does in some steps, kernel by kernel, and its share."""
    on_gpu = device.startswith("cuda")
    activities = [torch.profiler.ProfilerActivity.CPU]
    if on_gpu:
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    steps = 1 if small else 5
    with torch.profiler.profile(activities=activities) as profiler:
        wait(device)
        start = time.perf_counter()
        for _ in range(steps):
            training.step(next(supply))
        wait(device)
        seconds = time.perf_counter() - start
    measure = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    of_device = torch.autograd.DeviceType.CUDA if on_gpu else None
    events = [
        (getattr(event, measure) / 1000 / steps, event.count / steps, event.key)
        for event in profiler.key_averages()
        if of_device is None or event.device_type == of_device
    ]
    events.sort(reverse=True)
    busy = sum(each for each, _, _ in events)
    notes.add(
        "profile",
        busy_milliseconds=busy,
        share_while_profiled=busy * steps / 1000 / seconds,
        kernels=sum(count for _, count, _ in events),
    )
    for each, count, key in events[:25]:
        notes.add(f"  {key[:60]}", milliseconds=each, times=count)


def time_loader(notes: Notes, training: Training, small: bool) -> None:
    """Batches alone, with several numbers of workers."""
    n_batches = 1 if small else 40
    for n_workers in (0,) if small else (8, 14):
        with notes.guarded(f"loader, {n_workers} workers"):
            supply = iter(training.loader(n_workers))
            next(supply)
            start = time.perf_counter()
            # An epoch may be shorter.
            n = sum(1 for _ in itertools.islice(supply, n_batches))
            passed = time.perf_counter() - start
            notes.add(
                f"loader, {n_workers} workers",
                milliseconds=1000 * passed / max(n, 1),
            )


def time_detection(
    notes: Notes, training: Training, device: str, small: bool
) -> None:
    """The trained network on windows, of waveforms that lie on the device."""
    detector = training.brain.modules.student.eval()
    for n_clips in (1, 2) if small else (1, 32, 128):
        wavs = torch.randn(n_clips, 160000, device=device) / 8
        with notes.guarded(f"detection, {n_clips} windows"), torch.no_grad():
            figure = milliseconds(
                lambda wavs=wavs: detector.from_waveforms(wavs).strong.cpu(),
                device,
                1 if small else 10,
            )
            notes.add(
                f"detection, {n_clips} windows",
                milliseconds=figure,
                times_real_time=10_000 * n_clips / figure,
            )


def time_pcen(notes: Notes, device: str, small: bool) -> None:
    """Forward and backward pass of PPCEN and of SpeechBrain's PCEN."""
    shape = (2, 60, 128) if small else (24, 628, 128)
    energy = torch.rand(shape, device=device)
    ways = {
        "PPCEN, 2 layers": (ParallelPCEN(128), None),
        "PPCEN, filters in steps": (ParallelPCEN(128), ema._in_steps),
        "SpeechBrain, 1 layer": (SpeechBrainPCEN(128, floor=1e-6), None),
    }
    for name, (module, scan) in ways.items():
        module = module.to(device)

        def passes(module=module) -> None:
            """Forward and backward."""
            module(energy).sum().backward()

        with notes.guarded(name), ExitStack() as stack:
            if scan is not None:
                stack.enter_context(patch.object(ema, "_scan", scan))
            figure = milliseconds(passes, device, 1 if small else 20)
            notes.add(name, milliseconds=figure)


def main(
    notes: Notes,
    clock: Clock,
    arguments: list[str],
    folder: Path,
    device: str,
    small: bool,
) -> None:
    """Measure, the most important first."""
    time_pcen(notes, device, small)
    # What is left of it goes to the loader and to detection.
    steps = Clock(clock.left() * 0.75)
    training = time_steps(notes, steps, arguments, folder, device, small)
    if training is not None:
        time_detection(notes, training, device, small)
        time_loader(notes, training, small)
