"""Weights of encoders: where they are, what they hold, what they are.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sb_sed.errors import UNREADABLE, InputError, brief

_ON_HUB = re.compile(r"([\w.-]+/[\w.-]+)/([\w./-]+)")
_SECONDS = 5.0


def find_weights(source: str | Path, origin: str) -> Path:
    """Return the file of weights that are here or on the Hugging Face hub.

    Arguments
    ---------
    source : str | Path
        A path, or ``owner/name/file`` of the hub.
    origin : str
        Where the weights come from, for the message.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no such file and it cannot be fetched.
    """
    path = Path(source)
    if path.is_file():
        return path
    on_hub = _ON_HUB.fullmatch(str(source))
    reason = "no such file"
    # A name in a folder that exists is not a name on the hub.
    if on_hub and not path.parent.is_dir():
        from huggingface_hub import hf_hub_download

        try:
            return Path(
                hf_hub_download(*on_hub.groups(), etag_timeout=_SECONDS)
            )
        except UNREADABLE as error:
            reason = f"nor does the hub have it: {brief(error)}"
    raise InputError(
        f"{source} cannot be found ({reason}): the weights come from {origin}; "
        "give the path of the file."
    )


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a file in the format ``safetensors``.

    Nothing in it can be executed (github.com/huggingface/safetensors).

    Arguments
    ---------
    path : str | Path

    Returns
    -------
    dict
        Name to tensor, on the CPU.

    Raises
    ------
    InputError
        If the file cannot be read or is not of this format.

    Example
    -------
    >>> from safetensors.torch import save_file
    >>> path = getfixture("tmp_path") / "net.safetensors"
    >>> save_file({"bias": torch.ones(2)}, path)
    >>> read_safetensors(path)
    {'bias': tensor([1., 1.])}
    """
    try:
        return load_file(path)
    except (*UNREADABLE, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read as safetensors ({brief(error)}): fetch or "
            "export it again."
        ) from error


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of weights, the same on every machine.

    Arguments
    ---------
    tensors : Mapping
        Name to tensor, in any order.

    Returns
    -------
    str
        Sixteen hexadecimal digits of SHA-256.

    Example
    -------
    >>> digest({"bias": torch.ones(2)}) == digest({"bias": torch.zeros(2)})
    False
    """
    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        tensor = tensor.detach().cpu().contiguous()
        sha.update(f"{name} {tensor.dtype} {[*tensor.shape]}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return sha.hexdigest()[:16]


def read_checkpoint(path: str | Path) -> dict:
    """Read what ``torch.save`` or safetensors wrote; nothing is executed.

    Arguments
    ---------
    path : str | Path
        A file of safetensors if it is named so.

    Returns
    -------
    dict
        With tensors on the CPU, wherever they were saved.

    Raises
    ------
    InputError
        If the file cannot be read, or holds more than tensors and plain values.
    """
    if Path(path).suffix == ".safetensors":
        return read_safetensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(found, dict):
            raise TypeError(f"it holds {type(found).__name__}")
    except UNREADABLE as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint of tensors "
            f"({brief(error)}): fetch it again."
        ) from error
    return found


def load_state(
    module: nn.Module, state: Mapping, path: str | Path, origin: str
) -> None:
    """Load weights that were read from a file.

    Arguments
    ---------
    module : nn.Module
    state : Mapping
        Name to tensor, all of the module and no others.
    path : str | Path
        The file, for the message.
    origin : str
        Where the right weights come from, for the message.

    Raises
    ------
    InputError
        If weights are missing, are not the module's, or are not finite.

    Example
    -------
    >>> load_state(nn.Linear(2, 1), {"weight": torch.ones(1, 2)}, "w.pt", "us")
    Traceback (most recent call last):
    sb_sed.errors.InputError: w.pt does not hold ...bias...: take those of us.
    """
    try:
        module.load_state_dict(dict(state))
        problem = None
    except UNREADABLE as error:
        problem = brief(error)
    if problem is None and not all(
        x.isfinite().all() for x in module.state_dict().values()
    ):
        problem = "they are not all finite"
    if problem:
        raise InputError(
            f"{path} does not hold the weights of {type(module).__name__} "
            f"({problem}): take those of {origin}."
        )
