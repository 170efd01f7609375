"""PSDS against sed_scores_eval called directly, and closed forms."""

import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sed_scores_eval import intersection_based

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.psds import (
    PsdsUndefined,
    merge_events,
    psd_curves,
    psds,
)

SETTINGS = {
    "2020": {"dtc": 0.5, "gtc": 0.5, "cttc": None, "ct": 0, "st": 0},
    "2020_ct": {"dtc": 0.5, "gtc": 0.5, "cttc": 0.3, "ct": 1, "st": 0},
    "2020_st": {"dtc": 0.5, "gtc": 0.5, "cttc": None, "ct": 0, "st": 1},
    "1": {"dtc": 0.7, "gtc": 0.7, "cttc": None, "ct": 0, "st": 1},
    "2": {"dtc": 0.1, "gtc": 0.1, "cttc": 0.3, "ct": 0.5, "st": 1},
    "realdesed_2": {"dtc": 0.1, "gtc": 0.1, "cttc": None, "ct": 0, "st": 1},
}
# What RealDESED's scorer calls macro: the mean of the classes' own.
MACRO = {"realdesed_1_macro": "1", "realdesed_2_macro": "realdesed_2"}


def _events(*rows):
    padded = [[*row, *[math.nan] * (4 - len(row))] for row in rows]
    return pd.DataFrame(padded, columns=EVENT_COLUMNS)


@pytest.fixture(scope="module")
def detector():
    """Reference, scores and durations of a detector that is right at times."""
    random = np.random.default_rng(1)
    classes = ["Cat", "Cow", "Dog"]
    rows, scores, durations = [["silent.wav"]], {}, {"silent.wav": 9.0}
    scores["silent"] = scores_table(random.random((90, 3)), 0.1, classes)
    for i in range(30):
        matrix = random.random((100, 3))
        for k, label in enumerate(classes):
            onset = int(random.integers(0, 60))
            rows.append([f"f{i}.wav", onset / 10, onset / 10 + 3.05, label])
            matrix[onset : onset + 30, k] += random.uniform(0, 1.5)
        matrix = np.apply_along_axis(
            np.convolve, 0, matrix, np.ones(15) / 15, "same"
        )
        scores[f"f{i}"] = scores_table(matrix, 0.1, classes)
        durations[f"f{i}.wav"] = 10.0
    return _events(*rows), scores, durations


def _theirs(reference, scores, durations):
    """All variants by sed_scores_eval; at most classes of the reference."""
    truth = {name: [] for name in scores}
    for filename, *event in reference.dropna().itertuples(index=False):
        truth[filename[:-4]].append(tuple(event))
    several = len(next(iter(scores.values())).columns) > 3
    found = {
        name: intersection_based.psds(
            scores,
            truth,
            {name[:-4]: seconds for name, seconds in durations.items()},
            dtc_threshold=setting["dtc"],
            gtc_threshold=setting["gtc"],
            cttc_threshold=setting["cttc"] if several else None,
            alpha_ct=setting["ct"] * several,
            alpha_st=setting["st"],
            unit_of_time="hour",
            max_efpr=100,
        )
        for name, setting in SETTINGS.items()
    }
    values = {name: value for name, (value, *_) in found.items()}
    for macro, name in MACRO.items():
        values[macro] = np.mean(list(found[name][1].values()))
    return values, {name: of_class for name, (_, of_class, *_) in found.items()}


def test_psds_is_that_of_sed_scores_eval(detector):
    reference, scores, durations = detector
    ours = psds(reference, scores, durations)
    assert ours == psds(reference, scores)  # the scores end with the files
    assert ours == pytest.approx(
        _theirs(reference, scores, durations)[0], abs=1e-12
    )
    assert {type(value) for value in ours.values()} == {float}
    assert 0 < ours["1"] < ours["2020"] < 1


