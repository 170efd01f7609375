"""Events while the sound is heard.

Two things take time: the network wants to hear what follows a frame
(:class:`~sb_sed.inference.score_stream.ScoreStream`), and the smoother wants to
see the scores that follow it (:class:`~sb_sed.inference.fixed_lag.FixedLag`).
The latency is shared among them: a quarter, at most 2 s, goes to the smoother;
what the network does not need, which hears clips, goes to the smoother as well.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import soxr

from sb_sed.audio.reading import UnusableAudio, mixed_down
from sb_sed.errors import InputError
from sb_sed.inference.fixed_lag import Event, FixedLag
from sb_sed.inference.score_stream import ScoreStream
from sb_sed.inference.scorer import WindowScorer

# Share of the latency that the smoother gets, and its most in seconds.
_SHARE, _MOST = 0.25, 2.0
# Clips whose scores are decoded with the new ones.
_REMEMBERED = 2


class EventStream:
    """Finds the events of a stream, each soon after its end.

    An event is given away when ``latency`` seconds after its end have been
    heard, or before; what the computer takes comes on top, and the resampler's
    delay (about 0.1 s). With a latency of a training clip and 2 s more (12 s
    for clips of 10 s), the scores are those that a detector gives for the
    whole recording, and the events those that the smoother finds in them if it
    looks ahead no more than 2 s. (Only the last clip before the end differs:
    a recording that is at hand is heard in a window that ends with it.) With
    less, scores know less of what follows, see ``ScoreStream``, and a smoother
    that looks ahead further than its share may find only later that an event
    has ended.

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
        heard in every 9/16 of it, so that half of it takes twice the time.
    rate : int, optional
        Samples per second of the chunks (default: the detector's).

    Raises
    ------
    InputError
        If the latency is too short or the rate is none.

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
    [Event(onset=0.5, offset=1.0, event_label='A', confidence=1.0)]
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

    def __call__(self, chunks: Iterable[np.ndarray]) -> Iterator[Event]:
        """Hears a whole stream.

        Arguments
        ---------
        chunks : Iterable[np.ndarray]
            As of :meth:`feed`.

        Yields
        ------
        Event
            Each as soon as it is settled; when the chunks end, what is left.
        """
        for chunk in chunks:
            yield from self.feed(chunk)
        yield from self.flush()

    def feed(self, chunk: np.ndarray) -> list[Event]:
        """Hears what comes next.

        Arguments
        ---------
        chunk : np.ndarray
            Samples [N], floats with full scale 1, of any number N, also none.

        Returns
        -------
        list of Event
            Those that are settled now.

        Raises
        ------
        InputError
            If it is no such array, not finite or far beyond full scale; it is
            then not heard, and the stream can go on.
        """
        samples = self._checked(chunk)
        self._n_fed += len(samples)
        if self._resampler:
            samples = self._resampler.resample_chunk(samples)
        return self._hear(samples)

    def flush(self) -> list[Event]:
        """Ends the stream; what is fed next begins another one at 0 s.

        Returns
        -------
        list of Event
            What is left.
        """
        settled = []
        if self._resampler:
            rest = self._resampler.resample_chunk(
                np.zeros(0, np.float32), last=True
            )
            settled = self._hear(rest)
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

    def _hear(self, samples: np.ndarray) -> list[Event]:
        # Window by window, so that the chunks make no difference.
        return [
            event
            for scores in self._scores.feed(samples)
            for event in self._events.feed(scores)
        ]

    def _checked(self, chunk: np.ndarray) -> np.ndarray:
        samples = np.asarray(chunk)
        if samples.ndim != 1:
            raise InputError(
                f"A chunk of the stream has the shape {samples.shape}: mix the "
                "channels down and pass [samples]."
            )
        if samples.dtype.kind != "f" and len(samples):
            raise InputError(
                f"A chunk of the stream holds {samples.dtype}: pass floats "
                "with full scale 1 (16-bit integers divided by 32768)."
            )
        try:
            samples = mixed_down(samples[:, None], self._rate, self._n_fed)
        except UnusableAudio as reason:
            raise InputError(
                f"A chunk of the stream {reason}: leave it out."
            ) from reason
        return samples.astype(np.float32, copy=False)


def _shared(latency: float, scorer: WindowScorer) -> tuple[int, int]:
    """Frames that the network waits, and those that the smoother does."""
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
