"""The ranges from which the parameters of an effect are drawn.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Sequence

from numpy.random import Generator

from sb_sed.errors import InputError

Range = Sequence[float]


def uniform(rng: Generator, limits: Range) -> float:
    """Draw from (low, high), all values alike."""
    return float(rng.uniform(*limits))


def log_uniform(rng: Generator, limits: Range) -> float:
    """Draw from (low, high), all ratios alike: each octave as often."""
    return math.exp(rng.uniform(*map(math.log, limits)))


def check_ranges(effect: object, **bounds: Range) -> None:
    """Complain of a range that an effect cannot have.

    Arguments
    ---------
    effect : object
        Has an attribute (low, high) of each of the names.
    **bounds : (float, float)
        The least and the most that a value can be.

    Raises
    ------
    InputError
        If a range is not two numbers in order, or not within the bounds.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> check_ranges(SimpleNamespace(level=(1, 0)), level=(0, 2))
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: level of SimpleNamespace is (1, 0): give the
    lower and the upper end of a range within 0 to 2.
    """
    for name, (least, most) in bounds.items():
        limits = getattr(effect, name)
        try:
            low, high = limits
            good = least <= low <= high <= most and math.isfinite(high - low)
        except (TypeError, ValueError):
            good = False
        if not good:
            raise InputError(
                f"{name} of {type(effect).__name__} is {limits}: give the "
                f"lower and the upper end of a range within {least} to {most}."
            )
