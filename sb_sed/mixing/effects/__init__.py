"""Augmentation of waveforms: the effects on the sources of a soundscape.

Every effect is a small object that holds the ranges of its parameters. Drawing
them and applying the effect are apart, so that a draw can be logged and applied
again: ``effect.apply(samples, sample_rate, **effect.draw(rng))``. An effect
takes a waveform [N] of any length and returns a new one of the same length and
type, for which its arguments alone count. Levels may change: the mixer sets
them afterwards.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.mixing.effects.bursts import NoiseBurst, SineBurst
from sb_sed.mixing.effects.chain import Effect, EffectChain
from sb_sed.mixing.effects.comb import CombFilter
from sb_sed.mixing.effects.dynamics import Compression
from sb_sed.mixing.effects.filters import HighPass, LowPass
from sb_sed.mixing.effects.pitch import PitchShift
from sb_sed.mixing.effects.presets import usual_effects

__all__ = [
    "CombFilter",
    "Compression",
    "Effect",
    "EffectChain",
    "HighPass",
    "LowPass",
    "NoiseBurst",
    "PitchShift",
    "SineBurst",
    "usual_effects",
]
