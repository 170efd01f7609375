"""An effect, the ranges of its parameters, and chains drawn at random.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from sb_sed.errors import InputError

Range = Sequence[float]


class Effect(Protocol):
    """The interface of an effect in a chain."""

    def draw(self, rng: Generator) -> dict[str, float]:
        """Draw the parameters, as JSON can hold them."""
        ...

    def apply(
        self, samples: np.ndarray, sample_rate: int, *args: Any, **drawn: Any
    ) -> np.ndarray:
        """Return the waveform [N] with the effect, of the same type."""
        ...


class NoEffects:
    """A chain without effects."""

    def draw(self, rng: Generator) -> list[dict[str, Any]]:
        """Draw nothing."""
        return []

    def apply(
        self,
        samples: np.ndarray,
        sample_rate: int,
        drawn: Sequence[dict[str, Any]],
    ) -> np.ndarray:
        """Return the samples as they are."""
        return samples


class EffectChain:
    """At most a few of the effects, one after the other.

    Their number is drawn uniformly from 0 to ``max_effects``; which of them,
    each at most once, and in which order is as likely as any other choice.

    Arguments
    ---------
    effects : Sequence[Effect]
        Of different classes, whose names identify them in what is drawn.
    max_effects : int
        Most effects in a chain.

    Raises
    ------
    InputError
        If two effects have the same name, or if there are fewer effects than
        ``max_effects``.

    Example
    -------
    >>> from sb_sed.mixing.effects import Compression, LowPass
    >>> chain = EffectChain([LowPass(), Compression()])
    >>> drawn = chain.draw(np.random.default_rng(10))
    >>> [parameters["effect"] for parameters in drawn]
    ['LowPass', 'Compression']
    >>> noise = np.random.default_rng(1).random(1000, dtype=np.float32)
    >>> chain.apply(noise, 16000, drawn).shape
    (1000,)
    """

    def __init__(self, effects: Sequence[Effect], max_effects: int = 2):
        self.effects = {type(effect).__name__: effect for effect in effects}
        self.max_effects = max_effects
        if len(self.effects) < len(effects):
            raise InputError(
                "Two effects of the chain are of the same class: list each "
                "once, with one range for each parameter."
            )
        if not 0 <= max_effects <= len(effects):
            raise InputError(
                f"max_effects is {max_effects} where there are {len(effects)} "
                "effects: give a number from 0 to that."
            )

    def draw(self, rng: Generator) -> list[dict[str, Any]]:
        """Draw a chain: each effect's name, as ``effect``, and parameters."""
        names = list(self.effects)
        n = rng.integers(self.max_effects + 1)
        chosen = [names[i] for i in rng.permutation(len(names))[:n]]
        return [
            {"effect": name, **self.effects[name].draw(rng)} for name in chosen
        ]

    def apply(
        self,
        samples: np.ndarray,
        sample_rate: int,
        drawn: Sequence[dict[str, Any]],
    ) -> np.ndarray:
        """Apply a drawn chain.

        Arguments
        ---------
        samples : np.ndarray
            A waveform [N], which is not changed.
        sample_rate : int
            Samples per second.
        drawn : Sequence[dict]
            What ``draw`` returned.

        Returns
        -------
        np.ndarray
            The waveform with the effects [N]; ``samples`` itself if there are
            none.

        Raises
        ------
        InputError
            If an effect is not one of the chain's.
        """
        for parameters in drawn:
            parameters = dict(parameters)
            name = parameters.pop("effect")
            if name not in self.effects:
                raise InputError(
                    f"{name} was drawn from another chain of effects: this "
                    f"one has {', '.join(self.effects)}."
                )
            samples = self.effects[name].apply(
                samples, sample_rate, **parameters
            )
        return samples


def uniform(rng: Generator, limits: Range) -> float:
    """Draw from (low, high), all values alike."""
    low, high = limits
    return float(rng.uniform(low, high))


def log_uniform(rng: Generator, limits: Range) -> float:
    """Draw from (low, high), all ratios alike: each octave as often."""
    low, high = map(math.log, limits)
    return math.exp(rng.uniform(low, high))


def check_ranges(effect: object, **bounds: Range) -> None:
    """Check the ranges of an effect's parameters.

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
