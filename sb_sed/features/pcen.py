"""Per-channel energy normalisation (PCEN), one layer or several in parallel.

Each band's energy E is divided by its own smoothed past M and compressed
(Wang et al., 2017; Cornell et al., 2020, eq. 3 and 4). For layer n:

    M = sum over k of w[n, k] M[k],  M[k][t] = (1 - s[k]) M[k][t-1] + s[k] E[t]
    Y[n] = (E / (eps + M)^alpha[n] + delta[n])^r[n] - delta[n]^r[n]

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError
from sb_sed.features.ema import causal
from sb_sed.features.pcen_kernel import compress

# What there is to learn, and what the paper learns of it.
PARAMETERS = ("alpha", "delta", "r", "weights", "smoothing")
AS_THE_PAPER = {name: name != "smoothing" for name in PARAMETERS}


class ParallelPCEN(nn.Module):
    """Several PCEN layers on the same energies, as channels (PPCEN).

    The layers share the smoothers and mix them by weights of their own, a
    softmax for each band. All parameters are learned in a form that keeps them
    in range whatever an optimiser does: sigmoids for alpha, r and s, an
    exponential for delta. The computation is in the logarithmic domain and at
    least in single precision, also under autocast.

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    alpha : float or sequence of float
        Strength of the gain control, in [0, 1], one a layer. As many layers as
        the longest of alpha, delta and r has entries; a single value serves
        them all.
    delta : float or sequence of float
        Bias before the compression, above 0.
    r : float or sequence of float
        Exponent of the compression, above 0 and at most 1.
    smoothing : sequence of float
        Coefficients s of the K smoothers, above 0 and at most 1. See
        ``sb_sed.features.ema.coefficients`` for time constants.
    smoother : Callable
        From energies [B, T, F] and s [1 or F] to smoothed energies:
        ``smoothers.causal`` or ``smoothers.forward_backward``.
    eps : float
        Keeps silence finite.
    per_band : bool
        Whether alpha, delta, r and s are learned for each band apart.
    trainable : bool or Mapping[str, bool]
        What is learned: everything, nothing, or those of ``alpha``, ``delta``,
        ``r``, ``weights``, ``smoothing`` that a mapping has as True; by
        default all but the smoothing.

    Attributes
    ----------
    n_channels : int
        Number of layers, N.

    Raises
    ------
    InputError
        On values out of range, lists of different lengths or unknown names.

    Example
    -------
    >>> ppcen = ParallelPCEN(128)
    >>> ppcen(torch.rand(2, 628, 128)).shape
    torch.Size([2, 628, 128, 2])
    >>> sum(p.numel() for p in ppcen.parameters())
    518
    """

    def __init__(
        self,
        n_mels: int = 128,
        alpha: float | Sequence[float] = (0.8, 0.4),
        delta: float | Sequence[float] = (10.0, 4.0),
        r: float | Sequence[float] = (0.5, 0.75),
        smoothing: Sequence[float] = (0.015, 0.25),
        smoother: Callable[[Tensor, Tensor], Tensor] = causal,
        eps: float = 1e-6,
        per_band: bool = False,
        trainable: bool | Mapping[str, bool] = AS_THE_PAPER,
    ):
        super().__init__()
        alpha, delta, r = _layers(alpha=alpha, delta=delta, r=r)
        if not smoothing:
            raise InputError("PCEN has no smoother: give smoothing a value.")
        _check_range("alpha", alpha, 0, 1)
        _check_range("delta", delta, _TINY, 1 / _TINY)
        _check_range("r", r, _TINY, 1)
        _check_range("smoothing", smoothing, _TINY, 1)
        self.n_mels = n_mels
        self.n_channels = len(alpha)
        self.smoother = smoother
        self.eps = eps
        learned = _learned(trainable)
        width = n_mels if per_band else 1
        for name, values, inverse in (
            ("alpha_logit", alpha, torch.logit),
            ("delta_log", delta, torch.log),
            ("r_logit", r, torch.logit),
            ("smoothing_logit", smoothing, torch.logit),
        ):
            values = torch.tensor(values, dtype=torch.float64)
            raw = inverse(values).clamp(-_RAW_MAX, _RAW_MAX).float()
            raw = raw[:, None].repeat(1, width)
            self._hold(name, raw, learned[name.partition("_")[0]])
        mixture = torch.zeros(self.n_channels, len(smoothing), n_mels)
        mixes = learned["weights"] and len(smoothing) > 1
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
    def smoothing(self) -> Tensor:
        """Coefficients of the smoothers [K, 1], or [K, F] per band."""
        return self.smoothing_logit.clamp(-_RAW_MAX, _RAW_MAX).sigmoid()

    @property
    def weights(self) -> Tensor:
        """Share of each smoother in each layer and band [N, K, F]."""
        return self.weight_logits.softmax(1)

    def forward(self, energy: Tensor) -> Tensor:
        """Normalises a batch.

        Arguments
        ---------
        energy : Tensor
            Energies [B, T, F], not negative: mel amplitudes, or log-mels
            brought to [0, 1].

        Returns
        -------
        Tensor
            [B, T, F, N], of the input's type.

        Raises
        ------
        InputError
            If an energy is negative or the number of bands is another one.
        """
        return self._normalise(energy, self.smoother)

    def step(
        self, energy: Tensor, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Normalises the next frames of a stream.

        Arguments
        ---------
        energy : Tensor
            Energies [B, T, F], T at least 1.
        state : Tensor, optional
            What the step before returned; None for the first.

        Returns
        -------
        tuple of Tensor
            The output [B, T, F, N] and the state [K, B, F].

        Raises
        ------
        InputError
            As ``forward``, and if the smoother is not causal.
        """
        if self.smoother is not causal:
            raise InputError(
                "This PCEN smooths whole clips, not streams: take "
                "sb_sed.features.ema.causal as its smoother."
            )
        states = iter([None] * len(self.smoothing) if state is None else state)
        ends = []

        def resumed(frames: Tensor, coefficient: Tensor) -> Tensor:
            """Goes on where the step before ended."""
            smoothed = causal(frames, coefficient, next(states))
            ends.append(smoothed[:, -1])
            return smoothed

        return self._normalise(energy, resumed), torch.stack(ends)

    def monitored(self) -> dict[str, float]:
        """The learned parameters as readable figures, means over the bands."""
        figures = {}
        for n in range(self.n_channels):
            for name in ("alpha", "delta", "r"):
                figures[f"{name}_{n + 1}"] = getattr(self, name)[n].mean()
            for k, weight in enumerate(self.weights[n].mean(1)):
                figures[f"weight{k + 1}_{n + 1}"] = weight
        for k, coefficient in enumerate(self.smoothing.mean(1)):
            figures[f"smoothing{k + 1}"] = coefficient
        return {name: value.item() for name, value in figures.items()}

    def extra_repr(self) -> str:
        """The settings, in one line."""
        return (
            f"n_mels={self.n_mels}, n_layers={self.n_channels}, "
            f"n_smoothers={len(self.smoothing)}, "
            f"smoother={self.smoother.__name__}, eps={self.eps}"
        )

    def _normalise(self, energy: Tensor, smoother: Callable) -> Tensor:
        if energy.dim() != 3 or energy.shape[-1] != self.n_mels:
            raise InputError(
                f"Energies have the shape {tuple(energy.shape)}: this PCEN "
                f"needs [batch, time, {self.n_mels}]."
            )
        if not energy.numel():
            return energy.new_empty(*energy.shape, self.n_channels)
        # What is compiled cannot look at values.
        if not torch.compiler.is_compiling() and energy.detach().amin() < 0:
            raise InputError(
                "PCEN met a negative energy: let MinMax, not ZScore or "
                "decibels alone, come before it."
            )
        with torch.autocast(energy.device.type, enabled=False):
            wide = torch.promote_types(energy.dtype, torch.float32)
            energies = energy.to(wide)
            smoothed = [smoother(energies, s) for s in self.smoothing.to(wide)]
            parameters = (self.weights, self.alpha, self.delta, self.r)
            output = compress(
                energies, smoothed, *(p.to(wide) for p in parameters), self.eps
            )
        return output.permute(1, 2, 3, 0).to(energy.dtype)

    def _hold(self, name: str, value: Tensor, learned: bool) -> None:
        """Keeps what is fixed as a buffer, under the same name."""
        if learned:
            self.register_parameter(name, nn.Parameter(value))
        else:
            self.register_buffer(name, value)


