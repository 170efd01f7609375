"""Times detection in onnxruntime beside PyTorch, on clips of 10 s.

    python benchmarks/onnx_detection.py [--threads 1] [--rounds 15]
    python benchmarks/onnx_detection.py --run RUN --test-set validation

Of the baseline's network with three front-ends, or of a run, prints for
PyTorch, onnxruntime and onnxruntime with 8-bit weights: milliseconds for a
clip, features and network (median over rounds in which all take turns), the
same as a share of the clip's length, the largest difference of the scores from
PyTorch's on noise, and the size of the file. With a test set, also what the
scores of its clips are worth once the run's smoother has seen them: event-based
F1, and PSDS.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
import soundfile
import torch
from _measure import take_turns
from tqdm import tqdm

from sb_sed.data.manifests import reference_files
from sb_sed.features import get_featurizer
from sb_sed.formats import read_durations, read_events, scores_table
from sb_sed.inference.exported import read_detector
from sb_sed.inference.onnx import export_onnx, quantise
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.runs.run import Run
from sb_sed.scoring.report import make_report

SECONDS, RATE = 10, 16000


def baseline(front_end: str) -> Detector:
    """The baseline's detector before training."""
    featurizer = get_featurizer(front_end)
    featurizer.fit([torch.randn(4, SECONDS * RATE)])
    network = CRNN(n_channels=featurizer.n_channels)
    return Detector(featurizer, network).eval()


def ways(
    detector: Detector, classes: list[str], folder: Path, threads: int
) -> dict[str, tuple[Callable, float]]:
    """From clips [B, N] to strong scores, and the megabytes of the file."""
    exact, small = folder / "exact.onnx", folder / "small.onnx"
    export_onnx(detector, exact, classes)
    quantise(exact, small)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads

    def _with_onnxruntime(path: Path) -> tuple[Callable, float]:
        session = onnxruntime.InferenceSession(path, options)

        def _detect(clips: np.ndarray) -> np.ndarray:
            return session.run(["strong"], {"waveforms": clips})[0]

        return _detect, path.stat().st_size / 1e6

    @torch.inference_mode()
    def _with_pytorch(clips: np.ndarray) -> np.ndarray:
        return detector.from_waveforms(torch.from_numpy(clips)).strong.numpy()

    weights = sum(x.numel() for x in detector.state_dict().values())
    return {
        "PyTorch": (_with_pytorch, 4 * weights / 1e6),
        "onnxruntime": _with_onnxruntime(exact),
        "onnxruntime, int8": _with_onnxruntime(small),
    }


def show(title: str, found: dict[str, tuple[Callable, float]], rounds: int):
    """Time the ways and print a table."""
    clip = np.random.default_rng(0).normal(size=(1, SECONDS * RATE)) / 10
    clip = clip.astype(np.float32)
    entries = {
        name: lambda detect=detect: detect(clip)
        for name, (detect, _) in found.items()
    }
    times = take_turns(entries, rounds)
    expected = entries["PyTorch"]()
    print(f"\n{title:20}{'ms':>8}{'of real time':>14}{'scores':>9}{'MB':>7}")
    for name, milliseconds in times.items():
        off = np.abs(entries[name]() - expected).max()
        print(
            f"{name:20}{milliseconds:8.1f}{milliseconds / 1e3 / SECONDS:14.5f}"
            f"{off:9.0e}{found[name][1]:7.2f}"
        )


def worth(
    found: dict[str, tuple[Callable, float]],
    run: Path,
    test_set: str,
    detector: Detector,
    hparams: dict,
) -> None:
    """Score the ways on a test set of the run and print a table."""
    prepared = Run(run).prepared_folder
    manifest = json.loads((prepared / f"{test_set}.json").read_text("utf-8"))
    classes, smoother = hparams["classes"], hparams["smoother"]
    events, durations = reference_files(prepared, test_set)
    reference = read_events(events, classes)
    durations = read_durations(durations)
    n_samples = round(hparams["clip_seconds"] * hparams["sample_rate"])
    print(f"\n{test_set}, {len(manifest)} clips")
    print(f"{'':20}{'event F1':>9}{'PSDS 1':>8}{'PSDS 2':>8}{'PSDS 2020':>11}")
    for name, (detect, _) in found.items():
        tables = {}
        for clip, entry in tqdm(manifest.items(), desc=name, leave=False):
            samples, _ = soundfile.read(entry["wav"], dtype="float32")
            missing = max(0, n_samples - len(samples))
            strong = detect(np.pad(samples, (0, missing))[None])[0]
            tables[clip] = scores_table(
                strong, detector.frame_shift, classes, entry["duration"]
            )
        report = make_report(
            reference,
            smoother(tables),
            smoother.to_scores(tables),
            durations,
            classes=classes,
            n_draws=1,
        )
        psds = report["psds"]
        print(
            f"{name:20}{100 * report['event_f1']['macro']:9.2f}"
            f"{psds['1']:8.4f}{psds['2']:8.4f}{psds['2020']:11.4f}"
        )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--test-set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with TemporaryDirectory() as folder:
        settings = Path(folder), options.threads
        if options.run is None:
            classes = [f"class {number}" for number in range(10)]
            for front_end in ("log_mel", "pcen", "ppcen"):
                found = ways(baseline(front_end), classes, *settings)
                show(front_end, found, options.rounds)
            return
        modules, hparams = read_detector(options.run)
        detector = modules["detector"].eval()
        found = ways(detector, hparams["classes"], *settings)
        show(options.run.name, found, options.rounds)
        if options.test_set:
            worth(found, options.run, options.test_set, detector, hparams)


if __name__ == "__main__":
    main()
