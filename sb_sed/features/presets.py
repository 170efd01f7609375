"""The registered featurizers: ``log_mel``, ``pcen`` and ``ppcen``.

They only put parts together: what is not given is the default of
``MelSpectrogram`` and ``ParallelPCEN``, and of ``TIME_CONSTANTS``.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

from torch import nn

from sb_sed.features.ema import TIME_CONSTANTS, coefficients
from sb_sed.features.featurizer import Featurizer
from sb_sed.features.mel import AmplitudeToDB, MelSpectrogram
from sb_sed.features.normalise import MinMax, ZScore
from sb_sed.features.pcen import PCEN, ParallelPCEN
from sb_sed.features.registry import register_featurizer

_OF_PCEN = ("alpha", "delta", "r", "ema", "eps", "per_band", "trainable")


@register_featurizer("log_mel")
def log_mel(normalise: nn.Module | None = None, **mel_options) -> Featurizer:
    """Return the baseline's features: log-mels, normalised.

    Arguments
    ---------
    normalise : nn.Module, optional
        The last stage; by default a ``ZScore`` that is still to be fitted.
    **mel_options
        Of ``MelSpectrogram``, such as ``n_mels`` and ``hop_length``.

    Returns
    -------
    Featurizer
        [B, N] -> [B, T, F].

    Example
    -------
    >>> import torch
    >>> featurizer = log_mel(normalise=MinMax())
    >>> featurizer(torch.randn(1, 16000)).shape
    torch.Size([1, 63, 128])
    """
    mel = MelSpectrogram(**mel_options)
    normalise = ZScore(mel.n_mels) if normalise is None else normalise
    return Featurizer(mel, [AmplitudeToDB(), normalise])


@register_featurizer("pcen")
def pcen_on_mel(**options) -> Featurizer:
    """Return one PCEN layer on mel amplitudes ("Trainable PCEN" of the paper).

    Arguments
    ---------
    **options
        As for ``ppcen_on_log_mel``; ``alpha``, ``delta`` and ``r`` are floats.

    Returns
    -------
    Featurizer
        [B, N] -> [B, T, F].

    Example
    -------
    >>> import torch
    >>> pcen_on_mel()(torch.randn(1, 16000)).shape
    torch.Size([1, 63, 128])
    """
    mel, layer = _mel_and_pcen(PCEN, **options)
    return Featurizer(mel, [MinMax(), layer])


@register_featurizer("ppcen")
def ppcen_on_log_mel(**options) -> Featurizer:
    """Return parallel PCEN layers on log-mels, the front-end of the paper.

    Arguments
    ---------
    **options
        ``time_constants`` of the EMA filters in seconds (see
        ``sb_sed.features.ema.coefficients``); ``alpha``, ``delta``, ``r``,
        ``ema``, ``eps``, ``per_band`` and ``trainable`` of ``ParallelPCEN``;
        the others are those of ``MelSpectrogram``.

    Returns
    -------
    Featurizer
        [B, N] -> [B, T, F, C], a channel for each layer.

    Example
    -------
    >>> import torch
    >>> ppcen_on_log_mel(alpha=[0.9, 0.5, 0.1])(torch.randn(1, 16000)).shape
    torch.Size([1, 63, 128, 3])
    """
    mel, layers = _mel_and_pcen(ParallelPCEN, **options)
    return Featurizer(mel, [AmplitudeToDB(), MinMax(), layers])


def _mel_and_pcen(
    pcen: type[ParallelPCEN],
    time_constants: Sequence[float] = TIME_CONSTANTS,
    **options,
) -> tuple[MelSpectrogram, ParallelPCEN]:
    """The two of one frame shift and number of bands."""
    of_pcen = {name: options.pop(name) for name in _OF_PCEN if name in options}
    mel = MelSpectrogram(**options)
    s = coefficients(time_constants, mel.hop_length / mel.sample_rate)
    return mel, pcen(mel.n_mels, s=s, **of_pcen)
