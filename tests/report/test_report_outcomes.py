"""The outcome of each event, against sed_eval's counts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.formats import EVENT_COLUMNS
from sb_sed.report.outcomes import KINDS, judge
from sb_sed.scoring.collar import event_counts

TIME = st.integers(0, 60).map(lambda n: n / 20)  # the collar is 4 of these
EVENT = st.tuples(
    st.sampled_from(["a.wav", "b.wav"]),
    TIME,
    TIME.filter(bool),
    st.sampled_from(["Cat", "Dog"]),
)


def table(rows):
    rows = [(name, on, on + length, label) for name, on, length, label in rows]
    return pd.DataFrame(rows, columns=EVENT_COLUMNS)


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=12), st.lists(EVENT, max_size=12))
def test_the_totals_are_those_of_the_event_f1(reference, detected):
    reference, detected = table(reference), table(detected)
    counts = event_counts(reference, detected)
    files = judge(reference, detected)
    assert list(files) == [f"{name}.wav" for name in counts.files]
    for row, file in enumerate(files.values()):
        for column, label in enumerate(counts.classes):
            sides = [
                [e.kind for e in side if e.label == label]
                for side in (file.reference, file.detected)
            ]
            hits = counts.hits[row, column]
            assert [len(side) for side in sides] == [
                counts.reference[row, column],
                counts.estimate[row, column],
            ]
            assert [side.count("hit") for side in sides] == [hits, hits]
        assert (
            file.n_errors
            == counts.false_negatives[row].sum()
            + counts.false_positives[row].sum()
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=8), st.lists(EVENT, max_size=8))
def test_kinds_and_partners_agree(reference, detected):
    for file in judge(table(reference), table(detected)).values():
        for side, other in (
            (file.reference, file.detected),
            (file.detected, file.reference),
        ):
            for index, event in enumerate(side):
                assert event.kind in KINDS
                if event.kind in ("missed", "false alarm"):
                    assert event.partner is None
                    continue
                partner = other[event.partner]
                if event.kind == "hit":
                    assert partner.partner == index
                same = partner.label == event.label
                assert same == (event.kind != "wrong class")
        assert "false alarm" not in {e.kind for e in file.reference}
        assert "missed" not in {e.kind for e in file.detected}


@pytest.mark.parametrize(
    ("detected", "kinds"),
    [
        ([], ["missed"]),
        ([(1.2, 0.8, "Dog")], ["hit", "hit"]),
        ([(1.25, 0.75, "Dog")], ["boundary", "boundary"]),
        ([(1.0, 1.0, "Cat")], ["wrong class", "wrong class"]),
        ([(0.0, 10.0, "Cat")], ["missed", "false alarm"]),
        ([(2.0, 1.0, "Dog")], ["missed", "false alarm"]),
        ([(1.0, 1.0, "Cat"), (1.0, 1.0, "Dog")], ["hit", "false alarm", "hit"]),
        ([(1.0, 0.5, "Dog"), (1.6, 0.4, "Dog")], ["boundary"] * 3),
    ],
)
def test_kinds(detected, kinds):
    reference = table([("a.wav", 1.0, 1.0, "Dog")])
    found = table([("a.wav", *event) for event in detected])
    file = judge(reference, found)["a.wav"]
    assert [e.kind for e in file.reference + file.detected] == kinds


def test_the_closest_of_two_matches_is_taken():
    reference = table([("a.wav", 1.0, 1.0, "Dog")])
    detected = table([("a.wav", 0.85, 1.0, "Dog"), ("a.wav", 1.05, 1.0, "Dog")])
    file = judge(reference, detected)["a.wav"]
    assert file.reference[0].partner == 1


def test_files_without_events_and_other_classes():
    reference = pd.DataFrame(
        [("a.wav", np.nan, np.nan, None), ("b.wav", 0.0, 1.0, "Dog")],
        columns=EVENT_COLUMNS,
    )
    files = judge(reference, table([("c.wav", 0, 1, "Dog")]), ["Cat"])
    assert {name: file.n_errors for name, file in files.items()} == {
        "a.wav": 0,
        "b.wav": 0,
    }
