"""Streams: the same events in any chunks, soon enough, with little memory."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.audio.reading import Recording
from sb_sed.errors import InputError
from sb_sed.inference.streaming import EventStream, ScoreStream
from sb_sed.inference.windows import Windows, WindowScorer
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother

# As the baseline's (the last frame is a part), the miniature's, one whose
# frames end before the window, one with a frame in the middle of its end.
GEOMETRIES = [
    Windows(1600, 16, 102),
    Windows(1600, 20, 80, overlap=0.5),
    Windows(1600, 15, 106, overlap=0.0),
    Windows(1600, 21, 80),
]
SIZES = st.lists(st.integers(0, 3000), min_size=1, max_size=4).filter(any)


def pieces(recording, sizes):
    """The recording in pieces of these sizes, over and over."""
    ends = np.cumsum(np.resize(sizes, len(sizes) * (len(recording) + 1)))
    yield from np.split(
        recording, ends[: np.searchsorted(ends, len(recording))]
    )


def levels(windows):
    """A network that tells the level of a frame, and a bit of its clip's."""

    def network(clips):
        length = windows.n_frames * windows.frame_samples
        clips = np.pad(clips, ((0, 0), (0, max(0, length - clips.shape[1]))))
        frames = clips[:, :length].reshape(len(clips), windows.n_frames, -1)
        level = np.abs(frames).mean(-1, keepdims=True)
        return 0.9 * level + 0.1 * level.mean(1, keepdims=True)

    return network


def clock(windows):
    """A network that tells the first sample of each frame."""

    def network(clips):
        first = np.arange(windows.n_frames) * windows.frame_samples
        return clips[:, np.minimum(first, windows.n_samples - 1), None]

    return network


def scorer_of(windows, network=levels, rate=1000):
    return WindowScorer(network(windows), windows, ["A"], rate)


def decoded(table):
    smoother = ThresholdSmoother(0.25)
    return smoother({"": table})


