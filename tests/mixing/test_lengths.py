"""Which part of a file becomes an event."""

import numpy as np
import pytest
import soundfile as sf
from scipy import stats

from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.lengths import EventLengths
from sb_sed.mixing.soundbank import Foreground

RATE = 8000


@pytest.fixture
def barks(tmp_path):
    """A file with barks at 1, 4 and 7 s of 8 s, 0.2 s each."""
    samples = np.zeros(8 * RATE)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE // 5)
    for second in (1, 4, 7):
        samples[second * RATE :][: len(noise)] = noise
    path = tmp_path / "barks.wav"
    sf.write(path, samples, RATE, subtype="FLOAT")
    return str(path)


def draw(path, label="Dog", n=300, **seconds):
    rng, cache = np.random.default_rng(0), AudioCache(1, RATE)
    lengths = EventLengths(seconds)
    source = Foreground(path, label)
    return np.array([lengths.draw(rng, source, cache) for _ in range(n)])


def test_whole_files_unless_asked(barks):
    for parts in (draw(barks), draw(barks, Cat=[0.1, 0.2])):
        np.testing.assert_allclose(parts, [[1.0, 7.2]] * 300, atol=1e-3)


def test_short_files_stay_whole(barks):
    np.testing.assert_allclose(draw(barks, Dog=[7, 9])[0], [1, 7.2], atol=1e-3)


def test_lengths_are_uniform(barks):
    start, end = draw(barks, Dog=[0.5, 3.0]).T
    assert stats.kstest(end - start, "uniform", (0.5, 2.5)).pvalue > 1e-3
    assert start.min() >= 1 - 1e-3 and end.max() <= 7.2 + 1e-3


def test_a_part_is_never_silent_and_any_bark_is_taken(barks):
    parts = draw(barks, Dog=[0.3, 1.0])
    heard = [
        [(start < bark + 0.2) and (end > bark) for bark in (1, 4, 7)]
        for start, end in parts
    ]
    assert np.any(heard, axis=1).all()
    shares = np.mean(heard, axis=0)
    assert (abs(shares - 1 / 3) < 4 * np.sqrt(2 / 9 / 300)).all()


@pytest.mark.parametrize(
    "mark, kept", [("_nOn", "end"), ("_nOff", "start"), ("_nOn_nOff", None)]
)
def test_the_end_that_a_file_has_is_kept(barks, mark, kept):
    start, end = draw(barks, "Frying" + mark, Frying=[1.0, 2.0]).T
    assert (abs(start - 1.0) < 1e-3).all() == (kept == "start")
    assert (abs(end - 7.2) < 1e-3).all() == (kept == "end")


def test_a_long_file_is_looked_through_for_a_minute(tmp_path):
    path = tmp_path / "long.wav"
    sf.write(path, np.full(100 * RATE, 0.1), RATE)
    start, end = draw(str(path), n=50, Dog=[1.0, 1.0]).T
    np.testing.assert_allclose(end - start, 1.0)
    assert end.max() - start.min() > 60


@pytest.mark.parametrize("limits", [(0, 1), (2, 1), (-1, 1)])
def test_wrong_ranges_are_told(limits):
    with pytest.raises(InputError, match="Dog cannot last"):
        EventLengths({"Dog": limits})
