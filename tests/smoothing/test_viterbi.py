"""Batched Viterbi and forward-backward against librosa and hmmlearn."""

from itertools import product

import librosa
import numpy as np
import pytest
from hmmlearn.base import BaseHMM
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.smoothing.viterbi import posteriors, viterbi

TINY = np.finfo(float).tiny
# Few values, so that many paths are equally likely.
SCORES = [0, 0.1, 0.25, 0.5, 0.5, 0.75, 0.9, 1]
LOOPS = [0, 0.1, 0.25, 0.5, 0.5, 0.75, 0.9, 1]


class ScoresHMM(BaseHMM):
    """hmmlearn's model with emissions that are given."""

    def _compute_log_likelihood(self, X):
        return np.log(np.hstack([1 - X, X]) + TINY)


def drawn(seed, ties):
    """Scores [F, T], lengths [F] and transitions [S, 2, 2]."""
    rng = np.random.default_rng(seed)
    n_files, n_frames, n_settings = rng.integers(1, [5, 30, 5])
    shape = (n_files, n_frames)
    scores = rng.choice(SCORES, shape) if ties else rng.random(shape)
    loops = (
        rng.choice(LOOPS, (n_settings, 2))
        if ties
        else rng.random((n_settings, 2))
    )
    silent, active = loops.T
    transitions = np.stack([silent, 1 - silent, 1 - active, active], axis=1)
    lengths = rng.integers(1, n_frames + 1, n_files)
    return scores, lengths, transitions.reshape(-1, 2, 2)


def arguments(scores, lengths, transitions):
    """The same for the functions under test."""
    emissions = np.log(np.stack([1 - scores, scores], axis=-1) + TINY)
    initial = np.log(np.full((len(transitions), 2), 0.5))
    return emissions, np.log(transitions + TINY), initial, lengths


def hmmlearns(transition):
    model = ScoresHMM(n_components=2, init_params="")
    model.startprob_, model.transmat_ = np.full(2, 0.5), transition
    return model


@pytest.mark.parametrize("ties", [True, False])
@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_paths_are_librosas(ties, seed):
    scores, lengths, transitions = drawn(seed, ties)
    emissions, *chains = arguments(scores, lengths, transitions)
    paths = viterbi(emissions - np.log(0.5 + TINY), *chains)
    assert paths.shape == (len(transitions), *scores.shape)
    for path, transition in zip(paths, transitions, strict=True):
        for found, score, length in zip(path, scores, lengths, strict=True):
            score = score[:length]
            expected = librosa.sequence.viterbi_discriminative(
                np.stack([1 - score, score]), transition
            )
            assert np.array_equal(found[:length], expected)
            assert not found[length:].any()


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("ties", [True, False])
@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_paths_and_posteriors_are_hmmlearns(ties, seed):
    scores, lengths, transitions = drawn(seed, ties)
    # hmmlearn adds nothing to transitions of 0: another likelihood of paths
    # that cannot be.
    transitions = np.clip(transitions, 0.1, 0.9)
    chains = arguments(scores, lengths, transitions)
    chains = (chains[0], np.log(transitions), *chains[2:])
    paths = viterbi(*chains, ties=np.greater_equal)
    probabilities = posteriors(*chains)
    for path, probability, transition in zip(
        paths, probabilities, transitions, strict=True
    ):
        model = hmmlearns(transition)
        for file, length in enumerate(lengths):
            score = scores[file, :length, None]
            _, expected = model.decode(score)
            assert np.array_equal(path[file, :length], expected)
            np.testing.assert_allclose(
                probability[file, :length],
                model.predict_proba(score)[:, 1],
                rtol=1e-9,
                atol=1e-12,
            )
            assert not probability[file, length:].any()


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_no_path_is_likelier(seed):
    rng = np.random.default_rng(seed)
    emissions = rng.normal(size=(1, 7, 2))
    transitions, initial = rng.normal(size=(1, 2, 2)), rng.normal(size=(1, 2))

    def likelihood(path):
        path = np.array(path)
        return (
            initial[0, path[0]]
            + emissions[0, np.arange(7), path].sum()
            + transitions[0, path[:-1], path[1:]].sum()
        )

    [[path]] = viterbi(emissions, transitions, initial, np.array([7]))
    best = max(product([0, 1], repeat=7), key=likelihood)
    assert path.astype(int).tolist() == list(best)


def test_nothing_to_decode():
    none = np.empty((0, 5, 2)), np.zeros((3, 2, 2)), np.zeros((3, 2))
    no_lengths = np.empty(0, dtype=int)
    assert viterbi(*none, no_lengths).shape == (3, 0, 5)
    assert posteriors(*none, no_lengths).shape == (3, 0, 5)
