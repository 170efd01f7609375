"""Moments of recordings as vectors of a pretrained encoder.

The square root of embeddings, whose few large values else decide alone, finds
more of what is alike (F. Perronnin et al., "Improving the Fisher kernel for
large-scale image classification", ECCV 2010).

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from sb_sed.encoders.frame_encoder import FrameEncoder

# Seconds between moments, or one frame of the encoder if that is longer.
STEP = 0.48
# Moments that are encoded at once: about half a minute.
_AT_ONCE = 64


class Moments:
    """Divides recordings into moments and embeds each as a unit vector.

    A moment is a frame of the encoder, or the mean of as many as are nearest to
    0.48 s. Recordings are embedded in pieces, so that long ones take no more
    memory than short ones.

    Arguments
    ---------
    encoder : FrameEncoder
        A frozen one.
    device : str
        Where it computes.

    Attributes
    ----------
    first, step : float
        The centre of the first moment, and from one to the next, in seconds.

    Example
    -------
    >>> from sb_sed.encoders import YAMNet
    >>> moments = Moments(YAMNet(hop=0.48))
    >>> moments.of([np.zeros(160000, np.float32)]).shape
    (20, 1024)
    >>> round(moments.first, 2), moments.step
    (0.49, 0.48)
    """

    def __init__(self, encoder: FrameEncoder, device: str = "cpu"):
        self.encoder, self._device = encoder.to(device), device
        shift = encoder.frame_shift
        self._frames = max(1, round(STEP / shift))
        self.first = encoder.first_frame + (self._frames - 1) / 2 * shift
        self.step = self._frames * shift
        rate = encoder.sample_rate
        self._hop = round(self.step * rate)
        # What the last moment of a piece needs beyond its step.
        beyond = max(encoder.min_samples - round(shift * rate), 0)
        self._piece = _AT_ONCE * self._hop + beyond

    @property
    def settings(self) -> dict:
        """Plain values: all that changes the vectors."""
        return {"step": self.step, **self.encoder.settings}

    def of(self, blocks: Iterable[np.ndarray]) -> np.ndarray:
        """Embed a recording.

        Arguments
        ---------
        blocks : Iterable[np.ndarray]
            Its samples at the encoder's rate, in blocks [N] of any length.

        Returns
        -------
        vectors : np.ndarray
            Of length 1, float16, [M, D].
        """
        parts = [self._embed(piece) for piece in self._pieces(blocks)]
        return np.concatenate(parts)

    def example(
        self, samples: np.ndarray, onset: float, offset: float
    ) -> np.ndarray:
        """Embed a part of a recording as one unit vector.

        Of what is shorter than a moment, what is around it belongs to it, as to
        the moments of the collection.

        Arguments
        ---------
        samples : np.ndarray
            The recording at the encoder's rate, [N].
        onset, offset : float
            The part, in seconds.

        Returns
        -------
        np.ndarray
            float32, [D].
        """
        rate = self.encoder.sample_rate
        least = max(self._hop, self.encoder.min_samples)
        size = min(max(round((offset - onset) * rate), least), len(samples))
        start = round((onset + offset) / 2 * rate) - size // 2
        start = min(max(start, 0), len(samples) - size)
        vectors = self.of([samples[start : start + size]])
        return unit(vectors.astype(np.float32).mean(axis=0))

    def _pieces(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield pieces that begin a whole number of moments apart."""
        kept, is_first = np.zeros(0, np.float32), True
        for block in blocks:
            kept = np.concatenate([kept, block])
            while len(kept) > self._piece:
                yield kept[: self._piece]
                kept, is_first = kept[_AT_ONCE * self._hop :], False
        is_more = len(kept) > self._piece - _AT_ONCE * self._hop
        is_more &= self.encoder.n_frames(len(kept)) >= self._frames
        if is_first or is_more:
            yield kept

    def _embed(self, piece: np.ndarray) -> np.ndarray:
        """Return the vectors of a piece, [at most 64, D]."""
        wav = torch.from_numpy(np.ascontiguousarray(piece, np.float32))
        frames = self.encoder(wav[None].to(self._device))[0].cpu().numpy()
        whole = len(frames) // self._frames * self._frames
        if whole:
            frames = frames[:whole].reshape(-1, self._frames, frames.shape[1])
        else:
            frames = frames[None]
        mean = frames.mean(axis=1)[:_AT_ONCE]
        return unit(np.sign(mean) * np.sqrt(np.abs(mean))).astype(np.float16)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1; those that are 0 remain."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-12)
