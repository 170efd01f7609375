"""What is drawn for scenes: files, levels, parts of files and positions."""

from collections import Counter

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.levels import (
    BackgroundLevel,
    GaussianLevels,
    UniformLevels,
    at_level,
    peak,
)
from sb_sed.mixing.sampling import (
    BalancedClasses,
    EventLengths,
    OriginalPosition,
    RandomPosition,
    UniformFiles,
)
from sb_sed.mixing.soundbank import Foreground

N = 5000
RATE = 8000
SOURCES = {
    label: [Foreground(f"{label}{i}.wav", label) for i in range(n)]
    for label, n in {"Cat": 1, "Dog": 9, "Speech": 30}.items()
}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    "choice, shares",
    [
        (BalancedClasses(), {"Cat": 1 / 3, "Dog": 1 / 27, "Speech": 1 / 90}),
        (UniformFiles(), {"Cat": 1 / 40, "Dog": 1 / 40, "Speech": 1 / 40}),
    ],
)
def test_choice_of_files(choice, shares):
    counts = Counter(s.path for s in choice.draw(rng(), SOURCES, N))
    expected = {s.path: shares[s.label] for f in SOURCES.values() for s in f}
    observed = [counts[path] for path in expected]
    result = stats.chisquare(observed, N * np.array(list(expected.values())))
    assert result.pvalue > 1e-3


def test_classes_without_files():
    with pytest.raises(InputError, match="Blender.*UniformFiles"):
        BalancedClasses().check({**SOURCES, "Blender": []})
    UniformFiles().check({**SOURCES, "Blender": []})
    drawn = UniformFiles().draw(rng(), {"Blender": [], **SOURCES}, 100)
    assert len(drawn) == 100
    for choice in (BalancedClasses(), UniformFiles()):
        with pytest.raises(InputError, match="any"):
            choice.check({})


LENGTHS = st.floats(0.05, 30)
LABELS = st.sampled_from(["A", "A_nOn", "A_nOff", "A_nOn_nOff"])


@given(LENGTHS, LABELS, st.integers(0, 1000), st.floats(0, 100))
def test_random_position(length, label, seed, start):
    source = Foreground("a.wav", label)
    onset = RandomPosition(whole=3, overhang=0.5).draw(
        rng(seed), source, (start, start + length), 10.0
    )
    end, slack = onset + length, 1e-9
    if length <= 3 and label == "A":
        assert -slack <= onset and end <= 10 + slack
    if source.has_onset and source.has_offset:
        # At most half is cut off, or as little as can be.
        inside = min(end, 10) - max(onset, 0)
        assert inside >= min(length / 2, 10) - slack
    if not source.has_onset:
        assert onset <= slack
        if length <= 10:
            assert onset >= -length / 2 - slack
    if not source.has_offset and (source.has_onset or length >= 10):
        assert end >= 10 - slack or length < 0.25
        assert onset < 10
    if label == "A_nOn_nOff" and length < 10:
        assert onset == 0


@pytest.mark.parametrize("length", [1.0, 3.0, 5.0, 12.0])
def test_random_position_is_uniform(length):
    over = length / 2 if length > 3 else 0
    onsets = [
        RandomPosition().draw(r, Foreground("", "A"), (0, length), 10.0)
        for r in [rng()]
        for _ in range(2000)
    ]
    low, high = sorted((-over, 10 - length + over))
    uniform = stats.uniform(low, high - low)
    assert stats.kstest(onsets, uniform.cdf).pvalue > 1e-3


def test_short_events_leave_room_for_the_shortest_label():
    onsets = [
        RandomPosition().draw(r, Foreground("", "A"), (0, 0.1), 10.0)
        for r in [rng()]
        for _ in range(1000)
    ]
    assert max(onsets) <= 9.75


def test_original_position():
    place = OriginalPosition(RandomPosition(overhang=0))
    isolated = Foreground("a.wav", "Dog", "7")
    assert place.draw(rng(), isolated, (4.5, 6.0), 10.0) == 4.5
    other = Foreground("a.wav", "Dog")
    assert place.draw(rng(3), other, (4.5, 6.0), 10.0) == RandomPosition(
        overhang=0
    ).draw(rng(3), other, (4.5, 6.0), 10.0)


def levels_of(levels, n=3):
    """All levels of events and of backgrounds, and the least of each clip."""
    r = rng()
    drawn = [levels.draw(r, n) for _ in range(N)]
    events = np.array([events for events, _ in drawn])
    backgrounds = np.array([background for _, background in drawn])
    return events.ravel(), backgrounds, events.min(axis=1)


