"""Optimisers as the device of the parameters wants them.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable, Mapping

from torch import Tensor
from torch.optim import Adam


def adam(groups: Iterable[Tensor] | Iterable[Mapping], **options) -> Adam:
    """Make Adam: one kernel a step on a GPU, as by default elsewhere.

    PyTorch's fused kernel saves a hundred launches a step. It also lets the
    scaling of half precision find gradients that are not finite without making
    the host wait for them.

    Arguments
    ---------
    groups : iterable of Tensor or of Mapping
        Parameters, or groups of them, on their device.
    **options
        Of ``torch.optim.Adam``, such as ``lr``.

    Returns
    -------
    Adam

    Example
    -------
    >>> import torch
    >>> adam([torch.zeros(1, requires_grad=True)], lr=0.1).defaults["lr"]
    0.1
    """
    groups = list(groups)
    first = groups[0]
    if isinstance(first, Mapping):
        first = next(p for group in groups for p in group["params"])
    return Adam(groups, fused=first.is_cuda or None, **options)
