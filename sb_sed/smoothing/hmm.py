"""Hidden Markov models with two states a class: from scores to events.

hmmlearn decodes one file with one transition matrix a call: 1.5 s for 1168
clips of 10 s and 10 classes, and a quarter of an hour for a search over 24 x 24
matrices. So :mod:`sb_sed.smoothing.viterbi` decodes all at once (0.03 s, and
3 s for the search), and is tested against hmmlearn and librosa.

S. Cornell, M. Olvera, M. Pariente, G. Pepe, E. Principi, L. Gabrielli,
S. Squartini, "Domain-adversarial training and trainable parallel front-end for
the DCASE 2020 Task 4 sound event detection challenge", DCASE 2020, section 3.4.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sb_sed.errors import InputError
from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.chains import blocks, chain_events, confident_events
from sb_sed.smoothing.confidence import check_confidence
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.elementary import expit
from sb_sed.smoothing.packed import PackedScores, pack
from sb_sed.smoothing.viterbi import viterbi

# The paper's least, then even steps of the log-odds: the best are close to 1.
SELF_LOOPS = (0.01, *np.round(expit(np.arange(-2, 9.1, 0.5)), 5).tolist())

# Added before logarithms, as librosa does.
_TINY = np.finfo(np.float64).tiny
# Operating points below that of the events.
_LEVELS = np.round(np.arange(0.01, 0.5, 0.02), 2)


class HMMSmoother(Smoother):
    """Decode each class by a chain with the states silent and active.

    The emissions are the detector's scores, ``1 - score`` in the silent state
    and ``score`` in the active one, and both states are equally likely in the
    first frame. The paths are those of
    ``librosa.sequence.viterbi_discriminative``, with which the paper decodes.

    Arguments
    ---------
    parameters : Mapping, optional
        ``p_sil`` and ``p_event``, the probabilities of staying silent and of
        staying active from one frame to the next, and with ``thresholds`` the
        ``threshold``; for all classes or for each.
    tied : bool
        Whether tuning gives all classes the same ``p_sil``, as in the paper.
    confidence : str
        Of an event: the mean or the largest score inside it (``mean_score``,
        ``max_score``) or the same of the posterior probabilities of the active
        state (``mean_posterior``, ``max_posterior``; slow in a search).
    thresholds : sequence of float
        The least confidences of an event that tuning tries; with none, as in
        the paper, every event is kept.
    clip_gate : bool
        As for :class:`~sb_sed.smoothing.base.Smoother`.

    Raises
    ------
    InputError
        If there is no such confidence; in decoding, if a score or a parameter
        is no probability.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> scores = [[0.1], [0.6], [0.9], [0.4], [0.8], [0.1], [0.6], [0.1]]
    >>> smoother = HMMSmoother({"p_sil": 0.8, "p_event": 0.8})
    >>> smoother({"clip": scores_table(scores, 0.5, ["Dog"])})
       filename  onset  offset event_label  confidence
    0  clip.wav    0.5     2.5         Dog       0.675
    """

    name = "hmm"
    axes = {"p_sil": SELF_LOOPS, "p_event": SELF_LOOPS}

    def __init__(
        self,
        parameters: Setting | Mapping[str, Setting] | None = None,
        tied: bool = True,
        confidence: str = "mean_score",
        thresholds: Sequence[float] = (),
        clip_gate: bool = False,
    ):
        super().__init__(parameters, clip_gate)
        self.confidence = check_confidence(confidence)
        self.tied = frozenset({"p_sil"} if tied else ())
        if thresholds:
            self.axes = {**self.axes, "threshold": tuple(thresholds)}
            self.keeps_extents = True

    def options(self) -> dict:
        """See :meth:`sb_sed.smoothing.base.Smoother.options`."""
        return {
            **super().options(),
            "tied": bool(self.tied),
            "confidence": self.confidence,
            "thresholds": list(self.axes.get("threshold", ())),
        }

    def log_emissions(self, scores: np.ndarray) -> np.ndarray:
        """Return the log-likelihood of scores ``[...]`` in both states,
        the silent and the active one, ``[..., 2]``."""
        scores = scores.astype(np.float64)
        likelihoods = np.stack([1 - scores, scores], axis=-1)
        return np.log(likelihoods + _TINY) - np.log(0.5 + _TINY)

    def log_chains(
        self, settings: Sequence[Setting]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the chains of some settings.

        Arguments
        ---------
        settings : sequence of Mapping[str, float]
            S points on the grid or off it.

        Returns
        -------
        log_transitions : np.ndarray
            From state (rows) to state, ``[S, 2, 2]``.
        log_initial : np.ndarray
            ``[S, 2]``.
        """
        stay = np.array([[s["p_sil"], s["p_event"]] for s in settings])
        if not ((stay >= 0) & (stay <= 1)).all():
            raise InputError(
                "A self-loop of the HMM is no probability: p_sil and p_event "
                "must be between 0 and 1."
            )
        silent, active = stay.T
        chains = np.stack([silent, 1 - silent, 1 - active, active], axis=1)
        return (
            np.log(chains + _TINY).reshape(-1, 2, 2),
            np.log(np.full((len(stay), 2), 0.5) + _TINY),
        )

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        # The thresholds share their chains.
        names = [(s["p_sil"], s["p_event"]) for s in settings]
        chains = dict(zip(names, settings, strict=True))
        found = self._events_of(packed, label, list(chains.values()))
        events = dict(zip(chains, found, strict=True))
        return confident_events(
            packed,
            [events[name] for name in names],
            [s.get("threshold", 0.0) for s in settings],
        )

    def to_scores(
        self, scores: Mapping[str, pd.DataFrame]
    ) -> dict[str, pd.DataFrame]:
        """Turn the events, and what would be one at other points, into scores.

        Thresholds from one half up keep the more confident of the events: a
        frame inside an event has the score ``(1 + confidence) / 2``. Below,
        the chain is decoded at other operating points: a score of s < 1/2 says
        that the frame would be in an event if the emissions favoured the
        active state by the odds ``(1 - s) / s``, and not by less. So
        thresholding at one half (with a ``threshold`` t, at ``(1 + t) / 2``)
        gives this smoother's events, and lower thresholds give ever more.
        The tables have the frames of ``scores``.
        """
        smoothed = {clip: table.copy() for clip, table in scores.items()}
        for packed in pack(scores):
            for label in packed.classes:
                for clip, values, length in zip(
                    packed.files,
                    self._operating_points(packed, label),
                    packed.lengths,
                    strict=True,
                ):
                    smoothed[clip][label] = values[:length]
        return smoothed

    def _operating_points(self, packed: PackedScores, label: str) -> np.ndarray:
        """Return the highest threshold that each frame reaches, [F, T]."""
        setting = self.setting_of(label)
        transitions, initial = self.log_chains([setting] * len(_LEVELS))
        favour = np.log((1 - _LEVELS) / _LEVELS)
        transitions[:, :, 1] += favour[:, None]
        initial[:, 1] += favour
        scores = probabilities(packed, label)
        points = np.zeros(scores.shape)
        for settings, files, chains in blocks(
            scores, self.log_emissions, transitions, initial, packed.lengths
        ):
            levels = viterbi(*chains) * _LEVELS[settings, None, None]
            points[files] = np.maximum(points[files], levels.max(axis=0))
        [found] = self._events_of(packed, label, [setting])
        for file, first, end, confidence in zip(*found, strict=True):
            points[file, first:end] = (1 + confidence) / 2
        return points

    def _events_of(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> list[tuple]:
        """Return file, first, end, confidence of each setting's events."""
        scores = probabilities(packed, label)
        return chain_events(
            scores,
            self.log_emissions,
            *self.log_chains(settings),
            packed.lengths,
            scores,
            self.confidence,
        )


def probabilities(packed: PackedScores, label: str) -> np.ndarray:
    """Return the scores of a class, ``[F, T]``.

    Raises
    ------
    InputError
        If they are no probabilities.
    """
    scores = packed.scores_of(label)
    if not (scores.min() >= 0 and scores.max() <= 1):
        raise InputError(
            f"Scores of the class {label!r} are no probabilities: an HMM needs "
            "scores between 0 and 1."
        )
    return scores
