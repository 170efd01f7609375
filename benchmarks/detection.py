"""Times detection: clips, folders with threads, and an hour in one file.

    python benchmarks/detection.py [--seconds 3600] [--files 48] [--rounds 15]

The baseline's detector at full size with random weights. Clips of 10 s, on one
thread, in processor time, beside librosa's log-mels and the network as it was
trained: that network in its forms (with folded batch norms as detectors run it,
alone and 16 windows at once, in bfloat16, with 8-bit weights of what is not a
convolution, in onnxruntime), the features, and the way from a file on disk to
its table of events, in PyTorch and onnxruntime. The real-time factor is the
time over the length. Then a minute, by so many of its windows at once, on one
thread and on two. Then a folder of clips with one thread and with two, in
turns. Then one long file of 44.1 kHz stereo, with the growth of the peak memory
of a fresh process, beside that of a file of a minute: what grows is the table
of scores.

Authors
 * sb_sed contributors 2026
"""

import argparse
import copy
import json
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import soundfile as sf
import torch
from _measure import peak_megabytes, take_turns

from sb_sed.audio.reading import Recording
from sb_sed.audio.search import find_recordings
from sb_sed.features import MinMax, get_featurizer
from sb_sed.inference.batch import detect_files
from sb_sed.inference.detector import SoundEventDetector
from sb_sed.inference.onnx import export_onnx
from sb_sed.inference.onnx_finder import OnnxFinder
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.models.folded import folded
from sb_sed.smoothing.median import MedianSmoother

RATE, SECONDS = 16000, 10
N_WINDOWS = 16  # at once, of a long recording


def make_detector() -> SoundEventDetector:
    """The baseline's, whose scores are far from the threshold."""
    torch.manual_seed(0)
    featurizer = get_featurizer("log_mel", normalise=MinMax())
    return SoundEventDetector(
        modules={"detector": Detector(featurizer, CRNN())},
        hparams={
            "classes": [f"class {number}" for number in range(10)],
            "sample_rate": RATE,
            "clip_seconds": float(SECONDS),
            "smoother": MedianSmoother(threshold=0.7),
        },
        run_opts={"device": "cpu"},
    )


def in_onnx(detector: SoundEventDetector, folder: Path) -> OnnxFinder:
    """The same in onnxruntime; its file is written into the folder."""
    path = folder / "detector.onnx"
    about = {"clip_seconds": str(float(SECONDS))}
    about["smoother"] = json.dumps(detector.smoother.state())
    export_onnx(detector.mods.detector, path, detector.classes, about)
    return OnnxFinder(path)


def write_noise(path: Path, seconds: int, rate: int, channels: int) -> Path:
    """A recording of noise, written second by second."""
    random = np.random.default_rng(0)
    second = random.uniform(-0.1, 0.1, (rate, channels))
    with sf.SoundFile(path, "w", rate, channels) as file:
        for _ in range(seconds):
            file.write(second)
    return path


def detect(path: str) -> float:
    """Seconds that a file takes, on one thread; its process may be fresh."""
    torch.set_num_threads(1)
    detector = make_detector()
    start = time.perf_counter()
    detector.detect_file(path)
    return time.perf_counter() - start


def clips(detector: SoundEventDetector, path: Path, rounds: int) -> None:
    """Print the processor time of a clip of 10 s on one thread, by ways."""
    torch.set_num_threads(1)
    module = detector.mods.detector
    featurizer, network = module.featurizer, module.network
    samples, _ = sf.read(path, dtype="float32")
    wavs = torch.from_numpy(samples)[None]
    features = featurizer(wavs)
    many = features.repeat(N_WINDOWS, 1, 1)
    fast, small = folded(network), eight_bits(network)
    onnx = in_onnx(detector, path.parent)

    def bfloat16():
        """Run the folded network in bfloat16."""
        with torch.autocast("cpu", torch.bfloat16):
            return fast(many)

    ways = {
        "network as trained": lambda: network(features),
        "folded": lambda: fast(features),
        f"folded, of {N_WINDOWS} windows": lambda: fast(many),
        f"bfloat16, of {N_WINDOWS} windows": bfloat16,
        f"8-bit weights, of {N_WINDOWS} windows": lambda: small(many),
        "log-mels": lambda: featurizer(wavs),
        "log-mels of librosa": lambda: _with_librosa(samples),
        "whole in onnxruntime": lambda: onnx.scores.network(samples[None]),
        "file to events": lambda: detector.detect_file(path),
        "file to events in onnxruntime": lambda: onnx.detect_file(path),
    }
    with torch.inference_mode():
        times = take_turns(ways, rounds, time.process_time)
    for name in times:
        times[name] /= N_WINDOWS if name.endswith("windows") else 1
    peer = times["log-mels of librosa"] + times["network as trained"]
    times["peer: librosa, network as trained"] = peer
    print(
        f"\n{'one clip of 10 s, one thread':36}{'ms':>7}{'of peer':>9}{'RTF':>9}"
    )
    for name, milliseconds in times.items():
        print(
            f"{name:36}{milliseconds:7.1f}{milliseconds / peer:9.2f}"
            f"{milliseconds / 1000 / SECONDS:9.5f}"
        )


