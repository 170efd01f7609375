"""From scores to events: the decoders, by the names of commands and files."""

from importlib import import_module

# Name -> module of this package and class; imported when it is asked for.
SMOOTHERS = {
    "threshold": ("threshold", "ThresholdSmoother"),
    "median": ("median", "MedianSmoother"),
    "hmm": ("hmm", "HMMSmoother"),
    "sebbs": ("sebbs", "SEBBsSmoother"),
    "contrast_hmm": ("contrast_hmm", "ContrastHMMSmoother"),
    "boxes": ("boxes", "BoxSmoother"),
}


def smoother_class(name: str) -> type:
    """Return the class of a smoother.

    Arguments
    ---------
    name : str
        One of :data:`SMOOTHERS`.

    Returns
    -------
    kind : type
        A subclass of :class:`~sb_sed.smoothing.base.Smoother`.

    Example
    -------
    >>> smoother_class("median").axes["threshold"][:2]
    (0.02, 0.04)
    """
    module, kind = SMOOTHERS[name]
    return getattr(import_module(f"sb_sed.smoothing.{module}"), kind)
