"""A whole detector as one ONNX file, from waveforms to scores.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.inference.onnx.export import export_onnx
from sb_sed.inference.onnx.modules import exportable
from sb_sed.inference.onnx.quantise import quantise

__all__ = ["export_onnx", "exportable", "quantise"]
