"""Time and memory of ``sb-sed detect`` on files of hours.

    python benchmarks/long_files.py [--hours 1 3] [--model MODEL]
        [--audio FOLDER] [--threads 1] [--formats wav flac]

The files are loops of the recordings of ``--audio``, or of MiniDESED's sounds,
at 44.1 kHz, in WAV and in FLAC. Each is given to a process of its own: without
a model, where YAMNet has 521 scores a frame; with the classes of DESED only;
and with ``--model``, an exported detector. It prints the seconds, wall and
processor, and the largest memory of the process, beside that of a file of a
minute: what is more is the table of scores.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile as sf
from kill_resume import RATE, ROOT, sounds

from sb_sed.audio.reading import resample

FILE_RATE = 44100


def write_loop(path: Path, pieces: list[np.ndarray], seconds: int) -> None:
    """Write pieces one after the other until the file is long enough."""
    left, number = seconds * FILE_RATE, 0
    with sf.SoundFile(path, "w", FILE_RATE, 1, "PCM_16") as file:
        while left:
            block = pieces[number % len(pieces)][:left]
            file.write(block)
            left, number = left - len(block), number + 1


def measure(options: list[str], path: Path) -> tuple[float, float, float, int]:
    """Wall and processor seconds, largest memory in MB, events."""
    output = path.with_suffix(".tsv")
    line = [sys.executable, "-m", "sb_sed.cli.main", "detect", *options]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*line, str(path), "--output", str(output)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    n_events = len(output.read_bytes().splitlines()) - 1
    processor = used.ru_utime + used.ru_stime
    return seconds, processor, used.ru_maxrss / 1024, n_events


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 3])
    parser.add_argument("--model")
    parser.add_argument("--audio", type=Path)
    parser.add_argument("--threads", default="1")
    parser.add_argument("--formats", nargs="+", default=["wav", "flac"])
    options = parser.parse_args()
    models = {"yamnet": [], "yamnet, DESED": ["--classes", "desed"]}
    if options.model:
        models["model"] = [options.model]
    rng = np.random.default_rng(0)
    pieces = [
        resample(piece, RATE, FILE_RATE) for piece in sounds(options.audio, rng)
    ]
    columns = f"{'s':>8}{'CPU s':>8}{'RTF':>9}{'MB':>7}{'events':>8}"
    print(f"{'model':16}{'hours':>7}  {'format':6}{columns}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for hours in (1 / 60, *options.hours):
            for suffix in options.formats:
                path = Path(name) / f"long.{suffix}"
                write_loop(path, pieces, round(3600 * hours))
                for model, given in models.items():
                    wall, processor, memory, n_events = measure(
                        [*given, "--threads", options.threads], path
                    )
                    factor = processor / 3600 / hours
                    print(
                        f"{model:16}{hours:7.2f}  {suffix:6}{wall:8.0f}"
                        f"{processor:8.0f}{factor:9.5f}{memory:7.0f}"
                        f"{n_events:8}",
                        flush=True,
                    )
                path.unlink()


if __name__ == "__main__":
    main()
