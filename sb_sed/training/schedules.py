"""What follows the optimiser's step: the ramps and the teacher's average.

Neither has a state of its own. The step is counted and checkpointed by the
Brain, so that a resumed run continues where it was.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable
from math import cos, exp, pi

import torch
from torch import nn

Schedule = Callable[[int], float]  # a factor, at a step of the optimiser


class ExponentialRampUp:
    """``exp(-5 (1 - step / n_steps)^2)``, 1 from ``n_steps`` on.

    The baseline multiplies the learning rate and the consistency weight by
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
        """Return the factor at a step, in (0, 1]."""
        if step >= self.n_steps:
            return 1.0
        return exp(-5.0 * (1.0 - max(step, 0) / self.n_steps) ** 2)


class CosineRampDown:
    """1, and over the last part of a training half a cosine down to 0.

    The learning rate of the DCASE 2024 baseline falls along it over the last
    200 of 300 epochs: with a constant one, the student's event F1 is another
    after each epoch.

    Arguments
    ---------
    share : float
        The ramp's part of the training, from 0 for none to 1.
    n_epochs : float
        Epochs of the training.
    steps_per_epoch : int
        Steps of the optimiser in an epoch.

    Example
    -------
    >>> ramp_down = CosineRampDown(share=0.5, n_epochs=4, steps_per_epoch=50)
    >>> [round(ramp_down(step), 4) for step in (0, 100, 150, 199, 200)]
    [1.0, 1.0, 0.5, 0.0002, 0.0]
    """

    def __init__(self, share: float, n_epochs: float, steps_per_epoch: int):
        self.n_steps = share * n_epochs * steps_per_epoch
        self.start = n_epochs * steps_per_epoch - self.n_steps

    def __call__(self, step: int) -> float:
        """Return the factor at a step, in [0, 1]."""
        if step <= self.start or not self.n_steps:
            return 1.0
        progress = min((step - self.start) / self.n_steps, 1.0)
        return 0.5 * (1.0 + cos(pi * progress))


class EMATeacher:
    """Exponential moving average of the student's parameters: the teacher's.

    ``teacher <- a teacher + (1 - a) student`` with
    ``a = min(1 - 1 / (step + 1), decay)``: a plain mean at first, then an
    exponential average (Tarvainen and Valpola, 2017, as in the DCASE 2020
    Task 4 baseline). Buffers are not averaged: the teacher's batch norms keep
    the statistics of the teacher's own forward passes or, where it makes none
    in training, get the student's (``copy_buffers``).

    Arguments
    ---------
    decay : float
        Largest weight of the teacher's old parameters.

    Example
    -------
    >>> student, teacher = nn.Linear(1, 1), nn.Linear(1, 1)
    >>> EMATeacher(decay=0.999).update(student, teacher, step=1)
    >>> float(EMATeacher(decay=0.999).weight(step=1))
    0.5
    """

    def __init__(self, decay: float = 0.999):
        self.decay = decay

    def weight(self, step: int) -> float:
        """Return the old parameters' weight ``a`` at a step, from 1 on."""
        return min(1.0 - 1.0 / (step + 1), self.decay)

    @torch.no_grad()
    def update(self, student: nn.Module, teacher: nn.Module, step: int) -> None:
        """Move the teacher's parameters towards the student's, in place.

        Arguments
        ---------
        student, teacher : nn.Module
            Of one architecture (either may be wrapped for several devices).
        step : int
            Number of the optimiser's steps, this one included.
        """
        pairs = [
            pair
            for pair in zip(
                teacher.parameters(), student.parameters(), strict=True
            )
            if pair[0] is not pair[1]  # of a frozen encoder, which they share
        ]
        old, new = map(list, zip(*pairs, strict=True))
        torch._foreach_lerp_(old, new, 1.0 - self.weight(step))

    @torch.no_grad()
    def copy_buffers(self, student: nn.Module, teacher: nn.Module) -> None:
        """Give the teacher the student's statistics of batch norms.

        Arguments
        ---------
        student, teacher : nn.Module
            As of ``update``.
        """
        pairs = zip(teacher.buffers(), student.buffers(), strict=True)
        for old, new in pairs:
            if old is not new:  # of a frozen encoder
                old.copy_(new)
