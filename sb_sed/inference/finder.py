"""What all detectors do with scores and a smoother, whatever computes them.

Neither PyTorch nor SpeechBrain is needed for it, so that a command which
detects in a clip starts at once.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sb_sed.audio.reading import Recording, UnusableAudio, read_blocks
from sb_sed.errors import InputError
from sb_sed.formats import DetectedEvent
from sb_sed.inference.windows import WindowScorer
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.confidence import mean_scores

if TYPE_CHECKING:
    from sb_sed.inference.streaming import EventStream
    from sb_sed.inference.waveforms import Samples

logger = logging.getLogger(__name__)


class EventFinder:
    """Finds the events of recordings and of streams.

    Its children set ``scores`` and ``smoother``. If the smoother has a clip
    gate, the scores have to be gated: see
    :class:`~sb_sed.inference.detector.SoundEventDetector`.

    Attributes
    ----------
    scores : WindowScorer
        From a ``Recording`` to its table of scores.
    smoother : Smoother
        From scores to events.

    Example
    -------
    >>> from sb_sed.inference.windows import Windows
    >>> from sb_sed.smoothing.threshold import ThresholdSmoother
    >>> def network(clips):
    ...     return clips.reshape(len(clips), 4, -1).mean(-1, keepdims=True)
    >>> finder = EventFinder()
    >>> finder.scores = WindowScorer(network, Windows(8, 4, 2), ["A"], 4)
    >>> finder.smoother = ThresholdSmoother(0.5)
    >>> scores = finder.scores(Recording([np.float32([0, 0, 1, 1, 0])]))
    >>> finder.events(scores, "clip.wav").values.tolist()
    [['clip.wav', 0.5, 1.0, 'A', 1.0]]
    """

    scores: WindowScorer
    smoother: Smoother

    @property
    def classes(self) -> Sequence[str]:
        """The labels, in the order of the scores."""
        return self.scores.classes

    @property
    def sample_rate(self) -> int:
        """Of what it processes, in Hz; recordings of others are resampled."""
        return self.scores.sample_rate

    @property
    def clip_gate(self) -> bool:
        """Whether scores are gated: if that is what the smoother decodes."""
        return getattr(self.smoother, "clip_gate", False)

    @property
    def key(self) -> str:
        """What the events of a recording depend on, as a digest.

        Two detectors of one key find the same events.
        """
        smoother = self.smoother
        state = smoother.state() if isinstance(smoother, Smoother) else None
        about = {
            "network": self.scores.network.key,
            "windows": repr(self.scores.windows),
            "classes": list(self.classes),
            "sample_rate": self.sample_rate,
            "smoother": state or repr(type(smoother)),
        }
        text = json.dumps(about, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def use_threads(self, number: int) -> None:
        """Let so many threads work for the one that calls this."""
        self.scores.network.use_threads(number)

    def detect_file(self, path: str | Path) -> pd.DataFrame:
        """Find the events of a file.

        Arguments
        ---------
        path : str | Path
            A recording of any format, rate and length.

        Returns
        -------
        pd.DataFrame
            ``filename`` (without its folder), ``onset``, ``offset`` (seconds),
            ``event_label``, ``confidence`` (0 to 1), by onset.

        Raises
        ------
        InputError
            If the file cannot be used.
        """
        return self.events(self.scores_file(path), Path(path).name)

    def scores_file(self, path: str | Path) -> pd.DataFrame:
        """Score a file.

        Arguments
        ---------
        path : str | Path
            As for ``detect_file``.

        Returns
        -------
        pd.DataFrame
            ``onset``, ``offset`` (seconds) of each frame, and the score of
            each class in it, gated if the smoother has a clip gate.

        Raises
        ------
        InputError
            If the file cannot be used.
        """
        notes: list[str] = []
        recording = Recording(read_blocks(path, self.sample_rate, notes.append))
        try:
            scores = self.scores(recording)
        except UnusableAudio as reason:
            raise InputError(
                f"{path} cannot be used ({reason}): give another recording."
            ) from reason
        for note in [*recording.notes(), *notes]:
            logger.warning(f"{path} {note}.")
        return scores

    def stream(
        self,
        chunks: Iterable[Samples],
        latency: float = 2.0,
        rate: int | None = None,
    ) -> Iterator[DetectedEvent]:
        """Find the events of a stream while it comes in.

        Arguments
        ---------
        chunks : Iterable[np.ndarray | torch.Tensor]
            Its samples [N], floats with full scale 1 or 16-bit integers, in
            pieces of any lengths.
        latency : float
            Most seconds of the stream from the end of an event until it is
            emitted, if the smoother looks no further ahead than its share.
            What a longer one costs and improves:
            :class:`~sb_sed.inference.streaming.EventStream`.
        rate : int, optional
            Samples per second of the chunks (default: the detector's).

        Yields
        ------
        DetectedEvent
            ``onset``, ``offset`` (seconds since the stream began),
            ``event_label``, ``confidence``; each as soon as it is settled.

        Raises
        ------
        InputError
            If a chunk is not finite, or the latency too short.
        """
        return self.event_stream(latency, rate)(chunks)

    def event_stream(
        self, latency: float = 2.0, rate: int | None = None
    ) -> EventStream:
        """Return what finds the events of a stream, to be fed by the caller.

        It has ``feed(chunk)`` and ``flush()``, which return lists of events.
        The arguments are those of ``stream``.
        """
        from sb_sed.inference.streaming import EventStream

        decode = partial(self.events, filename="stream")
        return EventStream(self.scores, decode, latency, rate)

    def events(self, scores: pd.DataFrame, filename: str) -> pd.DataFrame:
        """Decode scores to events, by the smoother.

        ``scores`` are as of ``scores_file``, the events as of ``detect_file``,
        with ``filename`` as the name of the recording.
        """
        events = self.smoother({"recording": scores})
        confidence = events.get("confidence")
        if confidence is None:  # of smoothers that give none
            confidence = mean_scores(scores, events)
        return pd.DataFrame(
            {
                "filename": filename,
                "onset": events["onset"].to_numpy(float),
                "offset": events["offset"].to_numpy(float),
                "event_label": events["event_label"].to_numpy(object),
                "confidence": np.asarray(confidence, float),
            }
        )
