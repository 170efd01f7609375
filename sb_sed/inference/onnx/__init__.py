"""A whole detector as one ONNX file, from waveforms to scores.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.inference.onnx.modules import exportable
from sb_sed.inference.onnx.writing import export_onnx, quantise

__all__ = ["export_onnx", "exportable", "quantise"]
