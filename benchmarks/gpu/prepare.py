#!/usr/bin/env python3
"""Packs what a bare machine lacks for the GPU benchmark: wheels and recordings.

The recordings are a folder in DESED's layout, or one with a script build.py
that makes such a data set from them (``python build.py --out FOLDER``). WAV and
FLAC are stored as Opus, or as Vorbis at rates that Opus has not; other files as
they are. The bundle is not for redistribution.

> python benchmarks/gpu/prepare.py --recordings data/recordings --bundle bundle

Authors
 * sb_sed contributors 2026
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import soundfile
from tqdm import tqdm
from unpack import PACKED

# What a training imports and an image with PyTorch and SciPy may lack, at the
# versions that are installed here.
PACKAGES = (
    "speechbrain hyperpyyaml ruamel.yaml ruamel.yaml.clib sentencepiece "
    "soundfile cffi pycparser soxr asteroid asteroid-filterbanks torch-stoi "
    "pystoi sed_eval dcase_util librosa audioread pooch lazy-loader decorator "
    "msgpack standard-aifc standard-sunau audioop-lts future validators "
    "hmmlearn setuptools pandas pytz tensorboard absl-py safetensors"
).split()
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17, 5)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux1_x86_64"]
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
MOST = 60 * 2**20  # bytes of a bundle


def main() -> None:
    """Pack, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--python", default="3.12", help="of the other machine")
    parser.add_argument(
        "--packages", nargs="*", default=PACKAGES, help="none: no wheels"
    )
    parser.add_argument(
        "--quality", type=float, default=0.9, help="0 (best) to 1 (smallest)"
    )
    arguments = parser.parse_args()
    wheels = arguments.bundle / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    for name in tqdm(arguments.packages, "wheels", disable=None):
        get_wheel(name, arguments.python, wheels)
    pack(
        arguments.recordings,
        arguments.bundle / "recordings",
        arguments.quality,
    )
    sizes = {
        part.name: sum(f.stat().st_size for f in part.rglob("*") if f.is_file())
        for part in sorted(arguments.bundle.iterdir())
    }
    for name, size in sizes.items():
        print(f"{name:12}{size / 2**20:8.1f} MiB")
    if sum(sizes.values()) > MOST:
        sys.exit(
            f"The bundle has {sum(sizes.values()) / 2**20:.0f} MiB, the most "
            f"is {MOST / 2**20:.0f}: raise --quality, or leave out packages."
        )


def get_wheel(name: str, python: str, folder: Path) -> None:
    """Download a wheel for the other machine; make it if there is none."""
    try:
        wanted = f"{name}=={version(name)}"
    except PackageNotFoundError:
        return  # not needed by what is installed here
    pip = [sys.executable, "-m", "pip"]
    options = ["--quiet", "--no-deps", "--disable-pip-version-check"]
    of_python = ["--only-binary=:all:", "--python-version", python]
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    download = [*pip, "download", *options, *of_python, *platforms]
    done = subprocess.run(
        [*download, "-d", folder, wanted], capture_output=True
    )
    if done.returncode == 0:
        return
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(
            [*pip, "wheel", *options, "-w", made, wanted], check=True
        )
        (wheel,) = Path(made).glob("*.whl")
        if not wheel.name.endswith("-any.whl"):
            sys.exit(
                f"{name} has no wheel for Python {python} and has to be "
                "compiled: make the bundle with that Python."
            )
        shutil.move(wheel, folder / wheel.name)


def pack(recordings: Path, target: Path, quality: float) -> None:
    """Compress a tree of recordings."""
    files = sorted(file for file in recordings.rglob("*") if file.is_file())

    def one(file: Path) -> None:
        """Compress a recording, or copy what is none."""
        place = target / file.relative_to(recordings)
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix not in (".wav", ".flac"):
            shutil.copyfile(file, place)
            return
        samples, rate = soundfile.read(file, dtype="float32")
        soundfile.write(
            place.with_name(place.name + PACKED),
            samples,
            rate,
            format="OGG",
            subtype="OPUS" if rate in OPUS_RATES else "VORBIS",
            compression_level=quality,
        )

    with ThreadPoolExecutor() as pool:
        bar = tqdm(pool.map(one, files), "recordings", len(files), disable=None)
        list(bar)


if __name__ == "__main__":
    main()
