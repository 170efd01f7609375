"""Late and quiet import of the scoring libraries.

They take seconds to import, which ``sb-sed --help`` should not, and the
``dcase_util`` below them greets with a warning that pkg_resources is
deprecated.

Authors
 * sb_sed contributors 2026
"""

import warnings
from importlib import import_module
from types import ModuleType


def import_quietly(name: str) -> ModuleType:
    """Imports a module without the warnings of its import.

    Arguments
    ---------
    name : str
        Such as "sed_eval".

    Returns
    -------
    module : ModuleType

    Example
    -------
    >>> import_quietly("sed_eval").__name__
    'sed_eval'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)
