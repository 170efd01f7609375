"""Exponential moving averages over time: what PCEN divides a band's energy by.

``M[t] = (1 - s) M[t - 1] + s E[t]`` for whole batches, differentiable in the
energies, the coefficients and the initial state. Nothing else has all of it at
a usable speed (benchmarks/pcen.py): SpeechBrain's ``ExponentialMovingAverage``
takes a step of Python for each frame, ``torchaudio.functional.lfilter`` one
call and a copy for each coefficient and no initial state, and
``scipy.signal.lfilter`` leaves the device and the graph.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sb_sed.errors import InputError

# Seconds. At a hop of 255 samples at 16 kHz: s = 0.015 and 0.25, as in the
# paper (Cornell et al., 2020).
TIME_CONSTANTS = (1.0545, 0.055209)


def causal(
    energy: Tensor, coefficient: Tensor, state: Tensor | None = None
) -> Tensor:
    """Filter each band from the first frame to the last.

    Equal to ``scipy.signal.lfilter([s], [1, s - 1])``.

    Arguments
    ---------
    energy : Tensor
        [B, T, F], T at least 1.
    coefficient : Tensor
        s, above 0 and at most 1, [1] or one a band [F].
    state : Tensor, optional
        The average before the first frame, [B, F]; by default the first frame
        itself, as in SpeechBrain. (librosa's ``pcen`` begins at 1 unless its
        ``zi`` says otherwise: ``(1 - s)`` times the first frame makes them
        equal.)

    Returns
    -------
    Tensor
        Averages [B, T, F].

    Example
    -------
    >>> step = torch.tensor([0.0, 1.0, 1.0, 1.0])[None, :, None]
    >>> causal(step, torch.tensor([0.5])).flatten()
    tensor([0.0000, 0.5000, 0.7500, 0.8750])
    """
    state = energy[:, 0] if state is None else state
    return _EMA.apply(energy, coefficient, state, False)


def forward_backward(energy: Tensor, coefficient: Tensor) -> Tensor:
    """Filter each band forwards, then backwards: no delay, but not causal.

    The filter of the paper's released code, equal to ``scipy.signal.filtfilt``
    with ``padtype=None``.

    Arguments
    ---------
    energy : Tensor
        [B, T, F].
    coefficient : Tensor
        s, above 0 and at most 1, [1] or one a band [F].

    Returns
    -------
    Tensor
        Averages [B, T, F].

    Example
    -------
    >>> impulse = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0])[None, :, None]
    >>> forward_backward(impulse, torch.tensor([0.5])).flatten()
    tensor([0.0859, 0.1719, 0.3438, 0.1875, 0.1250])
    """
    forward = causal(energy, coefficient)
    return _EMA.apply(forward, coefficient, forward[:, -1], True)


def coefficients(
    time_constants: Sequence[float] | None, frame_shift: float
) -> list[float]:
    """Return the coefficients s of filters with the given time constants.

    ``s = (sqrt(1 + 4 tau^2) - 1) / (2 tau^2)`` with tau the time constant in
    frames, as in ``librosa.pcen``.

    Arguments
    ---------
    time_constants : sequence of float | None
        T, in seconds; None stands for ``TIME_CONSTANTS``.
    frame_shift : float
        Distance between frames, in seconds.

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
    >>> [round(s, 3) for s in coefficients(None, 255 / 16000)]
    [0.015, 0.25]
    """
    if time_constants is None:
        time_constants = TIME_CONSTANTS
    if min(time_constants) <= 0:
        raise InputError(
            f"The time constants {list(time_constants)} s are not all above "
            "0: give seconds, such as 0.4."
        )
    frames = [seconds / frame_shift for seconds in time_constants]
    # The formula multiplied out, which does not cancel for long constants.
    return [2 / (math.sqrt(1 + 4 * tau**2) + 1) for tau in frames]


class _EMA(torch.autograd.Function):
    """``_scan`` with its adjoint, which is the scan in the other direction."""

    @staticmethod
    def forward(ctx, energy, coefficient, state, backwards):
        """Run ``_scan`` and keep what its adjoint needs."""
        averages = _scan(energy, coefficient, state, backwards)
        ctx.backwards = backwards
        ctx.save_for_backward(energy, coefficient, state, averages)
        return averages

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        """Return the gradients of energy, coefficient and state."""
        energy, coefficient, state, averages = ctx.saved_tensors
        to_energy = _scan(
            gradient, coefficient, torch.zeros_like(state), not ctx.backwards
        )
        to_coefficient = to_state = None
        if ctx.needs_input_grad[1]:
            before = (
                [averages[:, 1:], state[:, None]]
                if ctx.backwards
                else [state[:, None], averages[:, :-1]]
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
    """The recursion, in the way that suits the device."""
    if energy.device.type == "cpu":
        return _in_steps(energy, coefficient, state, backwards)
    if backwards:
        energy = energy.flip(1)
    averages = _in_products(energy, coefficient, state)
    return averages.flip(1) if backwards else averages


def _in_steps(
    energy: Tensor, coefficient: Tensor, state: Tensor, backwards: bool
) -> Tensor:
    """The recursion in about ``2 sqrt(T)`` steps instead of T.

    The frames are cut into chunks. All chunks are filtered at once, frame by
    frame, from a state of 0; then the average at the end of each chunk, faded
    out, is added to the next.
    """
    n_frames = energy.shape[1]
    length = math.isqrt(n_frames - 1) + 1
    averages = torch.empty_like(energy, memory_format=torch.contiguous_format)
    step = -1 if backwards else 1
    for i in range(min(length, n_frames)):
        place = (n_frames - 1 - i) % length if backwards else i
        frames, now = energy[:, place::length], averages[:, place::length]
        if i == 0:
            torch.mul(frames, coefficient, out=now)
        else:
            before = averages[:, place - step :: length][:, : now.shape[1]]
            torch.lerp(before, frames, coefficient, out=now)
    ages = torch.arange(1, length + 1, device=energy.device)[:, None]
    fading = (1 - coefficient) ** ages  # [length, 1 or F]
    for done in range(0, n_frames, length):
        n = min(length, n_frames - done)
        start = n_frames - done - n if backwards else done
        chunk = averages[:, start : start + n]
        faded = fading[:n].flip(0) if backwards else fading[:n]
        chunk.addcmul_(state[:, None], faded)
        state = chunk[:, 0 if backwards else -1]
    return averages


# Frames that one product filters: more cost more arithmetic.
_CHUNK = 128


def _in_products(energy: Tensor, coefficient: Tensor, state: Tensor) -> Tensor:
    """The recursion in two products of matrices, for a GPU.

    Some twenty kernels, however many frames there are; the steps for a CPU
    would be four times as many and bound by their launches. The first product
    filters all chunks from a state of 0, the second carries their ends on.
    """
    n_clips, n_frames, n_bands = energy.shape
    length = min(_CHUNK, n_frames)
    n_chunks = -(-n_frames // length)
    missing = n_chunks * length - n_frames
    chunks = nn.functional.pad(energy, (0, 0, 0, missing))
    chunks = chunks.view(n_clips, n_chunks, length, n_bands)
    fading = 1 - coefficient  # [1 or F]
    inside = coefficient[:, None, None] * _powers(fading, length)
    averages = _product(inside, chunks)
    # Before chunk c: the first state and the ends of all chunks before it.
    ends = torch.cat([state[:, None], averages[:, :-1, -1]], 1)
    states = _product(_powers(fading**length, n_chunks), ends)
    ages = torch.arange(1, length + 1, device=energy.device)[:, None]
    averages.addcmul_(states[:, :, None], fading**ages)
    return averages.flatten(1, 2)[:, :n_frames].contiguous()


def _powers(factor: Tensor, size: int) -> Tensor:
    """``factor ** (row - column)``, lower-triangular, [1 or F, size, size]."""
    positions = torch.arange(size, device=factor.device)
    ages = (positions[:, None] - positions).clamp_min(0)
    return (factor[:, None, None] ** ages).tril()


def _product(matrices: Tensor, x: Tensor) -> Tensor:
    """[1 or F, T, S] times [..., S, F] to [..., T, F], band by band."""
    if len(matrices) == 1:
        return matrices[0] @ x
    return torch.einsum("fts,...sf->...tf", matrices, x)
