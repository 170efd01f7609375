"""Threshold and median filter against slow references."""

from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import medfilt
from sed_scores_eval.base_modules.detection import scores_to_event_list

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.median import MedianSmoother

CLASSES = ["Cat", "Dog"]
SHIFT = 0.06375  # of the baseline

matrices = arrays(
    float,
    st.tuples(st.integers(1, 40), st.just(len(CLASSES))),
    elements=st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]),
)


def reference(table, threshold, length):
    """Decode one table class by class and frame by frame."""
    rows = []
    for label in table.columns[2:]:
        active = [score >= threshold[label] for score in table[label]]
        half = length[label] // 2
        # What scipy calls "reflect" is "symmetric" in numpy.
        padded = np.pad(active, half, mode="symmetric")
        smooth = [
            bool(np.median(padded[i : i + 2 * half + 1]))
            for i in range(len(active))
        ]
        for value, run in groupby(range(len(active)), smooth.__getitem__):
            frames = list(run)
            if value:
                onset = table["onset"][frames[0]]
                rows.append((onset, table["offset"][frames[-1]], label))
    return sorted(rows)


def decode(smoother, table):
    """The events of one table as tuples, after a look at the form."""
    events = smoother({"clip": table})
    assert list(events.columns) == EVENT_COLUMNS
    assert set(events["filename"]) <= {"clip.wav"}
    return list(events[EVENT_COLUMNS[1:]].itertuples(index=False, name=None))


@given(matrices, st.sampled_from([0.2, 0.5, 0.7]), st.sampled_from([1, 3, 7]))
def test_against_a_median_of_every_frame(matrix, threshold, length):
    table = scores_table(matrix, SHIFT, CLASSES)
    smoother = MedianSmoother(threshold, window=length * SHIFT)
    assert decode(smoother, table) == reference(
        table,
        dict.fromkeys(CLASSES, threshold),
        dict.fromkeys(CLASSES, length),
    )


@given(
    matrices,
    st.fixed_dictionaries(dict.fromkeys(CLASSES, st.sampled_from([0.3, 0.7]))),
    st.fixed_dictionaries(dict.fromkeys(CLASSES, st.sampled_from([1, 5, 9]))),
)
def test_each_class_has_its_threshold_and_window(matrix, threshold, length):
    table = scores_table(matrix, SHIFT, CLASSES)
    window = {label: n * SHIFT for label, n in length.items()}
    smoother = MedianSmoother(threshold, window)
    assert decode(smoother, table) == reference(table, threshold, length)


@given(matrices)
def test_without_a_window_against_sed_scores_eval(matrix):
    # It compares with ">": a threshold between the scores.
    table = scores_table(matrix, SHIFT, CLASSES)
    threshold = {"Cat": 0.3, "Dog": 0.55}
    events = scores_to_event_list({"clip": table}, threshold)
    smoother = MedianSmoother(threshold, window=None)
    assert decode(smoother, table) == events["clip"]


def test_a_long_matrix_against_scipys_other_median():
    # ``scipy.signal.medfilt`` pads with zeros: silence at the ends.
    scores = np.random.default_rng(0).random((5000, 1))
    scores[:3] = scores[-3:] = 0
    table = scores_table(scores, SHIFT, ["Dog"])
    smooth = medfilt((scores[:, 0] >= 0.4).astype(float), 7) > 0
    [*found] = decode(MedianSmoother(0.4), table)
    n_runs = int((np.diff(np.pad(smooth.astype(int), 1)) == 1).sum())
    assert len(found) == n_runs > 100
    inside = np.zeros(5000, dtype=bool)
    for onset, offset, _ in found:
        inside[round(onset / SHIFT) : round(offset / SHIFT)] = True
    assert np.array_equal(inside, smooth)


@pytest.mark.parametrize(
    ("shift", "window", "n_frames"),
    [
        (SHIFT, 0.45, 7),
        (SHIFT, 0.44, 5),
        (0.05, 0.45, 9),
        (0.064, 0.45, 7),
        (0.0319, 0.45, 13),
        (1.0, 0.45, 1),
        (SHIFT, 0.0, 1),
    ],
)
def test_a_window_is_the_largest_odd_number_of_frames(shift, window, n_frames):
    # The filter keeps a run of just over half of its length.
    def survives(length):
        scores = np.zeros((60, 1))
        scores[20 : 20 + length] = 1
        table = scores_table(scores, shift, ["Dog"])
        return bool(decode(MedianSmoother(window=window), table))

    assert survives(n_frames // 2 + 1)
    assert not survives(n_frames // 2)


def test_a_last_frame_that_is_cut():
    # 10 s are 156.86 frames of the baseline.
    scores = np.zeros((157, 1))
    scores[150:] = 1
    table = scores_table(scores, SHIFT, ["Dog"], duration=10.0)
    assert decode(MedianSmoother(), table) == [(9.5625, 10.0, "Dog")]


def test_frames_of_many_lengths():
    edges = np.cumsum([0, 0.1, 0.1, 0.1, 0.02, 0.3, 0.1])
    table = pd.DataFrame(
        {
            "onset": edges[:-1],
            "offset": edges[1:],
            "Dog": [0, 1, 0, 1, 1, 0.49],
        }
    )
    assert decode(MedianSmoother(window=None), table) == [
        (edges[1], edges[2], "Dog"),
        (edges[3], edges[5], "Dog"),
    ]
    assert decode(MedianSmoother(window=0.3), table) == [
        (edges[2], edges[5], "Dog")
    ]


def test_a_score_equal_to_the_threshold_is_active():
    table = scores_table([[0.5]], SHIFT, ["Dog"])
    assert decode(MedianSmoother(0.5), table) == [(0.0, SHIFT, "Dog")]


def test_clips_keep_their_order_and_silent_ones_have_no_row():
    tables = {
        name: scores_table([[score]], 1.0, ["Dog"])
        for name, score in [("b", 1.0), ("silent", 0.0), ("a.b", 1.0)]
    }
    events = MedianSmoother()(tables)
    assert list(events["filename"]) == ["b.wav", "a.b.wav"]
    assert len(MedianSmoother()({"silent": tables["silent"]})) == 0
    assert list(MedianSmoother()({}).columns) == EVENT_COLUMNS


def test_the_scores_are_left_alone():
    table = scores_table([[0.2], [0.9], [0.4]], SHIFT, ["Dog"])
    before = table.copy()
    MedianSmoother()({"clip": table})
    assert table.equals(before)


def test_a_class_without_a_threshold():
    table = scores_table([[0.5]], SHIFT, ["Dog"])
    with pytest.raises(InputError, match="'Dog'"):
        MedianSmoother({"Cat": 0.5})({"clip": table})
