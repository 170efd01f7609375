"""Figures of features, soundscapes, trainings, results and detections.

Each function writes the figure ``path``, a .png, .svg or .pdf (any other name
is an ``InputError`` before the work), with ``title`` above it, and returns the
``matplotlib.figure.Figure``. Nothing is shown on a screen.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.plots.detection import plot_detection, plot_recording
from sb_sed.plots.embeddings import plot_embeddings
from sb_sed.plots.f1 import plot_f1
from sb_sed.plots.features import plot_features
from sb_sed.plots.soundscape import plot_soundscape
from sb_sed.plots.training import plot_training

__all__ = [
    "plot_detection",
    "plot_embeddings",
    "plot_f1",
    "plot_features",
    "plot_recording",
    "plot_soundscape",
    "plot_training",
]
