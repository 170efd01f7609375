"""Pretrained networks: from waveforms to embeddings of frames."""

from sb_sed.encoders.beats import BEATs
from sb_sed.encoders.cache import EmbeddingCache
from sb_sed.encoders.cnn14 import Cnn14
from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.hugging_face import HuggingFaceEncoder
from sb_sed.encoders.onnx import OnnxEncoder
from sb_sed.encoders.yamnet import YAMNet, audioset_classes

__all__ = [
    "BEATs",
    "Cnn14",
    "EmbeddingCache",
    "FrameEncoder",
    "HuggingFaceEncoder",
    "OnnxEncoder",
    "YAMNet",
    "audioset_classes",
]
