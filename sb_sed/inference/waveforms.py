"""Samples as callers have them: arrays or tensors, floats or 16-bit integers.

Authors
 * sb_sed contributors 2026
"""

from typing import TypeAlias

import numpy as np
import torch

from sb_sed.errors import InputError

Samples: TypeAlias = np.ndarray | torch.Tensor
_FULL_SCALE = 2.0**15


def as_floats(samples: Samples, what: str) -> torch.Tensor:
    """Return samples as float32 with full scale 1.

    Arguments
    ---------
    samples : np.ndarray | torch.Tensor
        Of any shape: floats with full scale 1, or 16-bit integers.
    what : str
        What they are, for the error message, such as ``Waveforms are``.

    Returns
    -------
    torch.Tensor
        Of the same shape, on the same device, without gradients.

    Raises
    ------
    InputError
        If they are of another type, whose full scale is unknown.

    Example
    -------
    >>> as_floats(np.int16([16384, -32768]), "Waveforms are")
    tensor([ 0.5000, -1.0000])
    """
    if isinstance(samples, torch.Tensor):
        tensor = samples.detach()
        kind = tensor.dtype
        is_float, is_int16 = kind.is_floating_point, kind == torch.int16
    else:
        try:
            array = np.asarray(samples)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{what} not an array ({' '.join(str(error).split())}): pass "
                "floats with full scale 1, all of one length."
            ) from error
        kind = array.dtype
        is_float = kind.kind == "f" or not array.size
        is_int16 = kind.kind == "i" and kind.itemsize == 2
        if is_float or is_int16:
            with np.errstate(over="ignore"):
                tensor = torch.from_numpy(array.astype(np.float32))
    if is_int16:
        return tensor.float() / _FULL_SCALE
    if is_float:
        return tensor.float()
    raise InputError(
        f"{what} {str(kind).removeprefix('torch.')}: pass floats with full "
        "scale 1, or 16-bit integers."
    )


def as_batch(wavs: Samples, n_least: int = 1) -> torch.Tensor:
    """Return a batch of waveforms as ``as_floats`` does, if it is one.

    Arguments
    ---------
    wavs : np.ndarray | torch.Tensor
        [B, N].
    n_least : int
        Samples that each has to have.

    Returns
    -------
    torch.Tensor
        [B, N].

    Raises
    ------
    InputError
        If it is of another type or shape, or shorter.

    Example
    -------
    >>> as_batch(np.zeros((16000, 1)), 1020)
    Traceback (most recent call last):
    sb_sed.errors.InputError: Waveforms have the shape (16000, 1), 16000 clips
    of 1 sample, where an output frame takes 1020: pass [batch, samples].
    """
    wavs = as_floats(wavs, "Waveforms are")
    shape = tuple(wavs.shape)
    if len(shape) != 2:
        raise InputError(
            f"Waveforms have the shape {shape}: mix the channels down and pass "
            "[batch, samples]."
        )
    n_clips, n_samples = shape
    if 0 < n_samples < n_least:
        clips = f"{n_clips} clip{'s' * (n_clips != 1)}"
        samples = f"{n_samples} sample{'s' * (n_samples != 1)}"
        raise InputError(
            f"Waveforms have the shape {shape}, {clips} of {samples}, where an "
            f"output frame takes {n_least}: pass [batch, samples]."
        )
    return wavs


def unpadded(
    wavs: Samples, lens: Samples | None = None, n_least: int = 1
) -> list[np.ndarray]:
    """Return the waveforms of a batch without their padding.

    Arguments
    ---------
    wavs : np.ndarray | torch.Tensor
        [B, N], floats with full scale 1 or 16-bit integers.
    lens : np.ndarray | torch.Tensor, optional
        Relative lengths [B], in (0, 1].
    n_least : int
        Samples that each has to have.

    Returns
    -------
    list[np.ndarray]
        float32.

    Raises
    ------
    InputError
        If the waveforms are not of this type and shape, one is empty, too short
        or not finite, or a length is outside of (0, 1].

    Example
    -------
    >>> clips = unpadded(torch.ones(2, 4), torch.tensor([1, 0.5]))
    >>> [len(clip) for clip in clips]
    [4, 2]
    """
    wavs = as_batch(wavs, n_least).cpu()
    shares = torch.ones(len(wavs)) if lens is None else torch.as_tensor(lens)
    are_shares = ((shares > 0) & (shares <= 1)).all()
    if shares.shape != (len(wavs),) or not are_shares:
        raise InputError(
            f"The lengths of {len(wavs)} waveforms are {shares.tolist()}: give "
            "each as a share of the longest, above 0 and up to 1."
        )
    lengths = (shares.cpu() * wavs.shape[1]).round().int().tolist()
    clips = [x[:n] for x, n in zip(wavs.numpy(), lengths, strict=True)]
    for place, clip in enumerate(clips):
        if not len(clip) or not np.isfinite(clip).all():
            raise InputError(
                f"Waveform {place} of the batch is empty or not finite: leave "
                "it out."
            )
        if len(clip) < n_least:
            raise InputError(
                f"Waveform {place} of the batch, which has the shape "
                f"{tuple(wavs.shape)}, is {len(clip)} samples long, where an "
                f"output frame takes {n_least}: leave it out."
            )
    return clips
