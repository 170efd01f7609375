"""Times dynamic mixing beside the released code's way and Scaper.

    python benchmarks/mixing.py [--clips 300] [--data FOLDER]
        [--scaper PYTHON]

The recipe's own mixing (``hparams/mixing/dynamic.yaml``) on MiniDESED, made in
a temporary folder unless ``--data`` names one with DESED's layout. Three
tables:

1. Clips that one core mixes in a second, and milliseconds of processor time
   for one. From disk: nothing is kept in memory. ``released`` mixes the very
   scenes that ours mixes (see ``_released_mixing.py``) and needs SoX: ``apt-get
   install sox``. Scaper mixes as many events (see ``_scaper_mixing.py``) and
   needs an environment of its own, whose Python ``--scaper`` names: ``pip
   install scaper "numpy<2" "pandas<3" "setuptools<81"``.
2. Where the time of ours goes.
3. A loader with two workers: batches of 6 mixed clips and 18 recorded ones,
   half of which get one more background. A GPU step takes some 60 ms; eight
   workers should be three times as fast.

Processor time is that of all processes that a way starts, so that a busy
machine changes little.

Authors
 * sb_sed contributors 2026
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from _released_mixing import ReleasedMixer
from hyperpyyaml import load_hyperpyyaml
from ruamel.yaml import YAML
from speechbrain.dataio.batch import PaddedBatch
from torch.utils.data import DataLoader

from sb_sed.data.clips import ClipReader
from sb_sed.data.desed import DESED_CLASSES, prepare_desed
from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import Streams
from sb_sed.minidesed import make_minidesed
from sb_sed.mixing import mixer as mixing
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.clips import EpochClips, MixedClips
from sb_sed.mixing.effects import NoEffects
from sb_sed.mixing.mixer import Mixer
from sb_sed.mixing.soundbank import Sources

HERE = Path(__file__).resolve().parent
HPARAMS = HERE.parent / "recipes/DCASE2020/hparams"
# What the recipe has at its top level of the mixing.
NUMBERS = ("min_level", "max_effects", "extra_background")
RATE, SECONDS = 16000, 10
STREAMS = {"synthetic": 6, "unlabelled": 12, "weak": 6}
GPU_STEP, GPU_WORKERS = 60, 8  # ms; processes


class Stages:
    """Processor seconds by stage; a call within a call counts once.

    Arguments
    ---------
    rest : str
        The name of what is in no stage.
    """

    def __init__(self, rest: str):
        self.seconds = defaultdict(float)
        self._open = [rest]
        self._since = time.process_time()

    def watch(self, owner: object, name: str, stage: str) -> None:
        """From now on a function of an object or module counts as a stage."""
        call = getattr(owner, name)

        def _timed(*args, **kwargs):
            self.switch()
            self._open.append(stage)
            try:
                return call(*args, **kwargs)
            finally:
                self.switch()
                self._open.pop()

        setattr(owner, name, _timed)

    def switch(self) -> None:
        """Give the time since the last call to the stage that is open."""
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


def processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def prepare(data: Path, prepared: Path) -> tuple[dict, Sources, ClipReader]:
    """The recipe's mixing, its sounds and what its clips have in common."""
    top = YAML().load(HPARAMS / "baseline.yaml")
    numbers = "".join(f"{name}: {top[name]}\n" for name in NUMBERS)
    fragment = (HPARAMS / "mixing/dynamic.yaml").read_text()
    recipe = load_hyperpyyaml(numbers + fragment)
    prepare_desed(data, prepared)
    recipe["soundbank"].prepare(data, prepared, RATE)
    reader = ClipReader(
        EventEncoder(DESED_CLASSES, 8 * 255 / RATE),
        sample_rate=RATE,
        n_samples=SECONDS * RATE,
        n_frames=lambda n_samples: 157,
    )
    return recipe, recipe["soundbank"].load(prepared, RATE), reader


def training_clips(
    recipe: dict, sources: Sources, reader: ClipReader, prepared: Path
) -> dict[str, EpochClips]:
    """The clips of each stream, as the recipe makes them."""
    return {
        name: recipe["streams"][name](
            reader.training_clips(prepared / f"train_{name}.json"),
            reader,
            sources,
            (0, number),
        )
        for number, name in enumerate(STREAMS)
    }


def take_turns(
    ways: Mapping[str, tuple[Callable[[int], object], int]],
) -> dict[str, float]:
    """Processor milliseconds a clip, the ways taking turns by tenths.

    Arguments
    ---------
    ways : Mapping[str, (Callable[[int], object], int)]
        Makes the clip with an index; how many it makes.
    """
    spent = dict.fromkeys(ways, 0.0)
    for turn in range(-1, 10):
        for name, (make, n_clips) in ways.items():
            begin = processor_seconds()
            for index in range(n_clips)[max(turn, 0) :: 10]:
                make(index)
            if turn >= 0:  # a turn to warm up
                spent[name] += processor_seconds() - begin
    return {name: 1000 * spent[name] / ways[name][1] for name in ways}


