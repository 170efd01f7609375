"""Inference: the command line and (later) the detector for files."""
