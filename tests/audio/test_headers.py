"""Files without a length in their header are read to their end.

They are composed byte by byte, so what they hold is known without a decoder.
"""

import struct

import audio_bytes as made
import numpy as np
import pytest
import soundfile as sf

from sb_sed.audio.headers import AudioFile
from sb_sed.audio.reading import (
    UnusableAudio,
    file_notes,
    read_blocks,
    read_mono,
)
from sb_sed.audio.store import make_ready

MONO, STEREO = made.noise(5001), made.noise(channels=2)
OPEN = "has a header without its length"
MORE = "goes on behind the end"


def check(tmp_path, content, samples, note=""):
    """It is read whole, in one piece and in blocks, and converted whole."""
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with AudioFile(path) as file:
        assert file.frames == len(samples)
    wanted = (samples / 2**15).mean(axis=1)
    for rate in (made.RATE, 2 * made.RATE):
        whole, _ = read_mono(path, rate)
        blocks = np.concatenate(list(read_blocks(path, rate)))
        np.testing.assert_array_equal(blocks, whole)
        if rate == made.RATE:
            np.testing.assert_allclose(whole, wanted, atol=1e-7)
        ready = make_ready(str(path), str(tmp_path / f"{rate}.wav"), rate)
        assert not ready.reason
        assert sf.info(ready.path).frames == len(whole) == len(blocks)
    noted = file_notes(path)
    assert len(noted) == bool(note) and all(note in x for x in noted)


SIZES = [0, 2**32 - 1, 2**31 - 1, 2**31, 0x7FFFF000, 2**32 - 37]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_wav(tmp_path, size, order):
    name = b"RIFF" if order == "<" else b"RIFX"
    for whole in (size, None, 0):
        content = made.riff(STEREO, size, whole, order, name)
        check(tmp_path, content, STEREO, OPEN)
    check(tmp_path, made.ID3 + content, STEREO, OPEN)


@pytest.mark.parametrize("n_samples", [8, 9, 777])
def test_wav_without_a_size_that_is_silent_or_short(tmp_path, n_samples):
    zeros = np.zeros((n_samples, 1), int)
    check(tmp_path, made.riff(zeros, 0, 0), zeros, OPEN)


@pytest.mark.parametrize("size", [0, 2**64 - 1, 2**63 - 1, 2**32 - 1])
def test_rf64(tmp_path, size):
    check(tmp_path, made.rf64(STEREO, size), STEREO, OPEN)
    n_bytes = 2 * STEREO.size
    check(tmp_path, made.rf64(STEREO, n_bytes, n_bytes + 72), STEREO)


@pytest.mark.parametrize("size", [0, 8, 2**32 - 1, 2**31 - 1])
def test_aiff(tmp_path, size):
    for n_frames in (0, len(STEREO), 2**32 - 1):
        content = made.aiff(STEREO, size, n_frames, 0)
        check(tmp_path, content, STEREO, OPEN)
    check(tmp_path, made.ID3 + content, STEREO, OPEN)
    check(tmp_path, made.aiff(STEREO), STEREO)


@pytest.mark.parametrize("size", [0, 24, 2**63 - 1, 2**64 - 1, 2**32 - 1])
def test_w64(tmp_path, size):
    check(tmp_path, made.w64(STEREO, size, size), STEREO, OPEN)
    n_bytes = 2 * STEREO.size
    whole = made.w64(STEREO, 24 + n_bytes, 104 + n_bytes)
    check(tmp_path, whole, STEREO)
    check(tmp_path, made.ID3 + whole, STEREO)


@pytest.mark.parametrize("size", [-1, 0, 4, 2**63 - 1])
def test_caf(tmp_path, size):
    check(tmp_path, made.caf(STEREO, size), STEREO, OPEN)
    check(tmp_path, made.caf(STEREO, 4 + 2 * STEREO.size), STEREO)


@pytest.mark.parametrize("size", [0, 2**32 - 1, 2**31 - 1])
@pytest.mark.parametrize("order", [">", "<"])
def test_au(tmp_path, size, order):
    check(tmp_path, made.au(STEREO, size, order), STEREO, OPEN)
    check(tmp_path, made.au(STEREO, 2 * STEREO.size, order), STEREO)


def test_a_recording_of_nothing_stays_one(tmp_path):
    chunk = b"LIST\x04\0\0\0INFO"
    for behind in (
        *(b"", chunk, chunk + TAGS["ID3v1"], chunk + b"x" * 99),
        b"bext\x12\0\0\0" + bytes(18),
    ):
        (tmp_path / "a.wav").write_bytes(made.riff(MONO[:0], behind=behind))
        with pytest.raises(UnusableAudio, match="holds no samples"):
            read_mono(tmp_path / "a.wav")


