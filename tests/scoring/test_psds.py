"""PSDS against sed_scores_eval called directly, and closed forms."""

import math

import numpy as np
import pandas as pd
import pytest
from sed_scores_eval import intersection_based

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.psds import PsdsUndefined, psds

SETTINGS = {
    "2020": {"dtc": 0.5, "gtc": 0.5, "cttc": None, "ct": 0, "st": 0},
    "2020_ct": {"dtc": 0.5, "gtc": 0.5, "cttc": 0.3, "ct": 1, "st": 0},
    "2020_st": {"dtc": 0.5, "gtc": 0.5, "cttc": None, "ct": 0, "st": 1},
    "1": {"dtc": 0.7, "gtc": 0.7, "cttc": None, "ct": 0, "st": 1},
    "2": {"dtc": 0.1, "gtc": 0.1, "cttc": 0.3, "ct": 0.5, "st": 1},
}


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


def test_psds_is_that_of_sed_scores_eval(detector):
    reference, scores, durations = detector
    ground_truth = {name: [] for name in scores}
    for filename, *event in reference.dropna().itertuples(index=False):
        ground_truth[filename[:-4]].append(tuple(event))
    ours = psds(reference, scores, durations)
    assert ours == psds(reference, scores)  # the scores end with the files
    for name, setting in SETTINGS.items():
        theirs, *_ = intersection_based.psds(
            scores,
            ground_truth,
            {name[:-4]: seconds for name, seconds in durations.items()},
            dtc_threshold=setting["dtc"],
            gtc_threshold=setting["gtc"],
            cttc_threshold=setting["cttc"],
            alpha_ct=setting["ct"],
            alpha_st=setting["st"],
            unit_of_time="hour",
            max_efpr=100,
        )
        assert ours[name] == pytest.approx(theirs, abs=1e-12)
        assert type(ours[name]) is float
    assert 0 < ours["1"] < ours["2020"] < 1


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
    assert psds(reference, scores) == pytest.approx(dict.fromkeys(SETTINGS, 1))


def test_one_class_has_no_cross_triggers():
    reference = _events(["a.wav", 0, 1, "Dog"])
    scores = {"a": scores_table([[1, 0], [0, 1]], 1.0, ["Dog", "Cat"])}
    assert psds(reference, scores) == pytest.approx(dict.fromkeys(SETTINGS, 1))


def test_half_of_the_events_are_found():
    """One of two events at no false alarm, the other never alone: area 1/2."""
    reference = _events(["a.wav", 0, 1, "Dog"], ["a.wav", 5, 6, "Dog"])
    matrix = np.zeros((10, 1))
    matrix[0] = 1.0
    scores = {"a": scores_table(matrix, 1.0, ["Dog"])}
    assert psds(reference, scores)["1"] == pytest.approx(0.5)


@pytest.mark.parametrize("onset", [1.0, 2.0], ids=["overlap", "touch"])
def test_overlaps_are_refused_with_their_names(onset):
    reference = _events(
        ["a.wav", 0, 2, "Cat"],
        ["a.wav", 0, 2, "Dog"],
        ["a.wav", onset, 3, "Dog"],
    )
    scores = {"a": scores_table([[1, 0], [0, 1]], 1.0, ["Cat", "Dog"])}
    with pytest.raises(
        PsdsUndefined, match=f"merge.*a, Dog, 0-2 s and {onset:g}-3"
    ):
        psds(reference, scores)


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


def test_a_pandas_that_is_too_new(monkeypatch):
    monkeypatch.setattr(pd, "__version__", "3.1.1")
    with pytest.raises(PsdsUndefined, match="pandas<3"):
        psds(_events(), {})


def test_a_class_whose_counts_no_threshold_changes():
    """All that is found lies in its event, and too little of it is found."""
    scores = {"a": scores_table([[0.2], [0.9]], 1.0, ["Dog"])}
    assert psds(_events(["a.wav", 0, 9, "Dog"]), scores)["1"] == 0
