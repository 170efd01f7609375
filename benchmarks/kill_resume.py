"""Kills ``sb-sed detect`` again and again, and shows that nothing is lost.

    python benchmarks/kill_resume.py [--files 60] [--kills 10] [--workers 3]
        [--ways threads processes ray] [--model MODEL]
        [--audio FOLDER] [--folder FOLDER] [--seed 0]

Makes recordings of 1 s to 20 min (the logarithm of the length is the sixth
power of a uniform number, so that 500 are five hours), mixed of the recordings
of ``--audio``, or of MiniDESED's sounds: WAV and FLAC, of several rates, mono
and stereo, in three folders; every 25th is damaged. One uninterrupted run makes
the table of their events. Then, of each way to process them,

* a run is ended by SIGKILL at random moments, and each time resumed;
* a run loses worker processes to SIGKILL at random moments.

Both tables have to be the uninterrupted one byte for byte, each recording has
to be in the journal once, and the last process has to count those that were
skipped. ``processes`` is ``--jobs 2``; ``ray`` is Ray on a cluster of this
machine that begins and ends with the command (Ray gives its workers the lowest
priority: on a busy machine, set RAY_worker_niceness=0). With ``--folder`` the
recordings and the uninterrupted table stay there for the next time.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile as sf
from tqdm import tqdm

from sb_sed.audio.reading import read_mono, resample
from sb_sed.audio.search import find_recordings
from sb_sed.minidesed.sounds import GENERATORS

ROOT = Path(__file__).resolve().parents[1]
RATE, LONGEST, DAMAGED = 16000, 1200, 25
RATES = (8000, 16000, 22050, 32000, 44100, 48000)
WAYS = {
    "threads": ["--threads", "2"],
    "processes": ["--jobs", "2", "--threads", "1"],
    "ray": ["--engine", "ray"],
}
# What the processes are called that detect in recordings.
WORKERS = ("spawn_main", "ray::_Detecting")


def sounds(folder: Path | None, rng: np.random.Generator) -> list[np.ndarray]:
    """Of what recordings are mixed: pieces at 16 kHz."""
    if folder is None:
        made = [make(rng, 8.0) for make in GENERATORS.values()]
        return [piece / 10 for piece in made]
    paths = list(find_recordings([folder]).values())
    chosen = rng.permutation(len(paths))[:100]
    return [read_mono(paths[place], RATE)[0] for place in chosen]


class Recorder:
    """Writes recordings that are mixed of pieces.

    Arguments
    ---------
    pieces : Sequence[np.ndarray]
        At 16 kHz.
    rng : np.random.Generator
        What is drawn from.
    """

    def __init__(self, pieces: Sequence[np.ndarray], rng: np.random.Generator):
        self.pieces, self.rng = pieces, rng
        self._resampled: dict[tuple[int, int], np.ndarray] = {}

    def __call__(self, path: Path, seconds: float) -> None:
        """Write one of so many seconds."""
        rate = int(self.rng.choice(RATES))
        channels, left = int(self.rng.integers(1, 3)), round(seconds * rate)
        with sf.SoundFile(path, "w", rate, channels, "PCM_16") as file:
            while left:
                block = self._piece(rate)[:left]
                gains = self.rng.uniform(0.2, 1.0, (1, channels))
                file.write(np.clip(block[:, None] * gains, -1, 1))
                left -= len(block)

    def _piece(self, rate: int) -> np.ndarray:
        """One of the pieces, over another that is quiet."""
        loud, quiet = (
            self._at(int(self.rng.integers(len(self.pieces))), rate)
            for _ in range(2)
        )
        return loud + 0.2 * np.resize(quiet, len(loud))

    def _at(self, place: int, rate: int) -> np.ndarray:
        key = place, rate
        if key not in self._resampled:
            piece = resample(self.pieces[place], RATE, rate)
            self._resampled[key] = piece
        return self._resampled[key]


def damage(path: Path, kind: int) -> None:
    """Spoil a recording in one of six ways."""
    content = path.read_bytes()
    if kind == 0:
        path.write_bytes(b"")
    elif kind == 1:
        path.write_text("This is no recording.\n")
    elif kind == 2:
        path.write_bytes(content[:44])
    elif kind == 3:
        path.write_bytes(content[: len(content) // 2])
    elif kind == 4:
        sf.write(path.with_suffix(".wav"), np.full(RATE, np.nan), RATE, "FLOAT")
        path.unlink() if path.suffix != ".wav" else None
    else:
        sf.write(path, np.zeros(1), 48000)


def make_recordings(
    folder: Path, n_files: int, audio: Path | None, seed: int
) -> None:
    """Write the recordings, unless they are there."""
    if folder.exists():
        return
    whole, folder = folder, folder.with_name("unfinished")
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(seed)
    record = Recorder(sounds(audio, rng), rng)
    places = rng.permutation(n_files)
    for number in tqdm(range(n_files), "recordings", disable=None):
        seconds = LONGEST ** (((places[number] + 0.5) / n_files) ** 6)
        suffix = (".wav", ".flac")[int(rng.integers(2))]
        path = folder / "abc"[number % 3] / f"{number:04}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        record(path, seconds)
        if number % DAMAGED == DAMAGED // 2:
            damage(path, number // DAMAGED % 6)
    folder.rename(whole)


@dataclass
class Detection:
    """A table that ``sb-sed detect`` makes.

    Arguments
    ---------
    model : str
        The detector.
    recordings : Path
        Their folder.
    output : Path
        The table.
    way : str
        How they are processed.
    """

    model: str
    recordings: Path
    output: Path
    way: str

    def start(self, *options: str) -> subprocess.Popen:
        """Start the command."""
        line = [sys.executable, "-m", "sb_sed.cli.main", "detect", self.model]
        line += [str(self.recordings), "--output", str(self.output)]
        paths = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        with open(self.errors, "w") as errors:
            return subprocess.Popen(
                [*line, *WAYS[self.way], *options],
                env=os.environ | {"PYTHONPATH": paths},
                stderr=errors,
            )

    @property
    def errors(self) -> Path:
        """What the last process said."""
        return self.output.with_name(f"{self.output.name}.log")

    def names(self) -> list[str]:
        """The recordings in the journal."""
        try:
            journal = Path(f"{self.output}.journal").read_bytes()
        except FileNotFoundError:
            return []
        lines = journal.splitlines(keepends=True)[1:]
        return [json.loads(x)[0] for x in lines if x.endswith(b"\n")]

    def wait(self, process: subprocess.Popen, n_done: int) -> bool:
        """Wait until so many are done; return whether it still runs."""
        while process.poll() is None:
            if len(self.names()) >= n_done:
                return True
            time.sleep(0.02)
        return False


def moments(n_files: int, number: int) -> list[tuple[int, float]]:
    """Draw after how many recordings, and seconds after that."""
    return sorted(
        (random.randrange(n_files), random.random()) for _ in range(number)
    )


def kill_it(detection: Detection, n_files: int, n_kills: int) -> str:
    """Kill the command and resume it, until it is through."""
    killed, ended, left_behind = [], [], 0
    for n_done, seconds in moments(n_files, n_kills):
        process = detection.start("--resume")
        if detection.wait(process, n_done):
            time.sleep(seconds)
        if process.poll() is not None:
            ended.append(process.returncode)
            continue
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        killed.append(len(detection.names()))
        left_behind += len(psutil.wait_procs(children, timeout=20)[1])
    ended.append(detection.start("--resume").wait())
    return (
        f"killed {len(killed)} times, after {' '.join(map(str, killed))}; "
        f"others ended with {' '.join(map(str, ended))}"
        + f"; {left_behind} processes outlived it by 20 s"
        * (left_behind > 0)
    )


def kill_workers(detection: Detection, n_files: int, n_kills: int) -> str:
    """Kill processes that detect, and let the command go on."""
    process, n_killed = detection.start("--resume"), 0
    for n_done, seconds in moments(n_files, n_kills):
        if not detection.wait(process, n_done):
            break
        time.sleep(seconds)
        if workers := find_workers(process):
            random.choice(workers).kill()
            n_killed += 1
    process.wait()
    return f"{n_killed} workers killed"


def find_workers(process: subprocess.Popen) -> list[psutil.Process]:
    """The processes below a command that detect."""
    found = []
    for one in psutil.process_iter():
        try:
            if any(name in " ".join(one.cmdline()) for name in WORKERS):
                parents = {parent.pid for parent in one.parents()}
                found += [one] * (process.pid in parents)
        except psutil.Error:  # it has ended by now
            continue
    return found


def verdict(detection: Detection, names: list[str], whole: Path) -> str:
    """Say whether a table is the uninterrupted one."""
    if not detection.output.exists():
        return "NO TABLE"
    if detection.output.read_bytes() != whole.read_bytes():
        return "DIFFERENT"
    if detection.names() != names:
        return "equal, JOURNAL DIFFERENT"
    log, n_files = detection.errors.read_text(), len(names)
    summary = f" of {n_files} files were skipped." in log
    return "equal" if summary else "equal, NO SUMMARY"


def try_way(way: str, options: argparse.Namespace, folder: Path) -> None:
    """Kill a way of processing, and print what became of it."""
    recordings, whole = folder / "recordings", folder / "whole.tsv"
    names = list(find_recordings([recordings]))
    for kill, number in (
        (kill_it, options.kills),
        (kill_workers, options.workers * (way != "threads")),
    ):
        if not number:
            continue
        with tempfile.TemporaryDirectory(dir=folder) as place:
            output = Path(place) / "events.tsv"
            start = time.perf_counter()
            detection = Detection(options.model, recordings, output, way)
            found = kill(detection, len(names), number)
            seconds = time.perf_counter() - start
            outcome = verdict(detection, names, whole)
            print(f"{way:11}{seconds:8.0f} s  {outcome:10}{found}", flush=True)
            if outcome != "equal":
                print(detection.errors.read_text()[-2000:], file=sys.stderr)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=["threads", "processes"]
    )
    parser.add_argument("--model", default="yamnet")
    parser.add_argument("--audio", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        recordings, whole = folder / "recordings", folder / "whole.tsv"
        make_recordings(recordings, options.files, options.audio, options.seed)
        detection = Detection(options.model, recordings, whole, "threads")
        start = time.perf_counter()
        if not whole.exists():
            detection.start().wait()
        seconds = time.perf_counter() - start
        n_files, n_rows = len(find_recordings([recordings])), _n_rows(whole)
        print(f"{n_files} recordings, {n_rows} events, {seconds:.0f} s")
        for way in options.ways:
            try_way(way, options, folder)


def _n_rows(table: Path) -> int:
    return len(table.read_bytes().splitlines()) - 1


if __name__ == "__main__":
    main()
