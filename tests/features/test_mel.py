"""Tests of the mel spectrogram and the decibels against librosa.

Authors
 * sb_sed contributors 2026
"""

import copy
import warnings

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
import torchaudio
from hyperpyyaml import load_hyperpyyaml

from sb_sed.errors import InputError
from sb_sed.features.mel import (
    AmplitudeToDB,
    MelSpectrogram,
    slaney_filters,
    stft_dtype,
)

RATE = 16000


def noise(rng):
    """White noise."""
    return 0.1 * rng.standard_normal(3 * RATE)


def tone(rng):
    """A pure tone: nothing but leakage in most bands."""
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)


def chirp(rng):
    """A sweep over the whole band."""
    time = np.arange(2 * RATE) / RATE
    return 0.5 * scipy.signal.chirp(time, 50, 2, 7900)


def decay(rng):
    """A loud click that decays below the range of 80 dB."""
    time = np.arange(2 * RATE) / RATE
    return rng.standard_normal(2 * RATE) * np.exp(-12 * time)


def speech_like(rng):
    """Voiced and unvoiced syllables through two formants, with pauses."""
    time = np.arange(3 * RATE) / RATE
    voice = scipy.signal.sawtooth(2 * np.pi * 120 * time + np.sin(6 * time))
    source = np.where(time % 0.5 < 0.35, voice, rng.standard_normal(len(time)))
    for hertz in (700, 1800):
        source = source + 3 * scipy.signal.lfilter(
            *scipy.signal.iirpeak(hertz, 8, RATE), source
        )
    return 0.05 * source * (time % 0.7 < 0.5)


def rumble(rng):
    """A room: very little treble, stored with 16 bits."""
    brown = np.cumsum(rng.standard_normal(3 * RATE))
    brown -= np.linspace(brown[0], brown[-1], len(brown))
    return np.round(brown / np.abs(brown).max() * 9000) / 32768


SIGNALS = [noise, tone, chirp, decay, speech_like, rumble]


def reference(wav, hop_length=255, n_mels=128, **options):
    """The baseline's log-mel by librosa, [F, T] -> [T, F]."""
    spectrum = librosa.stft(
        wav,
        n_fft=2048,
        hop_length=hop_length,
        window=np.hamming(2048),
        pad_mode="reflect",
    )
    mel = librosa.feature.melspectrogram(
        S=np.abs(spectrum),
        sr=RATE,
        n_mels=n_mels,
        htk=False,
        norm=None,
        **options,
    )
    return mel.T, librosa.amplitude_to_db(mel.T)


def clip(signal, seed=0):
    """A float32 waveform."""
    return signal(np.random.default_rng(seed)).astype(np.float32)


def largest(difference):
    """The largest absolute value."""
    return float(np.abs(difference).max())


@pytest.mark.parametrize("signal", SIGNALS)
def test_log_mel_equals_librosa_within_1e_4_db(signal):
    wav = clip(signal)
    mel, decibels = reference(wav)
    ours = MelSpectrogram()(torch.from_numpy(wav)[None])
    assert ours.dtype == torch.float32
    assert ours.shape == (1, *mel.shape)
    np.testing.assert_allclose(ours[0], mel, rtol=1e-4, atol=1e-9)
    assert largest(AmplitudeToDB()(ours)[0].numpy() - decibels) < 1e-4


@pytest.mark.parametrize("hop_length", [160, 255, 256, 510])
@pytest.mark.parametrize("n_mels", [5, 64, 128])
def test_other_sizes_equal_librosa_too(hop_length, n_mels):
    wav = clip(speech_like)
    options = {"fmin": 20.0, "fmax": 7000.0}
    _, decibels = reference(wav, hop_length, n_mels, **options)
    mel = MelSpectrogram(
        hop_length=hop_length, n_mels=n_mels, f_min=20.0, f_max=7000.0
    )
    ours = AmplitudeToDB()(mel(torch.from_numpy(wav)[None]))[0].numpy()
    assert ours.shape == decibels.shape
    assert largest(ours - decibels) < 1e-4


