"""The searches against brute force with sed_eval."""

import itertools
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import convolve

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing import SMOOTHERS, smoother_class
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.boxes import FitBoxes
from sb_sed.tuning.regularise import Flattest, Shrink, class_f1
from sb_sed.tuning.search import (
    ExactSearch,
    ForestSearch,
    recommended_search,
)
from sb_sed.tuning.trials import Trials
from sb_sed.tuning.tune import fit

CLASSES = ["Cat", "Dog"]


def data(n_clips=12, classes=CLASSES, seed=0):
    """Noisy scores of random events."""
    generator = np.random.default_rng(seed)
    rows, scores = [], {}
    for clip in range(n_clips):
        matrix = np.zeros((20, len(classes)))
        for column, label in enumerate(classes):
            first = generator.integers(0, 15)
            end = generator.integers(first + 2, 20)
            matrix[first:end, column] = 0.5
            rows.append((f"{clip}.wav", first * 0.1, end * 0.1, label))
        matrix += generator.uniform(0, 0.5, matrix.shape)
        scores[str(clip)] = scores_table(matrix, 0.1, classes)
    return scores, pd.DataFrame(rows, columns=EVENT_COLUMNS)


class SmallMedian(MedianSmoother):
    """A grid that brute force can walk."""

    axes = {"threshold": (0.3, 0.5, 0.6), "window": (0.0, 0.3, 0.5)}

    def __init__(self, tied=()):
        super().__init__()
        self.tied = frozenset(tied)


def macro_f1(smoother, parameters, scores, events):
    smoother.parameters = parameters
    return event_counts(events, smoother(scores)).f1()["macro"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "tied", [(), ("threshold",), ("window",), ("threshold", "window")]
)
def test_exact_against_brute_force(tied, seed):
    scores, events = data(seed=seed)
    smoother = SmallMedian(tied)
    trials = Trials(smoother, scores, events)
    found = ExactSearch()(trials, np.ones(len(trials.files)))
    best = max(
        macro_f1(
            smoother, dict(zip(CLASSES, pair, strict=True)), scores, events
        )
        for pair in itertools.product(trials.settings, repeat=2)
        if all(pair[0][name] == pair[1][name] for name in tied)
    )
    assert all(found["Cat"][name] == found["Dog"][name] for name in tied)
    assert macro_f1(smoother, found, scores, events) == pytest.approx(best)
    assert trials.macro_f1(found, np.ones(12)) == pytest.approx(best)


def test_weights_choose_files():
    scores, events = data()
    half = np.arange(12) < 6
    trials = Trials(SmallMedian(), scores, events)
    place = [trials.files.index(str(n)) for n in range(12)]
    weights = np.zeros(12)
    weights[place] = half
    some = {str(n): scores[str(n)] for n in range(6)}
    own = Trials(
        SmallMedian(), some, events[events["filename"].str[:-4].isin(some)]
    )
    assert ExactSearch()(trials, weights) == ExactSearch()(own, np.ones(6))


def test_counts_on_and_off_the_grid():
    scores, events = data()
    smoother = SmallMedian()
    fresh, filled = (Trials(smoother, scores, events) for _ in range(2))
    assert filled.grid[0].shape == (2, 9, 12)
    for threshold in (0.5, 0.47):
        parameters = dict.fromkeys(
            CLASSES, {"threshold": threshold, "window": 0.3}
        )
        one, other = (t.counts(parameters) for t in (fresh, filled))
        assert np.array_equal(one, other)
        smoother.parameters = parameters
        counts = event_counts(events, smoother(scores), CLASSES)
        order = [counts.files.index(clip) for clip in fresh.files]
        assert np.array_equal(one[0], counts.hits[order])
        assert np.array_equal(one[1], counts.estimate[order])


def test_a_class_without_reference_takes_what_suits_all():
    scores, events = data(classes=["Cat", "Cow", "Dog"])
    for table in scores.values():
        table[["Cat", "Dog"]] += 0.2  # the classes need 0.5, not 0.3
    events = events[events["event_label"] != "Cow"]
    parameters = fit(SmallMedian(), scores, events).parameters
    assert parameters["Cow"] == parameters["Dog"] == parameters["Cat"]


