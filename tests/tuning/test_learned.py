"""Learned transitions: closed-form counts, hmmlearn, simulated chains."""

import numpy as np
import pandas as pd
import pytest
from hmmlearn.base import BaseHMM
from hmmlearn.hmm import CategoricalHMM

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.tuning.learned import BaumWelch, Durations
from sb_sed.tuning.trials import Trials
from sb_sed.tuning.tune import fit, tune

CLASSES = ["Cat", "Dog"]
SHIFT = 0.064
# p_sil and p_event of each class.
CHAINS = np.array([[0.98, 0.9], [0.95, 0.8]])


def simulate(n_files=40, n_frames=(1, 150, 400), seed=0):
    """Draw chains by hmmlearn; return their states, clip to [T, C]."""
    rng = np.random.RandomState(seed)
    states = {}
    for clip in range(n_files):
        columns = []
        length = rng.choice(n_frames)
        for silent, active in CHAINS:
            model = CategoricalHMM(2, random_state=rng)
            model.startprob_ = np.full(2, 0.5)
            model.transmat_ = np.array(
                [[silent, 1 - silent], [1 - active, active]]
            )
            model.emissionprob_ = np.eye(2)
            columns.append(model.sample(length)[1])
        states[str(clip)] = np.stack(columns, axis=1)
    return states


def reference_of(states):
    """The runs of the active state as events."""
    rows = [(f"{clip}.wav", *[np.nan] * 3) for clip in states]
    for clip, matrix in states.items():
        for label, column in zip(CLASSES, matrix.T, strict=True):
            edges = np.flatnonzero(np.diff(column, prepend=0, append=0))
            for first, end in edges.reshape(-1, 2):
                times = first * SHIFT, end * SHIFT
                rows.append((f"{clip}.wav", *times, label))
    return pd.DataFrame(rows, columns=EVENT_COLUMNS)


def scores_of(states, seed=1):
    """Draw scores whose likelihood ratio is s / (1 - s), as the HMM assumes.

    It is that of the densities of Beta(3, 2) and Beta(2, 3).
    """
    rng = np.random.default_rng(seed)
    tables = {}
    for clip, matrix in states.items():
        active = rng.beta(3, 2, matrix.shape)
        silent = rng.beta(2, 3, matrix.shape)
        scores = np.where(matrix == 1, active, silent)
        tables[clip] = scores_table(scores, SHIFT, CLASSES)
    return tables


def counted(states, column):
    """Transitions of a class, [2, 2], pair by pair."""
    counts = np.zeros((2, 2))
    for matrix in states.values():
        line = matrix[:, column].tolist()
        for pair in zip(line, line[1:], strict=False):
            counts[pair] += 1
    return counts


def as_array(parameters):
    return np.array(
        [[parameters[c][n] for n in ("p_sil", "p_event")] for c in CLASSES]
    )


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_durations_are_the_counts_of_the_chains(prior):
    states = simulate()
    smoother = fit(
        HMMSmoother(tied=False),
        scores_of(states),
        reference_of(states),
        Durations(prior),
    )
    counts = np.stack([counted(states, column) for column in (0, 1)]) + prior
    expected = np.diagonal(counts, axis1=1, axis2=2) / counts.sum(axis=2)
    np.testing.assert_allclose(as_array(smoother.parameters), expected)
    # And they are the chains', as far as so many frames can tell.
    np.testing.assert_allclose(expected, CHAINS, atol=0.02)


def test_tied_silences_are_counted_together():
    states = simulate()
    smoother = fit(
        HMMSmoother(), scores_of(states), reference_of(states), Durations(0)
    )
    counts = np.stack([counted(states, column) for column in (0, 1)])
    silent = counts[:, 0].sum(axis=0)
    found = as_array(smoother.parameters)
    np.testing.assert_allclose(found[:, 0], silent[0] / silent.sum())
    np.testing.assert_allclose(
        found[:, 1], counts[:, 1, 1] / counts[:, 1].sum(1)
    )


@pytest.mark.parametrize("search", [Durations(), BaumWelch()])
@pytest.mark.parametrize("tied", [True, False])
def test_weights_choose_files(search, tied):
    states = simulate()
    smoother = HMMSmoother(tied=tied)
    tables, events = scores_of(states), reference_of(states)
    trials = Trials(smoother, tables, events)
    chosen = [str(clip) for clip in range(0, 40, 2)]
    weights = np.isin(trials.files, chosen)
    some = events[events["filename"].str[:-4].isin(chosen)]
    own = Trials(smoother, {clip: tables[clip] for clip in chosen}, some)
    alone = search(own, np.ones(20))
    assert as_array(search(trials, weights)) == pytest.approx(as_array(alone))
    assert as_array(search(trials, 3 * weights))[0, 1] == pytest.approx(
        as_array(alone)[0, 1], abs=0.02
    )


