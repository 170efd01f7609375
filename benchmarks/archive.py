"""Tells what an archive of ten thousand hours costs on this machine.

    python benchmarks/archive.py [--hours 10000] [--seconds 300] [--rounds 5]

The baseline's detector at full size with random weights, on recordings of noise
in FLAC, 44.1 kHz, stereo: what most archives are, and the most expensive usual
input. First, on one thread, how long each part of the work takes for an hour of
recordings, and its share: decoding, resampling, features, network, and events
from scores. Then the whole, with PyTorch and with onnxruntime, on one processor
and on two (a recording each), and what that makes of the archive: processor
hours, and days on so many processors.

Authors
 * sb_sed contributors 2026
"""

import argparse
import tempfile
from pathlib import Path

import soundfile as sf
import torch
from _measure import take_turns
from detection import SECONDS, in_onnx, make_detector, write_noise

from sb_sed.audio.reading import Recording, read_blocks
from sb_sed.inference.batch import detect_files
from sb_sed.models.folded import folded

RATE, CHANNELS = 44100, 2
PROCESSORS = (1, 16, 128)


def decode(path: Path) -> None:
    """Read a file as it is."""
    with sf.SoundFile(path) as file:
        for _ in file.blocks(2**17, dtype="float32"):
            pass


def parts(detector, path: Path, seconds: int, rounds: int) -> None:
    """Print the time of each part of the work for an hour of recordings."""
    rate, clip = detector.sample_rate, torch.randn(1, SECONDS * 16000) / 10
    module = detector.mods.detector
    features, network = module.featurizer(clip), folded(module.network)
    many = features.expand(16, -1, -1).contiguous()
    table = detector.scores(Recording(read_blocks(path, rate)))
    # A quarter of each window is in the next one, too.
    n_windows = seconds / SECONDS / (1 - detector.scores.windows.overlap)
    with torch.inference_mode():
        times = take_turns(
            {
                "decode": lambda: decode(path),
                "read": lambda: [*read_blocks(path, rate)],
                "features": lambda: module.featurizer(clip),
                "network": lambda: network(many),
                "events": lambda: detector.events(table, "a.wav"),
            },
            rounds,
        )
    found = {
        "decoding": times["decode"],
        "checks, downmix, resampling": times["read"] - times["decode"],
        "features": times["features"] * n_windows,
        "network": times["network"] / 16 * n_windows,
        "events": times["events"],
    }
    total = sum(found.values())
    print(f"\n{'an hour of recordings, 1 thread':34}{'s':>8}{'share':>8}")
    for name, milliseconds in found.items():
        hourly = milliseconds / 1000 * 3600 / seconds
        print(f"{name:34}{hourly:8.2f}{milliseconds / total:8.0%}")
    print(f"the bottleneck: {max(found, key=found.get)}")


def whole(finders, files, seconds: int, hours: float, rounds: int) -> None:
    """Print what the archive costs with each engine."""
    entries = {
        (name, n_threads): lambda finder=finder, n=n_threads: [
            *detect_files(finder, files, n)
        ]
        for name, finder in finders.items()
        for n_threads in (1, 2)
    }
    times = take_turns(entries, rounds)
    print(
        f"\n{f'{hours:g} hours of recordings':26}{'x real time':>12}"
        f"{'core hours':>12}"
        + "".join(f"{f'days on {n}':>13}" for n in PROCESSORS)
    )
    length = len(files) * seconds
    for (name, n_threads), milliseconds in times.items():
        speed = length / (milliseconds / 1000)
        core_hours = hours / speed * n_threads
        print(
            f"{f'{name}, {n_threads} processor(s)':26}{speed:12.0f}"
            f"{core_hours:12.1f}"
            + "".join(f"{core_hours / 24 / n:13.2f}" for n in PROCESSORS)
        )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=10000)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    detector = make_detector()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {
            f"{n}.flac": write_noise(
                folder / f"{n}.flac", options.seconds, RATE, CHANNELS
            )
            for n in range(2)
        }
        finders = {
            "PyTorch": detector,
            "onnxruntime": in_onnx(detector, folder),
        }
        parts(detector, files["0.flac"], options.seconds, options.rounds)
        whole(finders, files, options.seconds, options.hours, options.rounds)


if __name__ == "__main__":
    main()
