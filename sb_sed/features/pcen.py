"""Per-channel energy normalisation (PCEN), one layer or several in parallel.

Each band's energy E is divided by its own average M over the past and
compressed (Wang et al., 2017; Cornell et al., 2020, eq. 3 and 4). For layer n:

    M = sum over k of w[n, k] M[k],  M[k][t] = (1 - s[k]) M[k][t-1] + s[k] E[t]
    Y[n] = (E / (eps + M)^alpha[n] + delta[n])^r[n] - delta[n]^r[n]

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError
from sb_sed.features.ema import causal, coefficients
from sb_sed.features.pcen_kernel import compress

# The layers of the paper: the first begins with strong gain control and
# compression, the second with half of either.
DEFAULT_LAYERS = {"alpha": (0.8, 0.4), "delta": (10.0, 4.0), "r": (0.5, 0.75)}
DEFAULT_S = tuple(coefficients(None, 255 / 16000))
# What there is to learn, and what the paper learns of it.
PARAMETERS = ("alpha", "delta", "r", "weights", "s")
AS_THE_PAPER = {name: name != "s" for name in PARAMETERS}


class ParallelPCEN(nn.Module):
    """Several PCEN layers on the same energies, as channels (PPCEN).

    The layers share the EMA filters and mix them by weights of their own, a
    softmax for each band. All parameters are learned in a form that keeps them
    in range whatever an optimiser does: sigmoids for alpha, r and s, an
    exponential for delta. The computation is in the logarithmic domain and at
    least in single precision, also under autocast.

    There are as many layers as the lists among alpha, delta and r have values.
    A single value serves all layers; what is not given is taken from
    ``DEFAULT_LAYERS``, whose last value serves all further layers.

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    alpha : float | sequence of float | None
        Strength of the gain control, in [0, 1].
    delta : float | sequence of float | None
        Bias before the compression, above 0.
    r : float | sequence of float | None
        Exponent of the compression, above 0 and at most 1.
    s : sequence of float
        Coefficients of the K EMA filters, above 0 and at most 1; see
        ``sb_sed.features.ema.coefficients`` for time constants.
    ema : Callable
        From energies [B, T, F] and s [1 or F] to averages [B, T, F]: ``causal``
        or ``forward_backward`` of ``sb_sed.features.ema``.
    eps : float
        Keeps silence finite.
    per_band : bool
        Whether alpha, delta, r and s are learned for each band separately.
    trainable : bool | Mapping[str, bool]
        What is learned: all, nothing, or those of ``alpha``, ``delta``, ``r``,
        ``weights``, ``s`` that a mapping has as True; by default all but s.

    Attributes
    ----------
    n_channels : int
        Number of layers, N.

    Raises
    ------
    InputError
        If a value is out of range, two lists differ in length, or a name in
        ``trainable`` is unknown.

    Example
    -------
    >>> ppcen = ParallelPCEN(128)
    >>> ppcen(torch.rand(2, 628, 128)).shape
    torch.Size([2, 628, 128, 2])
    >>> sum(p.numel() for p in ppcen.parameters())
    518
    >>> three = ParallelPCEN(128, alpha=[0.9, 0.5, 0.1])
    >>> three.delta.flatten().tolist()
    [10.0, 4.0, 4.0]
    """

    def __init__(
        self,
        n_mels: int = 128,
        alpha: float | Sequence[float] | None = None,
        delta: float | Sequence[float] | None = None,
        r: float | Sequence[float] | None = None,
        s: Sequence[float] = DEFAULT_S,
        ema: Callable[[Tensor, Tensor], Tensor] = causal,
        eps: float = 1e-6,
        per_band: bool = False,
        trainable: bool | Mapping[str, bool] = AS_THE_PAPER,
    ):
        super().__init__()
        values = layers(alpha=alpha, delta=delta, r=r) | {"s": list(s)}
        if not values["s"]:
            raise InputError("PCEN has no EMA filter: give s a value.")
        self.n_mels = n_mels
        self.n_channels = len(values["alpha"])
        self.ema = ema
        self.eps, self._has_looked = eps, False
        learned = _learned(trainable)
        for name, (low, high, inverse) in _RANGES.items():
            _check_range(name, values[name], low, high)
            exact = torch.tensor(values[name], dtype=torch.float64)
            raw = inverse(exact).clamp(-_RAW_MAX, _RAW_MAX).float()
            raw = raw[:, None].repeat(1, n_mels if per_band else 1)
            self._hold(f"{name}_{inverse.__name__}", raw, learned[name])
        mixture = torch.zeros(self.n_channels, len(values["s"]), n_mels)
        mixes = learned["weights"] and len(values["s"]) > 1
        self._hold("weight_logits", mixture, mixes)

    @property
    def alpha(self) -> Tensor:
        """Strength of the gain control [N, 1], or [N, F] per band."""
        return self.alpha_logit.sigmoid()

    @property
    def delta(self) -> Tensor:
        """Bias before the compression, as alpha."""
        return self.delta_log.clamp(-_RAW_MAX, _RAW_MAX).exp()

    @property
    def r(self) -> Tensor:
        """Exponent of the compression, as alpha."""
        return self.r_logit.clamp(-_RAW_MAX, _RAW_MAX).sigmoid()

    @property
    def s(self) -> Tensor:
        """Coefficients of the EMA filters [K, 1], or [K, F] per band."""
        return self.s_logit.clamp(-_RAW_MAX, _RAW_MAX).sigmoid()

    @property
    def weights(self) -> Tensor:
        """Share of each filter in each layer and band [N, K, F]."""
        return self.weight_logits.softmax(1)

    def forward(self, energy: Tensor) -> Tensor:
        """Return the layers' outputs [B, T, F, N], of the input's type.

        Arguments
        ---------
        energy : Tensor
            Energies [B, T, F], not negative: mel amplitudes, or log-mels
            mapped to [0, 1].

        Raises
        ------
        InputError
            If an energy is negative (on a GPU: of the first batch) or the
            number of bands is another one.
        """
        return self.normalise(energy, self.ema)

    def monitored(self) -> dict[str, float]:
        """Return the parameters as readable numbers, means over the bands."""
        figures = {}
        for n in range(self.n_channels):
            for name in ("alpha", "delta", "r"):
                figures[f"{name}_{n + 1}"] = getattr(self, name)[n].mean()
            for k, weight in enumerate(self.weights[n].mean(1)):
                figures[f"weight{k + 1}_{n + 1}"] = weight
        for k, coefficient in enumerate(self.s.mean(1)):
            figures[f"s{k + 1}"] = coefficient
        return {name: value.item() for name, value in figures.items()}

    def extra_repr(self) -> str:
        """Return the settings in one line."""
        return (
            f"n_mels={self.n_mels}, n_layers={self.n_channels}, "
            f"n_filters={len(self.s)}, ema={self.ema.__name__}, eps={self.eps}"
        )

    def normalise(self, energy: Tensor, ema: Callable) -> Tensor:
        """Return the outputs [B, T, F, N] by means of an EMA filter."""
        if energy.dim() != 3 or energy.shape[-1] != self.n_mels:
            raise InputError(
                f"Energies have the shape {tuple(energy.shape)}: this PCEN "
                f"needs [batch, time, {self.n_mels}]."
            )
        if not energy.numel():
            return energy.new_empty(*energy.shape, self.n_channels)
        # Not in compiled code; on a GPU, for which it waits, only once.
        looks = energy.is_cpu or not self._has_looked
        if looks and not torch.compiler.is_compiling():
            if energy.detach().amin() < 0:
                raise InputError(
                    "PCEN got a negative energy: put MinMax before it, not "
                    "ZScore or decibels alone."
                )
            self._has_looked = True
        with torch.autocast(energy.device.type, enabled=False):
            wide = torch.promote_types(energy.dtype, torch.float32)
            energies = energy.to(wide)
            averages = [ema(energies, s) for s in self.s.to(wide)]
            held = (self.weights, self.alpha, self.delta, self.r)
            w, alpha, delta, r = (values.to(wide) for values in held)
            output = compress(energies, averages, w, alpha, delta, r, self.eps)
        return output.permute(1, 2, 3, 0).to(energy.dtype)

    def _hold(self, name: str, value: Tensor, learned: bool) -> None:
        """Keep what is fixed as a buffer, under the same name."""
        if learned:
            self.register_parameter(name, nn.Parameter(value))
        else:
            self.register_buffer(name, value)


class PCEN(ParallelPCEN):
    """One PCEN layer, without the axis of the channels.

    With ``per_band=True`` and ``trainable=True`` SpeechBrain's (its ``root`` is
    1 / r). With ``trainable=False`` and one filter librosa's (``gain``,
    ``bias``, ``power``), but for its start: librosa's average begins at 1, see
    ``causal``.

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    alpha, delta, r : float | None
        See ``ParallelPCEN``; by default those of its first layer.
    s : float | sequence of float
        Coefficient of the EMA filter, or of several that are mixed.
    **options
        ``ema``, ``eps``, ``per_band`` and ``trainable`` of ``ParallelPCEN``.

    Example
    -------
    >>> PCEN(40, s=0.04, trainable=False)(torch.rand(2, 50, 40)).shape
    torch.Size([2, 50, 40])
    """

    def __init__(
        self,
        n_mels: int = 128,
        alpha: float | None = None,
        delta: float | None = None,
        r: float | None = None,
        s: float | Sequence[float] = DEFAULT_S,
        **options,
    ):
        first: dict[str, Any] = {
            name: [DEFAULT_LAYERS[name][0] if value is None else value]
            for name, value in (("alpha", alpha), ("delta", delta), ("r", r))
        }
        s = [s] if isinstance(s, (int, float)) else s
        super().__init__(n_mels, **first, s=s, **options)

    def normalise(self, energy: Tensor, ema: Callable) -> Tensor:
        """Return the output [B, T, F] by means of an EMA filter."""
        return super().normalise(energy, ema).squeeze(-1)


class StreamingPCEN(nn.Module):
    """A PCEN that processes a stream, chunk after chunk.

    The chunks may have any lengths; the output is that of the PCEN for the
    whole (to 1e-6).

    Arguments
    ---------
    pcen : ParallelPCEN
        Or PCEN, with a causal EMA filter. Shared, not copied.

    Example
    -------
    >>> pcen, clip = PCEN(40), torch.rand(1, 50, 40)
    >>> stream = StreamingPCEN(pcen)
    >>> chunks = [stream(chunk) for chunk in clip.split(7, dim=1)]
    >>> torch.allclose(torch.cat(chunks, 1), pcen(clip), atol=1e-6)
    True
    """

    def __init__(self, pcen: ParallelPCEN):
        super().__init__()
        self.pcen = pcen
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next chunk begins another one."""
        self.states = [None] * len(self.pcen.s)

    @torch.no_grad()
    def forward(self, energy: Tensor) -> Tensor:
        """Normalise the next chunk of the same B streams, [B, T, F].

        Raises
        ------
        InputError
            If the filter is not causal, or as in ``ParallelPCEN``.
        """
        if self.pcen.ema is not causal:
            raise InputError(
                "This PCEN needs whole clips, not streams: take "
                "sb_sed.features.ema.causal as its ema."
            )
        if not energy.numel():
            return self.pcen(energy)
        states, ends = iter(self.states), []

        def resumed(energies: Tensor, coefficient: Tensor) -> Tensor:
            """Filter from where the previous chunk ended."""
            averages = causal(energies, coefficient, next(states))
            ends.append(averages[:, -1])
            return averages

        output = self.pcen.normalise(energy, resumed)
        self.states = ends
        return output


