"""Weights of encoders: where they are, what they hold, what they are.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import json
import math
import os
import re
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sb_sed.errors import UNREADABLE, InputError, brief

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
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

    The format is a header of JSON, which names type, shape and place of every
    tensor, and their bytes (github.com/huggingface/safetensors): nothing in it
    can be executed.

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
    >>> path = getfixture("tmp_path") / "net.safetensors"
    >>> write_safetensors(path, {"bias": torch.ones(2)})
    >>> read_safetensors(path)
    {'bias': tensor([1., 1.])}
    """
    try:
        content = bytearray(Path(path).read_bytes())
        start = 8 + int.from_bytes(content[:8], "little")
        if not 8 < start <= len(content):
            raise ValueError("it has no header of safetensors")
        header = json.loads(content[8:start])
        header.pop("__metadata__", None)
        body = memoryview(content)[start:]
        return {name: _tensor(entry, body) for name, entry in header.items()}
    except (*UNREADABLE, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read as safetensors ({brief(error)}): fetch or "
            "export it again."
        ) from error


def _tensor(entry: Mapping, body: memoryview) -> Tensor:
    dtype, shape = _DTYPES[entry["dtype"]], entry["shape"]
    first, last = entry["data_offsets"]
    n_bytes = math.prod(shape) * dtype.itemsize
    if not 0 <= first <= last <= len(body) or last - first != n_bytes:
        raise ValueError("it is cut short or damaged")
    if not n_bytes:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(body[first:last], dtype=dtype).reshape(shape)


def write_safetensors(path: str | Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors in the format ``safetensors``.

    Arguments
    ---------
    path : str | Path
        Replaced once all is written.
    tensors : Mapping
        Name to tensor.

    Example
    -------
    >>> path = getfixture("tmp_path") / "net.safetensors"
    >>> write_safetensors(path, torch.nn.Linear(2, 1).state_dict())
    """
    names = {dtype: name for name, dtype in _DTYPES.items()}
    header, place, blocks = {}, 0, []
    # The widest first, so that each begins at a multiple of its width.
    by_width = sorted(
        tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])
    )
    for name, tensor in by_width:
        tensor = tensor.detach().cpu().contiguous()
        blocks.append(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": [*tensor.shape],
            "data_offsets": [place, place + len(blocks[-1])],
        }
        place += len(blocks[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path = Path(path)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.writelines(blocks)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


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
    sb_sed.errors.InputError: w.pt does not hold the weights of Linear (...bias...): take those of us.
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
