"""An HMM whose emissions compare a score with its neighbours.

The rise and fall of a score show where an event begins and ends better than its
height does: a faint event rises from 0.05 to 0.3, the reverberation of a loud
one falls from 0.9 to 0.5. So a frame is compared with the highest and the
lowest score within half a second or so, and the height of its scores decides,
afterwards, whether an event is kept.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sb_sed.smoothing.base import Setting, Smoother
from sb_sed.smoothing.chains import chain_events, confident_events
from sb_sed.smoothing.confidence import check_confidence
from sb_sed.smoothing.detections import Detections
from sb_sed.smoothing.elementary import logit, running_max, running_min
from sb_sed.smoothing.packed import PackedScores

# The contrast of a frame never counts as more certain than this.
_FLOOR = 0.01
# Differences between scores below this are no contrast.
_QUIET = 0.05


class ContrastHMMSmoother(Smoother):
    """Decode the local contrast of the scores by chains of two states.

    The contrast is ``(score - s * low) / (high - s * low)``, where high and
    low are the extremes of the scores in a window around the frame: 1 at a
    peak or on a plateau, less beside a rise or fall. A chain weighs its
    log-odds against those of a level, and pays for each change of state.

    Arguments
    ---------
    parameters : Mapping, optional
        ``window`` (seconds), ``level`` (the contrast at which a frame is as
        likely silent as active), ``cost`` (of an event, in nats: half at its
        onset, half at its offset) and ``threshold`` (the least confidence);
        for all classes or for each.
    share : float
        The s above, 0 to 1: with 1, a plateau within a rise would be noise.
    confidence : str
        As for :class:`~sb_sed.smoothing.hmm.HMMSmoother`.
    clip_gate : bool
        As for :class:`~sb_sed.smoothing.base.Smoother`.

    Example
    -------
    >>> from sb_sed.formats import scores_table
    >>> scores = [[0.0], [0.3], [0.3], [0.1], [0.1], [0.0]]
    >>> smoother = ContrastHMMSmoother(
    ...     {"window": 1.5, "level": 0.5, "cost": 1.0, "threshold": 0.2}
    ... )
    >>> smoother({"clip": scores_table(scores, 0.5, ["Dog"])})
       filename  onset  offset event_label  confidence
    0  clip.wav    0.5     1.5         Dog         0.3
    """

    name = "contrast_hmm"
    keeps_extents = True
    axes = {
        "window": (0.6, 1.2, 2.4),
        "level": (0.2, 0.35, 0.5, 0.65, 0.8),
        "cost": (1.0, 3.0, 6.0, 12.0, 20.0),
        "threshold": tuple(np.round(np.arange(0, 0.95, 0.1), 1).tolist()),
    }

    def __init__(
        self,
        parameters: Setting | Mapping[str, Setting] | None = None,
        share: float = 0.8,
        confidence: str = "mean_score",
        clip_gate: bool = False,
    ):
        super().__init__(parameters, clip_gate)
        self.share = share
        self.confidence = check_confidence(confidence)

    def options(self) -> dict:
        """See :meth:`sb_sed.smoothing.base.Smoother.options`."""
        return {
            **super().options(),
            "share": self.share,
            "confidence": self.confidence,
        }

    def decode(
        self, packed: PackedScores, label: str, settings: Sequence[Setting]
    ) -> Detections:
        """See :meth:`sb_sed.smoothing.base.Smoother.decode`."""
        # The thresholds share their chains, the chains their contrast.
        chains: dict[float, list] = {}
        for setting in settings:
            chain = setting["level"], setting["cost"]
            some = chains.setdefault(setting["window"], [])
            if chain not in some:
                some.append(chain)
        events = {
            (window, *chain): found
            for window, some in chains.items()
            for chain, found in zip(
                some, self._events_of(packed, label, window, some), strict=True
            )
        }
        return confident_events(
            packed,
            [events[s["window"], s["level"], s["cost"]] for s in settings],
            [s["threshold"] for s in settings],
        )

    def _events_of(
        self,
        packed: PackedScores,
        label: str,
        window: float,
        chains: list[tuple[float, float]],
    ) -> list[tuple]:
        """Return file, first, end, confidence of each chain's events."""
        level, cost = np.array(chains).T
        # Both rows up to a constant, which no path depends on.
        favour, change, silent = -_log_odds(level), -cost / 2, 0 * cost
        transitions = [silent, favour + change, change, favour]
        scores = packed.scores_of(label)
        return chain_events(
            self._contrast(packed, scores, window),
            _log_emissions,
            np.stack(transitions, axis=1).reshape(-1, 2, 2),
            np.stack([silent, favour], axis=1),
            packed.lengths,
            scores,
            self.confidence,
        )

    def _contrast(
        self, packed: PackedScores, scores: np.ndarray, window: float
    ) -> np.ndarray:
        """Return each frame's place between the extremes around it, [F, T]."""
        scores = scores.astype(np.float64)
        contrast = np.empty_like(scores)
        half = np.rint((window / packed.frame_seconds - 1) / 2).astype(int)
        for frames in np.unique(half):
            files = half == frames
            size = 2 * max(0, int(frames)) + 1
            here, inside = scores[files], packed.inside[files]
            # Frames after the end of a file are no neighbours.
            high = running_max(np.where(inside, here, 0), size)
            low = running_min(np.where(inside, here, 1), size)
            low *= self.share
            above = np.maximum(high - low, _QUIET)
            contrast[files] = np.clip((here - low) / above, 0, 1)
        return contrast


def _log_emissions(contrast: np.ndarray) -> np.ndarray:
    """Return the log-odds, up to a number common to both states, [..., 2]."""
    odds = _log_odds(contrast)
    return np.stack([np.zeros_like(odds), odds], axis=-1)


def _log_odds(contrast: np.ndarray) -> np.ndarray:
    """Return log-odds that stay finite at 0 and 1."""
    return logit(_FLOOR + (1 - 2 * _FLOOR) * contrast)
