"""The mel spectrogram of the DCASE baseline, on the device and in batches.

Both modules together equal librosa's ``stft`` (symmetric Hamming window),
``feature.melspectrogram`` and ``amplitude_to_db`` within 1e-4 dB.
``torchaudio.transforms.MelSpectrogram`` does not, for two reasons, which are
measured in tests/features/test_mel.py:

* a single-precision FFT of 2048 samples has an error of 1e-3 dB in bands 60 dB
  below the loudest of their frame, as in most recordings. As in librosa, the
  transform here is in double precision, and the rest in single precision;
* torchaudio builds its filters in single precision, which alone changes the
  bands of white noise by 1e-4 dB.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError


class MelSpectrogram(nn.Module):
    """From waveforms to mel spectrograms of linear amplitudes, as librosa.

    Frames are centred (frame ``i`` around sample ``i * hop_length``, edges
    reflected), weighted by a symmetric Hamming window and transformed; the
    magnitudes, not their squares, are summed under triangles of height 1 on
    Slaney's mel scale (linear below 1 kHz, logarithmic above).

    The result is float32 whatever the input and also under autocast. The
    state_dict is empty. A NaN in a waveform gives NaN in the frames around it.

    Arguments
    ---------
    sample_rate : int
        Of the waveforms, in Hz.
    n_fft : int
        Window and transform length, in samples.
    hop_length : int
        Distance between frames, in samples.
    n_mels : int
        Number of bands, F.
    f_min : float
        Lower edge of the lowest band, in Hz.
    f_max : float
        Upper edge of the highest band, in Hz; at most half the sample rate.

    Raises
    ------
    InputError
        If the bands do not fit between 0 Hz and half the sample rate, or some
        are too narrow for a single bin of the transform.

    Example
    -------
    >>> mel = MelSpectrogram()
    >>> mel(torch.zeros(2, 160000)).shape  # ten seconds
    torch.Size([2, 628, 128])
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_fft: int = 2048,
        hop_length: int = 255,
        n_mels: int = 128,
        f_min: float = 0.0,
        f_max: float = 8000.0,
    ):
        super().__init__()
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.f_min = f_min
        self.f_max = f_max
        filters = slaney_filters(sample_rate, n_fft, n_mels, f_min, f_max)
        self.register_buffer("filters", filters.float(), persistent=False)
        self._bands = _bands(filters)

    def forward(self, wavs: Tensor) -> Tensor:
        """Return the spectrograms of a batch of waveforms.

        Arguments
        ---------
        wavs : Tensor
            Waveforms [B, N], any real type. Clips of at most ``n_fft // 2``
            samples are first padded with zeros, as they cannot be reflected.

        Returns
        -------
        Tensor
            Linear amplitudes [B, T, F], float32, T = ``n_frames(N)``.

        Raises
        ------
        InputError
            If the waveforms are not [B, N].
        """
        if wavs.dim() != 2:
            raise InputError(
                f"Waveforms have the shape {tuple(wavs.shape)}: mix the "
                "channels down and pass [batch, samples]."
            )
        on_cpu = wavs.device.type == "cpu"
        n_frames = _FRAMES_ON_CPU if on_cpu else _FRAMES_ELSEWHERE
        n_clips = max(n_frames // self.n_frames(wavs.shape[-1]), 1)
        with torch.autocast(wavs.device.type, enabled=False):
            return torch.cat(
                [
                    self._amplitudes(clips, n_frames)
                    for clips in wavs.split(n_clips)
                ]
            )

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames T of a clip of ``n_samples``.

        Example
        -------
        >>> MelSpectrogram().n_frames(160000)
        628
        """
        return 1 + max(n_samples, self.n_fft // 2 + 1) // self.hop_length

    def extra_repr(self) -> str:
        """Return the settings in one line."""
        return (
            f"sample_rate={self.sample_rate}, n_fft={self.n_fft}, "
            f"hop_length={self.hop_length}, n_mels={self.n_mels}, "
            f"f_min={self.f_min}, f_max={self.f_max}"
        )

    def _amplitudes(self, wavs: Tensor, n_frames: int) -> Tensor:
        """[B, N] -> [B, T, F], ``n_frames`` at a time."""
        frames = self._frames(wavs)
        window = torch.hamming_window(
            self.n_fft,
            periodic=False,
            dtype=frames.dtype,
            device=frames.device,
        )
        blocks = frames.split(n_frames, dim=1)
        spectra = (torch.fft.rfft(block * window) for block in blocks)
        return torch.cat(
            [self._filter(x) for x in map(_magnitudes, spectra)], 1
        )

    def _frames(self, wavs: Tensor) -> Tensor:
        """[B, N] -> [B, T, n_fft], a view of the padded waveforms."""
        half = self.n_fft // 2
        wavs = wavs.to(stft_dtype(wavs.device))
        if wavs.shape[-1] <= half:
            missing = half + 1 - wavs.shape[-1]
            wavs = nn.functional.pad(wavs, (0, missing))
        wavs = nn.functional.pad(wavs, (half, half), mode="reflect")
        return wavs.unfold(-1, self.n_fft, self.hop_length)

    def _filter(self, magnitudes: Tensor) -> Tensor:
        """[B, T, n_fft // 2 + 1] -> [B, T, F]."""
        groups = [
            magnitudes[..., bins] @ self.filters[bins, bands].float()
            for bins, bands in self._bands
        ]
        return torch.cat(groups, dim=-1)


class AmplitudeToDB(nn.Module):
    """From linear amplitudes to decibels, with a floor below each clip's peak.

    ``20 log10(max(|x|, amin))``, at least the clip's maximum (over all frames
    and bands) less ``top_db``; the same as librosa's ``amplitude_to_db`` with
    ``ref=1``, clip by clip. Negative amplitudes, a result of added noise, count
    with their absolute value. A NaN makes its whole clip NaN, and no other.

    Arguments
    ---------
    amin : float
        Smallest amplitude; with 1e-5, silence is -100 dB.
    top_db : float
        Dynamic range of a clip, in dB.

    Example
    -------
    >>> mel = torch.tensor([[[1.0, 0.1], [0.0, 0.01]]])  # [B, T, F]
    >>> AmplitudeToDB()(mel)
    tensor([[[  0., -20.],
             [-80., -40.]]])
    """

    def __init__(self, amin: float = 1e-5, top_db: float = 80.0):
        super().__init__()
        self.amin = amin
        self.top_db = top_db

    def forward(self, mel: Tensor) -> Tensor:
        """Convert linear amplitudes [B, T, F] to decibels, float32."""
        amplitudes = mel.float().abs().clamp_min_(self.amin)
        decibels = amplitudes.log10_().mul_(20)
        peak = decibels.amax(dim=(1, 2), keepdim=True)
        return torch.maximum(decibels, peak - self.top_db)

    def extra_repr(self) -> str:
        """Return the settings in one line."""
        return f"amin={self.amin}, top_db={self.top_db}"


def slaney_filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float
) -> Tensor:
    """Return triangular filters of height 1 on Slaney's mel scale.

    Equal to ``librosa.filters.mel(htk=False, norm=None)``, transposed and in
    double precision.

    Arguments
    ---------
    sample_rate, n_fft, n_mels, f_min, f_max
        As for ``MelSpectrogram``.

    Returns
    -------
    Tensor
        Weights [n_fft // 2 + 1, F], float64.

    Raises
    ------
    InputError
        If the bands do not fit below half the sample rate, or one has no bin.

    Example
    -------
    >>> slaney_filters(16000, 2048, 128, 0.0, 8000.0).shape
    torch.Size([1025, 128])
    """
    if not 0 <= f_min < f_max <= sample_rate / 2:
        raise InputError(
            f"The mel bands from {f_min} to {f_max} Hz do not fit below half "
            f"the sample rate, {sample_rate / 2} Hz: change f_min or f_max."
        )
    ends = _hz_to_mel(torch.tensor([f_min, f_max], dtype=torch.float64))
    steps = torch.linspace(0, 1, n_mels + 2, dtype=torch.float64)
    edges = _mel_to_hz(ends[0] + steps * (ends[1] - ends[0]))
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64)[:, None]
    bins = bins * sample_rate / n_fft
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    filters = torch.minimum(rising, falling).clamp_min(0)
    if (filters.amax(0) == 0).any():
        raise InputError(
            f"{n_mels} mel bands are too many for n_fft={n_fft}: some have no "
            "bin of the transform; take a smaller n_mels or a larger n_fft."
        )
    return filters