def eight_bits(network: CRNN) -> torch.nn.Module:
    """Return the network, folded, with its GRU and linear layers in 8 bits."""
    kinds = {torch.nn.GRU, torch.nn.Linear}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch moves it to torchao
        return torch.ao.quantization.quantize_dynamic(
            copy.deepcopy(folded(network)), kinds, torch.qint8
        )


def _with_librosa(samples: np.ndarray) -> np.ndarray:
    """Log-mels as the challenge's baseline computes them."""
    spectrum = librosa.stft(
        samples, n_fft=2048, hop_length=255, window=np.hamming(2048)
    )
    mel = librosa.feature.melspectrogram(
        S=np.abs(spectrum), sr=RATE, n_mels=128, fmax=8000, htk=False, norm=None
    )
    return librosa.amplitude_to_db(mel)


def batches(detector: SoundEventDetector, rounds: int) -> None:
    """Print the times of a minute with so many windows at once."""
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 60 * RATE)
    noise = noise.astype(np.float32)
    scorers = {n: replace(detector.scores, batch_size=n) for n in (1, 2, 4, 8)}
    print(
        f"\n{'a minute, windows at once':32}"
        + "".join(f"{n:8}" for n in scorers)
    )
    for threads in (1, 2):
        torch.set_num_threads(threads)
        times = take_turns(
            {
                n: lambda scorer=scorer: scorer(Recording([noise]))
                for n, scorer in scorers.items()
            },
            rounds,
        )
        row = "".join(f"{milliseconds:8.0f}" for milliseconds in times.values())
        print(f"{f'{threads} thread(s), ms':32}{row}")


def folders(
    detector: SoundEventDetector, folder: Path, n_files: int, rounds: int
) -> None:
    """Print the times of a folder with one thread and with two."""
    for number in range(n_files):
        write_noise(folder / f"{number}.wav", SECONDS, RATE, 1)
    files = find_recordings([folder])
    times = take_turns(
        {
            f"{threads} thread(s)": lambda threads=threads: list(
                detect_files(detector, files, threads)
            )
            for threads in (1, 2)
        },
        rounds,
    )
    one, two = times.values()
    print(f"\n{f'a folder of {n_files} clips':32}{'ms':>8}{'clips/s':>9}")
    for name, milliseconds in times.items():
        print(
            f"{name:32}{milliseconds:8.0f}{1000 * n_files / milliseconds:9.1f}"
        )
    print(f"two threads are {one / two:.2f} times as fast as one")


def long_file(folder: Path, seconds: int) -> None:
    """Print time and memory of one long file."""
    short = write_noise(folder / "short.wav", 12, 44100, 2)
    print(f"\n{'one file, 44.1 kHz stereo':32}{'s':>8}{'RTF':>9}{'MB':>7}")
    for length in (60, seconds):
        path = write_noise(folder / f"{length}.wav", length, 44100, 2)
        taken = detect(str(path))
        memory = peak_megabytes(detect, (str(short),), (str(path),))
        print(
            f"{f'{length} s':32}{taken:8.1f}{taken / length:9.5f}{memory:7.0f}"
        )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    detector = make_detector()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = write_noise(folder / "clip.wav", SECONDS, RATE, 1)
        clips(detector, clip, options.rounds)
        batches(detector, max(1, options.rounds // 3))
        (folder / "clips").mkdir()
        folders(
            detector,
            folder / "clips",
            options.files,
            max(1, options.rounds // 5),
        )
        long_file(folder, options.seconds)


if __name__ == "__main__":
    main()
