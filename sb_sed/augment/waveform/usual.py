"""The effects of the UNIVPM-INRIA paper.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.augment.waveform.bursts import NoiseBurst, SineBurst
from sb_sed.augment.waveform.chain import Effect
from sb_sed.augment.waveform.comb import CombFilter
from sb_sed.augment.waveform.compression import Compression
from sb_sed.augment.waveform.passes import HighPass, LowPass
from sb_sed.augment.waveform.pitch import PitchShift


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
