"""Transitions of an HMM that are learned as probabilities, not tuned on F1.

Either from the reference (how long its events and silences last) or, without
any labels, from the scores by Baum-Welch. They do not overfit F1, nor do they
aim at it: a tuned chain also corrects the bias of the scores. On the scores of
a DCASE 2021 baseline for DESED's validation set, held-out macro F1 is 40.0 %
(durations) and 39.3 % (Baum-Welch), of tuned chains 43.2 %; PSDS 2 is 0.594,
0.597 and 0.568.

L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in
speech recognition", Proc. IEEE 77(2), 1989.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from hmmlearn.base import BaseHMM
from scipy.special import logit

from sb_sed.errors import InputError
from sb_sed.smoothing.hmm import HMMSmoother, probabilities
from sb_sed.tuning.trials import Trials


@dataclass(frozen=True)
class Durations:
    """Transitions of the reference: relative frequencies over its frames.

    A frame is active if its centre is inside an event. The lengths of events
    and silences of a chain are geometric; these have the reference's means.
    A class without events gets the transitions of all classes together.

    Arguments
    ---------
    prior : float
        Number of transitions of each kind that are added to those counted.

    Raises
    ------
    InputError
        If the smoother has parameters other than ``p_sil`` and ``p_event``.
    """

    prior: float = 1.0

    def __call__(self, trials: Trials, weights: np.ndarray) -> dict:
        """See :class:`~sb_sed.tuning.search.Search`."""
        _check_axes(trials)
        counts = np.stack(
            [_transitions(trials, label, weights) for label in trials.classes]
        )
        counts[weights @ trials.reference == 0] = counts.sum(axis=0)
        return _parameters(trials, _self_loops(trials, counts + self.prior))


@dataclass(frozen=True)
class BaumWelch:
    """Transitions that make the scores of the files likeliest; unsupervised.

    Expectation maximisation, the expectations being hmmlearn's. The emissions
    stay those of the smoother (the detector's probabilities), since the chain
    decodes with these, and since they say which state is the active one. (If
    Gaussian emissions on log-odds are learned too, the states of a class that
    is mostly silent become "score 0" and "score above 0".) Nothing is random:
    all chains begin with the self-loops ``start``.

    Arguments
    ---------
    start : float
        The self-loops before the first iteration.
    n_iter : int
        Most iterations.
    tol : float
        The change of the log-odds of a self-loop that is the end.
    prior : float
        Number of transitions of each kind that are added to those expected.

    Raises
    ------
    InputError
        If the smoother has parameters other than ``p_sil`` and ``p_event``, or
        a score is no probability.
    """

    start: float = 0.9
    n_iter: int = 50
    tol: float = 0.01
    prior: float = 1.0

    def __call__(self, trials: Trials, weights: np.ndarray) -> dict:
        """See :class:`~sb_sed.tuning.search.Search`."""
        _check_axes(trials)
        lengths = np.concatenate([packed.lengths for packed in trials.packs])
        files = np.repeat(np.arange(len(lengths)), weights.astype(int))
        scores = []
        for label in trials.classes:
            frames = _frames(trials, label)
            scores.append(np.concatenate([frames[file] for file in files]))
        chain = _Chain(cast(HMMSmoother, trials.smoother).log_emissions)
        stay = np.full((len(trials.classes), 2), self.start)
        for _ in range(self.n_iter):
            counts = np.stack(
                [
                    chain.expected(frames[:, None], lengths[files], *loops)
                    for frames, loops in zip(scores, stay, strict=True)
                ]
            )
            before, stay = stay, _self_loops(trials, counts + self.prior)
            if np.abs(logit(stay) - logit(before)).max() < self.tol:
                break
        return _parameters(trials, stay)


class _Chain(BaseHMM):
    """hmmlearn's chain with given emissions, for its expectation step."""

    def __init__(self, log_emissions: Callable[[np.ndarray], np.ndarray]):
        super().__init__(2, n_iter=1, params="t", init_params="")
        self.log_emissions = log_emissions

    def expected(
        self,
        scores: np.ndarray,
        lengths: np.ndarray,
        p_sil: float,
        p_event: float,
    ) -> np.ndarray:
        """Return the expected transitions, [2, 2], of scores [T, 1]."""
        self.startprob_ = np.full(2, 0.5)
        self.transmat_ = np.array([[p_sil, 1 - p_sil], [1 - p_event, p_event]])
        return self.fit(scores, lengths).transitions_

    def _compute_log_likelihood(self, X: np.ndarray) -> np.ndarray:
        return self.log_emissions(X[:, 0])

    def _do_mstep(self, stats: dict) -> None:
        # Kept: the transitions are estimated for all classes at once.
        self.transitions_ = stats["trans"]

    def _get_n_fit_scalars_per_param(self) -> dict[str, int]:
        return {"t": 2}


def _frames(trials: Trials, label: str) -> list[np.ndarray]:
    """Return the scores of a class in each file, [T]."""
    return [
        scores[:length]
        for packed in trials.packs
        for scores, length in zip(
            probabilities(packed, label), packed.lengths, strict=True
        )
    ]


def _check_axes(trials: Trials) -> None:
    """Refuse smoothers that have parameters other than transitions."""
    if {*trials.smoother.axes} != {"p_sil", "p_event"}:
        raise InputError(
            f"The smoother {trials.smoother.name} has the parameters "
            f"{', '.join(trials.smoother.axes)}: only p_sil and p_event of an "
            "HMM are learned; take the smoother hmm without thresholds, or the "
            "exact search."
        )


def _transitions(trials: Trials, label: str, weights: np.ndarray) -> np.ndarray:
    """Count the reference's transitions from frame to frame, [2, 2]."""
    counts = np.zeros((2, 2))
    weights = np.split(
        weights, np.cumsum([len(packed.files) for packed in trials.packs])
    )
    for packed, reference, some in zip(
        trials.packs, trials.references[label], weights, strict=False
    ):
        centres = (packed.onsets + packed.offsets) / 2
        active = np.zeros(centres.shape, dtype=bool)
        for file, onset, offset in zip(
            reference.file, reference.onset, reference.offset, strict=True
        ):
            active[file] |= (onset <= centres[file]) & (centres[file] < offset)
        # Pairs of frames, up to the last frame of each file.
        pairs = 2 * active[:, :-1] + active[:, 1:]
        for kind in range(4):
            number = ((pairs == kind) & packed.inside[:, 1:]).sum(axis=1)
            counts.flat[kind] += some @ number
    return counts


def _self_loops(trials: Trials, counts: np.ndarray) -> np.ndarray:
    """Return the likeliest p_sil and p_event, [C, 2], of counts [C, 2, 2]."""
    for state, name in enumerate(("p_sil", "p_event")):
        if name in trials.smoother.tied:
            counts[:, state] = counts[:, state].sum(axis=0)
    return np.diagonal(counts, axis1=1, axis2=2) / counts.sum(axis=2)


def _parameters(trials: Trials, stay: np.ndarray) -> dict:
    """Name the self-loops, [C, 2], of each class."""
    return {
        label: {"p_sil": p_sil, "p_event": p_event}
        for label, (p_sil, p_event) in zip(
            trials.classes, stay.tolist(), strict=True
        )
    }
