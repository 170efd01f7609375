"""Streams: delay, real-time factor and events at several latencies.

    python benchmarks/streaming.py [--seconds 120] [--latency 1 2 4 8 12]
        [--model FOLDER --audio FOLDER]

Without a model it is the baseline's with random weights, and the stream is
noise; with one, it is the recordings of a folder, one after the other. It
comes in chunks of 0.1 s. The delay is what has been fed after an event's end
when it is emitted; the real-time factor is the time of the processor, on one
thread, over the length. Events are compared with those of the whole, up to the
last clip: the F1 of those that agree in the label and, within one frame or
0.2 s, in onset and offset. What the detector itself is like shows in the last
row: the whole again, but begun 3 s later, so that its windows lie elsewhere.

Authors
 * sb_sed contributors 2026
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from detection import RATE, make_detector

from sb_sed.audio.reading import Recording, read_blocks
from sb_sed.audio.search import find_recordings
from sb_sed.inference.detector import SoundEventDetector


def read_folder(folder: Path, rate: int, seconds: float) -> np.ndarray:
    """Read the first seconds of its recordings."""
    blocks, n_samples = [], 0
    for path in find_recordings([folder]).values():
        blocks += read_blocks(path, rate)
        n_samples = sum(map(len, blocks))
        if n_samples >= seconds * rate:
            break
    return np.concatenate(blocks)[: round(seconds * rate)]


def stream(
    detector: SoundEventDetector, samples: np.ndarray, latency: float
) -> tuple[list[tuple], float, float]:
    """The events, the longest delay, the real-time factor."""
    rate = detector.hparams.sample_rate
    events, delay, n_fed = [], 0.0, 0
    start = time.process_time()
    detecting = detector.event_stream(latency)
    for chunk in np.array_split(samples, 10 * len(samples) // rate):
        n_fed += len(chunk)
        for event in detecting.feed(chunk):
            events.append(event)
            delay = max(delay, n_fed / rate - event.offset)
    events += detecting.flush()
    factor = (time.process_time() - start) * rate / len(samples)
    return [event[:3] for event in events], delay, factor


def whole(
    detector: SoundEventDetector, samples: np.ndarray, begin: float = 0
) -> tuple[list[tuple], float]:
    """The events, and the real-time factor."""
    rate = detector.hparams.sample_rate
    first = round(begin * rate)
    start = time.process_time()
    scores = detector.scores(Recording([samples[first:]]))
    events = detector.events(scores, "")
    factor = (time.process_time() - start) * rate / len(samples)
    return [
        (event.onset + begin, event.offset + begin, event.event_label)
        for event in events.itertuples()
    ], factor


def agreement(one: list[tuple], other: list[tuple], within: float) -> float:
    """F1 of the events that agree, each with one."""
    left = list(other)
    for onset, offset, label in one:
        for event in left:
            apart = max(abs(event[0] - onset), abs(event[1] - offset))
            if event[2] == label and apart <= within:
                left.remove(event)
                break
    n_both = len(other) - len(left)
    return 2 * n_both / max(1, len(one) + len(other))


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument(
        "--latency", type=float, nargs="+", default=[0.5, 1, 2, 4, 8, 12]
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--audio", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.model:
        detector = SoundEventDetector.from_folder(options.model)
        rate = detector.hparams.sample_rate
        samples = read_folder(options.audio, rate, options.seconds)
    else:
        detector, rate = make_detector(), RATE
        random = np.random.default_rng(0)
        samples = random.uniform(-0.1, 0.1, round(options.seconds * rate))
        samples = samples.astype(np.float32)
    clip, frame = detector.hparams.clip_seconds, detector.mods.detector
    last, frame = len(samples) / rate - 2 * clip, frame.frame_shift

    def _compared(events: list[tuple], reference: list[tuple]) -> str:
        one, other = (
            [e for e in some if clip < e[0] and e[1] < last]
            for some in (events, reference)
        )
        figures = (agreement(one, other, x + 1e-6) for x in (frame, 0.2))
        return f"{len(one):8}" + "".join(f"{x:10.3f}" for x in figures)

    reference, factor = whole(detector, samples)
    print(
        f"{'latency':>10}{'delay':>8}{'RTF':>9}"
        f"{'events':>8}{'1 frame':>10}{'0.2 s':>10}"
    )
    for latency in options.latency:
        events, delay, taken = stream(detector, samples, latency)
        print(
            f"{latency:8.2f} s{delay:8.2f}{taken:9.4f}"
            f"{_compared(events, reference)}",
            flush=True,
        )
    print(f"{'whole':>10}{'':8}{factor:9.4f}{_compared(reference, reference)}")
    shifted, taken = whole(detector, samples, begin=3)
    print(f"{'from 3 s':>10}{'':8}{taken:9.4f}{_compared(shifted, reference)}")


if __name__ == "__main__":
    main()
