"""Reading recordings whole and in blocks; the reason where that fails."""

import io
import re

import numpy as np
import pytest
import soundfile as sf

from sb_sed.audio.reading import (
    Recording,
    UnusableAudio,
    open_audio,
    read_blocks,
    read_mono,
    read_pcm,
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
        samples = file.read(dtype="float32", always_2d=True).mean(axis=1)
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


@pytest.mark.parametrize(
    "kind, dtype, full",
    [("u8", "u1", 128), ("s16", "<i2", 2**15), ("s32", "<i4", 2**31),
     ("f32", "<f4", 1)],
)  # fmt: skip
def test_raw_samples(kind, dtype, full):
    wanted = np.linspace(-1, 0.9, 2000).reshape(-1, 2)
    raw = (wanted * full + (128 if kind == "u8" else 0)).astype(dtype)

    class Slow(io.BytesIO):
        """As a pipe: pieces that end inside a sample."""

        def read(self, size=-1):
            return super().read(min(size, 1337))

    blocks = read_pcm(Slow(raw.tobytes() + b"x"), 1000, kind, 2, 1000)
    np.testing.assert_allclose(
        np.concatenate(list(blocks)),
        wanted.mean(1),
        atol=1.5 / min(full, 2**15),
    )


def test_nothing_on_the_pipe():
    with pytest.raises(UnusableAudio, match="holds no samples"):
        list(read_pcm(io.BytesIO(), 1000, "s16", 1, 1000))


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
