"""Figures: of features, soundscapes, a training, its results, a detection.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.plots.curves import plot_curves
from sb_sed.plots.detection import plot_detection
from sb_sed.plots.embeddings import plot_embeddings
from sb_sed.plots.features import plot_features
from sb_sed.plots.report import plot_report
from sb_sed.plots.soundscape import plot_soundscape

__all__ = [
    "plot_curves",
    "plot_detection",
    "plot_embeddings",
    "plot_features",
    "plot_report",
    "plot_soundscape",
]
