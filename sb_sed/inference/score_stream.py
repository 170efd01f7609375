"""Scores of sound while it is heard, by a network that hears clips.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator

import numpy as np

from sb_sed.inference.scorer import WindowScorer, check_scores


class ScoreStream:
    """Hears a stream in overlapping windows, each as soon as it is complete.

    A frame's scores are final when ``wait`` frames from its beginning on have
    been heard: then a window ends, and the next one ends ``1 - overlap`` of
    ``wait`` later. In the frames that are heard between the last ``overlap``
    of ``wait`` and the end of a window, it fades to the next one. So with
    ``wait`` the length of a window, these are the windows and the scores of
    :class:`~sb_sed.inference.windows.Windows`; with less, windows are closer
    together and a score knows less of what follows it. What precedes it is
    known for the rest of the window; until the stream is as long as a window,
    windows begin with it, and silence follows what has been heard, as in short
    clips of the training. Each window is heard on its own, as a clip: nothing
    else is carried along from one to the next, so that streams sound to the
    network like the clips that it was trained on.

    Arguments
    ---------
    scorer : WindowScorer
        The network, and the length and overlap of its windows.
    wait : int
        Output frames, from 1 to those of a window.

    Attributes
    ----------
    n_samples : int
        Heard so far.

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
        self._heard = self._final = 0
        self._fading = np.zeros((0, len(scorer.classes)), np.float32)

    def feed(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Hears what comes next.

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
            If the network makes no numbers of a window.
        """
        # In pieces, so that a long chunk is not copied for each window.
        for start in range(0, len(samples), self._windows.n_samples):
            piece = samples[start : start + self._windows.n_samples]
            self.n_samples += len(piece)
            self._kept.append(piece.copy())  # recorders reuse their buffers
            while self.n_samples >= self._needed(self._next()):
                end = self._next()
                scores = self._hear(end)
                n_final = end - (self._wait - self._hop) - self._final
                self._fading = scores[n_final:]
                self._final += n_final
                yield scores[:n_final]

    def end(self) -> np.ndarray:
        """Hears the last window, which ends where the stream ended.

        Returns
        -------
        np.ndarray
            The scores of all frames that are left, and of those that a window
            has behind the end.
        """
        unheard = not self._heard or self.n_samples > self._needed(self._heard)
        if not (self.n_samples and unheard):
            return self._fading
        missing = self.n_samples - self._windows.n_samples
        # Rounded up to the grid, so that nothing of the end is lost.
        start = max(0, -(-missing // self._windows.frame_samples))
        return self._hear(start + self._windows.n_frames)

    def _next(self) -> int:
        """Frame with which the next window ends."""
        return self._heard + self._hop if self._heard else self._wait

    def _needed(self, end: int) -> int:
        """Samples of the stream that a window with this end needs."""
        windows = self._windows
        return windows.n_samples + windows.frame_samples * (
            end - windows.n_frames
        )

    def _hear(self, end: int) -> np.ndarray:
        """Scores of all frames before this one that are not final."""
        windows = self._windows
        kept = np.concatenate(self._kept)
        start = max(0, end - windows.n_frames)
        stop = self._needed(end) - windows.frame_samples * self._first
        window = kept[self._samples(start) : stop]
        window = np.pad(window, (0, windows.n_samples - len(window)))
        [scores] = self._network(window[None])
        check_scores(scores)
        self._heard = end
        # The next window begins later, but the last may begin where this does.
        self._kept, self._first = [kept[self._samples(start) :]], start
        return windows.join(
            [(0, self._fading), (0, scores[self._final - start : end - start])]
        )

    def _samples(self, frame: int) -> int:
        """What is kept before a frame begins."""
        return (frame - self._first) * self._windows.frame_samples
