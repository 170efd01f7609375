"""Frames, index and tags of MP3 files."""

import re
import struct

import audio_bytes as made
import numpy as np
import pytest
import soundfile as sf

from sb_sed.audio.kinds import mp3_frame
from sb_sed.audio.mp3 import count_mp3_samples
from sb_sed.audio.reading import file_notes, read_mono


@pytest.fixture
def make(tmp_path):
    """Writes ten seconds of noise; gives the bytes."""

    def write(rate=16000, mode="VARIABLE"):
        noise = np.random.default_rng(0).normal(0, 0.1, 10 * rate)
        sf.write(
            *(tmp_path / "a.mp3", noise, rate),
            bitrate_mode=mode,
            compression_level=0.5,
        )
        return (tmp_path / "a.mp3").read_bytes()

    return write


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 32000, 44100])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_frames_of_an_mp3(make, rate, mode):
    frame = 1152 if rate >= 32000 else 576
    assert 0 <= count_mp3_samples(make(rate, mode)) - 10 * rate < 5 * frame


@pytest.mark.parametrize("rate", [8000, 24000, 44100])
@pytest.mark.parametrize("before", [b"", made.ID3])
def test_an_index_without_the_number_of_frames(make, tmp_path, rate, before):
    """As it is written into a pipe."""
    content, path = make(rate), tmp_path / "a.mp3"
    wanted, _ = read_mono(path)
    place = content.index(b"Xing") + 8
    content = content[:place] + bytes(4) + content[place + 4 :]
    path.write_bytes(before + content)
    assert abs(sf.info(path).duration - 10) > 0.5
    np.testing.assert_array_equal(read_mono(path)[0], wanted)
    assert [x for x in file_notes(path) if "without its length" not in x] == []


def ape(content):
    """An APE tag with one item, which has a header and a footer."""
    size = len(content) + 32
    ends = [
        b"APETAGEX" + struct.pack("<IIII", 2000, size, 1, flags) + bytes(8)
        for flags in (0xA0000000, 0x80000000)
    ]
    return ends[0] + content + ends[1]


def test_tags_are_no_audio(make, tmp_path):
    """Not even where they look like frames, as pictures may."""
    content, path = make(), tmp_path / "a.mp3"
    wanted, _ = read_mono(path)
    start = re.search(rb"\xff[\xe2-\xff]", content).start()
    header = content[start : start + 4]
    picture = (header + bytes(mp3_frame(header)[1] - 4)) * 999
    lyrics = b"LYRICSBEGIN" + picture[:5000]
    lyrics += b"%06dLYRICS200" % len(lyrics)
    id3v1 = b"TAG" + bytes(125)
    for before, behind in [
        (b"", ape(picture)),
        (b"", ape(picture) + id3v1),
        (made.ID3, lyrics + ape(picture) + id3v1),
        (ape(picture), b""),
        (made.ID3 + ape(picture), id3v1),
    ]:
        path.write_bytes(before + content + behind)
        assert file_notes(path) == []
        assert count_mp3_samples(path.read_bytes()) - len(wanted) < 5 * 1152
        np.testing.assert_array_equal(read_mono(path)[0], wanted)