class PCEN(ParallelPCEN):
    """One PCEN layer, without the axis of the channels.

    With ``trainable=False`` and one smoother it is librosa's ``pcen`` (its
    ``gain``, ``bias`` and ``power`` are alpha, delta and r), with
    ``per_band=True`` and ``trainable=True`` SpeechBrain's (its ``root`` is
    1 / r).

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    alpha, delta, r : float
        See ``ParallelPCEN``.
    smoothing : float or sequence of float
        Coefficient of the smoother, or of several that are mixed.
    **options
        ``smoother``, ``eps``, ``per_band`` and ``trainable`` of
        ``ParallelPCEN``.

    Example
    -------
    >>> PCEN(40, smoothing=0.04, trainable=False)(torch.rand(2, 50, 40)).shape
    torch.Size([2, 50, 40])
    """

    def __init__(
        self,
        n_mels: int = 128,
        alpha: float = 0.98,
        delta: float = 2.0,
        r: float = 0.5,
        smoothing: float | Sequence[float] = 0.025,
        **options,
    ):
        if isinstance(smoothing, (int, float)):
            smoothing = [smoothing]
        super().__init__(n_mels, [alpha], [delta], [r], smoothing, **options)

    def _normalise(self, energy: Tensor, smoother: Callable) -> Tensor:
        return super()._normalise(energy, smoother).squeeze(-1)


class StreamingPCEN(nn.Module):
    """A PCEN that is fed with a stream, chunk after chunk.

    The chunks may be of any lengths; what comes out is what the PCEN gives for
    the whole (to 1e-6).

    Arguments
    ---------
    pcen : ParallelPCEN
        Or PCEN, with a causal smoother. Shared, not copied.

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
        """Forgets the stream: the next chunk begins another one."""
        self.state = None

    @torch.no_grad()
    def forward(self, energy: Tensor) -> Tensor:
        """Normalises the next chunk.

        Arguments
        ---------
        energy : Tensor
            Energies [B, T, F] of the same B streams as before.

        Returns
        -------
        Tensor
            As the PCEN's.
        """
        if not energy.shape[1]:  # nothing to go on with
            return self.pcen(energy)
        output, self.state = self.pcen.step(energy, self.state)
        return output


# Sigmoids and exponentials of more than this are no longer different in single
# precision; the values that one can ask for stay well within.
_RAW_MAX = 16.0
_TINY = 1e-6


def _layers(**parameters: float | Sequence[float]) -> list[list[float]]:
    """Lists of one length, the number of layers."""
    lists = [
        [float(x)] if isinstance(x, (int, float)) else [float(y) for y in x]
        for x in parameters.values()
    ]
    n_layers = max(map(len, lists))
    if any(len(x) not in (1, n_layers) for x in lists):
        lengths = dict(zip(parameters, map(len, lists), strict=True))
        raise InputError(
            f"The layers of PCEN do not match, {lengths}: give each parameter "
            "one value, or one for every layer."
        )
    return [x * (n_layers // len(x)) for x in lists]


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
