"""What smoothers share: parameters, events with confidence, scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sed_scores_eval.base_modules.detection import scores_to_event_list

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.tune import fit

CLASSES = ["Cat", "Dog"]
LEVELS = [0.0, 0.25, 0.5, 0.75, 1.0]

matrices = arrays(
    float,
    st.tuples(st.integers(1, 30), st.just(len(CLASSES))),
    elements=st.sampled_from(LEVELS),
)


class Given(Smoother):
    """A smoother that finds given (file, onset, offset, confidence)."""

    name = "given"
    axes = {"at": (0.0,)}

    def __init__(self, events):
        super().__init__({"at": 0.0})
        self.events = events

    def decode(self, packed, label, settings):
        rows = sorted(
            (packed.files.index(file), *times)
            for file, *times in self.events
            if label == "Dog" and file in packed.files
        )
        file, onset, offset, confidence = np.array(rows).reshape(-1, 4).T
        return Detections(
            np.zeros(len(rows), dtype=int),
            file.astype(int),
            onset,
            offset,
            confidence,
        )


def above(scores, threshold):
    """sed_scores_eval's events at a threshold (it compares with ">")."""
    return scores_to_event_list(scores, threshold)


def as_lists(events, clips):
    events = events.assign(clip=events["filename"].str[:-4])
    return {
        clip: list(
            events.loc[events["clip"] == clip, EVENT_COLUMNS[1:]].itertuples(
                index=False, name=None
            )
        )
        for clip in clips
    }


@limits(deadline=None)
@given(matrices, matrices)
def test_threshold_against_sed_scores_eval(one, other):
    scores = {
        "b": scores_table(one, 0.1, CLASSES),
        "a": scores_table(other, 0.1, CLASSES),
    }
    for threshold in (0.1, 0.3, 0.6, 0.9):
        events = ThresholdSmoother(threshold)(scores)
        assert as_lists(events, scores) == above(scores, threshold)


@limits(deadline=None)
@given(matrices)
def test_a_confidence_is_the_highest_score(matrix):
    scores = {"clip": scores_table(matrix, 1.0, CLASSES)}
    for _, onset, offset, label, confidence in ThresholdSmoother(0.5)(
        scores
    ).itertuples(index=False):
        frames = matrix[round(onset) : round(offset), CLASSES.index(label)]
        assert confidence == frames.max()


@limits(deadline=None)
@given(matrices, st.sampled_from([0.0, 0.3, 0.5, 4.0]))
def test_median_scores_give_the_median_events_at_all_thresholds(matrix, window):
    scores = {"clip": scores_table(matrix, 0.1, CLASSES)}
    smoothed = MedianSmoother(window={"Cat": window, "Dog": 0.3}).to_scores(
        scores
    )
    for threshold in (0.1, 0.3, 0.6, 0.9):
        smoother = MedianSmoother(threshold, {"Cat": window, "Dog": 0.3})
        assert as_lists(smoother(scores), scores) == above(smoothed, threshold)


@limits(deadline=None)
@given(matrices)
def test_threshold_scores_are_the_scores(matrix):
    scores = {"clip": scores_table(matrix, 0.1, CLASSES)}
    smoothed = ThresholdSmoother({"Cat": 0.3, "Dog": 0.2}).to_scores(scores)
    assert smoothed["clip"].equals(scores["clip"])


def test_events_as_scores():
    scores = {
        name: scores_table(np.full((4, 2), 0.7), 1.0, CLASSES)
        for name in ("a", "silent")
    }
    smoother = Given(
        [("a", 1.0, 2.5, 0.75), ("a", 2.0, 3.0, 0.5), ("a", 3.5, 4.0, 0.25)]
    )
    drawn = smoother.to_scores(scores)
    assert list(drawn) == ["a", "silent"]
    expected = pd.DataFrame(
        {
            "onset": [0, 1, 2, 2.5, 3, 3.5],
            "offset": [1, 2, 2.5, 3, 3.5, 4],
            "Cat": 0.0,
            "Dog": [0, 0.75, 0.75, 0.5, 0, 0.25],
        }
    )
    pd.testing.assert_frame_equal(drawn["a"], expected)
    times = ["onset", "offset"]
    assert drawn["silent"][times].equals(scores["silent"][times])
    assert not drawn["silent"][CLASSES].to_numpy().any()
    assert above(drawn, 0.6)["a"] == [(1.0, 2.5, "Dog")]
    assert above(drawn, 0.4)["a"] == [(1.0, 3.0, "Dog")]