def noise(seconds, rate=1000, seed=0):
    """Louder and quieter, so that there are events."""
    random = np.random.default_rng(seed)
    n_samples = round(seconds * rate)
    gain = np.repeat(random.uniform(0, 1, n_samples // 300 + 1) ** 2, 300)
    samples = random.uniform(-1, 1, n_samples) * gain[:n_samples]
    return samples.astype(np.float32)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(4)  # of the tiny network's weights


@pytest.fixture
def detector(detector):
    """The tiny network's scores lie in a narrow range: spread out."""
    scores = detector.scores(Recording([noise(9)]))[["Cat", "Dog"]]
    middle, width = scores.median(), scores.std()
    middle, width = (x.to_numpy(np.float32) for x in (middle, width))
    network = detector.scores.network

    def spread(clips):
        return 1 / (1 + np.exp(-4 * (network(clips) - middle) / width))

    detector.scores = replace(detector.scores, network=spread)
    return detector


@settings(deadline=None, max_examples=60)
@given(
    windows=st.sampled_from(GEOMETRIES),
    n_samples=st.integers(1, 12000),
    sizes=SIZES,
)
def test_scores_are_those_of_the_whole_if_one_waits_for_them(
    windows, n_samples, sizes
):
    scorer, samples = scorer_of(windows), noise(n_samples / 1000)
    expected = scorer(Recording([samples]))["A"].to_numpy()
    stream = ScoreStream(scorer, windows.n_frames)
    final = [x for piece in pieces(samples, sizes) for x in stream.feed(piece)]
    final = np.concatenate([np.zeros((0, 1), np.float32), *final])
    same = len(final)
    if n_samples > windows.n_samples:
        # Where the last window of the whole begins.
        missing = n_samples - windows.n_samples
        same = min(same, -(-missing // windows.frame_samples))
    np.testing.assert_array_equal(final[:same, 0], expected[:same])
    both = np.concatenate([final, stream.end()])[: len(expected), 0]
    assert len(both) == len(expected)
    if n_samples <= windows.n_samples:
        np.testing.assert_array_equal(both, expected)


@settings(deadline=None, max_examples=60)
@given(
    # The other's windows have a frame that begins behind their end.
    windows=st.sampled_from(GEOMETRIES[:3]),
    wait=st.floats(0, 1),
    n_samples=st.integers(1, 8000),
    sizes=SIZES,
)
def test_frames_are_where_they_are_at_any_latency(
    windows, wait, n_samples, sizes
):
    wait = max(1, round(wait * windows.n_frames))
    stream = ScoreStream(scorer_of(windows, clock), wait)
    samples = np.arange(1, n_samples + 1, dtype=np.float64)
    scores = [x for piece in pieces(samples, sizes) for x in stream.feed(piece)]
    scores = np.concatenate([*scores, stream.end()])[:, 0]
    frames = np.arange(0, n_samples, windows.frame_samples)
    assert len(scores) >= min(len(frames), windows.n_frames)
    frames = frames[: len(scores)] + 1
    np.testing.assert_allclose(scores[: len(frames)], frames)


@pytest.mark.parametrize("latency", [0.7, 2.0, 5.0])
def test_any_chunks_give_the_same_events(detector, latency):
    detector.hparams.smoother = ThresholdSmoother(0.5)
    samples = noise(4.3)
    in_one = list(detector.stream([samples], latency))
    assert in_one

    @settings(deadline=None, max_examples=8)
    @given(sizes=SIZES)
    def check(sizes):
        assert list(detector.stream(pieces(samples, sizes), latency)) == in_one

    check()


@pytest.mark.parametrize(
    "smoother",
    [
        ThresholdSmoother(0.5),
        MedianSmoother(0.5, window=0.2),
        HMMSmoother({"p_sil": 0.6, "p_event": 0.6}),
    ],
)
def test_events_are_those_of_the_recording(detector, smoother):
    """Up to the last clip, within one frame."""
    samples = noise(31)
    detector.hparams.smoother = smoother
    expected = detector.events(detector.scores(Recording([samples])), "")
    end = 31 - 2 - 2
    expected = expected[expected["offset"] < end]
    events = detector.stream(pieces(samples, [333]), latency=4.0)
    events = sorted(event for event in events if event.offset < end)
    assert len(events) == len(expected) > 0
    expected = sorted(expected.drop(columns="filename").to_numpy().tolist())
    for event, (*times, label, _) in zip(events, expected, strict=True):
        assert event.event_label == label
        assert event[:2] == pytest.approx(times, abs=0.04 + 1e-6)


@pytest.mark.parametrize("windows", GEOMETRIES)
@pytest.mark.parametrize("latency", [0.25, 0.5, 1.0, 3.7, 9.0])
def test_the_latency_is_kept(windows, latency):
    samples, size = noise(40), 10
    stream = EventStream(scorer_of(windows), decoded, latency)
    n_events = 0
    for number, piece in enumerate(pieces(samples, [size]), start=1):
        for event in stream.feed(piece):
            n_events += 1
            assert number * size / 1000 - event.offset <= latency + size / 1000
    assert n_events > 5


@pytest.mark.parametrize("latency", [0.3, 4.0])
def test_an_endless_event_is_one(latency):
    stream = EventStream(scorer_of(GEOMETRIES[0]), decoded, latency)
    silence, tone = np.zeros(5000, np.float32), np.ones(1000, np.float32)
    assert stream.feed(silence) == []
    assert not any(stream.feed(tone) for _ in range(60))
    events = stream.feed(silence) + stream.feed(silence)
    assert len(events) == 1
    assert events[0].onset == pytest.approx(5, abs=0.11)
    assert events[0].offset == pytest.approx(65, abs=0.11)
    assert stream.flush() == []


def test_memory_is_bounded():
    windows = GEOMETRIES[0]
    stream = EventStream(scorer_of(windows), decoded, latency=0.5)
    chunk = noise(0.25)
    for _ in range(2000):
        stream.feed(chunk)
        kept = sum(map(len, stream._scores._kept))
        assert kept <= 2 * windows.n_samples + len(chunk)
        assert len(stream._events._scores) <= 3 * windows.n_frames


def test_silence_and_nothing(detector):
    silence = np.zeros(1000, np.float32)
    assert list(EventStream(scorer_of(GEOMETRIES[0]), decoded)([silence])) == []
    assert all(0 <= e.confidence <= 1 for e in detector.stream([silence] * 9))
    assert list(detector.stream([silence[:0]] * 3)) == []
    assert list(detector.stream([[]])) == []
    assert list(detector.stream([])) == []


def test_what_is_shorter_than_a_clip_is_scored_as_a_file(detector, make_wav):
    detector.hparams.smoother = ThresholdSmoother(0.5)
    path = make_wav("a.wav", 1.3)
    samples, _ = sf.read(path, dtype="float32")
    expected = detector.detect_file(path).drop(columns="filename")
    events = sorted(detector.stream([samples], latency=4.0))
    assert [tuple(event) for event in events] == sorted(
        expected.itertuples(index=False, name=None)
    )
    assert events


def test_a_recorder_may_reuse_its_buffer(detector):
    samples, buffer = noise(3), np.empty(100, np.float32)
    chunks = (np.copyto(buffer, x) or buffer for x in np.split(samples, 30))
    assert list(detector.stream(chunks)) == list(detector.stream([samples]))


def test_after_the_flush_another_stream_begins(detector):
    detector.hparams.smoother = ThresholdSmoother(0.5)
    stream = detector.event_stream(latency=1.0, rate=4000)
    both = [stream.feed(noise(3, 4000)) + stream.flush() for _ in range(2)]
    assert both[0] == both[1] != []


@pytest.mark.parametrize("rate", [8000, 44100])
def test_other_rates(detector, make_wav, rate):
    detector.hparams.smoother = ThresholdSmoother(0.5)
    path = make_wav("a.wav", 1.7, rate=rate)
    samples, _ = sf.read(path, dtype="float32")
    expected = detector.detect_file(path).drop(columns="filename")
    chunks = pieces(samples, [rate // 50, 7])
    events = sorted(detector.stream(chunks, latency=4.0, rate=rate))
    assert [event[:3] for event in events] == sorted(
        tuple(row[:3]) for row in expected.itertuples(index=False, name=None)
    )


@pytest.mark.parametrize(
    "chunk, words",
    [
        (np.float32([0, 0, np.nan]), "NaN or infinite .*first at 0.50 s"),
        (np.zeros((3, 2)), r"shape \(3, 2\): mix"),
        (np.float64(1.0), "shape"),
        (np.zeros(3, np.int32), "int32: pass floats"),
        (torch.zeros(3, dtype=torch.uint8), "uint8: pass floats"),
        (["a"], "pass floats"),
    ],
)
def test_a_bad_chunk_is_refused_and_the_stream_goes_on(detector, chunk, words):
    stream = detector.event_stream()
    good = noise(3)
    events = stream.feed(good[:498])
    with pytest.raises(InputError, match=words) as error:
        stream.feed(chunk)
    assert "\n" not in str(error.value)
    events += stream.feed(good[498:]) + stream.flush()
    assert events == list(detector.stream([good]))


@pytest.mark.parametrize("latency", [0, -1.0, 0.01, np.nan, np.inf])
def test_a_latency_has_to_be_one(detector, latency):
    with pytest.raises(InputError, match="latency .* at least 0.04 s"):
        detector.stream([], latency)
    for rate in (0, -16000, np.nan):
        with pytest.raises(InputError, match="rate"):
            detector.stream([], rate=rate)
