"""A whole detector as one ONNX file, from waveforms to scores.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.inference.onnx_export.export import export_onnx
from sb_sed.inference.onnx_export.modules import exportable
from sb_sed.inference.onnx_export.quantise import quantise

__all__ = ["export_onnx", "exportable", "quantise"]
