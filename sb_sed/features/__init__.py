"""Front-ends: from waveforms to the network's input."""

from sb_sed.features.featurizer import Featurizer
from sb_sed.features.frames import FrameGrid
from sb_sed.features.mel import AmplitudeToDB, MelSpectrogram
from sb_sed.features.normalise import MinMax, ZScore
from sb_sed.features.pcen import PCEN, ParallelPCEN, StreamingPCEN
from sb_sed.features.presets import log_mel, pcen_on_mel, ppcen_on_log_mel
from sb_sed.features.registry import (
    get_featurizer,
    list_featurizers,
    register_featurizer,
)

__all__ = [
    "AmplitudeToDB",
    "Featurizer",
    "FrameGrid",
    "MelSpectrogram",
    "MinMax",
    "PCEN",
    "ParallelPCEN",
    "StreamingPCEN",
    "ZScore",
    "get_featurizer",
    "list_featurizers",
    "log_mel",
    "pcen_on_mel",
    "ppcen_on_log_mel",
    "register_featurizer",
]
