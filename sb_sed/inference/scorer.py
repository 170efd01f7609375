"""Scores of recordings of any length, by a network that hears clips.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import pandas as pd
import torch

from sb_sed.audio.reading import UnusableAudio
from sb_sed.audio.recordings import Recording
from sb_sed.errors import InputError
from sb_sed.formats import scores_table
from sb_sed.inference.windows import Windows


@dataclass(frozen=True)
class WindowScorer:
    """Hears recordings window by window, a few windows at once.

    Arguments
    ---------
    network : Callable[[np.ndarray], np.ndarray]
        From clips [B, N], float32, to scores [B, T, C].
    windows : Windows
        How recordings are cut.
    classes : sequence of str
        The C labels.
    sample_rate : int
        Of the recordings, in Hz.
    batch_size : int
        Most windows at once.

    Example
    -------
    >>> def network(clips):
    ...     return clips.reshape(len(clips), 4, -1).mean(-1, keepdims=True)
    >>> scorer = WindowScorer(network, Windows(8, 4, 2), ["A"], sample_rate=4)
    >>> scorer(Recording([np.ones(3, np.float32)]))
       onset  offset    A
    0    0.0    0.50  1.0
    1    0.5    0.75  0.5
    """

    network: Callable[[np.ndarray], np.ndarray]
    windows: Windows
    classes: Sequence[str]
    sample_rate: int
    batch_size: int = 8

    def __call__(self, recording: Recording) -> pd.DataFrame:
        """Scores a recording as it is read.

        Arguments
        ---------
        recording : Recording
            Pieces at the sample rate.

        Returns
        -------
        pd.DataFrame
            ``onset``, ``offset`` (seconds) and a column of scores a class.

        Raises
        ------
        UnusableAudio
            If the recording cannot be read, or the network makes no numbers
            of it.
        """
        matrix = self.windows.join(self._heard(self.windows.cut(recording)))
        return self._table(matrix, recording.n_samples)

    def batch(self, clips: Sequence[np.ndarray]) -> list[pd.DataFrame]:
        """Scores clips of any lengths, all of their windows together.

        Arguments
        ---------
        clips : sequence of np.ndarray
            Samples, float32 [N], at least one each.

        Returns
        -------
        list of pd.DataFrame
            A table a clip.

        Raises
        ------
        InputError
            If the network makes no numbers of a clip.
        """
        windows = (
            ((place, start), window)
            for place, clip in enumerate(clips)
            for start, window in self.windows.cut([clip])
        )
        tables = []
        for place, heard in groupby(self._heard(windows), lambda x: x[0][0]):
            scores = ((start, window) for (_, start), window in heard)
            matrix = self.windows.join(scores)
            try:
                tables.append(self._table(matrix, len(clips[place])))
            except UnusableAudio as reason:
                raise InputError(
                    f"Waveform {place} of the batch {reason}: leave it out."
                ) from reason
        return tables

    def _heard(
        self, windows: Iterator[tuple[Hashable, np.ndarray]]
    ) -> Iterator[tuple[Hashable, np.ndarray]]:
        """The scores [T, C] of each window, under the same key."""
        while some := list(islice(windows, self.batch_size)):
            keys, clips = zip(*some, strict=True)
            scores = self.network(
                np.stack(clips).astype(np.float32, copy=False)
            )
            yield from zip(keys, scores, strict=True)

    def _table(self, matrix: np.ndarray, n_samples: int) -> pd.DataFrame:
        check_scores(matrix)
        return scores_table(
            matrix,
            self.windows.frame_samples / self.sample_rate,
            self.classes,
            n_samples / self.sample_rate,
        )


def check_scores(scores: np.ndarray) -> None:
    """Makes sure that a network has made something of what it heard.

    Arguments
    ---------
    scores : np.ndarray
        [T, C].

    Raises
    ------
    UnusableAudio
        If some are no numbers.
    """
    if not np.isfinite(scores).all():
        raise UnusableAudio("has scores that are no numbers")


def unpadded(
    wavs: torch.Tensor, lens: torch.Tensor | None = None
) -> list[np.ndarray]:
    """The waveforms of a batch without their padding.

    Arguments
    ---------
    wavs : torch.Tensor
        [B, N].
    lens : torch.Tensor, optional
        Relative lengths [B], in (0, 1].

    Returns
    -------
    list of np.ndarray
        float32.

    Raises
    ------
    InputError
        If the waveforms are no tensor of floats of this shape, or one is
        empty or not finite, or a length is outside of (0, 1].

    Example
    -------
    >>> clips = unpadded(torch.ones(2, 4), torch.tensor([1, 0.5]))
    >>> [len(clip) for clip in clips]
    [4, 2]
    """
    if not isinstance(wavs, torch.Tensor) or not wavs.is_floating_point():
        raise InputError(
            f"Waveforms are {getattr(wavs, 'dtype', type(wavs).__name__)}: "
            "pass a tensor of floats with full scale 1."
        )
    if wavs.dim() != 2:
        raise InputError(
            f"Waveforms have the shape {tuple(wavs.shape)}: mix the channels "
            "down and pass [batch, samples]."
        )
    lens = torch.ones(len(wavs)) if lens is None else torch.as_tensor(lens)
    if lens.shape != (len(wavs),) or not ((lens > 0) & (lens <= 1)).all():
        raise InputError(
            f"The lengths of {len(wavs)} waveforms are {lens.tolist()}: give "
            "each as a share of the longest, above 0 and up to 1."
        )
    lengths = (lens.cpu() * wavs.shape[1]).round().int().tolist()
    samples = wavs.detach().float().cpu().numpy()
    clips = [x[:n] for x, n in zip(samples, lengths, strict=True)]
    for place, clip in enumerate(clips):
        if not len(clip) or not np.isfinite(clip).all():
            raise InputError(
                f"Waveform {place} of the batch is empty or not finite: leave "
                "it out."
            )
    return clips
