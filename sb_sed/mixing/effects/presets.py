"""The effects of the UNIVPM-INRIA paper.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.mixing.effects.bursts import NoiseBurst, SineBurst
from sb_sed.mixing.effects.chain import Effect
from sb_sed.mixing.effects.comb import CombFilter
from sb_sed.mixing.effects.dynamics import Compression
from sb_sed.mixing.effects.filters import HighPass, LowPass
from sb_sed.mixing.effects.pitch import PitchShift


def usual_effects() -> list[Effect]:
    """All seven, in the order of the paper, with the ranges of the recipe.

    Returns
    -------
    list of Effect
        New ones. A chain depends on their order.

    Example
    -------
    >>> [type(effect).__name__ for effect in usual_effects()][:3]
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
