"""Detection in many files, side by side; none is lost.

Authors
 * sb_sed contributors 2026
"""

import math
from collections import deque
from collections.abc import (
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Protocol

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.audio.reading import (
    Recording,
    UnusableAudio,
    open_audio,
    read_blocks,
)
from sb_sed.inference.finder import EventFinder

INTERRUPTED = "interrupted"
# Files for each worker that may be finished before one that comes first in the
# output: they wait for it, and are what a kill at that moment costs.
AHEAD = 64


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
        As of ``SoundEventDetector.scores_file``; of many files, only the
        outputs get them.
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


Output = Callable[[FileResult, Path | None], None]


class Stop(Protocol):
    """An ``Event`` of ``threading`` or ``multiprocessing``."""

    def is_set(self) -> bool:
        """Whether the caller has stopped waiting."""


def detect_files(
    detector: EventFinder,
    files: Mapping[str, Path],
    threads: int = 1,
    outputs: Sequence[Output] = (),
) -> Generator[FileResult, None, None]:
    """Detect in files, as many side by side as there are threads.

    Whoever stops asking, or is interrupted, does not have to wait for the end
    of the files in progress. Interrupted (by Ctrl-C while it waits, or thrown
    in), it yields the files that are done, in their order, before the
    ``KeyboardInterrupt`` goes on.

    Arguments
    ---------
    detector : EventFinder
        The detector, such as a ``SoundEventDetector``.
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
        Of each file, in their order, without scores.
    """
    workers = max(1, min(threads, len(files)))
    stopped = Event()

    def _work(item: tuple[str, Path]) -> FileResult:
        return detect_recording(detector, *item, outputs, stopped)

    # PyTorch's number of threads is one for each thread that calls it.
    with ThreadPoolExecutor(
        workers,
        initializer=detector.use_threads,
        initargs=(max(1, threads // workers),),
    ) as pool:
        futures = (pool.submit(_work, item) for item in files.items())
        try:
            yield from in_order(futures, AHEAD * workers, stopped.set)
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def in_order(
    futures: Iterator[Future], ahead: int, stop: Callable[[], object]
) -> Iterator[FileResult]:
    """Yield the results of futures in their order, a bounded number at work.

    Arguments
    ---------
    futures : Iterator[Future]
        Submits one whenever it is asked for one.
    ahead : int
        Most that are submitted and not yielded.
    stop : Callable
        Makes those that run end soon.

    Yields
    ------
    FileResult
        After a ``KeyboardInterrupt``, which goes on at the end, those that are
        done; with the one that was yielded last, which may not have arrived.
    """
    waiting: deque[Future] = deque()

    def _fill() -> None:
        while len(waiting) < ahead and (more := next(futures, None)):
            waiting.append(more)

    try:
        _fill()
        while waiting:
            yield waiting[0].result()
            waiting.popleft()
            _fill()
    except KeyboardInterrupt:
        stop()
        done = [future for future in waiting if not future.cancel()]
        for future in done:
            if future.result().reason != INTERRUPTED:
                yield future.result()
        raise


def detect_recording(
    detector: EventFinder,
    name: str,
    path: Path,
    outputs: Sequence[Output] = (),
    stopped: Stop | None = None,
    is_shown: bool = True,
) -> FileResult:
    """Detect in one file and write its outputs.

    Arguments
    ---------
    detector : EventFinder
        The detector.
    name : str
        Its name in the output.
    path : Path
        Where it is.
    outputs : Sequence[Callable]
        As of ``detect_files``.
    stopped : Stop, optional
        Ends the work early, with the reason :data:`INTERRUPTED`.
    is_shown : bool
        Whether a progress bar appears if it takes a while.

    Returns
    -------
    FileResult
        Without its scores.
    """
    notes: list[str] = []
    blocks = read_blocks(path, detector.sample_rate, notes.append)
    if stopped is not None:
        blocks = _until(stopped, blocks)
    seconds, rate = _length(path)
    result = detect_blocks(detector, name, blocks, seconds, rate, is_shown)
    if not result.reason:
        result.notes.extend(notes)
        write_outputs(outputs, result, path)
    return replace(result, scores=None)


def detect_blocks(
    detector: EventFinder,
    name: str,
    blocks: Iterable[np.ndarray],
    seconds: float | None = None,
    sample_rate: int = 0,
    is_shown: bool = True,
) -> FileResult:
    """Detect in a recording that comes in blocks.

    Arguments
    ---------
    detector : EventFinder
        The detector.
    name : str
        Its name in the output.
    blocks : Iterable[np.ndarray]
        Its samples, at the detector's rate.
    seconds : float, optional
        Its length as its header says, which need not be true.
    sample_rate : int
        Its own, which it had before.
    is_shown : bool
        Whether a progress bar appears if it takes a while.

    Returns
    -------
    FileResult
        With the reason if the recording cannot be used.
    """
    rate = detector.sample_rate
    if is_shown:
        blocks = _shown(blocks, name, rate, seconds)
    recording = Recording(blocks)
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
    outputs: Sequence[Output], result: FileResult, path: Path | None
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


def _until(stopped: Stop, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the blocks until the caller has stopped waiting."""
    for block in blocks:
        if stopped.is_set():
            raise UnusableAudio(INTERRUPTED)
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
