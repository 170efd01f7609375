"""Recordings of a bundle as they were, in FLAC; the data set that they make.

Authors
 * sb_sed contributors 2026
"""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import soundfile
from notes import Notes

PACKED = ".ogg"  # behind the name that a recording had
BUILD = "build.py"


def main(notes: Notes, bundle: Path, out: Path) -> None:
    """Unpack to ``data``; where a script makes the data set, run it."""
    start = time.monotonic()
    packed = bundle / "recordings"
    target = out / ("recordings" if (packed / BUILD).exists() else "data")
    files = sorted(file for file in packed.rglob("*") if file.is_file())
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda file: unpack(file, packed, target), files))
    notes.add("unpacked", files=len(files), seconds=time.monotonic() - start)
    if (script := target / BUILD).exists():
        # Links and caches, if any, are the script's.
        command = [sys.executable, script.name, "--out", str(out / "data")]
        subprocess.run(command, cwd=target, check=True)
        notes.add("built", seconds=time.monotonic() - start)


def unpack(file: Path, packed: Path, target: Path) -> None:
    """Decode a recording, or copy what is none."""
    place = target / file.relative_to(packed)
    place.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix != PACKED:
        shutil.copyfile(file, place)
        return
    samples, rate = soundfile.read(file, dtype="int16")
    place = place.with_suffix("")  # the name that it had
    kind = {".wav": "WAV", ".flac": "FLAC"}[place.suffix]
    soundfile.write(place, samples, rate, subtype="PCM_16", format=kind)