TAGS = {
    "ID3v1": b"TAG" + bytes(125),
    "ID3v2": made.ID3,
    "LIST": b"LIST" + struct.pack("<I", 4000) + b"INFO" + b"x" * 3996,
    "id3": b"id3 " + struct.pack("<I", 99999) + b"y" * 99999 + b"\0",
    "iXML": b"iXML" + struct.pack("<I", 7) + b"<a></a>",  # not filled up
}


@pytest.mark.parametrize("tag", TAGS)
def test_what_is_no_audio_behind_a_wav(tmp_path, tag):
    content = made.riff(MONO, behind=TAGS[tag])
    check(tmp_path, content, MONO)
    check(tmp_path, made.ID3 + content, MONO)


@pytest.mark.parametrize("order", ["<", ">"])
def test_audio_behind_a_wav(tmp_path, order):
    name = b"RIFF" if order == "<" else b"RIFX"
    content = made.riff(MONO, 2000, None, order, name)
    check(tmp_path, content, MONO[:1000], MORE)
    check(tmp_path, made.ID3 + content, MONO[:1000], MORE)


# What FLAC may have before its frames: padding, and what looks like frames.
BLOCKS = [(1, bytes(99)), (2, b"test" + b"\xff\xf8\x70\x08\0" * 999)]


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("lengths", [[4096], [256], [700, 16, 3000]])
def test_flac(tmp_path, channels, lengths):
    samples = made.noise(9000, channels)
    variable = len(lengths) > 1
    for total in (0, len(samples)):
        content = made.flac(
            samples, lengths, total, variable=variable, blocks=BLOCKS
        )
        check(tmp_path, content, samples)
        check(tmp_path, made.ID3 + content, samples)
        check(tmp_path, content + TAGS["ID3v1"], samples)
        check(tmp_path, 2 * content, samples, MORE)
        check(tmp_path, made.ID3 + 2 * content, samples, MORE)


@pytest.mark.parametrize("lengths", [[4096], [700, 16, 3000]])
@pytest.mark.parametrize("total", [0, 9000, 5 * 10**6, 10])
def test_a_part_of_a_longer_flac(tmp_path, lengths, total):
    """As ffmpeg's segment muxer writes it: the frames' numbers go on."""
    variable = len(lengths) > 1
    for first in (1, 127, 128, 70000):
        samples = made.noise(9000, 2)
        content = made.flac(samples, lengths, total, first, variable)
        check(tmp_path, content, samples)
        check(tmp_path, made.ID3 + content + TAGS["ID3v1"], samples)


def test_a_flac_of_one_frame(tmp_path):
    check(tmp_path, made.flac(MONO[:300], [4096]), MONO[:300])


def test_a_flac_as_libflac_writes_it(tmp_path):
    path = tmp_path / "a.flac"
    sf.write(path, STEREO.astype("int16"), made.RATE)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:42] = bytes(20)
    check(tmp_path, bytes(content), STEREO)


@pytest.mark.parametrize("lost", [1, 10, 3000, 9000])
def test_a_flac_without_length_that_is_cut_off(tmp_path, lost):
    path = tmp_path / "a.flac"
    path.write_bytes(made.flac(STEREO, [1024])[:-lost])
    with pytest.raises(UnusableAudio, match="cut off|its frames are damaged"):
        read_mono(path)


def test_a_flac_without_frames(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(made.flac(STEREO[:0], [1024]))
    with pytest.raises(UnusableAudio, match="no frame"):
        read_mono(path)


@pytest.mark.parametrize("form", ["WAV", "AU", "AIFF"])
@pytest.mark.parametrize(
    "subtype", ["GSM610", "G721_32", "G723_24", "NMS_ADPCM_16", "IMA_ADPCM",
                "MS_ADPCM", "DWVW_16", "ULAW"]
)  # fmt: skip
def test_codecs_that_cannot_seek(tmp_path, form, subtype):
    """What is made ready of them can be read from any place on."""
    if subtype not in sf.available_subtypes(form):
        return
    path, rate = tmp_path / "a.bin", made.RATE
    tone = np.sin(np.arange(5001) / 4) / 2
    sf.write(path, tone, rate, subtype, format=form)
    decoded, _ = read_mono(path)
    assert 5001 <= len(decoded) < 5001 + 512
    assert np.corrcoef(decoded[:5001], tone)[0, 1] > 0.9
    ready = make_ready(str(path), str(tmp_path / "b.wav"), rate)
    assert ready.duration == len(decoded) / rate
    part, _ = sf.read(ready.path, 500, start=1000)
    np.testing.assert_allclose(part, decoded[1000:1500], atol=2**-15)
