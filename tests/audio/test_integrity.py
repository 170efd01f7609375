"""Damage that libsndfile does not report is found, and nothing else is."""

import numpy as np
import pytest
import soundfile as sf

from sb_sed.audio.integrity import continues
from sb_sed.audio.reading import (
    UnusableAudio,
    open_audio,
    quiet_decoders,
    read_mono,
)

FORMATS = [("WAV", "PCM_16"), ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_16"),
           ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
           ("AIFF", "PCM_16"), ("AU", "PCM_16"), ("W64", "PCM_16"),
           ("RF64", "PCM_16"), ("VOC", "PCM_16"), ("NIST", "PCM_16"),
           ("CAF", "PCM_16")]  # fmt: skip


@pytest.fixture
def make(tmp_path):
    """Writes ten seconds of noise; gives the path."""

    def write(form="WAV", subtype=None, rate=16000, **options):
        path = tmp_path / f"a.{form.lower()}"
        noise = np.random.default_rng(0).normal(0, 0.1, 10 * rate)
        sf.write(path, noise, rate, subtype, format=form, **options)
        return path

    return write


@pytest.mark.parametrize("form, subtype", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_a_file_is_whole_or_cut_off(make, form, subtype, share):
    path = make(form, subtype)
    content = path.read_bytes()
    samples, rate = read_mono(path)
    assert len(samples) / rate == pytest.approx(10, abs=0.1)
    assert not continues(path)
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnusableAudio, match="cut off|unreadable|damaged"):
        read_mono(path)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_damaged_page_is_found(make, subtype):
    path = make("OGG", subtype)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnusableAudio, match="damaged: its page at byte"):
        read_mono(path)


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3"])
def test_of_joined_files_one_is_read(make, form):
    path = make(form)
    path.write_bytes(2 * path.read_bytes())
    assert continues(path) and len(read_mono(path)[0]) < 170000


def test_an_mp3_without_an_index(make):
    """libsndfile guesses its length, and reads no further."""
    path = make("MP3", bitrate_mode="VARIABLE")
    path.write_bytes(path.read_bytes().replace(b"Xing", b"XXXX"))
    with pytest.raises(UnusableAudio, match="has no index: convert it"):
        read_mono(path)


@pytest.mark.parametrize("size, more", [(999, True), (319998, False)])
def test_a_wav_that_names_less_than_it_has(make, size, more):
    path = make()
    content = bytearray(path.read_bytes())
    content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert continues(path) == more


@pytest.mark.parametrize("name", ["a.au", "a.snd", "a.vox", "a.raw"])
def test_a_name_does_not_make_a_recording(tmp_path, name):
    path = tmp_path / name
    path.write_text("hello " * 999)
    with pytest.raises(UnusableAudio, match="no header|not recogni[sz]ed"):
        with open_audio(path):
            pass


def test_decoders_are_quiet_and_python_is_not(make, capfd):
    path = make("MP3", bitrate_mode="VARIABLE")
    path.write_bytes(path.read_bytes()[:20000])
    with quiet_decoders():
        sf.info(path)
        print("said", flush=True)
    assert capfd.readouterr() == ("said\n", "")
    sf.info(path)
    assert "Xing" in capfd.readouterr().err
