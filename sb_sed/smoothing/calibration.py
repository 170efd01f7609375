"""From the confidence of an event to the probability that it is right.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sb_sed.errors import InputError
from sb_sed.smoothing.elementary import logit

# Confidences and probabilities never count as more certain than this.
LEAST = 1e-3


def log_odds(confidence: np.ndarray) -> np.ndarray:
    """Return the log-odds of confidences, which are held within 0.001 to 0.999.

    Example
    -------
    >>> log_odds(np.array([0.5, 1.0])).round(2)
    array([0.  , 6.91])
    """
    return logit(np.clip(confidence, LEAST, 1 - LEAST))


class Calibration:
    """A curve a class: how often events of a confidence are right.

    Between its points a curve is straight on the scale of log-odds, beyond them
    it is flat. So two points are a logistic curve, more can be any other.

    Arguments
    ---------
    curves : Mapping
        Class -> pairs of confidence and probability; confidences rise,
        probabilities do not fall, all are between 0 and 1.

    Raises
    ------
    InputError
        If a curve is none.

    Example
    -------
    >>> calibration = Calibration({"Dog": [(0.2, 0.1), (0.8, 0.5)]})
    >>> calibration(["Dog"] * 3, np.array([0.1, 0.5, 0.9])).round(2)
    array([0.1 , 0.25, 0.5 ])
    """

    def __init__(
        self, curves: Mapping[str, Sequence[tuple[float, float]]]
    ) -> None:
        self.curves = {
            label: [tuple(map(float, point)) for point in curve]
            for label, curve in curves.items()
        }
        for label, curve in self.curves.items():
            x, p = np.array(curve).reshape(-1, 2).T
            values = np.concatenate([x, p])
            if not (
                len(curve)
                and (np.diff(x) > 0).all()
                and (np.diff(p) >= 0).all()
                and ((values >= 0) & (values <= 1)).all()
            ):
                raise InputError(
                    f"The calibration of {label!r} is no rising curve from "
                    "confidences to probabilities: fit it again."
                )

    def __call__(
        self, labels: Sequence[str], confidence: np.ndarray
    ) -> np.ndarray:
        """Return the probability of each event, ``[N]``.

        Arguments
        ---------
        labels : sequence of str
            The class of each event; a class without a curve keeps its
            confidences.
        confidence : np.ndarray
            ``[N]``.
        """
        labels = np.asarray(labels, dtype=object)
        probability = np.array(confidence, dtype=float)
        for label in set(labels.tolist()) & self.curves.keys():
            x, p = log_odds(np.array(self.curves[label])).T
            mine = labels == label
            at = log_odds(probability[mine])
            probability[mine] = 1 / (1 + np.exp(-np.interp(at, x, p)))
        return probability

    def state(self) -> dict:
        """Return the curves as plain values, for JSON."""
        return {label: [*map(list, c)] for label, c in self.curves.items()}

    @classmethod
    def of_state(cls, state: object) -> "Calibration":
        """Make one of plain values.

        Raises
        ------
        InputError
            If they are no calibration.
        """
        if not isinstance(state, dict) or not all(
            isinstance(curve, list)
            and all(
                isinstance(point, list)
                and len(point) == 2
                and all(type(x) in (int, float) for x in point)
                for point in curve
            )
            for curve in state.values()
        ):
            raise InputError(
                "A calibration is for each class a list of pairs of numbers: "
                "fit it again."
            )
        return cls(state)
