"""The teacher's weights: an exponential moving average of the student's.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import nn


class EMATeacher:
    """Moves a teacher's parameters towards the student's after each step.

    ``teacher <- a teacher + (1 - a) student`` with
    ``a = min(1 - 1 / (step + 1), decay)``: a plain mean at first, then an
    exponential average (Tarvainen and Valpola, 2017, as the DCASE 2020 Task 4
    baseline has it). Buffers are left alone: the teacher's batch norms keep
    statistics of the teacher's own forward passes.

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
        """The weight ``a`` of the old parameters at a step (from 1 on)."""
        return min(1.0 - 1.0 / (step + 1), self.decay)

    @torch.no_grad()
    def update(self, student: nn.Module, teacher: nn.Module, step: int) -> None:
        """Move the teacher's parameters, in place.

        Arguments
        ---------
        student, teacher : nn.Module
            Of one architecture (either may be wrapped for several devices).
        step : int
            How many steps the optimiser has made, this one included.
        """
        torch._foreach_lerp_(
            list(teacher.parameters()),
            list(student.parameters()),
            1.0 - self.weight(step),
        )
