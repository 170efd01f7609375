"""Times the log-mel features beside librosa, torchaudio and their floor.

    python benchmarks/mel.py [--clips 24] [--seconds 10] [--threads 2]

Prints one table: milliseconds for the batch (median over rounds in which all
entries take turns, so that a busy machine slows all alike), the ratio to
librosa's time, and the largest difference from librosa in dB. The floor is
what no implementation on this library can avoid: the double-precision FFTs of
all frames and the product with the mel filters, on inputs that lie ready in
the cache. The last column is the memory that the call needs on top of the
clips, its result included.

Authors
 * sb_sed contributors 2026
"""

import argparse
from collections.abc import Callable

import librosa
import numpy as np
import torch
import torchaudio
from _measure import peak_megabytes, take_turns
from torch import Tensor

from sb_sed.features import AmplitudeToDB, MelSpectrogram
from sb_sed.features.mel import _FRAMES_ON_CPU as BLOCK

RATE, N_FFT, HOP, N_MELS = 16000, 2048, 255, 128


mel = MelSpectrogram(RATE, N_FFT, HOP, N_MELS)
torchaudio_mel = torchaudio.transforms.MelSpectrogram(
    RATE,
    n_fft=N_FFT,
    hop_length=HOP,
    n_mels=N_MELS,
    power=1,
    norm=None,
    mel_scale="slaney",
    window_fn=torch.hamming_window,
    wkwargs={"periodic": False},
)
decibels = AmplitudeToDB()


def with_ours(wavs: Tensor) -> Tensor:
    """Log-mel of the batch by sb_sed."""
    return decibels(mel(wavs))


def with_librosa(wavs: Tensor) -> Tensor:
    """Log-mel clip by clip, as the baseline computes it."""
    return torch.stack([_one_with_librosa(wav) for wav in wavs.numpy()])


def with_torchaudio(wavs: Tensor) -> Tensor:
    """Log-mel of the batch by torchaudio: single precision throughout."""
    return decibels(torchaudio_mel(wavs).transpose(1, 2))


def make_clips(n_clips: int, seconds: float) -> Tensor:
    """Noise with the falling spectrum of room recordings [B, N]."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(
        n_clips, int(seconds * RATE), dtype=torch.float64, generator=generator
    )
    brown = noise.cumsum(-1)
    brown = brown - brown.mean(-1, keepdim=True)
    return (0.5 * brown / brown.abs().amax(-1, keepdim=True)).float()


def floors(wavs: Tensor) -> dict[str, Callable[[], object]]:
    """The FFTs alone and the matrix product alone, for all frames."""
    n_blocks = round(len(wavs) * mel.n_frames(wavs.shape[-1]) / BLOCK)
    frames = torch.randn(BLOCK, N_FFT, dtype=torch.float64)
    magnitudes = torch.rand(BLOCK, N_FFT // 2 + 1)

    def transforms():
        """All FFTs."""
        for _ in range(n_blocks):
            torch.fft.rfft(frames)

    def products():
        """All products with the mel filters."""
        for _ in range(n_blocks):
            magnitudes @ mel.filters  # noqa: B018

    return {"floor: FFTs": transforms, "floor: filters": products}


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    wavs = make_clips(options.clips, options.seconds)
    ways = {
        "sb_sed": with_ours,
        "librosa": with_librosa,
        "torchaudio": with_torchaudio,
    }
    entries = {
        name: lambda compute=compute: compute(wavs)
        for name, compute in ways.items()
    }
    entries.update(floors(wavs))
    times = take_turns(entries, options.rounds)
    reference = with_librosa(wavs)
    print(
        f"log-mel of {options.clips} clips of {options.seconds:g} s, "
        f"{options.threads} threads"
    )
    print(f"{'':15} {'ms':>8} {'x faster':>9} {'max dB off':>11} {'MB':>6}")
    for name, milliseconds in times.items():
        line = f"{name:15} {milliseconds:8.1f}"
        line += f" {times['librosa'] / milliseconds:9.2f}"
        if name in ways:
            off = (ways[name](wavs) - reference).abs().max().item()
            line += f" {off:11.1e} {peak_megabytes(ways[name], (wavs[:1, :RATE],), (wavs,)):6.0f}"
        print(line)
    floor = times["floor: FFTs"] + times["floor: filters"]
    print(f"sb_sed takes {times['sb_sed'] / floor:.2f} times the floor")


def _one_with_librosa(wav: np.ndarray) -> Tensor:
    spectrum = librosa.stft(
        wav, n_fft=N_FFT, hop_length=HOP, window=np.hamming(N_FFT),
        pad_mode="reflect",
    )  # fmt: skip
    mel = librosa.feature.melspectrogram(
        S=np.abs(spectrum), sr=RATE, n_mels=N_MELS, htk=False, norm=None
    )
    return torch.from_numpy(librosa.amplitude_to_db(mel).T)


if __name__ == "__main__":
    main()
