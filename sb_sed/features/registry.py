"""Featurizers by name: registered here, or entry points of other packages.

A package registers a featurizer with ``register_featurizer`` or, to be found
without being imported, as an entry point:

    entry_points={"sb_sed.featurizers": ["my_name = my_package:factory"]}

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from torch import nn

from sb_sed.errors import InputError

ENTRY_POINT_GROUP = "sb_sed.featurizers"

_registry: dict[str, Callable[..., nn.Module]] = {}


def register_featurizer(name: str) -> Callable:
    """Return a decorator that registers a featurizer's factory.

    Arguments
    ---------
    name : str
        Not taken yet.

    Returns
    -------
    callable
        Takes the factory (a class or function that returns a module like
        ``Featurizer``) and returns it.

    Raises
    ------
    InputError
        If another factory has the name.

    Example
    -------
    >>> from sb_sed.features import Featurizer, MelSpectrogram
    >>> @register_featurizer("example_linear_mel")
    ... def linear_mel(**mel_options):
    ...     return Featurizer(MelSpectrogram(**mel_options), [])
    >>> get_featurizer("example_linear_mel", n_mels=64).n_mels
    64
    """

    def register(factory: Callable[..., nn.Module]) -> Callable:
        """Register the factory under the name."""
        if _registry.get(name, factory) is not factory:
            raise InputError(
                f"The featurizer name {name!r} is taken: choose another one."
            )
        _registry[name] = factory
        return factory

    return register


def get_featurizer(name: str, **options) -> nn.Module:
    """Return a featurizer by its name.

    Arguments
    ---------
    name : str
        One of ``list_featurizers()``.
    **options
        Passed to its factory (see ``sb_sed.features.presets``).

    Returns
    -------
    nn.Module
        A ``Featurizer`` or a module like it.

    Raises
    ------
    InputError
        If the name is unknown, or its package cannot be imported.

    Example
    -------
    >>> get_featurizer("log_mel", n_mels=64).n_mels
    64
    """
    if name in _registry:
        return _registry[name](**options)
    if name in (plugins := _plugins()):
        return _load(plugins[name])(**options)
    known = ", ".join(list_featurizers())
    raise InputError(f"There is no featurizer {name!r}: choose one of {known}.")


def list_featurizers() -> list[str]:
    """Return the names that ``get_featurizer`` takes, sorted.

    Example
    -------
    >>> "log_mel" in list_featurizers()
    True
    """
    return sorted({*_registry, *_plugins()})


def _plugins() -> dict[str, EntryPoint]:
    return {
        point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)
    }


def _load(point: EntryPoint) -> Callable[..., nn.Module]:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"The featurizer {point.name!r} ({point.value}) cannot be loaded: "
            f"reinstall the package that brings it ({error})."
        ) from error
