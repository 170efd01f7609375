"""Smoothers as JSON files, which are safe to take from anyone.

A file names one of the smoothers of this package; nothing in it is executed.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path, scores_table
from sb_sed.formats.labels import label_fault
from sb_sed.formats.tsv import shortened
from sb_sed.smoothing import SMOOTHERS, smoother_class
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.calibration import Calibration

# Of parameters: seconds, scores, costs. A larger number is damage, and a window
# of that length would need more memory than there is.
_LARGEST = 1e4


def save_smoother(smoother: Smoother, path: str | Path) -> None:
    """Write a smoother with its parameters as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(smoother.state(), indent=2) + "\n", "utf-8"
        )


def load_smoother(
    path: str | Path, classes: Sequence[str] | None = None
) -> Smoother:
    """Make a smoother from its file.

    Arguments
    ---------
    path : str | Path
        Of :func:`save_smoother`.
    classes : sequence of str, optional
        The labels that it will decode, to find out now if it cannot.

    Returns
    -------
    smoother : Smoother

    Raises
    ------
    InputError
        If the file is missing, is no JSON, describes no smoother that this
        version knows, or one that does not suit the classes.

    Example
    -------
    >>> from sb_sed.smoothing.threshold import ThresholdSmoother
    >>> path = getfixture("tmp_path") / "smoother.json"
    >>> save_smoother(ThresholdSmoother({"Dog": 0.25}), path)
    >>> load_smoother(path).parameters
    {'Dog': {'threshold': 0.25}}
    """
    smoother = smoother_of(_read(path), path)
    if classes is not None:
        check_smoother(smoother, classes, path)
    return smoother


def check_smoother(
    smoother: Smoother, classes: Sequence[str], origin: str | Path
) -> None:
    """Decode a few frames, before hours of work depend on a smoother.

    Arguments
    ---------
    smoother : Smoother
        The smoother.
    classes : sequence of str
        The labels that it will decode.
    origin : str | Path
        The file that it is from, for the message.

    Raises
    ------
    InputError
        If it cannot.
    """
    if not isinstance(smoother, Smoother):
        raise InputError(
            f"{origin} has {shortened(smoother)} in the place of a smoother: "
            "restore it."
        )
    scores = np.tile([[0.0], [1.0], [0.0]], len(classes))
    try:
        smoother({"clip": scores_table(scores, 1.0, classes)})
    except InputError as error:
        raise InputError(
            f"{origin} has a smoother that does not suit the classes "
            f"({str(error).rstrip('.')}): save it again."
        ) from error


def smoother_of(state: dict, origin: str | Path) -> Smoother:
    """Make a smoother from its state.

    Arguments
    ---------
    state : dict
        Of ``Smoother.state``.
    origin : str | Path
        The file that it is from, for the message.

    Returns
    -------
    smoother : Smoother

    Raises
    ------
    InputError
        If it describes no smoother that this version knows.
    """
    if not isinstance(state, dict):
        raise _malformed(origin, "is no JSON object")
    name = str(state.get("smoother"))
    if name not in SMOOTHERS or state.get("version") != 1:
        raise _malformed(
            origin,
            "names no smoother of version 1 of the format "
            f"({', '.join(SMOOTHERS)})",
        )
    kind, options = smoother_class(name), state.get("options", {})
    if not _are_options(options, kind().options()):
        raise _malformed(origin, f"has options that {name} does not take")
    try:
        smoother = kind(**options)
    except InputError as error:
        raise _malformed(origin, f"has a wrong option ({error})") from error
    if not _are_parameters(state.get("parameters"), smoother.axes):
        raise _malformed(
            origin,
            "lacks parameters: for all classes or for each, a number for "
            f"{' and '.join(smoother.axes)}",
        )
    smoother.parameters = state["parameters"]
    for label in set(smoother.parameters) - set(smoother.axes):
        if fault := label_fault(label):
            raise _malformed(
                origin, f"has the class {shortened(label)}, {fault}"
            )
    if "calibration" in state:
        try:
            smoother.calibration = Calibration.of_state(state["calibration"])
        except InputError as error:
            raise _malformed(
                origin, f"has a calibration that is none ({error})"
            ) from error
    return smoother


def _read(path: str | Path) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(Path(path).read_text("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the path.") from None
    except (ValueError, RecursionError):
        raise _malformed(path, "is not JSON") from None


def _are_options(options: object, defaults: dict) -> bool:
    """Return whether they have the names and types of the defaults."""
    return isinstance(options, dict) and all(
        name in defaults
        and (
            type(value) is type(defaults[name])
            or (type(value) is int and type(defaults[name]) is float)
        )
        for name, value in options.items()
    )


def _are_parameters(parameters: object, names: Iterable[str]) -> bool:
    """Return whether they are settings of these names, for all or for each."""
    if not isinstance(parameters, dict) or not parameters:
        return False
    settings = [parameters]
    if all(isinstance(value, dict) for value in parameters.values()):
        settings = parameters.values()
    return all(
        setting.keys() == set(names)
        and all(
            type(value) in (int, float) and abs(value) <= _LARGEST
            for value in setting.values()
        )
        for setting in settings
    )


def _malformed(path: str | Path, fault: str) -> InputError:
    """Return the error for a file with a fault."""
    return InputError(f"{path} {fault}: save the smoother again.")
