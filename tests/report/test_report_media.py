"""Sound, spectrogram and scores as text, decoded again."""

import io
from base64 import b64decode

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from sb_sed.formats import scores_table
from sb_sed.plots.spectrogram import log_mel
from sb_sed.report.media import (
    encode_audio,
    encode_scores,
    encode_spectrogram,
    read_clip,
)


def content(url):
    return b64decode(url.partition("base64,")[2])


@pytest.mark.parametrize("rate", [7000, 16000, 44100])
def test_sound_keeps_its_time(rate):
    samples = np.zeros(3 * rate, dtype="float32")
    samples[2 * rate] = 0.9  # a click at 2 s
    decoded, new_rate = sf.read(
        io.BytesIO(content(encode_audio(samples, rate)))
    )
    assert new_rate <= 32000
    assert len(decoded) / new_rate == pytest.approx(3, abs=1e-3)
    assert abs(decoded).argmax() / new_rate == pytest.approx(2, abs=2e-3)


def test_ten_seconds_take_less_than_60_kb():
    noise = np.random.default_rng(0).standard_normal(160000) * 0.1
    samples = noise.astype("float32")
    decibels, _ = log_mel(samples, 16000)
    size = len(encode_audio(samples, 16000))
    assert size < 60_000
    assert len(encode_spectrogram(decibels)) < 60_000


def test_the_spectrogram_shows_a_tone_where_it_is():
    time = np.arange(32000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time) * (time > 1)
    decibels, centres = log_mel(tone.astype("float32"), 16000)
    grey = np.array(
        Image.open(io.BytesIO(content(encode_spectrogram(decibels))))
    )
    row, column = np.unravel_index(grey.argmin(), grey.shape)
    assert centres[::-1][row] == pytest.approx(1000, rel=0.05)
    assert column > grey.shape[1] / 2
    assert grey[:, : grey.shape[1] // 3].min() > grey.min()


@pytest.mark.parametrize("n_samples", [1, 100, 8000])
def test_short_and_silent_clips(n_samples):
    silence = np.zeros(n_samples, dtype="float32")
    assert encode_audio(silence, 8000).startswith("data:audio")
    decibels, _ = log_mel(silence, 8000)
    assert np.isfinite(decibels).all()
    assert encode_spectrogram(decibels).startswith("data:image/png")


def decoded_scores(table, low=0.0, high=1.0):
    cell, text = encode_scores(table, low, high)
    values = np.frombuffer(b64decode(text), np.uint8)
    values = values.reshape(-1, table.shape[1] - 2)
    assert len(values) * cell >= table["offset"].iloc[-1] - 1e-6
    return low + values / 255 * (high - low)


def test_scores_come_back():
    matrix = np.random.default_rng(0).random((157, 3))
    table = scores_table(matrix, 0.06375, ["a", "b", "c"], duration=10.0)
    np.testing.assert_allclose(decoded_scores(table), matrix, atol=0.5 / 255)


def test_peaks_of_long_scores_stay():
    matrix = np.zeros((50_000, 1))
    matrix[31_234] = 1
    values = decoded_scores(scores_table(matrix, 0.064, ["a"]))
    assert len(values) <= 800
    assert values.sum() == 1
    assert values.argmax() == int(31_234 / 50_000 * len(values))


def test_frames_of_any_length_and_range():
    table = scores_table([[-4.0], [6.0]], 1.0, ["a"])
    table["offset"] = [0.5, 2.0]
    table["onset"] = [0.0, 0.5]
    values = decoded_scores(table, -4, 6)  # cells of one second
    np.testing.assert_allclose(values, [[6], [6]], atol=0.02)


def test_what_cannot_be_read_is_none(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no audio")
    assert read_clip(tmp_path / "a.wav") is None
    assert read_clip(tmp_path / "b.wav") is None


def test_a_recording_that_is_too_long_is_none(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(8001), 8000)
    assert read_clip(tmp_path / "a.wav", longest=1) is None
    assert len(read_clip(tmp_path / "a.wav", longest=1.1)[0]) == 8001


def test_scores_that_begin_late_and_end_inside_a_cell():
    table = scores_table([[1.0], [1.0], [1.0]], 1.0, ["Dog"])
    table[["onset", "offset"]] += 2.0
    table.loc[2, "offset"] = 4.05
    _, text = encode_scores(table, 0, 1)
    assert list(b64decode(text)) == [0, 0, 255, 255, 0]
