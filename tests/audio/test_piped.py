"""What comes through a pipe: raw samples, and files with a header."""

import errno
import io

import audio_bytes as made
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.audio import piped as piping
from sb_sed.audio.downmix import NOTE
from sb_sed.audio.kinds import container, foreign
from sb_sed.audio.piped import read_piped
from sb_sed.audio.reading import UnusableAudio, read_mono

FORMATS = ["WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU",
           "W64", "NIST", "VOC", "PVF", "PAF", "IRCAM", "MAT5", "AVR"]  # fmt: skip


# Frames of ADTS.
AAC = 30 * (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9))


class Slow(io.BytesIO):
    """As a pipe: pieces that end inside a sample."""

    def read(self, size=-1):
        """A piece."""
        return super().read(min(size, 1337) if size > 0 else 1337)


def piped(content, **options):
    """What is read from a pipe that is said to be 16-bit, and its format."""
    names = []
    blocks = read_piped(
        *(Slow(content), 1000, "s16", 1, 1000),
        recognised=lambda name, rate: names.append((name, rate)),
        **options,
    )
    return np.concatenate(list(blocks)), names


def content_of(tmp_path, form, subtype=None, **options):
    """A file of noise in a format, and what reading it gives."""
    path = tmp_path / "a.bin"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (40000, 2))
    sf.write(path, noise, 8000, subtype, format=form, **options)
    return path.read_bytes(), read_mono(path, 1000)[0]


@pytest.mark.parametrize("form", FORMATS)
def test_files_are_decoded_by_their_header(tmp_path, form):
    content, wanted = content_of(tmp_path, form)
    samples, names = piped(content)
    np.testing.assert_array_equal(samples, wanted)
    name = {"WAVEX": "WAV", "RF64": "WAV", "OGG": "Ogg", "MAT5": "MAT"}
    name = name.get(form, form)
    assert names == [(name, 8000)]


@pytest.mark.parametrize(
    "options",
    [
        {"subtype": subtype}
        for subtype in "PCM_U8 PCM_16 PCM_24 PCM_32 FLOAT DOUBLE ULAW".split()
    ]
    + [{"subtype": "PCM_16", "endian": "BIG"}],
)
def test_a_wav_while_it_comes_in(tmp_path, options):
    content, wanted = content_of(tmp_path, "WAV", **options)
    samples, names = piped(content + b"LIST\4\0\0\0abcd", live=True)
    np.testing.assert_allclose(samples, wanted, atol=1e-6)
    assert names == [("WAV", 8000)]


@pytest.mark.parametrize("size", [b"\0" * 4, b"\xff" * 4, b"\0\xf0\xff\x7f"])
def test_a_wav_of_unknown_length(tmp_path, size):
    """As ffmpeg, arecord and sox write them into a pipe."""
    content, wanted = content_of(tmp_path, "WAV")
    place = content.index(b"data") + 4
    content = content[:place] + size + content[place + 4 :]
    np.testing.assert_allclose(piped(content, live=True)[0], wanted, atol=1e-6)
    np.testing.assert_array_equal(piped(content)[0], wanted)


def test_what_cannot_be_decoded(tmp_path):
    wav, _ = content_of(tmp_path, "WAV")
    for content, live, words in [
        (wav[:40000], True, "cut off: 1.2. s of 5.00 s"),
        (wav[:40000], False, "cut off: 1.2. s of 5.00 s"),
        (wav[:30], True, "cut off"),
        (content_of(tmp_path, "FLAC")[0], True, "leave out --stream"),
        (content_of(tmp_path, "WAV", "IMA_ADPCM")[0], True, "IMA_ADPCM"),
        (b"FORM" + bytes(90), False, "unreadable"),
        (b"\0\0\0\x20ftypM4A " + bytes(90), False, "M4A or MP4 cannot be"),
        (b"<!DOCTYPE html><html>", True, "a web page"),
        (b"<Error><Code>AccessDenied</Code></Error>", True, "a web page"),
        (b'{"message": "Not Found", "code": 404}', True, "a text, not"),
        ((b"G" + bytes(187)) * 9, True, "an MPEG stream cannot be read"),
        (b"MThd\0\0\0\6" + bytes(90), False, "a MIDI file"),
        (AAC[5:], False, "AAC cannot be read"),
    ]:
        with pytest.raises(UnusableAudio, match=words):
            piped(content, live=live)


