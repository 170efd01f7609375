"""The mel spectrogram in a form that ONNX has fast operators for.

ONNX has ``STFT`` too, but onnxruntime takes several times as long for it, and
few other runtimes have it.

Authors
 * sb_sed contributors 2026
"""

import math

import torch
from torch import Tensor, nn

from sb_sed.features import MelSpectrogram


class OnnxMelSpectrogram(nn.Module):
    """``MelSpectrogram`` by matrix products, in double precision as well.

    The transform of ``N = R C`` samples is taken in two steps (Gentleman and
    Sande, 1966): of each column of the samples, written as a matrix [R, C],
    then, turned by the twiddle factors, of each row of what came out. Of a
    real signal, half of the rows will do.

    Arguments
    ---------
    mel : MelSpectrogram
        The original.

    Example
    -------
    >>> mel, clip = MelSpectrogram(), torch.randn(1, 16000)
    >>> torch.allclose(OnnxMelSpectrogram(mel)(clip), mel(clip), rtol=1e-5)
    True
    """

    def __init__(self, mel: MelSpectrogram):
        super().__init__()
        self.n_fft, self.hop_length = mel.n_fft, mel.hop_length
        window = torch.hamming_window(
            mel.n_fft, periodic=False, dtype=torch.float64
        )
        columns, rows, bins = _two_steps(mel.n_fft)
        self.register_buffer("window", window)
        self.register_buffer("columns", columns)
        self.register_buffer("rows", rows)
        self.register_buffer("filters", _filters_of_first(bins, mel.filters))

    def forward(self, wavs: Tensor) -> Tensor:
        """[B, N] -> [B, T, F]; short clips padded, edges reflected."""
        frames = self._frames(wavs).double() * self.window
        n_clips, n_frames = frames.shape[:2]
        n_rows, n_columns = self.rows.shape[0], self.rows.shape[1] // 2
        matrices = frames.reshape(n_clips * n_frames, -1, n_columns)
        turned = (self.columns @ matrices).reshape(-1, n_rows, 2 * n_columns)
        squares = (turned.transpose(0, 1) @ self.rows).float().square()
        power = squares[..., :n_columns] + squares[..., n_columns:]
        magnitudes = (power + 1e-30).sqrt().transpose(0, 1).flatten(1)
        return (magnitudes @ self.filters).reshape(n_clips, n_frames, -1)

    def _frames(self, wavs: Tensor) -> Tensor:
        """[B, N] -> [B, T, n_fft]: copies of whole stretches, no indices."""
        half, hop = self.n_fft // 2, self.hop_length
        n_samples = torch.sym_max(wavs.shape[-1], half + 1)
        n_frames = (n_samples + 2 * half - self.n_fft) // hop + 1
        wavs = nn.functional.pad(wavs, (0, n_samples - wavs.shape[-1]))
        steps = torch.arange(half)
        before = wavs.index_select(1, half - steps)
        after = wavs.index_select(1, n_samples - 2 - steps)
        wavs = torch.cat([before, wavs, after], 1)
        # Frames as sums of stretches of one hop; the last are filled up.
        n_stretches = -(-self.n_fft // hop)
        n_needed = (n_frames + n_stretches - 1) * hop
        wavs = nn.functional.pad(wavs, (0, n_needed - n_samples - 2 * half))
        stretches = wavs.reshape(wavs.shape[0], -1, hop)
        shifted = [
            stretches.narrow(1, first, n_frames) for first in range(n_stretches)
        ]
        return torch.cat(shifted, -1)[..., : self.n_fft]


def _two_steps(n_fft: int) -> tuple[Tensor, Tensor, Tensor]:
    """The matrices of the columns and of the rows, and the bins they give.

    With K = R // 2 + 1 rows: [2 K, R], [K, 2 C, 2 C] and [K, C].
    """
    divisors = range(math.isqrt(n_fft), n_fft + 1)
    n_rows = next(n for n in divisors if n_fft % n == 0)
    row, column = torch.arange(n_rows // 2 + 1), torch.arange(n_fft // n_rows)
    columns = _turn(torch.outer(row, torch.arange(n_rows)), n_rows)
    columns = torch.stack([columns.real, columns.imag], 1).flatten(0, 1)
    bins = row[:, None] + n_rows * column
    rows = _turn(bins[:, None] * column[:, None], n_fft)  # [K, C in, C out]
    real = torch.cat([rows.real, rows.imag], -1)
    imaginary = torch.cat([-rows.imag, rows.real], -1)
    # The spectrum of a real signal mirrors itself.
    bins = torch.minimum(bins, n_fft - bins)
    return columns, torch.cat([real, imaginary], 1), bins


def _turn(steps: Tensor, n_steps: int) -> Tensor:
    """exp(-2 pi i steps / n_steps)."""
    angles = -2 * torch.pi * (steps % n_steps).double() / n_steps
    return torch.polar(torch.ones_like(angles), angles)


def _filters_of_first(bins: Tensor, filters: Tensor) -> Tensor:
    """Filters [K C, F] of bins [K, C]; what is there twice counts once."""
    _, places = bins.flatten().sort(stable=True)
    counts = bins.flatten().bincount()
    spread = filters.new_zeros(bins.numel(), filters.shape[1])
    spread[places[counts.cumsum(0) - counts]] = filters
    return spread