def test_files_without_reference_or_scores_do_not_count():
    scores, events = data()
    silent = pd.DataFrame([("0.wav", *[np.nan] * 3)], columns=EVENT_COLUMNS)
    some = events[~events["filename"].isin(["0.wav", "1.wav"])]
    trials = Trials(
        SmallMedian(),
        {clip: table for clip, table in scores.items() if clip != "2"},
        pd.concat([silent, some]),
    )
    assert trials.files == ["0", *map(str, range(3, 12))]
    assert trials.reference[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "label", "match"),
    [("other.wav", "Dog", "No file"), ("0.wav", "Cow", "No event .*Cat, Dog")],
)
def test_nothing_in_common(name, label, match):
    scores, _ = data()
    events = pd.DataFrame([(name, 0.0, 1.0, label)], columns=EVENT_COLUMNS)
    with pytest.raises(InputError, match=match):
        fit(ThresholdSmoother(), scores, events)


def test_forest_is_seeded_and_no_better_than_exact():
    scores, events = data()
    trials = Trials(SmallMedian(["window"]), scores, events)
    weights = np.ones(len(trials.files))
    first, again, other = (
        ForestSearch(n_calls=12, seed=seed)(trials, weights)
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert first["Cat"]["window"] == first["Dog"]["window"]
    assert first["Cat"]["threshold"] != first["Dog"]["threshold"]
    for found in first.values():
        assert 0.3 <= found["threshold"] <= 0.6
        assert 0 <= found["window"] <= 0.5
    assert trials.macro_f1(first, weights) > 0.2


def test_forest_without_scikit_optimize(monkeypatch):
    monkeypatch.setitem(sys.modules, "skopt", None)
    scores, events = data()
    with pytest.raises(InputError, match="pip install scikit-optimize"):
        fit(ThresholdSmoother(), scores, events, ForestSearch())


def test_a_search_is_recommended_for_every_smoother():
    exact = [n for n in SMOOTHERS if n not in ("contrast_hmm", "boxes")]
    for name in exact:
        assert recommended_search(smoother_class(name)()) == ExactSearch()
    shrunk = recommended_search(smoother_class("contrast_hmm")())
    assert shrunk == ExactSearch(Shrink(10.0))
    assert recommended_search(smoother_class("boxes")()) == FitBoxes()


def test_flattest_averages_the_neighbours():
    generator = np.random.default_rng(0)
    hits = generator.integers(0, 5, (2, 6, 7)).astype(float)
    estimates, reference = hits + 2.0, np.array([8.0, 9.0])
    kernel = np.full((1, 3, 3), 1 / 9)
    np.testing.assert_allclose(
        Flattest(3)(hits, estimates, reference),
        convolve(class_f1(hits, estimates, reference), kernel, mode="nearest"),
    )
    np.testing.assert_allclose(
        Flattest(1)(hits, estimates, reference),
        class_f1(hits, estimates, reference),
    )


def test_shrink_goes_from_the_own_optimum_to_a_common_one():
    generator = np.random.default_rng(0)
    hits = generator.integers(0, 9, (4, 50)).astype(float)
    estimates, reference = hits + 3.0, np.array([20.0, 20.0, 50.0, 0.0])
    np.testing.assert_allclose(
        Shrink(0)(hits, estimates, reference),
        class_f1(hits, estimates, reference),
    )
    much = Shrink(1e6)(hits, estimates, reference)
    assert len(set(much.argmax(axis=1))) == 1


def alike(n_clips, seed):
    """Eight classes whose scores are all of one distribution."""
    classes = [f"class {n}" for n in range(8)]
    clean, events = data(n_clips, classes, seed)
    generator = np.random.default_rng(seed)
    scores = {}
    for clip, table in clean.items():
        logits = np.where(table[classes] >= 0.5, 2, -2)
        logits = logits + generator.normal(0, 1, logits.shape)
        scores[clip] = scores_table(1 / (1 + np.exp(-logits)), 0.1, classes)
    return scores, events


def test_shrinking_helps_where_data_are_few():
    fresh = Trials(ThresholdSmoother(), *alike(60, seed=100))

    def _held_out(search, seed):
        smoother = fit(ThresholdSmoother(), *alike(4, seed), search)
        return fresh.macro_f1(smoother.parameters, np.ones(60))

    gains = [
        _held_out(ExactSearch(Shrink(20)), seed)
        - _held_out(ExactSearch(), seed)
        for seed in range(4)
    ]
    assert min(gains) > 0
    assert np.mean(gains) > 0.02