def test_events_come_clip_by_clip_with_their_confidence():
    scores = {
        name: scores_table(np.zeros((length, 2)), 1.0, CLASSES)
        for name, length in [("long", 40), ("b", 4), ("a.b", 4)]
    }
    smoother = Given(
        [("b", 2.0, 3.0, 0.5), ("a.b", 0.0, 1.0, 1.0), ("long", 9.0, 11.0, 0.1)]
        + [("b", 1.0, 3.0, 0.5)]
    )
    assert smoother(scores).to_numpy().tolist() == [
        ["long.wav", 9.0, 11.0, "Dog", 0.1],
        ["b.wav", 1.0, 3.0, "Dog", 0.5],
        ["b.wav", 2.0, 3.0, "Dog", 0.5],
        ["a.b.wav", 0.0, 1.0, "Dog", 1.0],
    ]
    assert list(smoother({}).columns) == [*EVENT_COLUMNS, "confidence"]


def test_no_parameters_for_a_class():
    scores = {"clip": scores_table([[0.5, 0.5]], 1.0, CLASSES)}
    smoother = ThresholdSmoother({"Cat": 0.5})
    with pytest.raises(InputError, match="has no threshold.*'Dog'"):
        smoother(scores)
    smoother.parameters = {}
    with pytest.raises(InputError, match="'Cat'"):
        smoother(scores)


def truth(seconds=10.0, n_clips=60):
    """Random events, apart from one another, as a table and as scores."""
    generator = np.random.default_rng(0)
    rows, scores = [], {}
    for clip in range(n_clips):
        edges = np.arange(158) * 0.064
        centres = (edges[:-1] + edges[1:]) / 2
        matrix = np.zeros((157, len(CLASSES)))
        for column, label in enumerate(CLASSES):
            times = generator.uniform(0, seconds, 4)
            onset, offset = np.sort(times)[[0, 2]]
            if offset - onset > 0.3:
                rows.append((f"{clip}.wav", onset, offset, label))
                matrix[(onset <= centres) & (centres < offset), column] = 1
        scores[str(clip)] = scores_table(matrix, 0.064, CLASSES, seconds)
    rows += [(f"{clip}.wav", *[np.nan] * 3) for clip in range(n_clips)]
    return scores, pd.DataFrame(rows, columns=EVENT_COLUMNS)


@pytest.mark.parametrize(
    "smoother", [ThresholdSmoother(), MedianSmoother(window=None)]
)
def test_perfect_scores_give_the_reference(smoother):
    scores, events = truth()
    counts = event_counts(events, smoother(scores))
    assert counts.f1()["macro"] > 0.995
    counts = event_counts(
        events, ThresholdSmoother(0.5)(smoother.to_scores(scores))
    )
    assert counts.f1()["macro"] > 0.995


@pytest.mark.parametrize("kind", [ThresholdSmoother, MedianSmoother])
def test_fit_finds_the_threshold(kind):
    scores, events = truth(n_clips=20)
    scores = {clip: table.copy() for clip, table in scores.items()}
    for table in scores.values():
        table["Cat"] = 0.3 + 0.2 * table["Cat"]
        table["Dog"] = 0.6 + 0.2 * table["Dog"]
    smoother = kind()
    assert fit(smoother, scores, events) is smoother
    thresholds = smoother.threshold
    assert 0.3 < thresholds["Cat"] <= 0.5 < 0.6 < thresholds["Dog"] <= 0.8
    assert event_counts(events, smoother(scores)).f1()["macro"] > 0.995


def test_parameters_for_all_and_for_each():
    smoother = MedianSmoother({"Cat": 0.3, "Dog": 0.4}, window=0.2)
    assert smoother.parameters == {
        "Cat": {"threshold": 0.3, "window": 0.2},
        "Dog": {"threshold": 0.4, "window": 0.2},
    }
    assert smoother.threshold == {"Cat": 0.3, "Dog": 0.4}
    assert MedianSmoother(0.3).parameters == {"threshold": 0.3, "window": 0.45}
    assert MedianSmoother(window=None).window == 0