def test_torchaudio_is_less_exact():
    """Its single-precision filters and FFT miss 1e-4 dB; this one does not."""
    theirs = torchaudio.transforms.MelSpectrogram(
        RATE,
        n_fft=2048,
        hop_length=255,
        n_mels=128,
        power=1,
        norm=None,
        mel_scale="slaney",
        window_fn=torch.hamming_window,
        wkwargs={"periodic": False},
    )
    wav = clip(rumble)
    _, decibels = reference(wav)
    mel = theirs(torch.from_numpy(wav)[None]).transpose(1, 2)
    off = largest(AmplitudeToDB()(mel)[0].numpy() - decibels)
    assert 1e-4 < off < 1e-1
    filters = torch.from_numpy(
        librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=128, norm=None)
    )
    assert (theirs.mel_scale.fb.T - filters).abs().max() > 1e-6


@pytest.mark.parametrize(
    "rate, n_fft, n_mels, f_min, f_max",
    [
        (16000, 2048, 128, 0, 8000),
        (44100, 2048, 64, 50, 14000),
        (8000, 512, 20, 0, 900),
        (16000, 1024, 40, 1200, 8000),
    ],
)
def test_filters_equal_librosa(rate, n_fft, n_mels, f_min, f_max):
    ours = slaney_filters(rate, n_fft, n_mels, f_min, f_max).T.numpy()
    theirs = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max, norm=None
    )
    assert largest(ours - theirs) < 1e-7


def test_batches_equal_single_clips():
    wavs = torch.from_numpy(np.stack([clip(noise, seed) for seed in range(5)]))
    mel = MelSpectrogram()
    singles = torch.cat([mel(wav[None]) for wav in wavs])
    torch.testing.assert_close(mel(wavs), singles, rtol=0, atol=0)


def test_short_clips_in_one_block_equal_single_clips():
    """Several clips are transformed at once when they are short."""
    wavs = torch.from_numpy(clip(noise)[: 9 * 3000].reshape(9, 3000))
    mel = MelSpectrogram()
    singles = torch.cat([mel(wav[None]) for wav in wavs])
    torch.testing.assert_close(mel(wavs), singles, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1025, 1500, 2047, 2048, 159744, 160000])
def test_number_of_frames_is_librosas(n_samples):
    mel = MelSpectrogram()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, _ = reference(np.ones(n_samples, dtype=np.float32))
    assert mel(torch.ones(1, n_samples)).shape == (1, *theirs.shape)
    assert mel.n_frames(n_samples) == len(theirs)


@pytest.mark.parametrize("n_samples", [0, 1, 255, 1024])
def test_very_short_clips_are_padded_with_zeros(n_samples):
    mel = MelSpectrogram()
    wav = torch.full((1, n_samples), 0.5)
    padded = torch.nn.functional.pad(wav, (0, 1025 - n_samples))
    torch.testing.assert_close(mel(wav), mel(padded), rtol=0, atol=0)
    assert mel(wav).shape == (1, mel.n_frames(n_samples), 128)


def test_silence_is_minus_100_db():
    decibels = AmplitudeToDB()(MelSpectrogram()(torch.zeros(2, RATE)))
    assert (decibels == -100).all()


def test_silence_has_a_finite_gradient():
    wavs = torch.zeros(1, 4000, requires_grad=True)
    MelSpectrogram()(wavs).sum().backward()
    assert wavs.grad.isfinite().all()


