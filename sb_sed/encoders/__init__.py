"""Pretrained networks: from waveforms to embeddings of frames.

Each is imported when it is asked for: some need half of SpeechBrain.
"""

from importlib import import_module
from typing import Any

_MODULES = {
    "BEATs": "beats",
    "Cnn14": "cnn14",
    "EmbeddingCache": "cache",
    "FrameEncoder": "frame_encoder",
    "HuggingFaceEncoder": "hugging_face",
    "OnnxEncoder": "onnx",
    "YAMNet": "yamnet",
    "audioset_classes": "yamnet",
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
