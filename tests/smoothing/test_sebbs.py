"""Bounding boxes by change detection against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.packed import pack
from sb_sed.smoothing.sebbs import SEBBsSmoother

SHIFT = 0.064

matrices = arrays(
    float,
    st.tuples(st.integers(1, 60), st.just(1)),
    elements=st.sampled_from([0.0, 0.0, 0.125, 0.25, 0.5, 0.75, 1.0]),
)
merges = st.sampled_from([0.15, 0.3, 1.5, 3.0])
examples = settings(max_examples=60, deadline=None)


def boxes_of(matrix, length=0.32, merge=0.15, threshold=0.0, shift=SHIFT):
    """Return first frame, end and confidence of the boxes."""
    setting = {"filter": length, "merge": merge, "threshold": threshold}
    events = SEBBsSmoother(setting)({"clip": scores_table(matrix, shift, "D")})
    frames = (events[["onset", "offset"]] / shift).round().astype(int)
    return [
        (*bounds, confidence)
        for bounds, confidence in zip(
            frames.itertuples(index=False, name=None),
            events["confidence"],
            strict=True,
        )
    ]


def expected_boxes(scores, half, merge):
    """Frame by frame and merge by merge."""
    n = len(scores)
    silent = np.zeros(n + half + 1)
    padded = np.concatenate([silent, scores, silent])

    def _step(t, width):
        t += len(silent)
        return padded[t : t + width].mean() - padded[t - width : t].mean()

    changes = [_step(t, half) + 1e-3 * _step(t, 1) for t in range(n + 1)]
    stretches = []  # sign, place of the extreme
    for t, change in enumerate(changes):
        if abs(change) < 1e-9:
            continue
        if not stretches or stretches[-1][0] != (change > 0):
            stretches.append((change > 0, t))
        elif abs(change) > abs(changes[stretches[-1][1]]) + 1e-12:
            stretches[-1] = change > 0, t
    boxes = [
        (a, b)
        for (up, a), (down, b) in zip(stretches, stretches[1:], strict=False)
        if up and not down
    ]
    while len(boxes) > 1:
        contrasts = []
        for (a, b), (c, d) in zip(boxes, boxes[1:], strict=False):
            higher = max(scores[a:b].mean(), scores[c:d].mean())
            gap = scores[b:c].mean()
            if merge <= 1:
                contrasts.append(higher - gap)
            else:
                contrasts.append(higher / gap if gap > 1e-9 else np.inf)
        low = int(np.argmin(np.round(contrasts, 9)))
        if contrasts[low] >= merge:
            break
        boxes[low : low + 2] = [(boxes[low][0], boxes[low + 1][1])]
    return [(a, b, scores[a:b].mean()) for a, b in boxes]


@examples
@given(st.integers(0, 10**6), st.sampled_from([2, 4, 5]), merges)
def test_against_the_definition(seed, half, merge):
    # Scores without ties, the order of whose merges is certain.
    rng = np.random.default_rng(seed)
    scores = rng.random(rng.integers(1, 80)).astype(np.float32)
    scores[rng.random(len(scores)) < 0.2] = 0
    expected = expected_boxes(scores.astype(float), half, merge)
    found = boxes_of(scores[:, None], 2 * half * SHIFT, merge)
    assert [box[:2] for box in found] == [box[:2] for box in expected]
    assert np.allclose([b[2] for b in found], [b[2] for b in expected])


def test_a_box_with_steep_sides_keeps_them():
    scores = np.zeros((60, 1))
    scores[20:23] = 0.75  # shorter than the filter
    scores[40:55] = 0.5
    assert boxes_of(scores, 0.64) == [(20, 23, 0.75), (40, 55, 0.5)]


def test_events_at_both_ends():
    scores = np.zeros((40, 1))
    scores[:10] = scores[30:] = 1
    assert boxes_of(scores) == [(0, 10, 1.0), (30, 40, 1.0)]


@pytest.mark.parametrize(
    ("merge", "together"), [(0.25, False), (0.375, True), (1.5, False), (2, 1)]
)
def test_a_gap_below_the_higher_box_by_the_threshold_stays(merge, together):
    scores = np.zeros((60, 1))
    scores[10:50] = 0.5
    scores[10:20] = 0.75  # 0.25 higher than the gap, and one and a half times
    scores[40:50] = 0.75
    n_boxes = 1 if together else 2
    assert len(boxes_of(scores, 0.32, merge)) == n_boxes


def test_the_higher_box_decides():
    scores = np.zeros((60, 1))
    scores[5:20], scores[20:30], scores[30:40] = 0.9, 0.3, 0.4
    assert len(boxes_of(scores, 0.32, 0.3)) == 2


@examples
@given(matrices, merges)
def test_a_threshold_only_drops_boxes(matrix, merge):
    boxes = boxes_of(matrix, merge=merge)
    for threshold in (0.1, 0.25, 0.6):
        kept = [box for box in boxes if box[2] >= threshold]
        assert boxes_of(matrix, merge=merge, threshold=threshold) == kept


@examples
@given(matrices, merges, st.integers(1, 30))
def test_silence_before_moves_the_boxes(matrix, merge, n_frames):
    moved = [
        (first + n_frames, end + n_frames)
        for first, end, _ in boxes_of(matrix, merge=merge)
    ]
    silence = np.zeros((n_frames, 1))
    later = boxes_of(np.vstack([silence, matrix, silence]), merge=merge)
    assert [box[:2] for box in later] == moved


@examples
@given(matrices, merges)
def test_boxes_are_apart_and_inside(matrix, merge):
    boxes = boxes_of(matrix, merge=merge)
    bounds = [bound for first, end, _ in boxes for bound in (first, end)]
    assert bounds == sorted(set(bounds))
    assert all(0 <= bound <= len(matrix) for bound in bounds)
    assert bool(boxes) == bool(matrix.any())


@examples
@given(matrices, merges)
def test_scores_have_the_boxes_of_all_thresholds(matrix, merge):
    setting = {"filter": 0.32, "merge": merge, "threshold": 0.7}
    tables = {"clip": scores_table(matrix, SHIFT, ["D"])}
    drawn = SEBBsSmoother(setting).to_scores(tables)["clip"]["D"]
    expected = np.zeros(len(matrix))
    for first, end, confidence in boxes_of(matrix, merge=merge):
        expected[first:end] = confidence
    assert np.allclose(drawn, expected)


def test_many_settings_at_once_and_files_of_many_lengths():
    rng = np.random.default_rng(0)
    scores = {
        f"clip{n}": scores_table(rng.random((n, 2)), SHIFT, ["Cat", "Dog"])
        for n in (1, 2, 50, 55, 60, 400)
    }
    grid = [
        {"filter": length, "merge": merge, "threshold": threshold}
        for length in (0.32, 0.64)
        for merge in (0.2, 2.0)
        for threshold in (0.3, 0.6)
    ]
    for packed in pack(scores):
        found = SEBBsSmoother().decode(packed, "Dog", grid)
        for index, setting in enumerate(grid):
            one = found.setting == index
            some = SEBBsSmoother(setting)(
                {clip: scores[clip] for clip in packed.files}
            )
            some = some[some["event_label"] == "Dog"]
            assert np.array_equal(found.onset[one], some["onset"])
            assert np.array_equal(found.offset[one], some["offset"])
            assert np.array_equal(found.confidence[one], some["confidence"])


def test_a_long_file():
    rng = np.random.default_rng(0)
    found = boxes_of(rng.random((20_000, 1)), merge=0.5)
    assert len(found) > 100


def test_silence_has_no_event():
    events = SEBBsSmoother({"filter": 0.3, "merge": 0.2, "threshold": 0})(
        {"clip": scores_table(np.zeros((9, 1)), SHIFT, ["Dog"])}
    )
    assert list(events.columns) == [*EVENT_COLUMNS, "confidence"]
    assert len(events) == 0


def test_scores_below_0_make_no_event_after_the_file():
    scores = {
        "short": scores_table([[-2.0], [-3.0]], 0.1, ["Dog"]),
        "long": scores_table([[0.5]] * 3, 0.1, ["Dog"]),
    }
    smoother = SEBBsSmoother({"filter": 0.2, "merge": 0.3, "threshold": 0.1})
    assert set(smoother(scores)["filename"]) == {"long.wav"}
