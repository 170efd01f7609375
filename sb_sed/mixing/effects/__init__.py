"""Augmentation of waveforms: the effects on the sources of a soundscape.

Every effect is a small object that holds the ranges of its parameters. Drawing
them and applying the effect are apart, so that a draw can be logged and applied
again: ``effect.apply(samples, sample_rate, **effect.draw(rng))``. An effect
takes a waveform [N] of any length and returns a new one of the same length and
type, which depends on its arguments alone. Levels may change: the mixer sets
them afterwards.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.mixing.effects.bursts import NoiseBurst, SineBurst
from sb_sed.mixing.effects.chain import Effect, EffectChain, NoEffects
from sb_sed.mixing.effects.comb import CombFilter
from sb_sed.mixing.effects.dynamics import Compression
from sb_sed.mixing.effects.filters import HighPass, LowPass
from sb_sed.mixing.effects.pitch import PitchShift

__all__ = [
    "CombFilter",
    "Compression",
    "Effect",
    "EffectChain",
    "HighPass",
    "LowPass",
    "NoEffects",
    "NoiseBurst",
    "PitchShift",
    "SineBurst",
    "paper_effects",
]


def paper_effects() -> list[Effect]:
    """Return the seven effects of the UNIVPM-INRIA paper, in its order.

    Their ranges are those of the recipe. A chain depends on their order.

    Example
    -------
    >>> [type(effect).__name__ for effect in paper_effects()][:3]
    ['NoiseBurst', 'SineBurst', 'CombFilter']
    """
    return [
        NoiseBurst(),
        SineBurst(),
        CombFilter(),
        Compression(),
        PitchShift(),
        LowPass(),
        HighPass(),
    ]
