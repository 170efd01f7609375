"""Figures of what was detected: one for a clip, several for long files."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.plots import detection, plot_recording
from sb_sed.smoothing.threshold import ThresholdSmoother, thresholds_of


@pytest.fixture
def drawn(monkeypatch):
    """The arguments of each figure, beside drawing it."""
    calls, plot = [], detection.plot_detection

    def plot_detection(*arguments, **options):
        calls.append((arguments, options))
        return plot(*arguments, **options)

    monkeypatch.setattr(detection, "plot_detection", plot_detection)
    return calls


def draw(detector, path, target):
    detector.hparams.smoother = ThresholdSmoother(0.5)
    scores = detector.scores_file(path)
    events = detector.events(scores, path.name)
    thresholds = thresholds_of(detector.hparams.smoother, ["Cat", "Dog"])
    return scores, plot_recording(
        path, 1000, scores, events, target, thresholds
    )


def test_a_clip_is_one_figure(detector, make_wav, tmp_path, drawn):
    path = make_wav("a.wav", 1.5, rate=8000, channels=2)
    scores, written = draw(detector, path, tmp_path / "a.wav.png")
    assert written == [tmp_path / "a.wav.png"] and written[0].stat().st_size
    [((_, seconds, table, *_), options)] = drawn
    assert seconds == pytest.approx(1.5, abs=0.01)
    pd.testing.assert_frame_equal(table, scores)
    assert options["thresholds"] == {"Cat": 0.5, "Dog": 0.5}


def test_a_long_recording_is_a_figure_a_minute(
    detector, make_wav, tmp_path, drawn, monkeypatch
):
    """Of equal length; together they show it all, once."""
    monkeypatch.setattr(detection, "_PAGE_SECONDS", 3.0)
    path = make_wav("long.flac", 7.6)
    scores, written = draw(detector, path, tmp_path / "long.flac.png")
    assert [x.name for x in written] == [
        "long.flac.0000s.png",
        "long.flac.0003s.png",
        "long.flac.0005s.png",
    ]
    spans = [(o["start"], o["start"] + a[1]) for a, o in drawn]
    edges = np.array(spans)
    np.testing.assert_allclose(edges[1:, 0], edges[:-1, 1])
    assert edges[0, 0] == 0 and edges[-1, 1] == pytest.approx(7.6)
    tables = pd.concat([arguments[2] for arguments, _ in drawn])
    # A frame on the edge of two figures is in both.
    pd.testing.assert_frame_equal(tables.drop_duplicates(), scores)
    for (_, _, _, reference, events, _), options in drawn:
        assert reference is None
        end = options["start"] + 7.6 / 3 + 0.01
        assert all(on < end and off > options["start"] for on, off, _ in events)


def test_what_is_seen_is_what_is_there(detector, tmp_path, drawn):
    """A tone in the second half lies there, in its band."""
    times = np.arange(2000) / 1000
    samples = np.where(times >= 1, 0.5 * np.sin(2 * np.pi * 200 * times), 0)
    path = tmp_path / "tone.wav"
    sf.write(path, samples, 1000)
    draw(detector, path, tmp_path / "tone.png")
    [((log_mel, *_), options)] = drawn
    time, band = np.unravel_index(log_mel.argmax(), log_mel.shape)
    assert time > 0.5 * len(log_mel)
    assert options["centres_hz"][band] == pytest.approx(200, abs=15)
