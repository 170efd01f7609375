"""Numbers: event-based and segment-based F1 and PSDS of detected events."""

import warnings
from importlib import import_module
from types import ModuleType


def import_quietly(name: str) -> ModuleType:
    """Import a scoring library when it is needed, without its warnings.

    They take seconds to import, and ``dcase_util`` below them warns that
    pkg_resources is deprecated.

    Example
    -------
    >>> import_quietly("sed_eval").__name__
    'sed_eval'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)
