"""First-order smoothing over time: what PCEN divides a band's energy by.

``M[t] = (1 - s) M[t - 1] + s E[t]`` for whole batches, differentiable in the
energies, the coefficients and the initial state. Own code, since nothing else
has all of it at a usable speed (benchmarks/pcen.py): SpeechBrain's
``ExponentialMovingAverage`` takes a step of Python for each frame,
``torchaudio.functional.lfilter`` one call and a copy for each coefficient and
no initial state, and ``scipy.signal.lfilter`` leaves the device and the graph.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sb_sed.errors import InputError


def causal(
    energy: Tensor, coefficient: Tensor, state: Tensor | None = None
) -> Tensor:
    """Smooths each band from the first frame to the last.

    What ``scipy.signal.lfilter([s], [1, s - 1])`` gives.

    Arguments
    ---------
    energy : Tensor
        [B, T, F], T at least 1.
    coefficient : Tensor
        s, above 0 and at most 1, [1] or one a band [F].
    state : Tensor, optional
        What the smoother held before the first frame, [B, F]; by default the
        first frame itself, as in librosa and SpeechBrain.

    Returns
    -------
    Tensor
        Smoothed energies [B, T, F].

    Example
    -------
    >>> step = torch.tensor([0.0, 1.0, 1.0, 1.0])[None, :, None]
    >>> causal(step, torch.tensor([0.5])).flatten()
    tensor([0.0000, 0.5000, 0.7500, 0.8750])
    """
    state = energy[:, 0] if state is None else state
    return _Smooth.apply(energy, coefficient, state, False)


def forward_backward(energy: Tensor, coefficient: Tensor) -> Tensor:
    """Smooths forwards, then backwards: without delay, but not causal.

    The smoother of the paper's released code; what ``scipy.signal.filtfilt``
    gives with ``padtype=None``.

    Arguments
    ---------
    energy : Tensor
        [B, T, F].
    coefficient : Tensor
        s, above 0 and at most 1, [1] or one a band [F].

    Returns
    -------
    Tensor
        Smoothed energies [B, T, F].

    Example
    -------
    >>> impulse = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0])[None, :, None]
    >>> forward_backward(impulse, torch.tensor([0.5])).flatten()
    tensor([0.0859, 0.1719, 0.3438, 0.1875, 0.1250])
    """
    forward = causal(energy, coefficient)
    return _Smooth.apply(forward, coefficient, forward[:, -1], True)


def coefficients(
    time_constants: Sequence[float], frame_shift: float
) -> list[float]:
    """The smoothing coefficients that have given time constants.

    ``s = (sqrt(1 + 4 tau^2) - 1) / (2 tau^2)`` with tau the time constant in
    frames, as ``librosa.pcen`` converts it.

    Arguments
    ---------
    time_constants : sequence of float
        T, in seconds.
    frame_shift : float
        Distance of the frames, in seconds.

    Returns
    -------
    list of float
        s, in (0, 1).

    Raises
    ------
    InputError
        If a time constant is not above 0.

    Example
    -------
    >>> [round(s, 5) for s in coefficients([0.4, 0.06], 255 / 16000)]
    [0.03906, 0.23268]
    """
    if min(time_constants) <= 0:
        raise InputError(
            f"The time constants {list(time_constants)} s are not all above "
            "0: give seconds, such as 0.4."
        )
    frames = [seconds / frame_shift for seconds in time_constants]
    # The formula multiplied out, which does not cancel for long constants.
    return [2 / (math.sqrt(1 + 4 * tau**2) + 1) for tau in frames]


class _Smooth(torch.autograd.Function):
    """``_scan`` with its adjoint, which is the scan in the other direction."""

    @staticmethod
    def forward(ctx, energy, coefficient, state, backwards):
        """As ``_scan``."""
        smoothed = _scan(energy, coefficient, state, backwards)
        ctx.backwards = backwards
        ctx.save_for_backward(energy, coefficient, state, smoothed)
        return smoothed

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """[B, T, F] -> energy's, coefficient's and state's gradients."""
        energy, coefficient, state, smoothed = ctx.saved_tensors
        to_energy = _scan(
            gradient, coefficient, torch.zeros_like(state), not ctx.backwards
        )
        to_coefficient = to_state = None
        if ctx.needs_input_grad[1]:
            before = (
                [smoothed[:, 1:], state[:, None]]
                if ctx.backwards
                else [state[:, None], smoothed[:, :-1]]
            )
            product = (energy - torch.cat(before, 1)).mul_(to_energy)
            to_coefficient = (product.sum((0, 1)) / coefficient).sum_to_size(
                coefficient.shape
            )
        if ctx.needs_input_grad[2]:
            first = to_energy[:, -1 if ctx.backwards else 0]
            to_state = first * (1 - coefficient) / coefficient
        return to_energy, to_coefficient, to_state, None


def _scan(
    energy: Tensor, coefficient: Tensor, state: Tensor, backwards: bool
) -> Tensor:
    """The recursion in about ``2 sqrt(T)`` steps instead of T.

    The frames are cut into chunks. All chunks are smoothed at once, frame by
    frame, as if nothing had been before them; then the smoother's value at
    the end of each chunk, faded out, is added to the next.
    """
    n_frames = energy.shape[1]
    length = math.isqrt(n_frames - 1) + 1
    smoothed = torch.empty_like(energy, memory_format=torch.contiguous_format)
    step = -1 if backwards else 1
    for i in range(min(length, n_frames)):
        place = (n_frames - 1 - i) % length if backwards else i
        frames, now = energy[:, place::length], smoothed[:, place::length]
        if i == 0:
            torch.mul(frames, coefficient, out=now)
        else:
            before = smoothed[:, place - step :: length][:, : now.shape[1]]
            torch.lerp(before, frames, coefficient, out=now)
    ages = torch.arange(1, length + 1, device=energy.device)[:, None]
    fading = (1 - coefficient) ** ages  # [length, 1 or F]
    for done in range(0, n_frames, length):
        n = min(length, n_frames - done)
        start = n_frames - done - n if backwards else done
        chunk = smoothed[:, start : start + n]
        faded = fading[:n].flip(0) if backwards else fading[:n]
        chunk.addcmul_(state[:, None], faded)
        state = chunk[:, 0 if backwards else -1]
    return smoothed
