"""Matching of all settings at once against sed_eval, file by file."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.formats import EVENT_COLUMNS
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.detections import Detections, runs
from sb_sed.tuning.matching import Reference, collar_hits

FILES = ["a", "b", "c"]
NAMES = [f"{file}.wav" for file in FILES]

# Times on a coarse grid: onsets and offsets that differ by exactly the collar,
# rivals for one reference event, events that overlap and that repeat.
events = st.lists(
    st.tuples(
        st.sampled_from(FILES),
        st.integers(0, 12).map(lambda n: n / 10),
        st.integers(1, 25).map(lambda n: n / 10),
    ),
    max_size=14,
)
# Times as they come from 16 ms hops and from annotators.
fine_events = st.lists(
    st.tuples(
        st.sampled_from(FILES),
        st.integers(0, 40).map(lambda n: n * 0.064),
        st.integers(1, 3000).map(lambda n: n / 1000),
    ),
    max_size=14,
)


def table(rows):
    rows = [(f"{f}.wav", onset, onset + n, "Dog") for f, onset, n in rows]
    rows += [(f"{f}.wav", np.nan, np.nan, np.nan) for f in FILES]
    return pd.DataFrame(rows, columns=EVENT_COLUMNS)


def detections(found):
    """The events of each setting, as a smoother gives them."""
    rows = sorted(
        (setting, FILES.index(file), onset, onset + length)
        for setting, some in enumerate(found)
        for file, onset, length in some
    )
    setting, file, onset, offset = np.array(rows).reshape(-1, 4).T
    return Detections(
        setting.astype(int), file.astype(int), onset, offset, np.ones(len(rows))
    )


def compare(reference, found):
    hits, estimates = collar_hits(
        Reference.from_events(table(reference), "Dog", NAMES),
        detections(found),
        len(found),
    )
    assert hits.shape == estimates.shape == (len(found), len(FILES))
    for index, some in enumerate(found):
        counts = event_counts(table(reference), table(some), ["Dog"])
        order = [counts.files.index(file) for file in FILES]
        assert hits[index].tolist() == counts.hits[order, 0].tolist()
        assert estimates[index].tolist() == counts.estimate[order, 0].tolist()


@settings(max_examples=150, deadline=None)
@given(events, st.lists(events, min_size=1, max_size=3))
def test_against_sed_eval_where_events_crowd(reference, found):
    compare(reference, found)


@settings(max_examples=80, deadline=None)
@given(fine_events, st.lists(fine_events, min_size=1, max_size=3))
def test_against_sed_eval_on_frames(reference, found):
    compare(reference, found)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        # 0.3 - 0.1 is a little less than 0.2, 0.7 - 0.5 a little more.
        ([("a", 0.1, 1.0)], [("a", 0.3, 0.8)]),
        ([("a", 0.5, 1.0)], [("a", 0.7, 0.8)]),
        # The offset's collar is 20 % of 2.5 s.
        ([("a", 0.0, 2.5)], [("a", 0.0, 3.0)]),
        ([("a", 0.0, 2.5)], [("a", 0.0, 2.0)]),
        ([("a", 0.0, 2.5)], [("a", 0.0, 3.001)]),
        # A greedy match of the first pair leaves the second event alone.
        (
            [("a", 0.0, 1.0), ("a", 0.2, 1.0)],
            [("a", 0.1, 1.0), ("a", 0.4, 0.8)],
        ),
        (
            [("a", 0.2, 1.0), ("a", 0.4, 1.0)],
            [("a", 0.0, 1.0), ("a", 0.3, 1.0)],
        ),
        # The same time in another file is no hit.
        ([("a", 0.0, 1.0)], [("b", 0.0, 1.0)]),
        ([], [("b", 0.0, 1.0)]),
        ([("b", 0.0, 1.0)], []),
    ],
)
def test_edges_of_the_collars(reference, found):
    compare(reference, [found])
    compare(reference, [[], found, [], found])


def test_long_files():
    # Times beyond an hour, and thousands of files.
    names = [f"{n}.wav" for n in range(3000)]
    rows = [(name, 9000.0, 9001.0, "Dog") for name in names[::2]]
    reference = Reference.from_events(
        pd.DataFrame(rows, columns=EVENT_COLUMNS), "Dog", names
    )
    found = Detections(
        np.zeros(6000, dtype=int),
        np.repeat(np.arange(3000), 2),
        np.tile([8999.9, 9000.3], 3000),
        np.full(6000, 9001.1),
        np.ones(6000),
    )
    hits, estimates = collar_hits(reference, found, 1)
    assert hits[0].tolist() == [1, 0] * 1500
    assert (estimates == 2).all()


def test_the_reference_keeps_to_its_class_and_files():
    rows = [
        ("b.wav", 2.0, 3.0, "Dog"),
        ("b.wav", 1.0, 2.0, "Dog"),
        ("b.wav", 1.0, 2.0, "Cat"),
        ("other.wav", 1.0, 2.0, "Dog"),
        ("a.wav", np.nan, np.nan, np.nan),
    ]
    reference = Reference.from_events(
        pd.DataFrame(rows, columns=EVENT_COLUMNS), "Dog", NAMES[:2]
    )
    assert reference.counts.tolist() == [0, 2]
    assert reference.onset.tolist() == [1.0, 2.0]
    none = Reference.from_events(
        pd.DataFrame(rows[-1:], columns=EVENT_COLUMNS), "Dog", NAMES[:2]
    )
    assert none.counts.tolist() == [0, 0]


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1))
def test_runs_row_by_row(rows):
    expected = []
    for row, line in enumerate(rows):
        frames = [frame for frame in range(4) if line[frame]]
        starts = [f for f in frames if f - 1 not in frames]
        ends = [f + 1 for f in frames if f + 1 not in frames]
        expected += [(row, *pair) for pair in zip(starts, ends, strict=True)]
    found = runs(np.array(rows).reshape(1, -1, 4))
    assert (
        list(zip(*(array.tolist() for array in found), strict=True)) == expected
    )
