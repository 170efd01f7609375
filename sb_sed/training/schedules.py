"""Schedules: values as functions of the optimiser's step.

A schedule has no state of its own. The step that it is asked for is counted
and checkpointed by the Brain, so that a resumed run goes on where it was.

Authors
 * sb_sed contributors 2026
"""

from math import exp


class ExponentialRampUp:
    """``exp(-5 (1 - step / n_steps)^2)``, 1 from ``n_steps`` on.

    The baseline multiplies the learning rate and the consistency weight with
    it, step by step, over the first 50 of 200 epochs.

    Arguments
    ---------
    n_epochs : float
        Length of the ramp in epochs; 0 for none.
    steps_per_epoch : int
        Steps of the optimiser in an epoch.

    Example
    -------
    >>> ramp_up = ExponentialRampUp(n_epochs=2, steps_per_epoch=50)
    >>> [round(ramp_up(step), 4) for step in (0, 50, 100, 1000)]
    [0.0067, 0.2865, 1.0, 1.0]
    """

    def __init__(self, n_epochs: float, steps_per_epoch: int):
        self.n_steps = n_epochs * steps_per_epoch

    def __call__(self, step: int) -> float:
        """The factor at a step, in (0, 1]."""
        if step >= self.n_steps:
            return 1.0
        return exp(-5.0 * (1.0 - max(step, 0) / self.n_steps) ** 2)
