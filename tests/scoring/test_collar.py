"""Event-based and segment-based F1 against sed_eval called directly."""

import math

import numpy as np
import pandas as pd
import pytest
import sed_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS
from sb_sed.scoring.collar import event_counts, segment_counts

CLASSES = ["Cat", "Cow", "Dog"]

# Tenths of a second, so that events agree now and then.
rows = st.tuples(
    st.sampled_from(["a.wav", "b.wav", "c.wav"]),
    st.integers(0, 30),
    st.integers(1, 30),
    st.sampled_from(CLASSES),
).map(lambda r: [r[0], r[1] / 10, (r[1] + r[2]) / 10, r[3]])
tables = st.lists(rows, max_size=12)
EMPTY = [["a.wav"], ["b.wav"], ["c.wav"]]


def _events(*rows):
    padded = [[*row, *[math.nan] * (4 - len(row))] for row in rows]
    return pd.DataFrame(padded, columns=EVENT_COLUMNS)


def _evaluated(metric, reference, estimate):
    for name in ["a.wav", "b.wav", "c.wav"]:
        metric.evaluate(
            *(
                [
                    {
                        "filename": f,
                        "onset": on,
                        "offset": off,
                        "event_label": label,
                    }
                    for f, on, off, label in table
                    if f == name
                ]
                for table in (reference, estimate)
            )
        )
    return metric


def _assert_same(f1, metric):
    def same(ours, theirs):
        if ours is None:
            assert math.isnan(theirs)
        else:
            assert ours == pytest.approx(theirs, abs=1e-12)

    average = metric.results_class_wise_average_metrics()["f_measure"]
    same(f1["macro"], average["f_measure"])
    same(
        f1["micro"], metric.results_overall_metrics()["f_measure"]["f_measure"]
    )
    class_wise = metric.results_class_wise_metrics()
    assert list(f1["per_class"]) == CLASSES
    for label, value in f1["per_class"].items():
        same(value, class_wise[label]["f_measure"]["f_measure"])


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@settings(max_examples=60, deadline=None)
@given(tables, tables)
def test_event_f1_is_sed_evals(reference, estimate):
    counts = event_counts(
        _events(*EMPTY, *reference), _events(*EMPTY, *estimate), CLASSES
    )
    metric = sed_eval.sound_event.EventBasedMetrics(
        event_label_list=CLASSES,
        t_collar=0.2,
        percentage_of_length=0.2,
        empty_system_output_handling="zero_score",
    )
    _assert_same(counts.f1(), _evaluated(metric, reference, estimate))


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@settings(max_examples=60, deadline=None)
@given(tables, tables)
def test_segment_f1_is_sed_evals(reference, estimate):
    counts = segment_counts(
        _events(*EMPTY, *reference), _events(*EMPTY, *estimate), CLASSES
    )
    metric = sed_eval.sound_event.SegmentBasedMetrics(
        event_label_list=CLASSES, time_resolution=1.0
    )
    _assert_same(counts.f1(), _evaluated(metric, reference, estimate))


@settings(max_examples=30, deadline=None)
@given(tables, tables)
def test_counts_add_up(reference, estimate):
    counts = event_counts(
        _events(*EMPTY, *reference), _events(*estimate), CLASSES
    )
    assert counts.files == ["a", "b", "c"]
    assert counts.reference.sum() == len(reference)
    assert counts.estimate.sum() == len(estimate)
    assert (counts.false_positives >= 0).all()
    assert (counts.false_negatives >= 0).all()


@pytest.mark.parametrize(
    ("onset", "offset", "found"),
    [
        (1.2, 3.0, True),
        (1.21, 3.0, False),
        (0.8, 3.4, True),  # 20 % of 2 s
        (1.0, 3.41, False),
        (1.0, 2.59, False),
    ],
)
def test_the_collars(onset, offset, found):
    reference = _events(["a.wav", 1.0, 3.0, "Dog"])
    counts = event_counts(reference, _events(["a.wav", onset, offset, "Dog"]))
    assert counts.hits.sum() == found


def test_matching_is_optimal():
    # Greedy matching would give the first estimate to the first event.
    reference = _events(["a.wav", 1, 2, "Dog"], ["a.wav", 1.3, 2.3, "Dog"])
    estimate = _events(["a.wav", 1.15, 2.15, "Dog"], ["a.wav", 0.9, 1.9, "Dog"])
    assert event_counts(reference, estimate).hits.sum() == 2


def test_only_the_files_of_the_reference_count():
    reference = _events(["a.wav", 0, 1, "Dog"], ["b.wav"])
    estimate = _events(
        ["a.wav", 0, 1, "Dog"], ["b.wav", 0, 1, "Dog"], ["z.wav", 0, 1, "Dog"]
    )
    counts = event_counts(reference, estimate)
    assert counts.files == ["a", "b"]
    assert counts.false_positives.sum() == 1
    assert counts.f1()["macro"] == pytest.approx(2 / 3)


def test_a_silent_detector():
    reference = _events(["a.wav", 0, 1, "Dog"])
    assert event_counts(reference, _events()).f1()["macro"] == 0
    assert segment_counts(reference, _events()).f1()["macro"] is None


def test_nothing_to_score():
    with pytest.raises(InputError, match="names no file"):
        event_counts(_events(), _events())


def _random_counts(n_files):
    random = np.random.default_rng(3)
    reference, estimate = [], []
    for i in range(n_files):
        onset = random.uniform(0, 5)
        row = [f"{i}.wav", onset, onset + 1, "Dog"]
        reference.append(row)
        if random.random() < 0.6:
            estimate.append(row)
    return event_counts(_events(*reference), _events(*estimate))


def test_intervals_are_those_of_the_binomial():
    """With one event a file, recall is a mean of n independent draws."""
    n_files = 400
    counts = _random_counts(n_files)
    recall = counts.hits.sum() / n_files
    low, high = counts.intervals(n_draws=2000, seed=0)["macro"]
    # F1 of a detector without false alarms is 2 r / (1 + r).
    spread = 1.96 * math.sqrt(recall * (1 - recall) / n_files)
    bounds = [2 * r / (1 + r) for r in (recall - spread, recall + spread)]
    assert [low, high] == pytest.approx(bounds, abs=0.01)


def test_intervals_repeat_with_the_seed():
    counts = _random_counts(30)
    assert counts.intervals(100, seed=1) == counts.intervals(100, seed=1)
    assert counts.intervals(100, seed=1) != counts.intervals(100, seed=2)
    f1 = counts.f1()
    low, high = counts.intervals(100, seed=1)["per_class"]["Dog"]
    assert low < f1["per_class"]["Dog"] < high


@pytest.mark.parametrize("name", ["None", "none", "NONE", "0", "1", "nan", " "])
def test_classes_of_any_name(name):
    """Names that sed_eval's containers take for none."""
    rows = [["a.wav", 0, 2, name], ["a.wav", 0, 2, "Cat"]]
    found = _events(["a.wav", 0, 2, name], ["a.wav", 5, 7, "Cat"])
    for counts in (event_counts, segment_counts):
        f1 = counts(_events(*rows), found).f1()
        assert f1["per_class"] == {name: 1, "Cat": 0}
