"""The parts of a detector as plain values: read from YAML, built from JSON.

``{"class": name, "arguments": {...}}`` stands for an object and
``{"function": name}`` for a function. Names are looked up in a fixed list;
nothing is imported by its name, so that descriptions need not be trusted. For
the same reason a YAML file is read by its tags and not loaded.

Authors
 * sb_sed contributors 2026
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from sb_sed.errors import UNBUILDABLE, InputError, brief
from sb_sed.features.ema import causal, coefficients, forward_backward
from sb_sed.features.pcen import DEFAULT_LAYERS, layers
from sb_sed.formats.tsv import shortened
from sb_sed.smoothing import SMOOTHERS

# Name of a class -> its module, which is imported where the class is used.
_CLASSES = {
    "CRNN": "sb_sed.models.crnn",
    "ChannelFrequencyAttention": "sb_sed.models.attention",
    "FrequencyDynamic": "sb_sed.models.attention",
    "SqueezeExcitation": "sb_sed.models.attention",
    "Detector": "sb_sed.models.detector",
    "Fusion": "sb_sed.models.fusion",
    "Head": "sb_sed.models.head",
    "BEATs": "sb_sed.encoders.beats",
    "OnnxEncoder": "sb_sed.encoders.onnx",
    "YAMNet": "sb_sed.encoders.yamnet",
    **{name: f"sb_sed.smoothing.{home}" for home, name in SMOOTHERS.values()},
    "AmplitudeToDB": "sb_sed.features.mel",
    "Featurizer": "sb_sed.features.featurizer",
    "FrameGrid": "sb_sed.features.frames",
    "MelSpectrogram": "sb_sed.features.mel",
    "MinMax": "sb_sed.features.normalise",
    "PCEN": "sb_sed.features.pcen",
    "ParallelPCEN": "sb_sed.features.pcen",
    "ZScore": "sb_sed.features.normalise",
    "Flatten": "torch.nn",
    "Identity": "torch.nn",
}
_FUNCTIONS = {part.__name__: part for part in (causal, forward_backward)}
# Nothing in a detector is larger than a rate in Hz.
_LARGEST = 10**6
# Attributes of parts that other parts are made with.
_SIZES = ("n_channels", "size")
# Arguments of the training only; without them, nothing is initialised.
_TRAINING_ONLY = ("initialise",)


class UnknownPart(InputError):
    """A class or function that is not in the list."""


def describe(node: object) -> Any:
    """Describe a part of a resolved recipe by its YAML tags.

    Arguments that the recipe leaves to their defaults are described too, so
    that a later version with other defaults builds the same.

    Arguments
    ---------
    node : object
        A node of ``ruamel.yaml.YAML().load``, without references.

    Returns
    -------
    object
        Plain values for JSON.

    Raises
    ------
    UnknownPart
        If it names anything that is not in the list.

    Example
    -------
    >>> from ruamel.yaml import YAML
    >>> describe(YAML().load("!new:sb_sed.features.MinMax {}"))
    {'class': 'MinMax', 'arguments': {'eps': 1e-08}}
    """
    tag = getattr(getattr(node, "tag", None), "value", None) or ""
    if not tag:
        return _plain(node)
    kind, _, name = tag.partition(":")
    if kind == "!apply":
        return _computed(name, node)
    last = name.rpartition(".")[2]
    given = {} if getattr(node, "value", None) == "" else node
    if isinstance(given, Mapping):
        if kind == "!name" and not given and _is(name, _FUNCTIONS.get(last)):
            return {"function": last}
        if kind == "!new" and _is(name, part := _class(last)):
            arguments = _defaults(part) | {
                str(key): None if key in _TRAINING_ONLY else describe(value)
                for key, value in given.items()
            }
            return {"class": last, "arguments": _numbers(last, arguments)}
    raise UnknownPart(
        f"{name or tag} is not among the parts that can be described."
    )


def build(description: object) -> Any:
    """Build what ``describe`` has described.

    Arguments
    ---------
    description : object
        Plain values, as read from JSON.

    Returns
    -------
    object
        The object, or the plain value.

    Raises
    ------
    InputError
        If a name is not in the list or the arguments do not fit.

    Example
    -------
    >>> build({"class": "AmplitudeToDB", "arguments": {"top_db": 60.0}})
    AmplitudeToDB(amin=1e-05, top_db=60.0)
    """
    if isinstance(description, list):
        return [build(x) for x in description]
    if not isinstance(description, dict):
        return _bounded(description)
    if "function" in description:
        return _FUNCTIONS[_known(description["function"], _FUNCTIONS)]
    if "class" not in description:
        return {key: build(value) for key, value in description.items()}
    part = _class(_known(description["class"], _CLASSES))
    try:
        return part(**build(description.get("arguments", {})))
    except InputError:
        raise
    except UNBUILDABLE as error:
        raise InputError(
            f"{part.__name__} cannot be built from its arguments ({brief(error)}): "
            "export the detector again."
        ) from error


def _bounded(value: Any) -> Any:
    """Return a plain value; refuse a number that is too large or NaN."""
    if type(value) in (int, float) and not abs(value) <= _LARGEST:
        raise InputError(
            f"A part with the number {str(value)[:20]} cannot be built: export "
            "the detector again."
        )
    return value


def _known(name: object, known: Mapping[str, Any]) -> str:
    if not isinstance(name, str) or name not in known:
        raise UnknownPart(
            f"{shortened(name)} is not among the parts that can be built "
            f"({', '.join(known)}): take the version of sb_sed that made it."
        )
    return name


def _class(name: str) -> type | None:
    """Return a class of the list by its name."""
    if name not in _CLASSES:
        return None
    return getattr(import_module(_CLASSES[name]), name)


def _is(name: str, part: Callable | None) -> bool:
    """Return whether a recipe finds the part under this dotted name."""
    if part is None:
        return False
    rooms = ("sb_sed.encoders", "sb_sed.features", "torch.nn")
    homes = (part.__module__, *rooms)
    return name in [f"{home}.{part.__name__}" for home in homes]


def _defaults(part: type) -> dict[str, Any]:
    """Return a class's defaults; if it passes arguments on, its base's too."""
    defaults = {}
    for home in part.__mro__:
        # Of this very class, not of the part.
        start = home.__init__  # type: ignore[misc]
        parameters = inspect.signature(start).parameters.values()
        for parameter in parameters:
            if parameter.default is not parameter.empty:
                training_only = parameter.name in _TRAINING_ONLY
                value = None if training_only else parameter.default
                defaults.setdefault(parameter.name, _default(value))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return defaults


def _numbers(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with numbers, not None, for PCEN's default layers."""
    if name not in ("PCEN", "ParallelPCEN"):
        return arguments
    given = {key: arguments[key] for key in DEFAULT_LAYERS}
    if None not in given.values():
        return arguments
    try:
        numbers = layers(**given)
    except (TypeError, ValueError) as error:
        raise UnknownPart(
            f"{name} cannot be described: {brief(error)}."
        ) from error
    if name == "PCEN":
        return arguments | {key: x[0] for key, x in numbers.items()}
    return arguments | numbers


def _default(value: Any) -> Any:
    if callable(value):
        return {"function": value.__name__}
    return _plain(value)


def _computed(name: str, node: object) -> Any:
    """Compute the numbers that a recipe derives from other parts."""
    values = node if isinstance(node, Sequence) else []
    if name == "getattr" and len(values) == 2 and values[1] in _SIZES:
        return int(getattr(build(describe(values[0])), values[1]))
    if _is(name, coefficients) and isinstance(node, Mapping):
        return coefficients(**_plain(node))
    raise UnknownPart(f"{name} is not among the functions that are computed.")


def _plain(value: Any) -> Any:
    """Return a node as Python's own types, which JSON has."""
    if isinstance(value, Mapping):
        return {str(key): describe(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [describe(entry) for entry in value]
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    for kind in (bool, int, float):
        if isinstance(value, kind) and math.isfinite(value):
            return kind(value)
    raise UnknownPart(f"{value!r} is not a value that can be described.")
