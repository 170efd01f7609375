"""Weights from files that may be damaged or untrusted.

Authors
 * sb_sed contributors 2026
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sb_sed.errors import UNREADABLE, InputError, brief


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Load a state into a module; no code in the file is run.

    Arguments
    ---------
    module : nn.Module
        Of the architecture that was saved.
    path : str | Path
        As ``torch.save`` wrote it.

    Raises
    ------
    InputError
        If the file is damaged, of another module, or not finite.

    Example
    -------
    >>> path = getfixture("tmp_path") / "net.ckpt"
    >>> torch.save(nn.Linear(2, 1).state_dict(), path)
    >>> load_weights(nn.Linear(2, 1), path)
    >>> load_weights(nn.Linear(3, 1), path)
    Traceback (most recent call last):
    sb_sed.errors.InputError: ...net.ckpt cannot be loaded: it does not hold ...
    """
    try:
        # Whatever causes a warning is refused below, or harmless.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
        _check_kinds(state, module.state_dict())
        module.load_state_dict(state)
    except UNREADABLE as error:
        raise InputError(
            f"{path} cannot be loaded: it does not hold the weights of "
            f"{type(module).__name__} ({brief(error)}); fetch or export it again."
        ) from error
    # After a conversion from another precision, if there was one.
    if not all(x.isfinite().all() for x in module.state_dict().values()):
        raise InputError(
            f"{path} holds weights that are not finite: take another "
            "checkpoint or train again."
        )


def _check_kinds(state: object, own: Mapping[str, Tensor]) -> None:
    """Refuse what PyTorch would convert with a loss."""
    if not isinstance(state, Mapping):
        raise TypeError(f"it holds {type(state).__name__}, not tensors by name")
    for name, tensor in own.items():
        given = state.get(name)
        if isinstance(given, Tensor) and (
            given.layout is not tensor.layout
            or given.is_floating_point() is not tensor.is_floating_point()
            or given.is_complex()
        ):
            raise TypeError(f"{name} is {given.layout} of {given.dtype}")