def test_uniform_levels():
    events, backgrounds, quietest = levels_of(UniformLevels())
    assert stats.kstest(events, stats.uniform(-35, 35).cdf).pvalue > 1e-3
    assert (backgrounds <= quietest + 5).all()
    free = backgrounds[(backgrounds < quietest + 5)]
    assert free.min() == -50 and np.mean(backgrounds == -50) > 0.02


def test_gaussian_levels():
    events, backgrounds, quietest = levels_of(GaussianLevels())
    assert events.min() == -45 and events.max() <= 0
    share = np.mean(events == -45)
    expected = stats.norm.cdf(-45, -30, 7)
    assert abs(share - expected) < 4 * np.sqrt(expected / len(events))
    inner = events[events > -45]
    cut = stats.truncnorm(-15 / 7, 30 / 7, -30, 7)
    assert stats.kstest(inner, cut.cdf).pvalue > 1e-3
    assert (backgrounds <= quietest + 5).all()


def test_background_level_is_normal_between_its_bounds():
    r = rng()
    level = BackgroundLevel()
    drawn = np.array([level.draw(r, quietest=0.0) for _ in range(N)])
    inner = drawn[(drawn > -50) & (drawn < 5)]
    cut = stats.truncnorm(-20 / 12, 35 / 12, -30, 12)
    assert stats.kstest(inner, cut.cdf).pvalue > 1e-3
    assert level.draw(r, quietest=-90.0) == -85.0


@given(st.floats(-60, 0), st.integers(1, 50), st.integers(0, 99))
def test_at_level(level, n, seed):
    samples = rng(seed).normal(size=n).astype(np.float32)
    scaled = at_level(samples, level)
    assert 20 * np.log10(peak(scaled)) == pytest.approx(level, abs=1e-4)
    assert scaled.dtype == np.float32


def test_silence_has_no_level():
    assert not at_level(np.zeros(5, np.float32), 0.0).any()
    assert peak(np.zeros(0, np.float32)) == 0


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


def draw_parts(path, label="Dog", n=300, **seconds):
    generator, cache = rng(), AudioCache(1, RATE)
    lengths = EventLengths(seconds)
    source = Foreground(path, label)
    return np.array([lengths.draw(generator, source, cache) for _ in range(n)])


def test_whole_files_unless_asked(barks):
    for parts in (draw_parts(barks), draw_parts(barks, Cat=[0.1, 0.2])):
        np.testing.assert_allclose(parts, [[1.0, 7.2]] * 300, atol=1e-3)


def test_short_files_stay_whole(barks):
    np.testing.assert_allclose(
        draw_parts(barks, Dog=[7, 9])[0], [1, 7.2], atol=1e-3
    )


def test_lengths_are_uniform(barks):
    start, end = draw_parts(barks, Dog=[0.5, 3.0]).T
    assert stats.kstest(end - start, "uniform", (0.5, 2.5)).pvalue > 1e-3
    assert start.min() >= 1 - 1e-3 and end.max() <= 7.2 + 1e-3


def test_a_part_is_never_silent_and_any_bark_is_taken(barks):
    parts = draw_parts(barks, Dog=[0.3, 1.0])
    audible = [
        [(start < bark + 0.2) and (end > bark) for bark in (1, 4, 7)]
        for start, end in parts
    ]
    assert np.any(audible, axis=1).all()
    shares = np.mean(audible, axis=0)
    assert (abs(shares - 1 / 3) < 4 * np.sqrt(2 / 9 / 300)).all()


@pytest.mark.parametrize(
    "mark, kept", [("_nOn", "end"), ("_nOff", "start"), ("_nOn_nOff", None)]
)
def test_the_end_that_a_file_has_is_kept(barks, mark, kept):
    start, end = draw_parts(barks, "Frying" + mark, Frying=[1.0, 2.0]).T
    assert (abs(start - 1.0) < 1e-3).all() == (kept == "start")
    assert (abs(end - 7.2) < 1e-3).all() == (kept == "end")


def test_a_minute_of_a_long_file_is_searched(tmp_path):
    path = tmp_path / "long.wav"
    sf.write(path, np.full(100 * RATE, 0.1), RATE)
    start, end = draw_parts(str(path), n=50, Dog=[1.0, 1.0]).T
    np.testing.assert_allclose(end - start, 1.0)
    assert end.max() - start.min() > 60


@pytest.mark.parametrize("limits", [(0, 1), (2, 1), (-1, 1)])
def test_wrong_ranges_are_reported(limits):
    with pytest.raises(InputError, match="Dog cannot last"):
        EventLengths({"Dog": limits})
