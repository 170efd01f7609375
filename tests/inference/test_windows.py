"""Windows: any length is covered, on one grid, and faded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.inference.windows import Windows

# As the baseline's (the last frame is a part) and as the miniature's.
GEOMETRIES = [
    Windows(1600, 16, 102),
    Windows(1600, 20, 80, overlap=0.5),
    Windows(1600, 15, 106, overlap=0.0),
]


def pieces(recording, sizes):
    """The recording in pieces of these sizes, over and over."""
    start, turn = 0, 0
    while start < len(recording):
        size = sizes[turn % len(sizes)]
        yield recording[start : start + size]
        start, turn = start + size, turn + 1


@settings(deadline=None)
@given(
    windows=st.sampled_from(GEOMETRIES),
    n_samples=st.integers(1, 12000),
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=4),
)
def test_any_length(windows, n_samples, sizes):
    recording = np.arange(1, n_samples + 1, dtype=np.float64)
    cut = list(windows.cut(pieces(recording, sizes)))
    starts = [start for start, _ in cut]
    assert starts[0] == 0 and starts == sorted(set(starts))
    for start, window in cut:
        assert len(window) == windows.n_samples
        first = start * windows.frame_samples
        there = recording[first : first + windows.n_samples]
        np.testing.assert_array_equal(window[: len(there)], there)
        assert not window[len(there) :].any()
    # To the end, with less than a frame of silence in the last window.
    end = starts[-1] * windows.frame_samples + windows.n_samples
    assert end >= n_samples
    if len(cut) > 1:
        assert end < n_samples + windows.frame_samples
    # No gap, and at least the overlap that was asked for.
    hop = round(windows.n_frames * (1 - windows.overlap))
    assert all(np.diff(starts) <= hop)
    frames = windows.join(
        (start, np.arange(start, start + windows.n_frames)[:, None] * 1.0)
        for start in starts
    )
    # Scores that are a function of time come out as that function.
    expected = np.arange(starts[-1] + windows.n_frames)[:, None]
    np.testing.assert_allclose(frames, expected, atol=1e-9)
    needed = -(-n_samples // windows.frame_samples)
    if windows.n_frames * windows.frame_samples >= windows.n_samples:
        assert len(frames) >= needed


@settings(deadline=None)
@given(
    windows=st.sampled_from(GEOMETRIES),
    n_windows=st.integers(1, 6),
    score=st.floats(0, 1, width=32),
)
def test_a_constant_stays_exactly_that(windows, n_windows, score):
    constant = np.full((windows.n_frames, 3), score, np.float32)
    hop = round(windows.n_frames * (1 - windows.overlap))
    joined = windows.join((i * hop, constant) for i in range(n_windows))
    assert (joined == np.float32(score)).all()


def test_a_recording_that_fits_is_one_window():
    [(start, window)] = GEOMETRIES[0].cut([np.ones(1000), np.ones(600)])
    assert start == 0 and (window == 1).all()
    assert len(list(GEOMETRIES[0].cut([np.ones(1601)]))) == 2


def test_the_weight_goes_from_one_window_to_the_next():
    windows = Windows(100, 10, 10, overlap=0.4)
    joined = windows.join([(0, np.zeros((10, 1))), (6, np.ones((10, 1)))])
    expected = [0.0] * 6 + [0.125, 0.375, 0.625, 0.875] + [1.0] * 6
    assert joined[:, 0].tolist() == pytest.approx(expected)


def test_memory_is_that_of_a_few_windows():
    """What has been processed is dropped, however long the recording."""
    windows, kept = GEOMETRIES[0], []

    def endless():
        for _ in range(1000):
            yield np.zeros(1600)

    for _, window in windows.cut(endless()):
        base = window if window.base is None else window.base
        kept.append(base.nbytes)
    assert max(kept) <= 8 * 4 * 1600
