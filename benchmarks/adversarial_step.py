#!/usr/bin/env python3
"""What domain-adversarial training adds to a step at full scale.

The Brain of the recipe on batches of 24 clips of MiniDESED (6 synthetic, 12
unlabelled, 6 weak), dynamic mixing left out: without adaptation, in two steps,
and through a reversed gradient. All take the same batches in turn, step by
step, so that the ratios hold when the machine's speed drifts. Then the parts
of a two-step step.

> python benchmarks/adversarial_step.py [--steps 10] [--threads 2]

Authors
 * sb_sed contributors 2026
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from speechbrain.dataio.batch import PaddedBatch

from sb_sed.minidesed import make_minidesed
from sb_sed.training.brains import NETWORKS

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "DCASE2020"
METHODS = {
    "no adaptation": "none",
    "two steps": "two_step",
    "reversed gradient": "gradient_reversal",
}


class Run:
    """A Brain of the recipe, and how long its steps and their parts take."""

    def __init__(self, adaptation: str, data: str, folder: str):
        import train  # of the recipe

        hparams, run_opts = train.load_recipe(
            [
                str(RECIPE / "hparams" / "dat.yaml"),
                f"--data_folder={data}",
                f"--output_folder={folder}/{adaptation}",
                "--num_workers=0",
                "--mixing=!include:mixing/static.yaml",
                f"--adaptation=!include:adaptation/{adaptation}.yaml",
                "--noprogressbar",
            ]
        )
        data, self.clips, self.batches, held_out = train.dataio_prep(hparams)
        waveforms = data.waveforms(self.clips)
        featurizer = hparams["student"].featurizer.fit(waveforms)
        hparams["teacher"].featurizer.load_state_dict(featurizer.state_dict())
        self.brain = train.make_brain(
            hparams, run_opts, data, self.batches, held_out
        )
        self.brain.checkpointer = None
        self.brain.on_fit_start()
        self.brain.modules.train()
        self.brain.epoch, self.brain.step = 1, 0
        self.seconds: list[float] = []
        self.parts: dict[str, list[float]] = {}

    def step(self, batch: PaddedBatch) -> None:
        """Train on a batch; note the time."""
        self.brain.step += 1
        start = time.perf_counter()
        self.brain.fit_batch(batch)
        self.seconds.append(time.perf_counter() - start)

    def watch_parts(self) -> None:
        """Note, from now on, the time of each part of a step."""
        brain, modules = self.brain, self.brain.modules
        for name in ("spectrogram", "student", "teacher"):
            forward = modules[name].forward
            modules[name].forward = self._timed(f"{name}, forward", forward)
        for view in {brain.inputs.views[name] for name in NETWORKS}:
            view.forward = self._timed("views", view.forward)
        for where, method, part in (
            (brain.adaptation, "objectives", "discriminator, first step"),
            (brain, "backward", "backward"),
            (brain, "optimizers_step", "optimisers"),
            (brain.ema, "update", "moving average of the teacher"),
        ):
            setattr(where, method, self._timed(part, getattr(where, method)))

    def _timed(self, part: str, call: Callable) -> Callable:
        def _call(*arguments):
            start = time.perf_counter()
            result = call(*arguments)
            passed = time.perf_counter() - start
            self.parts.setdefault(part, []).append(passed)
            return result

        return _call


def endless(run: Run) -> Iterator[PaddedBatch]:
    """Endless batches of the recipe."""
    epoch = 0
    while True:
        run.batches.set_epoch(epoch)
        for indices in run.batches:
            yield PaddedBatch([run.clips[i] for i in indices])
        epoch += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sys.path.insert(0, str(RECIPE))
    with tempfile.TemporaryDirectory() as folder:
        make_minidesed(f"{folder}/data", scale=0.2, progress=False)
        runs = {
            name: Run(adaptation, f"{folder}/data", folder)
            for name, adaptation in METHODS.items()
        }
        supply = endless(runs["two steps"])
        for step in range(arguments.steps + 1):
            batch = next(supply)
            for run in runs.values():
                run.step(batch)
                if step == 0:  # of warming up
                    run.seconds.clear()
        watched = runs["two steps"]
        watched.watch_parts()
        whole = []
        for _ in range(arguments.steps):
            watched.step(next(supply))
            whole.append(watched.seconds[-1])
    base = runs["no adaptation"].seconds
    print(f"batch 24, {arguments.steps} steps, {arguments.threads} threads")
    print(f"{'':20}{'seconds':>9}{'added':>9}")
    for name, run in runs.items():
        seconds = run.seconds[: arguments.steps]
        added = statistics.median(
            b / a - 1 for a, b in zip(base, seconds, strict=True)
        )
        print(f"{name:20}{statistics.median(seconds):9.3f}{100 * added:8.1f}%")
    print(f"\n{'part of a two-step step':32}{'seconds':>9}{'share':>8}")
    total = sum(whole)
    backward = watched.parts["backward"]
    watched.parts["backward"] = backward[::2]
    watched.parts["discriminator, second step"] = backward[1::2]
    parts = {name: sum(times) for name, times in watched.parts.items()}
    parts["losses and the rest"] = total - sum(parts.values())
    for name, seconds in sorted(parts.items(), key=lambda part: -part[1]):
        print(
            f"{name:32}{seconds / len(whole):9.3f}{100 * seconds / total:7.1f}%"
        )


if __name__ == "__main__":
    main()