def stft_dtype(device: torch.device) -> torch.dtype:
    """Return float64 wherever the device has it (Apple's does not)."""
    return torch.float32 if device.type == "mps" else torch.float64


# Frames transformed at once. On a CPU: more exceed its cache and the memory
# that its allocator keeps (640 take half as long again), with fewer its threads
# wait for one another (benchmarks/mel.py). Elsewhere: a whole usual batch, in
# less than a gigabyte.
_FRAMES_ON_CPU, _FRAMES_ELSEWHERE = 160, 16384


def _magnitudes(spectrum: Tensor) -> Tensor:
    """Absolute values in float32, several times faster than complex ``abs``.

    Rounding the finished spectrum costs nothing: its relative error stays that
    of float32 in every bin, unlike that of a float32 transform.
    """
    squares = torch.view_as_real(spectrum).float().square_()
    power = squares[..., 0] + squares[..., 1]
    # Far below any sound: keeps the root's gradient finite in digital silence.
    return power.add_(1e-30).sqrt_()


def _bands(filters: Tensor, n_groups: int = 8) -> list[tuple[slice, slice]]:
    """Groups of neighbouring bands with the range of their bins.

    Each filter is zero almost everywhere; multiplying group by group saves most
    of the work.
    """
    groups = []
    for bands in torch.arange(filters.shape[1]).chunk(n_groups):
        bands = slice(int(bands[0]), int(bands[-1]) + 1)
        bins = filters[:, bands].amax(1).nonzero()
        groups.append((slice(int(bins[0]), int(bins[-1]) + 1), bands))
    return groups


# Slaney's scale: 15 mel of 66.7 Hz up to 1 kHz, then 27 mel for a factor 6.4.
_HZ_PER_MEL = 200 / 3
_KNEE_HZ = 1000.0
_LOG_STEP = torch.tensor(6.4, dtype=torch.float64).log() / 27


def _hz_to_mel(hz: Tensor) -> Tensor:
    above = _KNEE_HZ / _HZ_PER_MEL + (hz / _KNEE_HZ).log() / _LOG_STEP
    return torch.where(hz < _KNEE_HZ, hz / _HZ_PER_MEL, above)


def _mel_to_hz(mel: Tensor) -> Tensor:
    knee = _KNEE_HZ / _HZ_PER_MEL
    above = _KNEE_HZ * (_LOG_STEP * (mel - knee)).exp()
    return torch.where(mel < knee, mel * _HZ_PER_MEL, above)
