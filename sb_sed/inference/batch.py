"""Detection in many files, side by side; none is lost.

Authors
 * sb_sed contributors 2026
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from sb_sed.audio.reading import (
    Recording,
    UnusableAudio,
    open_audio,
    read_blocks,
)
from sb_sed.inference.detector import SoundEventDetector

_INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class FileResult:
    """What became of one recording.

    Arguments
    ---------
    filename : str
        Its name in the output.
    duration : float
        Seconds of it that were processed.
    events : pd.DataFrame
        As of ``SoundEventDetector.detect_file``; empty if it was skipped.
    notes : list[str]
        What its user should know: phrases to follow the name.
    reason : str
        Why it was skipped; empty if it was not.
    scores : pd.DataFrame, optional
        As of ``SoundEventDetector.scores_file``.
    sample_rate : int
        Of the recording itself, in Hz; of the detector if that is not known.
    unwritten : list[str]
        What could not be written of it and why, in the same form.
    """

    filename: str
    duration: float = 0.0
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)
    reason: str = ""
    scores: pd.DataFrame | None = field(default=None, repr=False)
    sample_rate: int = 0
    unwritten: list[str] = field(default_factory=list)


def detect_files(
    detector: SoundEventDetector,
    files: Mapping[str, Path],
    threads: int = 1,
    outputs: Sequence[Callable[[FileResult, Path], None]] = (),
) -> Iterator[FileResult]:
    """Detect in files, as many side by side as there are threads.

    Whoever stops asking, or is interrupted, does not have to wait for the end
    of the files in progress. Interrupted (by Ctrl-C while it waits, or thrown
    in), it yields the files that are done, in their order, before the
    ``KeyboardInterrupt`` goes on.

    Arguments
    ---------
    detector : SoundEventDetector
        The detector.
    files : Mapping[str, Path]
        The name of each in the output and its path, as of
        :func:`sb_sed.audio.search.find_recordings`.
    threads : int
        Each processes one file; those that are left over help the network.
    outputs : Sequence[Callable]
        What else is written of each file that was not skipped, as soon as it
        is processed, by the same thread: see ``sb_sed.cli.outputs``. Where
        that cannot be written, it is noted in the result.

    Yields
    ------
    FileResult
        Of each file, in their order.
    """
    workers = max(1, min(threads, len(files)))
    stopped = Event()

    def _work(item: tuple[str, Path]) -> FileResult:
        name, path = item
        notes: list[str] = []
        sample_rate = detector.hparams.sample_rate
        blocks = read_blocks(path, sample_rate, notes.append)
        seconds, rate = _length(path)
        result = detect_blocks(
            detector, name, _until(stopped, blocks), seconds, rate
        )
        if not result.reason:
            result.notes.extend(notes)
            write_outputs(outputs, result, path)
        return result

    with _threads(workers, threads // workers) as pool:
        waiting = deque(pool.submit(_work, item) for item in files.items())
        try:
            while waiting:
                yield waiting[0].result()
                waiting.popleft()
        except KeyboardInterrupt:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            # With the one that was yielded last, which may not have arrived.
            done = [future for future in waiting if not future.cancelled()]
            for future in done:
                if future.result().reason != _INTERRUPTED:
                    yield future.result()
            raise
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def detect_blocks(
    detector: SoundEventDetector,
    name: str,
    blocks: Iterable[np.ndarray],
    seconds: float | None = None,
    sample_rate: int = 0,
) -> FileResult:
    """Detect in a recording that comes in blocks.

    Arguments
    ---------
    detector : SoundEventDetector
        The detector.
    name : str
        Its name in the output.
    blocks : Iterable[np.ndarray]
        Its samples, at the detector's rate.
    seconds : float, optional
        Its length as its header says, which need not be true.
    sample_rate : int
        Its own, which it had before.

    Returns
    -------
    FileResult
        With the reason if the recording cannot be used.
    """
    rate = detector.hparams.sample_rate
    recording = Recording(_shown(blocks, name, rate, seconds))
    try:
        scores = detector.scores(recording)
    except UnusableAudio as reason:
        return FileResult(name, reason=str(reason))
    duration = recording.n_samples / rate
    if seconds is not None and abs(duration - seconds) <= 1 / rate:
        duration = seconds  # which resampling rounds to whole samples
    return FileResult(
        name,
        duration,
        _until_end(detector.events(scores, name), duration),
        recording.notes(),
        scores=scores,
        sample_rate=sample_rate or rate,
    )


def _until_end(events: pd.DataFrame, duration: float) -> pd.DataFrame:
    """Cut events where the recording ends: other programs refuse later ones."""
    end = math.floor(duration * 1e6 + 1e-3) / 1e6  # as times are written
    events = events[events["onset"] < end]
    return events.assign(offset=events["offset"].clip(upper=end))


def write_outputs(
    outputs: Sequence[Callable[[FileResult, Path | None], None]],
    result: FileResult,
    path: Path | None,
) -> None:
    """Call all outputs of a file; note what cannot be written.

    Arguments
    ---------
    outputs : Sequence[Callable]
        See ``sb_sed.cli.outputs``.
    result : FileResult
        Of a file that was not skipped.
    path : Path, optional
        Where it is; None if it came through a pipe.
    """
    for output in outputs:
        try:
            output(result, path)
        except (OSError, UnusableAudio) as error:
            reason = getattr(error, "strerror", None) or str(error)
            result.unwritten.append(
                f"lacks {output}, which could not be written ({reason})"
            )


def _until(
    stopped: Event, blocks: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield the blocks until the caller has stopped waiting."""
    for block in blocks:
        if stopped.is_set():
            raise UnusableAudio(_INTERRUPTED)
        yield block


def _length(path: Path) -> tuple[float | None, int]:
    """Seconds and rate of a file, as its header says."""
    try:
        with open_audio(path) as file:
            return file.frames / file.samplerate, file.samplerate
    except UnusableAudio:
        return None, 0


def _shown(
    blocks: Iterable[np.ndarray], name: str, rate: int, seconds: float | None
) -> Iterator[np.ndarray]:
    """Yield the blocks, with a progress bar if they take a while."""
    with tqdm(
        desc=name, total=seconds, unit="s", delay=3, leave=False, disable=None
    ) as bar:
        for block in blocks:
            yield block
            bar.update(round(len(block) / rate, 1))


def _threads(workers: int, each: int) -> ThreadPoolExecutor:
    # PyTorch's number of threads is one for each thread that calls it.
    def _prepare() -> None:
        torch.set_num_threads(max(1, each))

    return ThreadPoolExecutor(workers, initializer=_prepare)
