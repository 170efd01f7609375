"""Pretrained networks: from waveforms to embeddings of frames."""

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.yamnet import YAMNet, audioset_classes

__all__ = ["FrameEncoder", "YAMNet", "audioset_classes"]
