"""Events of a stream, each soon after its end.

Two things take time: the network needs what follows a frame
(:class:`ScoreStream`), and the smoother the scores that follow it
(:class:`~sb_sed.inference.fixed_lag.FixedLag`). The latency is shared among
them: a quarter, at most 2 s, goes to the smoother; what the network, which
processes clips, does not need goes to the smoother as well.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import soxr

from sb_sed.audio.reading import UnusableAudio, check_samples
from sb_sed.errors import InputError
from sb_sed.formats import DetectedEvent
from sb_sed.inference.fixed_lag import FixedLag
from sb_sed.inference.waveforms import Samples, as_floats
from sb_sed.inference.windows import WindowScorer, check_scores

# Share of the latency that the smoother gets, and its most in seconds.
_SHARE, _MOST = 0.25, 2.0
# Clips whose scores are decoded with the new ones.
_REMEMBERED = 2


class EventStream:
    """Finds the events of a stream, each soon after its end.

    An event is emitted when ``latency`` seconds after its end have been fed,
    or before; the time of the computation comes on top, and the resampler's
    delay (about 0.1 s). With a latency of a training clip and 2 s more (12 s
    for clips of 10 s), the scores are those that a detector gives for the
    whole recording, and the events those that the smoother finds in them if it
    looks ahead no more than 2 s. (Only the last clip before the end differs:
    of a recording, the last window ends with it.) With less, scores depend on
    less of what follows, see ``ScoreStream``, and a smoother that looks ahead
    further than its share may find only later that an event has ended.

    The memory that a stream needs does not grow: at most three clips of
    samples, and the scores of three clips and of the latency.

    Arguments
    ---------
    scorer : WindowScorer
        The network; shared, not changed.
    decode : Callable[[pd.DataFrame], pd.DataFrame]
        From a table of scores to events with ``onset``, ``offset``,
        ``event_label`` and ``confidence``.
    latency : float
        In seconds; at least about one of the network's frames. A window is
        processed in every 9/16 of it, so that half of it takes twice the time.
    rate : int, optional
        Samples per second of the chunks (default: the detector's).

    Raises
    ------
    InputError
        If the latency is too short or the rate is not valid.

    Example
    -------
    >>> from sb_sed.inference.windows import Windows
    >>> from sb_sed.smoothing.threshold import ThresholdSmoother
    >>> def network(clips):
    ...     return clips.reshape(len(clips), 4, -1).mean(-1, keepdims=True)
    >>> scorer = WindowScorer(network, Windows(8, 4, 2), ["A"], sample_rate=4)
    >>> smoother = ThresholdSmoother(0.5)
    >>> stream = EventStream(scorer, lambda table: smoother({"": table}), 1.0)
    >>> stream.feed(np.array([0, 0, 1, 1, 0, 0, 0, 0], np.float32))
    [DetectedEvent(onset=0.5, offset=1.0, event_label='A', confidence=1.0)]
    >>> stream.flush()
    []
    """

    def __init__(
        self,
        scorer: WindowScorer,
        decode: Callable[[pd.DataFrame], pd.DataFrame],
        latency: float = 2.0,
        rate: int | None = None,
    ):
        self._scorer, self._decode = scorer, decode
        self._wait, self._lag = _shared(latency, scorer)
        self._rate = scorer.sample_rate if rate is None else rate
        if not 0 < self._rate < math.inf:
            raise InputError(f"The stream's rate is {rate}: give it in Hz.")
        self._begin()

    def __call__(self, chunks: Iterable[Samples]) -> Iterator[DetectedEvent]:
        """Process a whole stream.

        Arguments
        ---------
        chunks : Iterable[np.ndarray | torch.Tensor]
            As of :meth:`feed`.

        Yields
        ------
        DetectedEvent
            Each as soon as it is settled; when the chunks end, what is left.
        """
        for chunk in chunks:
            yield from self.feed(chunk)
        yield from self.flush()

    def feed(self, chunk: Samples) -> list[DetectedEvent]:
        """Process the next samples.

        Arguments
        ---------
        chunk : np.ndarray | torch.Tensor
            Samples [N], floats with full scale 1 or 16-bit integers, of any
            number N, also none.

        Returns
        -------
        list[DetectedEvent]
            Those that are settled now.

        Raises
        ------
        InputError
            If it is of another type or shape, not finite or far beyond full
            scale; it is then skipped, and the stream can go on.
        """
        samples = self._checked(chunk)
        self._n_fed += len(samples)
        if self._resampler:
            samples = self._resampler.resample_chunk(samples)
        return self._detect(samples)

    def flush(self) -> list[DetectedEvent]:
        """End the stream; what is fed next begins another one at 0 s.

        Returns
        -------
        list[DetectedEvent]
            What is left.
        """
        settled = []
        if self._resampler:
            rest = self._resampler.resample_chunk(
                np.zeros(0, np.float32), last=True
            )
            settled = self._detect(rest)
        seconds = self._scores.n_samples / self._scorer.sample_rate
        left = self._events.end(self._scores.end(), seconds)
        self._begin()
        return settled + left

    def _begin(self) -> None:
        scorer = self._scorer
        self._n_fed = 0
        self._resampler = None
        if self._rate != scorer.sample_rate:
            self._resampler = soxr.ResampleStream(
                self._rate,
                scorer.sample_rate,
                1,
                dtype="float32",
                quality="HQ",
            )
        self._scores = ScoreStream(scorer, self._wait)
        self._events = FixedLag(
            self._decode,
            scorer.classes,
            scorer.windows.frame_samples / scorer.sample_rate,
            self._lag,
            _REMEMBERED * scorer.windows.n_frames,
        )

    def _detect(self, samples: np.ndarray) -> list[DetectedEvent]:
        # Window by window, so that the chunks make no difference.
        return [
            event
            for scores in self._scores.feed(samples)
            for event in self._events.feed(scores)
        ]

    def _checked(self, chunk: Samples) -> np.ndarray:
        samples = as_floats(chunk, "A chunk of the stream holds").cpu().numpy()
        if samples.ndim != 1:
            raise InputError(
                f"A chunk of the stream has the shape {samples.shape}: mix the "
                "channels down and pass [samples]."
            )
        try:
            check_samples(samples[:, None], self._rate, self._n_fed)
        except UnusableAudio as reason:
            raise InputError(
                f"A chunk of the stream {reason}: leave it out."
            ) from reason
        return samples


def _shared(latency: float, scorer: WindowScorer) -> tuple[int, int]:
    """Return the frames that the network waits, and the smoother's."""
    windows, rate = scorer.windows, scorer.sample_rate
    frame = windows.frame_samples
    # A window ends not quite where its last frame does.
    beyond = windows.n_samples - windows.n_frames * frame
    if not (math.isfinite(latency) and latency * rate >= frame + beyond):
        raise InputError(
            f"The latency of the stream is {latency} s: give at least "
            f"{math.ceil(100 * (frame + beyond) / rate) / 100:g} s."
        )
    # The frame that settles an event need not be waited for.
    n_frames = 1 + int((latency * rate - beyond) / frame + 1e-9)
    lag = max(1, min(int(_SHARE * n_frames), math.ceil(_MOST * rate / frame)))
    wait = min(n_frames - lag, windows.n_frames)
    return wait, n_frames - wait


class ScoreStream:
    """Scores a stream in overlapping windows, each as soon as it is complete.

    A frame's scores are final when ``wait`` frames from its beginning on are
    there: then a window ends, and the next one ends ``1 - overlap`` of
    ``wait`` later. Over the last ``overlap`` of ``wait`` before its end, a
    window fades to the next one. So with ``wait`` the length of a window, these
    are the windows and the scores of
    :class:`~sb_sed.inference.windows.Windows`; with less, windows are closer
    together and a score depends on less of what follows it. What precedes it
    fills the rest of the window; until the stream is as long as a window,
    windows begin with it and are padded with silence, as short clips are in the
    training. Each window is processed on its own, as a clip: nothing else is
    carried along from one to the next, so that a stream is to the network what
    the clips are that it was trained on.

    Arguments
    ---------
    scorer : WindowScorer
        The network, and the length and overlap of its windows.
    wait : int
        Output frames, from 1 to those of a window.

    Attributes
    ----------
    n_samples : int
        Fed so far.

    Example
    -------
    >>> from sb_sed.inference.windows import Windows
    >>> def network(clips):
    ...     return clips.reshape(len(clips), 4, -1).mean(-1, keepdims=True)
    >>> scorer = WindowScorer(network, Windows(8, 4, 2), ["A"], sample_rate=4)
    >>> stream = ScoreStream(scorer, wait=2)
    >>> [len(scores) for scores in stream.feed(np.ones(13, np.float32))]
    [2, 2, 2]
    >>> len(stream.end())
    1
    """

    def __init__(self, scorer: WindowScorer, wait: int):
        self._network, self._windows = scorer.network, scorer.windows
        self._wait = wait
        self._hop = max(1, round(wait * (1 - self._windows.overlap)))
        self.n_samples = 0
        # Samples from the last window's first, and the frame that this is.
        self._kept, self._first = [np.zeros(0, np.float32)], 0
        # Frame after the last window's last; frames that are final; the scores
        # from there to the window's end, which will fade into the next one's.
        self._scored = self._final = 0
        self._fading = np.zeros((0, len(scorer.classes)), np.float32)

    def feed(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Score the next samples.

        Arguments
        ---------
        samples : np.ndarray
            float32 [N], N at least 0.

        Yields
        ------
        np.ndarray
            The scores [T, C] that a window makes final. They follow those of
            the window before.

        Raises
        ------
        UnusableAudio
            If the scores of a window are not finite.
        """
        # In pieces, so that a long chunk is not copied for each window.
        for start in range(0, len(samples), self._windows.n_samples):
            piece = samples[start : start + self._windows.n_samples]
            self.n_samples += len(piece)
            self._kept.append(piece.copy())  # recorders reuse their buffers
            while self.n_samples >= self._needed(self._next()):
                end = self._next()
                scores = self._score(end)
                n_final = end - (self._wait - self._hop) - self._final
                self._fading = scores[n_final:]
                self._final += n_final
                yield scores[:n_final]

    def end(self) -> np.ndarray:
        """Score the last window, which ends where the stream ended.

        Returns
        -------
        np.ndarray
            The scores of all frames that are left, and of those that a window
            has behind the end.
        """
        missing = not self._scored or self.n_samples > self._needed(
            self._scored
        )
        if not (self.n_samples and missing):
            return self._fading
        beyond = self.n_samples - self._windows.n_samples
        # Rounded up to the grid, so that nothing of the end is lost.
        start = max(0, -(-beyond // self._windows.frame_samples))
        return self._score(start + self._windows.n_frames)

    def _next(self) -> int:
        """Return the frame with which the next window ends."""
        return self._scored + self._hop if self._scored else self._wait

    def _needed(self, end: int) -> int:
        """Return the stream's samples that a window up to ``end`` needs."""
        windows = self._windows
        return windows.n_samples + windows.frame_samples * (
            end - windows.n_frames
        )

    def _score(self, end: int) -> np.ndarray:
        """Return the scores of all frames before ``end`` that are not final."""
        windows = self._windows
        kept = np.concatenate(self._kept)
        start = max(0, end - windows.n_frames)
        stop = self._needed(end) - windows.frame_samples * self._first
        window = kept[self._samples(start) : stop]
        window = np.pad(window, (0, windows.n_samples - len(window)))
        [scores] = self._network(window[None])
        check_scores(scores)
        self._scored = end
        # The next window begins later, but the last may begin where this does.
        self._kept, self._first = [kept[self._samples(start) :]], start
        return windows.join(
            [(0, self._fading), (0, scores[self._final - start : end - start])]
        )

    def _samples(self, frame: int) -> int:
        """Return the samples that are kept before a frame begins."""
        return (frame - self._first) * self._windows.frame_samples