def test_frames_from_the_middle_of_a_stream(tmp_path):
    """As a radio station sends them: no samples, but not readable either."""
    content, _ = content_of(tmp_path, "MP3")
    with pytest.raises(UnusableAudio, match="unreadable: Format not recog"):
        piped(content[2345:])
    with pytest.raises(UnusableAudio, match="leave out --stream"):
        start = content.index(content[:2], 2345)
        piped(content[start:], live=True)


def test_a_live_rf64_ends_where_its_header_says(tmp_path):
    content, wanted = content_of(tmp_path, "RF64")
    samples, _ = piped(content + b"LIST\0\1\0\0" + b"\x55" * 256, live=True)
    np.testing.assert_allclose(samples, wanted, atol=1e-6)


class Full(io.BytesIO):
    """A temporary folder that is full."""

    name = "full"

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_cannot_be_kept(tmp_path, monkeypatch):
    content, _ = content_of(tmp_path, "FLAC")
    monkeypatch.setattr(piping, "NamedTemporaryFile", lambda **_: Full())
    with pytest.raises(UnusableAudio, match="No space left.*set TMPDIR"):
        piped(content)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["<i2", "<i4", "<f4", "u1"]),
    st.floats(1e-5, 0.3),
    st.integers(0, 10**6),
)
def test_samples_are_no_files(dtype, level, seed):
    """Neither silence, nor noise or tones of any level."""
    random = np.random.default_rng(seed)
    kinds = [
        random.normal(0, level, 9000),
        level * np.sin(np.arange(9000) * random.uniform(0.01, 3)),
        np.zeros(9000),
        np.full(9000, level),
    ]
    scale = 1 if dtype == "<f4" else 2.0 ** (8 * np.dtype(dtype).itemsize - 1)
    for samples in kinds:
        values = np.clip(samples, -0.99, 0.99) * scale
        head = (values + 128 * (dtype == "u1")).astype(dtype).tobytes()
        assert container(head) == foreign(head) == ""


def test_raw_samples_stay_raw():
    """Also those that begin as a frame of MP3 does."""
    raw = np.full(5000, -1025, "<i2")
    raw[1:] = np.random.default_rng(0).integers(-9000, 9000, 4999)
    raw[1] = 0x4490 - 2**16 if 0x4490 > 2**15 else 0x4490
    samples, names = piped(raw.tobytes())
    np.testing.assert_allclose(samples, raw / 2**15, atol=1e-7)
    assert names == []


@pytest.mark.parametrize(
    "kind, dtype, full",
    [("u8", "u1", 128), ("s16", "<i2", 2**15), ("s32", "<i4", 2**31),
     ("f32", "<f4", 1)],
)  # fmt: skip
def test_raw_samples(kind, dtype, full):
    wanted = np.linspace(-1, 0.9, 2000).reshape(-1, 2)
    raw = (wanted * full + (128 if kind == "u8" else 0)).astype(dtype)

    blocks = read_piped(Slow(raw.tobytes() + b"x"), 1000, kind, 2, 1000)
    np.testing.assert_allclose(
        np.concatenate(list(blocks)),
        wanted.mean(1),
        atol=1.5 / min(full, 2**15),
    )


def test_nothing_on_the_pipe():
    with pytest.raises(UnusableAudio, match="holds no samples"):
        list(read_piped(io.BytesIO(), 1000, "s16", 1, 1000))


def test_channels_that_cancel_and_what_else_there_is_to_know(tmp_path):
    one = np.random.default_rng(0).integers(-9000, 9000, (9000, 1))
    both = np.hstack([one, -one])
    raw, wav = both.astype("<i2").tobytes(), made.riff(both, 0, 0)
    flac = made.flac(both, [4096]) * 2
    for content, live, more in [
        (raw, False, ()),
        (raw, True, ()),
        (wav, True, ()),
        (wav, False, ["has a header without its length"]),
        (flac, False, ["goes on behind the end"]),
    ]:
        notes = []
        blocks = read_piped(
            *(Slow(content), 8000, "s16", 2, 8000),
            live=live,
            note=notes.append,
        )
        samples = np.concatenate(list(blocks))
        np.testing.assert_allclose(samples, one[:, 0] / 2**15, atol=1e-7)
        for note, words in zip(notes, [NOTE, *more], strict=True):
            assert words in note