def with_scaper(python: str, data: Path, n_clips: int) -> dict[str, float]:
    """Processor milliseconds a clip, of a program in an environment."""
    bank = data / "synthetic/audio/train/soundbank"
    program = HERE / "_scaper_mixing.py"
    run = subprocess.run(
        [
            python,
            program,
            bank / "foreground",
            bank / "background",
            f"{n_clips}",
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    return {
        name: 1000 * result["processor"] / result["clips"]
        for name, result in json.loads(run.stdout).items()
    }


def compare_ways(clips: MixedClips, options: argparse.Namespace) -> None:
    """Print the table of clips per second."""
    whole, n_clips = clips.mixer, options.clips
    dry = replace(whole, rirs=(), effects=NoEffects())
    from_disk = replace(whole, cache=AudioCache(0, RATE))

    def _makes(mixer: Mixer) -> tuple[Callable[[int], object], int]:
        return lambda i: mixer.render(mixer.draw(clips.generator(i))), n_clips

    ways = {
        "sb_sed": _makes(whole),
        "sb_sed, from disk": _makes(from_disk),
        "sb_sed, no rooms, no effects": _makes(dry),
        "  the same, from disk": _makes(
            replace(dry, cache=AudioCache(0, RATE))
        ),
    }
    if shutil.which("sox"):
        released = ReleasedMixer(whole.effects, RATE)
        ways["released code's way"] = (
            lambda i: released.render(whole.draw(clips.generator(i))),
            max(10, n_clips // 10),
        )
    else:
        print("No SoX here: the released code's way is left out.")
    times = take_turns(ways)
    if options.scaper:
        scaper = with_scaper(
            options.scaper, options.data, max(10, n_clips // 3)
        )
        times["Scaper"] = scaper["wet"]
        times["Scaper, no rooms, no effects"] = scaper["dry"]
    else:
        print("No --scaper was given: Scaper is left out.")
    print(f"\n{'':31}{'clips/s/core':>13}{'ms':>8}{'x from disk':>13}")
    for name, milliseconds in times.items():
        ratio = milliseconds / times["sb_sed, from disk"]
        print(
            f"{name:31}{1000 / milliseconds:13.0f}{milliseconds:8.2f}"
            f"{ratio:13.2f}"
        )


def show_stages(clips: MixedClips, n_clips: int) -> None:
    """Print where the time of a mixed clip goes."""
    mixer = clips.mixer = replace(clips.mixer, cache=AudioCache(0, RATE))
    encoder = clips.reader.encoder
    stages = Stages("levels, fades, sum")
    for owner, name, stage in (
        (mixer, "draw", "draw"),
        (mixer.cache, "read", "read"),
        (mixer.cache, "rir", "read"),
        (mixer.cache, "extent", "read"),
        (mixer.effects, "apply", "effects"),
        (mixing, "reverberate", "rooms"),
        (mixer, "_audible_extent", "labels"),
        (mixing, "tidy_events", "labels"),
        (encoder, "encode_strong", "labels"),
        (encoder, "encode_weak", "labels"),
    ):
        stages.watch(owner, name, stage)
    for index in range(n_clips):
        if index == 10:  # those were to warm up
            stages.switch()
            stages.seconds.clear()
        clips[index]
    stages.switch()
    total = sum(stages.seconds.values())
    each = 1000 / (n_clips - 10)
    print(f"\nmixed clips with labels, from disk: {each * total:.2f} ms each")
    for stage, seconds in sorted(
        stages.seconds.items(), key=lambda entry: -entry[1]
    ):
        print(f"  {stage:22}{each * seconds:8.2f} ms{seconds / total:8.0%}")


def feed(clips: Mapping[str, EpochClips], n_batches: int) -> None:
    """Print how fast two workers make batches."""
    dataset, sampler = Streams(STREAMS).build(clips, seed=0)
    batches = []
    epoch = 0
    while len(batches) < n_batches:
        sampler.set_epoch(epoch)
        batches += sampler
        epoch += 1
    loader = DataLoader(
        dataset,
        batch_sampler=batches[:n_batches],
        num_workers=2,
        collate_fn=PaddedBatch,
    )
    begin = processor_seconds()
    iterator = iter(loader)
    for _ in range(4):  # the workers have begun
        next(iterator)
    start = time.perf_counter()
    for _ in iterator:
        pass
    wall = 1000 * (time.perf_counter() - start) / (n_batches - 4)
    del iterator
    processor = 1000 * (processor_seconds() - begin) / n_batches
    print(
        f"\nloader, 2 workers: {1000 / wall:.1f} batches/s, {wall:.1f} ms a "
        f"batch, of which {processor:.1f} ms of processor time in all\n"
        f"{GPU_WORKERS} such workers, a core each: "
        f"{processor / GPU_WORKERS:.1f} ms a batch, "
        f"{GPU_STEP * GPU_WORKERS / processor:.1f} times as fast as a step of "
        f"{GPU_STEP} ms"
    )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--scaper", metavar="PYTHON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.data is None:
            options.data = folder / "minidesed"
            make_minidesed(options.data, scale=0.25, progress=False)
        prepared = folder / "prepared"
        recipe, sources, reader = prepare(options.data, prepared)
        clips = training_clips(recipe, sources, reader, prepared)
        load = os.getloadavg()[0]
        print(f"{options.clips} clips of {SECONDS} s; load {load:.1f}")
        compare_ways(clips["synthetic"], options)
        feed(clips, options.batches)
        show_stages(clips["synthetic"], options.clips)


if __name__ == "__main__":
    main()
