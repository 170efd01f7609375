"""Decoding without an end: the same events as decoding the whole."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.formats import DetectedEvent, scores_table
from sb_sed.inference.fixed_lag import FixedLag
from sb_sed.smoothing.boxes import BoxSmoother
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother

SHIFT = 0.064
LABELS = ["Cat", "Dog"]


def walk(seed, n_frames):
    """Scores that rise and fall slowly, [T, 2]."""
    steps = np.random.default_rng(seed).normal(0, 1.2, (n_frames, 2))
    values = np.empty_like(steps)
    state = np.zeros(2)
    for t, step in enumerate(steps):
        state = 0.9 * state + step
        values[t] = state
    return (1 / (1 + np.exp(-values))).astype(np.float32)


def decoder(smoother):
    def decode(table):
        events = smoother({"clip": table})
        return events if "confidence" in events else events.assign(confidence=1)

    return decode


def streamed(smoother, scores, sizes, lag, memory=200, seconds=None):
    """The events of all calls; the last frame is whole."""
    stream = FixedLag(decoder(smoother), LABELS, SHIFT, lag, memory)
    events, start, turn = [], 0, 0
    while start < len(scores):
        size = sizes[turn % len(sizes)]
        events += stream.feed(scores[start : start + size])
        start, turn = start + size, turn + 1
    seconds = seconds or len(scores) * SHIFT
    return events + stream.end(scores[:0], seconds)


def whole(smoother, scores):
    table = scores_table(scores, SHIFT, LABELS)
    found = decoder(smoother)(table).drop(columns="filename")
    return [DetectedEvent(*row) for row in found.itertuples(index=False)]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    n_frames=st.integers(1, 300),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    smoother_and_lag=st.sampled_from(
        [
            (ThresholdSmoother(0.6), 1),
            (MedianSmoother(0.5, window=None), 1),
            (MedianSmoother(0.5, window=0.6), 5),
            (MedianSmoother({"Cat": 0.3, "Dog": 0.7}, window=1.3), 12),
        ]
    ),
)
def test_with_lag_enough_the_events_are_those_of_the_whole(
    seed, n_frames, sizes, smoother_and_lag
):
    smoother, lag = smoother_and_lag
    scores = walk(seed, n_frames)
    assert sorted(streamed(smoother, scores, sizes, lag)) == sorted(
        whole(smoother, scores)
    )


@pytest.mark.parametrize("stay", [0.8, 0.95])
@pytest.mark.parametrize("size", [1, 7])
def test_viterbi_with_a_fixed_lag(stay, size):
    smoother = HMMSmoother({"p_sil": stay, "p_event": stay})
    scores = walk(3, 700)
    expected = sorted(whole(smoother, scores))
    found = sorted(streamed(smoother, scores, [size], lag=30, memory=60))
    assert len(expected) > 10
    assert [event[:3] for event in found] == [event[:3] for event in expected]


def test_boxes_with_a_fixed_lag():
    """Their features look further than the lag, so that a few boxes differ."""
    weights = {name: values[0] for name, values in BoxSmoother.axes.items()}
    smoother = BoxSmoother(weights | {"threshold": 0.2})
    scores = walk(3, 400)
    expected = {event[:3] for event in whole(smoother, scores)}
    events = streamed(smoother, scores, [7], lag=60, memory=200)
    found = {event[:3] for event in events}
    assert len(expected) > 100
    assert len(found & expected) >= 0.95 * len(found | expected)


@pytest.mark.parametrize(
    "smoother",
    [ThresholdSmoother(0.5), HMMSmoother({"p_sil": 0.9, "p_event": 0.9})],
)
def test_an_event_that_is_longer_than_the_memory(smoother):
    scores = np.full((5000, 2), 0.1, np.float32)
    scores[100:4000, 1] = 0.75
    events = streamed(smoother, scores, [9], lag=4, memory=30)
    assert len(events) == 1
    onset, offset, label, confidence = events[0]
    assert (label, confidence) == ("Dog", pytest.approx(0.75))
    assert (onset, offset) == pytest.approx((100 * SHIFT, 4000 * SHIFT))


def test_an_event_is_given_away_when_the_lag_is_over():
    stream = FixedLag(decoder(ThresholdSmoother(0.5)), LABELS, 1.0, 3, 50)
    given_away = [
        len(stream.feed(np.float32([[0, 5 <= t < 8]]))) for t in range(20)
    ]
    # Frame 7 is the event's last; frames 8, 9 and 10 are the lag.
    assert np.flatnonzero(given_away).tolist() == [10]


def test_what_is_kept_is_bounded():
    stream = FixedLag(decoder(ThresholdSmoother(0.5)), LABELS, SHIFT, 5, 20)
    for scores in np.split(walk(0, 3000), 600):
        stream.feed(scores)
        assert len(stream._scores) <= 20 + 5
        assert len(stream._going_on) <= 2 and len(stream._done) <= 2


def test_frames_behind_the_end_are_not_looked_at():
    scores = np.ones((4, 2), np.float32)
    events = streamed(
        ThresholdSmoother(0.5), scores, [2], lag=9, seconds=2.5 * SHIFT
    )
    assert {event.offset for event in events} == {2.5 * SHIFT}
    assert streamed(ThresholdSmoother(0.5), scores[:0], [1], 9, seconds=1) == []


class Script:
    """A smoother that changes its mind: events of each call."""

    def __init__(self, *calls):
        self._calls = iter(calls)

    def __call__(self, table):
        rows = [(on, off, "Dog", 0.5) for on, off in next(self._calls)]
        return pd.DataFrame(
            rows, columns=["onset", "offset", "event_label", "confidence"]
        )


@pytest.mark.parametrize(
    "calls, expected",
    [
        # It goes on after it was emitted.
        ([[(1, 2)], [(1, 3)], [(1, 6)]], [(1, 2), (2, 6)]),
        # It reached over the line, and then ended before it.
        ([[(1, 4)], [(1, 2)], [(1, 2)]], [(1, 2)]),
        # It reached over the line, and then never was.
        ([[(1, 4)], [], []], []),
        # Its onset moved after it had been settled.
        ([[(1, 4)], [(2, 5)], [(2, 8)]], [(1, 8)]),
        # What is found too late is not told any more; what goes on is.
        ([[], [(1, 2)], [(1, 5)]], [(1, 5)]),
    ],
)
def test_changes_of_mind_behind_the_line(calls, expected):
    stream = FixedLag(Script(*calls), ["Dog"], 1.0, lag=1, memory=50)
    events = stream.feed(np.zeros((4, 1), np.float32))  # the line is at 3 s
    events += stream.feed(np.zeros((1, 1), np.float32))  # 4 s
    events += stream.end(np.zeros((4, 1), np.float32), 9.0)
    assert [event[:2] for event in events] == expected


def test_a_long_event_that_the_smoother_drops_ends_there():
    stream = FixedLag(
        Script([(1, 4)], [(1, 40)], [], []), ["Dog"], 1.0, lag=1, memory=2
    )
    assert stream.feed(np.zeros((4, 1), np.float32)) == []
    assert stream.feed(np.zeros((36, 1), np.float32)) == []
    assert stream.feed(np.zeros((1, 1), np.float32)) == [(1, 39, "Dog", 0.5)]
    assert stream.end(np.zeros((0, 1), np.float32), 41.0) == []
