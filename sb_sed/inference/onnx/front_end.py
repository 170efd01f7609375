"""Stand-ins of the front-end: spectrogram, decibels, statistics and PCEN.

Each is made of the original, and computes the same with operators that ONNX
has and onnxruntime runs fast: no gradients of its own, no loops over frames.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError
from sb_sed.features import (
    AmplitudeToDB,
    MelSpectrogram,
    ParallelPCEN,
    ZScore,
)
from sb_sed.features.ema import causal, forward_backward

# Frames, times s, after which less than exp(-20) is left.
_FADED = 20.0


class OnnxMelSpectrogram(nn.Module):
    """``MelSpectrogram`` by matrix products, in double precision as well.

    ONNX has ``STFT`` too, but onnxruntime takes several times as long for it,
    and few other runtimes have it.

    The transform of ``N = R C`` samples is taken in two steps (Gentleman and
    Sande, 1966): of each column of the samples, written as a matrix [R, C],
    then, turned by the twiddle factors, of each row of the result. Of a
    real signal, half of the rows will do.

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
    """Return the matrices of the columns and of the rows, and their bins.

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
    """Return exp(-2 pi i steps / n_steps)."""
    angles = -2 * torch.pi * (steps % n_steps).double() / n_steps
    return torch.polar(torch.ones_like(angles), angles)


def _filters_of_first(bins: Tensor, filters: Tensor) -> Tensor:
    """Return filters [K C, F] of bins [K, C]; a double bin counts once."""
    _, places = bins.flatten().sort(stable=True)
    counts = bins.flatten().bincount()
    spread = filters.new_zeros(bins.numel(), filters.shape[1])
    spread[places[counts.cumsum(0) - counts]] = filters
    return spread


class OnnxAmplitudeToDB(nn.Module):
    """``AmplitudeToDB`` with one number for all that is below ``amin``.

    onnxruntime's logarithm gives one argument two values, a bit apart, in one
    call; of digital silence ``MinMax`` would make zeros and ones of them.
    """

    def __init__(self, to_db: AmplitudeToDB):
        super().__init__()
        self.amin, self.top_db = to_db.amin, to_db.top_db

    def forward(self, mel: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F]."""
        amplitudes = mel.abs()
        decibels = torch.where(
            amplitudes > self.amin,
            20 * amplitudes.clamp_min(self.amin).log10(),
            20 * math.log10(self.amin),
        )
        peak = decibels.amax(dim=(1, 2), keepdim=True)
        return torch.maximum(decibels, peak - self.top_db)


class OnnxZScore(nn.Module):
    """``ZScore`` that has its statistics; an ``InputError`` if not."""

    def __init__(self, z_score: ZScore):
        super().__init__()
        z_score(z_score.mean[None, None])
        self.register_buffer("mean", z_score.mean)
        self.register_buffer("std", z_score.std)

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F]."""
        return (features - self.mean) / self.std


class OnnxParallelPCEN(nn.Module):
    """``ParallelPCEN`` as its formula, the parameters as constants.

    Example
    -------
    >>> pcen, energy = ParallelPCEN(40), torch.rand(1, 50, 40)
    >>> torch.allclose(OnnxParallelPCEN(pcen)(energy), pcen(energy), atol=1e-6)
    True
    """

    def __init__(self, pcen: ParallelPCEN):
        super().__init__()
        self.filters = OnnxEMA(pcen.ema, pcen.s)
        for name in ("alpha", "delta", "r", "weights"):
            self.register_buffer(name, getattr(pcen, name).detach().clone())
        self.eps = pcen.eps

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F, N]."""
        averages = self.filters(energy)
        layers = zip(self.weights, self.alpha, self.delta, self.r, strict=True)
        outputs = []
        for weights, alpha, delta, r in layers:
            mixed = (weights * averages).sum(2)
            gained = energy * torch.exp(-alpha * torch.log(self.eps + mixed))
            # With logarithms, so that silence comes out as 0 to the last bit.
            raised = torch.exp(r * torch.log(gained / delta + 1)) - 1
            outputs.append(delta**r * raised)
        return torch.stack(outputs, -1)


class OnnxPCEN(OnnxParallelPCEN):
    """``PCEN``: the one layer, without the axis of the channels."""

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, F]."""
        return super().forward(energy).squeeze(-1)


class OnnxEMA(nn.Module):
    """The EMA filters' recursions by doubling (Hillis and Steele, 1986).

    After k steps of ``y[t] += (1 - s)^(2^k) y[t - 2^k]`` each frame is the
    weighted sum of the 2^k frames up to it. All is in it, for any length, once
    what lies further back has faded out: after 11 steps for s = 0.015.

    Arguments
    ---------
    ema : Callable
        ``causal`` or ``forward_backward``.
    coefficients : Tensor
        s of each filter, [K, 1 or F].

    Raises
    ------
    InputError
        If it is another filter.
    """

    def __init__(self, ema: Callable, coefficients: Tensor):
        super().__init__()
        if ema not in (causal, forward_backward):
            raise InputError(
                f"PCEN's EMA filter {ema.__name__!r} has no form in ONNX: "
                "train with causal or forward_backward of "
                "sb_sed.features.ema."
            )
        self.backwards = ema is forward_backward
        coefficients = coefficients.detach().clone()
        kept = 1 - coefficients.double()
        n_steps = math.ceil(math.log2(_FADED / coefficients.min().item()))
        fading = torch.stack([kept**2**step for step in range(n_steps)])
        self.register_buffer("coefficients", coefficients)
        self.register_buffer("fading", fading.float())

    def forward(self, energy: Tensor) -> Tensor:
        """[B, T, F] -> [B, T, K, F]."""
        averages = self._scan(energy[:, :, None])
        if self.backwards:
            averages = self._scan(averages.flip(1)).flip(1)
        return averages

    def _scan(self, energy: Tensor) -> Tensor:
        frames = torch.arange(energy.shape[1])[:, None, None]
        # The average before the first frame is that frame.
        averages = energy * torch.where(frames == 0, 1.0, self.coefficients)
        for step, fading in enumerate(self.fading):
            before = frames - 2**step
            earlier = averages.index_select(1, before.flatten().clamp_min(0))
            averages = (
                averages + torch.where(before >= 0, fading, 0.0) * earlier
            )
        return averages