def test_gradient():
    """The blocks work in place, which autograd has to support."""
    mel = MelSpectrogram(n_fft=64, hop_length=16, n_mels=4)
    wavs = torch.from_numpy(clip(noise)[None, :200]).double()
    direction = torch.from_numpy(clip(noise, 1)[None, :200]).double()
    wavs.requires_grad_()
    AmplitudeToDB()(mel(wavs)).sum().backward()
    with torch.no_grad():
        step = 1e-4 * direction
        up, down = (
            AmplitudeToDB()(mel(wavs + sign * step)).double().sum()
            for sign in (1, -1)
        )
    slope = ((up - down) / 2e-4).item()
    assert slope == pytest.approx(
        (wavs.grad * direction).sum().item(), rel=0.01
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int16])
def test_other_input_types(dtype):
    wavs = (1000 * torch.from_numpy(clip(noise))[None]).to(dtype)
    mel = MelSpectrogram()
    assert mel(wavs).dtype == torch.float32
    torch.testing.assert_close(mel(wavs), mel(wavs.float()))


def test_non_contiguous_input():
    wavs = torch.randn(RATE, 3).T
    mel = MelSpectrogram()
    assert not wavs.is_contiguous()
    torch.testing.assert_close(mel(wavs), mel(wavs.contiguous()))


def test_stays_float32_under_autocast():
    wavs = torch.randn(2, RATE)
    mel = MelSpectrogram()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = AmplitudeToDB()(mel(wavs))
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, AmplitudeToDB()(mel(wavs)))


def test_nan_is_visible_and_stays_in_its_clip():
    wavs = torch.randn(2, RATE)
    wavs[0, 8000] = float("nan")
    mel = MelSpectrogram()(wavs)
    assert mel[0].isnan().any() and not mel[0].isnan().all()
    decibels = AmplitudeToDB()(mel)
    assert decibels[0].isnan().all()
    assert decibels[1].isfinite().all()


def test_input_is_unchanged():
    wavs = torch.randn(2, RATE)
    mel = MelSpectrogram()(wavs)
    copies = wavs.clone(), mel.clone()
    MelSpectrogram()(wavs)
    AmplitudeToDB()(mel)
    torch.testing.assert_close((wavs, mel), copies, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(RATE,), (2, RATE, 2)])
def test_wrong_shape_is_one_sentence(shape):
    with pytest.raises(InputError, match="mix the channels down"):
        MelSpectrogram()(torch.zeros(shape))


@pytest.mark.parametrize(
    "options, remedy",
    [
        ({"f_max": 9000.0}, "change f_min or f_max"),
        ({"f_min": 8000.0}, "change f_min or f_max"),
        ({"f_min": -1.0}, "change f_min or f_max"),
        ({"n_fft": 256}, "a larger n_fft"),
    ],
)
def test_impossible_bands_are_one_sentence(options, remedy):
    with pytest.raises(InputError, match=remedy):
        MelSpectrogram(**options)


def test_decibels_of_negative_amplitudes_and_many_clips():
    mel = torch.randn(3, 50, 8)
    mel[1] *= 1e-3
    theirs = np.stack([librosa.amplitude_to_db(m) for m in mel.abs().numpy()])
    assert largest(AmplitudeToDB()(mel).numpy() - theirs) < 1e-4
    assert AmplitudeToDB()(mel.bfloat16()).dtype == torch.float32


def test_copies_and_has_an_empty_state_dict():
    mel = MelSpectrogram(n_mels=64)
    wavs = torch.randn(1, RATE)
    torch.testing.assert_close(copy.deepcopy(mel)(wavs), mel(wavs))
    assert mel.state_dict() == {}
    assert "n_mels=64" in repr(mel)


def test_double_precision_where_the_device_has_it():
    assert stft_dtype(torch.device("cuda")) == torch.float64
    assert stft_dtype(torch.device("mps")) == torch.float32


def test_from_yaml():
    hparams = load_hyperpyyaml(
        "mel: !new:sb_sed.features.MelSpectrogram {n_mels: 64}\n"
        "decibels: !new:sb_sed.features.AmplitudeToDB {top_db: 60.0}\n"
    )
    decibels = hparams["decibels"](hparams["mel"](torch.randn(1, RATE)))
    assert decibels.shape == (1, 63, 64)
    assert decibels.max() - decibels.min() <= 60