def test_a_class_without_events_takes_the_transitions_of_all():
    states = simulate()
    events = reference_of(states)
    events = events[events["event_label"] != "Cat"]
    smoother = HMMSmoother(tied=False)
    found = fit(smoother, scores_of(states), events, Durations(0)).parameters
    still = sum(len(matrix) - 1 for matrix in states.values())
    counts = counted(states, 1) + [[still, 0], [0, 0]]
    assert found["Cat"]["p_event"] == found["Dog"]["p_event"]
    assert found["Cat"]["p_sil"] == pytest.approx(
        counts[0, 0] / counts[0].sum()
    )


class ScoresHMM(BaseHMM):
    """hmmlearn's model with emissions that are given."""

    def _compute_log_likelihood(self, X):
        return np.log(np.hstack([1 - X, X]) + np.finfo(float).tiny)

    def _get_n_fit_scalars_per_param(self):
        return {"t": 2}


@pytest.mark.parametrize("n_iter", [1, 7])
def test_baum_welch_is_hmmlearns(n_iter):
    tables = scores_of(simulate())
    reference = reference_of(simulate())
    smoother = fit(
        HMMSmoother(tied=False),
        tables,
        reference,
        BaumWelch(start=0.7, n_iter=n_iter, tol=0.0, prior=0.0),
    )
    for label in CLASSES:
        model = ScoresHMM(
            2, n_iter=n_iter, tol=-np.inf, params="t", init_params=""
        )
        model.startprob_ = np.full(2, 0.5)
        model.transmat_ = np.array([[0.7, 0.3], [0.3, 0.7]])
        # In the precision of the scores of a detector.
        columns = [table[label].astype(np.float32) for table in tables.values()]
        model.fit(
            np.concatenate(columns)[:, None].astype(float),
            [len(column) for column in columns],
        )
        found = [*smoother.parameters[label].values()]
        np.testing.assert_allclose(found, np.diag(model.transmat_), rtol=1e-6)


@pytest.mark.parametrize("start", [0.5, 0.9])
def test_baum_welch_recovers_the_chains_without_labels(start):
    states = simulate(n_files=60, n_frames=(400,))
    # Only the files' names matter of a reference.
    events = reference_of(simulate(n_files=60, n_frames=(400,), seed=9))
    search = BaumWelch(start=start, tol=1e-3, n_iter=200)
    smoother = HMMSmoother(tied=False)
    found = as_array(
        fit(smoother, scores_of(states), events, search).parameters
    )
    np.testing.assert_allclose(found, CHAINS, atol=0.02)
    tied = HMMSmoother()
    found = as_array(fit(tied, scores_of(states), events, search).parameters)
    assert found[0, 0] == found[1, 0]
    assert CHAINS[1, 0] < found[0, 0] < CHAINS[0, 0]


def test_learned_chains_stay_probable_and_repeatable():
    silence = {"0": scores_table(np.zeros((50, 2)), SHIFT, CLASSES)}
    rows = [("0.wav", 0.0, 50 * SHIFT, "Dog")]
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    for search in (Durations(), BaumWelch()):
        one, other = (
            fit(HMMSmoother(tied=False), silence, events, search)
            for _ in range(2)
        )
        assert one.parameters == other.parameters
        found = as_array(one.parameters)
        assert ((found > 0) & (found < 1)).all()
        assert len(one(silence)) == 0


def test_they_are_reported_like_a_search():
    states = simulate()
    report = tune(
        HMMSmoother(tied=False),
        scores_of(states),
        reference_of(states),
        Durations(),
        splits=1,
    )
    assert 0 < report.held_out.mean <= 1
    assert abs(report.tuned.mean - report.held_out.mean) < 0.1


@pytest.mark.parametrize("search", [Durations(), BaumWelch()])
@pytest.mark.parametrize(
    "smoother", [MedianSmoother(), HMMSmoother(thresholds=[0.0, 0.5])]
)
def test_other_parameters_cannot_be_learned(search, smoother):
    states = simulate(n_files=2)
    with pytest.raises(InputError, match="threshold.*only p_sil and p_event"):
        fit(smoother, scores_of(states), reference_of(states), search)


def test_scores_must_be_probabilities():
    tables = {"0": scores_table(np.full((9, 2), 1.5), SHIFT, CLASSES)}
    rows = [("0.wav", 0.0, 0.2, "Dog")]
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    with pytest.raises(InputError, match="'Cat' are no probabilities"):
        fit(HMMSmoother(), tables, events, BaumWelch())