def _odd_data(seed):
    """Scores with ties and uneven frames; events anywhere, also far away."""
    random = np.random.default_rng(seed)
    classes = [f"c{i}" for i in range(random.integers(1, 7))]
    rows, scores, durations = [], {}, {}
    for i in range(random.integers(1, 6)):
        n_frames = int(random.integers(1, 60))
        matrix = [
            random.integers(0, 5, (n_frames, len(classes))) / 4,
            random.normal(0, 3, (n_frames, len(classes))),
            random.random((n_frames, len(classes))).round(2),
        ][random.integers(3)]
        lengths = [
            np.full(n_frames, 0.064),
            random.uniform(0.001, 1, n_frames).round(6),
        ][random.integers(2)]
        edges = np.cumsum([random.integers(0, 2), *lengths]).round(6)
        scores[f"f{i}"] = pd.DataFrame(
            np.column_stack([edges[:-1], edges[1:], matrix]),
            columns=["onset", "offset", *classes],
        )
        durations[f"f{i}.wav"] = edges[-1] * random.uniform(0.5, 2)
        rows.append([f"f{i}.wav"])
        for label in classes:
            n_events = random.integers(i == 0, 5)
            times = random.choice(
                [*edges, *random.uniform(0, 1.2 * edges[-1], 12).round(6)],
                2 * n_events,
            )
            times = np.unique(times)
            times = times[: len(times) // 2 * 2].reshape(-1, 2)
            if i == 0 and not len(times):
                times = [[0, edges[-1]]]
            rows += [[f"f{i}.wav", *pair, label] for pair in times]
    return _events(*rows), scores, durations


@pytest.mark.parametrize("seed", range(40))
def test_odd_data_against_sed_scores_eval(seed):
    reference, scores, durations = _odd_data(seed)
    values, of_classes = _theirs(reference, scores, durations)
    curves = psd_curves(reference, scores, durations)
    assert curves.areas() == pytest.approx(values, abs=1e-12)
    for variant, of_class in of_classes.items():
        assert curves.per_class(variant) == pytest.approx(of_class, abs=1e-12)


def test_scores_of_minus_infinity_are_never_detected():
    matrix = np.array([[-np.inf], [1.0], [-np.inf]])
    scores = {"a": scores_table(matrix, 1.0, ["Dog"])}
    found = psds(_events(["a.wav", 1, 2, "Dog"]), scores)
    assert found == dict.fromkeys([*SETTINGS, *MACRO], 1)
    missed = psds(_events(["a.wav", 0, 1, "Dog"]), scores)
    assert missed == dict.fromkeys([*SETTINGS, *MACRO], 0)


def test_hundreds_of_classes_take_little_memory():
    """Cross triggers of each pair of classes would take 200 MB here."""
    random = np.random.default_rng(0)
    classes = [f"c{i}" for i in range(250)]
    rows, scores = [], {}
    for i in range(4):
        matrix = random.random((100, 250))
        # Even classes are found in the events of odd ones, too.
        matrix[20:50] += random.uniform(0.5, 1.5, 250)
        matrix[60:90, ::2] += random.uniform(0.5, 1.5, 125)
        scores[f"f{i}"] = scores_table(matrix, 0.1, classes)
        rows += [
            [f"f{i}.wav", 2, 5, label] if k % 2 else [f"f{i}.wav", 6, 9, label]
            for k, label in enumerate(classes)
        ]
    hours = dict.fromkeys([f"f{i}.wav" for i in range(4)], 3600)
    tracemalloc.start()
    values = psds(_events(*rows), scores, hours)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6
    assert 0.1 < values["2020_ct"] < values["2020"] < 1


def test_long_recordings_take_little_memory():
    """All detections at all thresholds would take 6 GB here."""
    random = np.random.default_rng(0)
    scores = {"a": scores_table(random.random((30_000, 2)), 0.1, ["A", "B"])}
    rows = [["a.wav", t, t + 3, "AB"[t % 2]] for t in range(0, 3000, 5)]
    tracemalloc.start()
    values = psds(_events(*rows), scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
    assert 0 <= values["2020"] < 0.5


def test_durations_weigh_the_false_positives(detector):
    reference, scores, durations = detector
    longer = {name: 10 * seconds for name, seconds in durations.items()}
    assert (
        psds(reference, scores, longer)["2020"]
        > psds(reference, scores, durations)["2020"]
    )


def test_a_perfect_detector():
    reference = _events(["a.wav", 0, 1, "Cat"], ["a.wav", 1, 2, "Dog"])
    scores = {"a": scores_table([[1, 0], [0, 1]], 1.0, ["Cat", "Dog"])}
    assert psds(reference, scores) == pytest.approx(
        dict.fromkeys([*SETTINGS, *MACRO], 1)
    )


def test_one_class_has_no_cross_triggers():
    reference = _events(["a.wav", 0, 1, "Dog"])
    scores = {"a": scores_table([[1, 0], [0, 1]], 1.0, ["Dog", "Cat"])}
    assert psds(reference, scores) == pytest.approx(
        dict.fromkeys([*SETTINGS, *MACRO], 1)
    )


def test_half_of_the_events_are_found():
    """One of two events at no false alarm, the other never alone: area 1/2."""
    reference = _events(["a.wav", 0, 1, "Dog"], ["a.wav", 5, 6, "Dog"])
    matrix = np.zeros((10, 1))
    matrix[0] = 1.0
    scores = {"a": scores_table(matrix, 1.0, ["Dog"])}
    assert psds(reference, scores)["1"] == pytest.approx(0.5)


@pytest.mark.parametrize("onset", [1.0, 2.0], ids=["overlap", "touch"])
def test_overlapping_events_are_one(onset):
    scores = {"a": scores_table([[1, 0], [1, 1]], 1.5, ["Cat", "Dog"])}
    cat = ["a.wav", 0, 2, "Cat"]
    one = _events(cat, ["a.wav", 0, 3, "Dog"])
    two = _events(["a.wav", onset, 3, "Dog"], cat, ["a.wav", 0, 2, "Dog"])
    assert psds(two, scores) == psds(one, scores)
    assert len(merge_events(two)) == 2


def test_merged_events():
    reference = _events(
        ["b.wav", 4, 5, "Dog"],
        ["a.wav"],
        ["b.wav", 0, 9, "Cat"],
        ["b.wav", 1, 2, "Dog"],
        ["b.wav", 2 + 4e-7, 3, "Dog"],  # touches: a gap below a microsecond
        ["b.wav", 0.5, 1.5, "Dog"],
        ["./b.wav", 2.5, 2.7, "Dog"],  # the same recording in other words
        ["c.wav", 2, 3, "Dog"],
    )
    assert merge_events(reference).fillna("").to_numpy().tolist() == [
        ["b.wav", 4, 5, "Dog"],
        ["a.wav", "", "", ""],
        ["b.wav", 0, 9, "Cat"],
        ["b.wav", 0.5, 3, "Dog"],
        ["c.wav", 2, 3, "Dog"],
    ]
    apart = _events(["a.wav", 0, 1, "Dog"], ["a.wav", 1.00001, 2, "Dog"])
    pd.testing.assert_frame_equal(merge_events(apart), apart, check_dtype=False)


@pytest.mark.parametrize(
    "names",
    [["Dog\\bark", "\\"], ["onset ", "offset:"], ["tps", "cts"], ["/m/0", "0"]],
    ids=repr,
)
def test_classes_of_any_name(names, detector):
    reference, scores, durations = detector
    reference = reference[reference["event_label"] != "Cow"]
    other = dict(zip(["Cat", "Dog"], names, strict=True))
    renamed = reference.replace({"event_label": other})
    tables = {name: t.rename(columns=other) for name, t in scores.items()}
    assert psds(renamed, tables, durations) == pytest.approx(
        psds(reference, scores, durations), abs=1e-12
    )


def test_what_is_missing_is_named():
    reference = _events(["a.wav", 0, 1, "Dog"], ["b.wav"])
    table = scores_table([[1]], 1.0, ["Dog"])
    both = {"a": table, "b": table}
    with pytest.raises(InputError, match="no scores for b"):
        psds(reference, {"a": table})
    with pytest.raises(InputError, match="durations lack b"):
        psds(reference, both, {"a.wav": 1.0})
    with pytest.raises(PsdsUndefined, match="no column Cat"):
        psds(_events(["a.wav", 0, 1, "Cat"]), both)
    with pytest.raises(PsdsUndefined, match="no event"):
        psds(_events(["a.wav"], ["b.wav"]), both)


def test_a_class_whose_counts_no_threshold_changes():
    """All that is found lies in its event, and too little of it is found."""
    scores = {"a": scores_table([[0.2], [0.9]], 1.0, ["Dog"])}
    assert psds(_events(["a.wav", 0, 9, "Dog"]), scores)["1"] == 0