def layers(
    **parameters: float | Sequence[float] | None,
) -> dict[str, list[float]]:
    """Return alpha, delta and r of PCEN as lists with a value for each layer.

    Arguments
    ---------
    **parameters
        ``alpha``, ``delta`` and ``r`` as for ``ParallelPCEN``.

    Returns
    -------
    dict[str, list[float]]
        Lists of one length.

    Raises
    ------
    InputError
        If two lists differ in length.

    Example
    -------
    >>> layers(alpha=[0.9, 0.5, 0.1], delta=None, r=0.5)
    {'alpha': [0.9, 0.5, 0.1], 'delta': [10.0, 4.0, 4.0], 'r': [0.5, 0.5, 0.5]}
    """
    given = {
        name: [float(x)] if isinstance(x, (int, float)) else [*map(float, x)]
        for name, x in parameters.items()
        if x is not None
    }
    lengths = {name: len(x) for name, x in given.items() if len(x) != 1}
    if len({*lengths.values()}) > 1 or 0 in lengths.values():
        raise InputError(
            f"The layers of PCEN do not match, {lengths}: give each parameter "
            "one value, or one for every layer."
        )
    n_layers = max(lengths.values(), default=1)
    if not lengths and len(given) < len(parameters):
        n_layers = max(map(len, DEFAULT_LAYERS.values()))
    values = {name: DEFAULT_LAYERS[name] for name in parameters} | given
    return {
        name: [x[min(n, len(x) - 1)] for n in range(n_layers)]
        for name, x in values.items()
    }


# Sigmoids and exponentials of more than this are no longer different in single
# precision; the values that one can ask for stay well within.
_RAW_MAX = 16.0
_TINY = 1e-6
# Lowest and highest value, and the form in which it is learned.
_RANGES = {
    "alpha": (0, 1, torch.logit),
    "delta": (_TINY, 1 / _TINY, torch.log),
    "r": (_TINY, 1, torch.logit),
    "s": (_TINY, 1, torch.logit),
}


def _check_range(
    name: str, values: Sequence[float], low: float, high: float
) -> None:
    for value in values:
        if not low <= value <= high:
            raise InputError(
                f"PCEN's {name} is {value}: choose it from {low:g} to {high:g}."
            )


def _learned(trainable: bool | Mapping[str, bool]) -> dict[str, bool]:
    if isinstance(trainable, bool):
        return dict.fromkeys(PARAMETERS, trainable)
    if unknown := [name for name in trainable if name not in PARAMETERS]:
        raise InputError(
            f"PCEN has no parameter {unknown[0]!r} to train: name some of "
            f"{', '.join(PARAMETERS)}."
        )
    return {name: bool(trainable.get(name)) for name in PARAMETERS}
