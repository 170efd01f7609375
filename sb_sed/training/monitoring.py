"""The values that modules show while they learn.

A module that learns something worth reading (such as the exponents of PCEN)
has a method ``monitored() -> dict[str, float]``; what it says goes to the logs
of each epoch. A name that ends in ``_2`` (``alpha_2``) is of the second of several
parallel layers: figures put the layers together.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterator

import torch
from torch import nn


@torch.no_grad()
def monitored(module: nn.Module) -> dict[str, float]:
    """Collects what the parts of a module show.

    A part that has ``monitored`` speaks for its own parts too.

    Arguments
    ---------
    module : nn.Module
        Any module, also in a wrapper such as ``DistributedDataParallel``.

    Returns
    -------
    dict[str, float]
        The names start with the class of the part, ``pcen/alpha_1``;
        another part of the same class is ``pcen2``.

    Example
    -------
    >>> class Gain(nn.Linear):
    ...     def monitored(self):
    ...         return {"gain": self.weight.norm()}
    >>> part = Gain(1, 1, bias=False)
    >>> _ = nn.init.constant_(part.weight, 0.5)
    >>> monitored(nn.Sequential(part, nn.Sequential(part, Gain(1, 1)))).keys()
    dict_keys(['gain/gain', 'gain2/gain'])
    >>> monitored(part)
    {'gain/gain': 0.5}
    """
    values, numbers = {}, {}
    for part in dict.fromkeys(_parts(module)):  # once where it is shared
        name = type(part).__name__.lower()
        numbers[name] = number = numbers.get(name, 0) + 1
        prefix = name if number == 1 else f"{name}{number}"
        for key, value in part.monitored().items():
            values[f"{prefix}/{key}"] = float(value)
    return values


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """The outermost modules that have something to show."""
    if hasattr(module, "monitored"):
        yield module
    else:
        for child in module.children():
            yield from _parts(child)
