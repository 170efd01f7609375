"""Names of detectors that stand for more than a folder.

Authors
 * sb_sed contributors 2026
"""

YAMNET = "yamnet"  # ships with the package
ONNX_SUFFIX = ".onnx"
ONNX_FILE = f"detector{ONNX_SUFFIX}"  # beside the other files of a detector
