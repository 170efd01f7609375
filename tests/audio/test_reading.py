"""Reading recordings whole and in blocks; the reason where that fails."""

import re

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from sb_sed.audio.reading import (
    Recording,
    UnusableAudio,
    open_audio,
    read_blocks,
    read_mono,
    resample,
)


def read(path, rate=1000):
    return np.concatenate(list(read_blocks(path, rate)))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("channels, rate", [(1, 16000), (2, 44100)])
def test_the_blocks_are_the_whole(make_wav, name, channels, rate):
    # Longer than a block, so that there are several.
    path = make_wav(name, 6.3, rate, channels)
    blocks = list(read_blocks(path, 16000))
    assert len(blocks) > 1 or channels == 1
    with open_audio(path) as file:
        samples = file.read(file.frames, "float32", always_2d=True)
    samples = samples.mean(axis=1)
    if rate != 16000:
        samples = resample(samples, rate, 16000)
    for whole in (np.concatenate(blocks), read_mono(path, 16000)[0]):
        assert whole.dtype == np.float32
        np.testing.assert_array_equal(whole, samples)


def truncate(share):
    def change(path):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return change


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("share", [0.0005, 0.3, 0.6, 0.85])
def test_cut_off_files(make_wav, name, share):
    path = make_wav(name, 8, 16000)
    truncate(share)(path)
    with pytest.raises(UnusableAudio, match="cut off|unreadable"):
        read(path)


def test_a_wav_says_how_much_is_there(make_wav):
    path = make_wav("a.wav", 10)
    truncate(0.6)(path)
    with pytest.raises(UnusableAudio, match=r"cut off: (5.9|6.0)\d s of 10.00"):
        read(path)


def test_programs_that_did_not_know_the_length(make_wav):
    """What ffmpeg writes into a pipe."""
    path = make_wav("a.wav", 1)
    content = path.read_bytes()
    place = content.index(b"data") + 4
    path.write_bytes(content[:place] + b"\xff" * 4 + content[place + 4 :])
    assert len(read(path)) == 1000


# Two frames of ADTS.
AAC = 2 * (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9))
POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n"
)


def write(samples, rate=1000, subtype="FLOAT"):
    return lambda path: sf.write(path, np.asarray(samples), rate, subtype)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "a folder"),
        (lambda path: path.touch(), "empty file"),
        (lambda path: path.write_text("hello"), "unreadable: .*recogni[sz]ed"),
        (lambda path: path.write_bytes(b"RIFF" + b"\0" * 99), "unreadable"),
        (
            lambda path: path.write_bytes(b"\0\0\0\x20ftypM4A "),
            "as with ffmpeg",
        ),
        (lambda path: path.write_bytes(AAC), "AAC cannot be read: convert"),
        (lambda path: path.write_bytes(b"RIFF\0\0\0\0AVI LIST"), "AVI cannot"),
        (lambda path: path.write_text("\n<!doctype html>"), "a web page, not"),
        (lambda path: path.write_text("<HTML lang=de>"), "a web page, not"),
        (lambda path: path.write_text(POINTER), "run git lfs pull"),
        (lambda path: path.write_bytes(b"PK\3\4"), "a ZIP archive"),
        (lambda path: path.symlink_to("nowhere"), "no such file"),
        (write([]), "holds no samples"),
        (write([0.1] * 500 + [np.nan]), r"NaN or infinite.*first at 0.50 s"),
        (write([np.inf] * 9), "NaN or infinite"),
        (write([0.1, 1e30]), r"holds samples of 1e\+30 times full scale"),
        (write([0.1] * 99, rate=1), "a rate of 1 Hz"),
        (write([0.1] * 9, rate=2**30), "a rate of 1073741824 Hz"),
        (write([0.1], rate=44100), "only 1 samples at 44100 Hz"),
    ],
)
def test_unusable_files(tmp_path, make, words):
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(UnusableAudio, match=words) as error:
        read(path)
    assert "\n" not in str(error.value) and str(path) not in str(error.value)


def test_notes():
    square = np.sign(np.sin(np.arange(1000.0)))
    for samples, note in [
        (np.zeros(5), "is silent"),
        (square, r"is clipped \(100% of it"),
        (np.full(1000, 0.5), None),
    ]:
        recording = Recording([samples])
        list(recording)
        if note is None:
            assert recording.notes() == []
        else:
            assert re.match(note, recording.notes()[0])


def noise(seconds, rate, channels=1, seed=0):
    shape = (round(seconds * rate), channels)
    return 0.1 * np.random.default_rng(seed).standard_normal(shape)


def test_channels_are_averaged(tmp_path):
    samples = noise(0.1, 44100, channels=3)
    sf.write(tmp_path / "a.wav", samples, 44100, "FLOAT")
    mono, rate = read_mono(tmp_path / "a.wav")
    assert rate == 44100 and mono.dtype == np.float32
    np.testing.assert_allclose(mono, samples.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_other_formats_are_read(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    sf.write(path, noise(1.0, 32000, channels=2), 32000)
    mono, rate = read_mono(path)
    assert rate == 32000 and abs(len(mono) - 32000) < 4000


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_resampled_sine_equals_the_closed_form(rate):
    time_in, time_out = np.arange(2 * rate) / rate, np.arange(32000) / 16000
    sine = np.sin(2 * np.pi * 1234.5 * time_in)
    resampled = resample(sine, rate, 16000)
    assert len(resampled) == 32000
    error = resampled - np.sin(2 * np.pi * 1234.5 * time_out)
    # The ends ring, as with any filter.
    assert np.abs(error[800:-800]).max() < 1e-4


def test_resampling_agrees_with_scipy_below_the_new_nyquist_rate():
    white = noise(2.0, 44100)[:, 0]
    # Band-limited first, so that the two transition bands do not matter.
    low = resample_poly(resample_poly(white, 1, 4), 4, 1)[: len(white)]
    ours = resample(low, 44100, 16000)[800:-800]
    theirs = resample_poly(low, 160, 441)[: len(low) * 160 // 441]
    theirs = theirs[800 : 800 + len(ours)]
    ratio = np.sum(theirs**2) / np.sum((ours[: len(theirs)] - theirs) ** 2)
    assert 10 * np.log10(ratio) > 45


def test_what_lies_above_the_new_nyquist_rate_does_not_alias():
    sine = np.sin(2 * np.pi * 10000 * np.arange(44100) / 44100)
    assert np.abs(resample(sine, 44100, 16000)[800:-800]).max() < 1e-4


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000]),
    st.integers(1, 20000),
)
def test_length_is_kept_to_the_sample(rate, n_samples):
    resampled = resample(np.zeros(n_samples, "float32"), rate, 16000)
    assert abs(len(resampled) - n_samples * 16000 / rate) <= 1
