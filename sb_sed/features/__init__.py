"""Featurizers: what turns waveforms into the network's input, by name.

A featurizer is a mel spectrogram and the stages behind it (decibels,
normalisation, ...). Other packages add theirs with ``register_featurizer`` or,
to be found without being imported, as an entry point:

    entry_points={"sb_sed.featurizers": ["my_name = my_package:factory"]}

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

import torch
from torch import Tensor, nn
from tqdm import tqdm

from sb_sed.errors import InputError
from sb_sed.features.ema import coefficients
from sb_sed.features.mel import AmplitudeToDB, MelSpectrogram
from sb_sed.features.normalise import MinMax, ZScore
from sb_sed.features.pcen import PCEN, ParallelPCEN, StreamingPCEN

__all__ = [
    "AmplitudeToDB",
    "Featurizer",
    "MelSpectrogram",
    "MinMax",
    "PCEN",
    "ParallelPCEN",
    "StreamingPCEN",
    "ZScore",
    "get_featurizer",
    "list_featurizers",
    "log_mel",
    "pcen_on_mel",
    "ppcen_on_log_mel",
    "register_featurizer",
]

ENTRY_POINT_GROUP = "sb_sed.featurizers"

# Of the smoothers, in seconds: at the hop of 255 samples 0.015 and 0.25, the
# coefficients of the paper.
TIME_CONSTANTS = (1.0545, 0.055209)

_registry: dict[str, Callable[..., nn.Module]] = {}


class Featurizer(nn.Module):
    """A mel spectrogram and the stages behind it.

    Use it where a SpeechBrain recipe has ``compute_features``. The mel
    spectrogram is apart so that noise can be added to it before the rest:
    ``featurizer.from_mel(noisy(featurizer.mel(wavs)))``.

    Arguments
    ---------
    mel : MelSpectrogram
        Or any module [B, N] -> [B, T, F] with ``n_mels``, ``hop_length`` and
        ``sample_rate``.
    stages : sequence of nn.Module
        Each takes [B, T, F]; the last may give [B, T, F, C] and says so by its
        attribute ``n_channels``. A stage with a method ``fit`` learns from the
        training data before the first use.

    Attributes
    ----------
    n_mels : int
        Bands, F.
    n_channels : int
        Channels, C; 1 where the output has no such axis.
    frame_shift : float
        Distance of the frames, in seconds.

    Example
    -------
    >>> featurizer = Featurizer(MelSpectrogram(), [AmplitudeToDB(), MinMax()])
    >>> featurizer(torch.randn(2, 160000)).shape
    torch.Size([2, 628, 128])
    """

    def __init__(self, mel: nn.Module, stages: Sequence[nn.Module]):
        super().__init__()
        self.mel = mel
        self.stages = nn.ModuleList(stages)
        self.n_mels = mel.n_mels
        self.n_channels = getattr(stages[-1], "n_channels", 1) if stages else 1
        self.frame_shift = mel.hop_length / mel.sample_rate

    def forward(self, wavs: Tensor, lens: Tensor | None = None) -> Tensor:
        """Computes the features of a batch of waveforms.

        Arguments
        ---------
        wavs : Tensor
            Waveforms [B, N]; shorter clips padded with zeros.
        lens : Tensor, optional
            Relative lengths [B], as SpeechBrain passes them. Not needed: the
            padding is heard as silence.

        Returns
        -------
        Tensor
            [B, T, F] or [B, T, F, C].
        """
        return self.from_mel(self.mel(wavs))

    def from_mel(self, mel: Tensor) -> Tensor:
        """Computes the features from mel spectrograms.

        Arguments
        ---------
        mel : Tensor
            Linear amplitudes [B, T, F].

        Returns
        -------
        Tensor
            [B, T, F] or [B, T, F, C].
        """
        return _through(self.stages, mel)

    @torch.no_grad()
    def fit(self, wav_batches: Iterable[Tensor]) -> "Featurizer":
        """Fits the stages that learn, each on the output of those before it.

        Arguments
        ---------
        wav_batches : iterable of Tensor
            Waveforms [B, N] on this module's device. Gone through once for
            every stage that learns, so a list or a loader, not a generator,
            where there are several.

        Returns
        -------
        Featurizer
            This module.
        """
        for position, stage in enumerate(self.stages):
            if hasattr(stage, "fit"):
                before = self.stages[:position]
                name = type(stage).__name__
                bar = tqdm(wav_batches, desc=f"fitting {name}", disable=None)
                stage.fit(_through(before, self.mel(wavs)) for wavs in bar)
        return self


def register_featurizer(name: str) -> Callable:
    """Decorator: makes a featurizer known by name.

    Arguments
    ---------
    name : str
        Not taken yet.

    Returns
    -------
    callable
        Takes the factory (a class or function that returns a module like
        ``Featurizer``) and gives it back.

    Raises
    ------
    InputError
        If another factory has the name.

    Example
    -------
    >>> @register_featurizer("example_linear_mel")
    ... def linear_mel(**mel_options):
    ...     return Featurizer(MelSpectrogram(**mel_options), [])
    >>> get_featurizer("example_linear_mel", n_mels=64).n_mels
    64
    """

    def register(factory: Callable[..., nn.Module]) -> Callable:
        """Remembers the factory."""
        if _registry.get(name, factory) is not factory:
            raise InputError(
                f"The featurizer name {name!r} is taken: choose another one."
            )
        _registry[name] = factory
        return factory

    return register


def get_featurizer(name: str, **options) -> nn.Module:
    """Builds a featurizer by name.

    Arguments
    ---------
    name : str
        One of ``list_featurizers()``.
    **options
        Passed on to its factory.

    Returns
    -------
    nn.Module
        A ``Featurizer`` or a module like it.

    Raises
    ------
    InputError
        If the name is unknown, or its package cannot be imported.

    Example
    -------
    >>> get_featurizer("log_mel", n_mels=64).n_mels
    64
    """
    if name in _registry:
        return _registry[name](**options)
    if name in (plugins := _plugins()):
        return _load(plugins[name])(**options)
    known = ", ".join(list_featurizers())
    raise InputError(f"There is no featurizer {name!r}: choose one of {known}.")


def list_featurizers() -> list[str]:
    """The names that ``get_featurizer`` knows, sorted.

    Returns
    -------
    list of str
        Registered names and the entry points of installed packages.

    Example
    -------
    >>> "log_mel" in list_featurizers()
    True
    """
    return sorted({*_registry, *_plugins()})


@register_featurizer("log_mel")
def log_mel(
    n_mels: int = 128,
    hop_length: int = 255,
    normalise: nn.Module | None = None,
    **mel_options,
) -> Featurizer:
    """The baseline's features: mel spectrogram in decibels, normalised.

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    hop_length : int
        Distance of the frames, in samples.
    normalise : nn.Module, optional
        The last stage; by default a ``ZScore`` that is still to be fitted.
    **mel_options
        Of ``MelSpectrogram``: sample_rate, n_fft, f_min, f_max.

    Returns
    -------
    Featurizer
        [B, N] -> [B, T, F].

    Example
    -------
    >>> featurizer = log_mel(normalise=MinMax())
    >>> featurizer(torch.randn(1, 16000)).shape
    torch.Size([1, 63, 128])
    """
    mel = MelSpectrogram(n_mels=n_mels, hop_length=hop_length, **mel_options)
    normalise = ZScore(n_mels) if normalise is None else normalise
    return Featurizer(mel, [AmplitudeToDB(), normalise])


@register_featurizer("pcen")
def pcen_on_mel(
    n_mels: int = 128,
    hop_length: int = 255,
    sample_rate: int = 16000,
    n_fft: int = 2048,
    time_constants: Sequence[float] = TIME_CONSTANTS,
    alpha: float = 0.8,
    delta: float = 10.0,
    r: float = 0.5,
    **options,
) -> Featurizer:
    """One PCEN layer on the mel amplitudes ("Trainable PCEN" of the paper).

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    hop_length : int
        Distance of the frames, in samples.
    sample_rate : int
        Of the waveforms, in Hz.
    n_fft : int
        Window and transform length, in samples.
    time_constants : sequence of float
        Of the smoothers, in seconds.
    alpha, delta, r : float
        See ``PCEN``.
    **options
        ``smoother``, ``eps``, ``per_band`` and ``trainable`` of ``PCEN``.

    Returns
    -------
    Featurizer
        [B, N] -> [B, T, F].

    Example
    -------
    >>> pcen_on_mel()(torch.randn(1, 16000)).shape
    torch.Size([1, 63, 128])
    """
    mel = MelSpectrogram(sample_rate, n_fft, hop_length, n_mels)
    smoothing = coefficients(time_constants, hop_length / sample_rate)
    layer = PCEN(n_mels, alpha, delta, r, smoothing, **options)
    return Featurizer(mel, [MinMax(), layer])


@register_featurizer("ppcen")
def ppcen_on_log_mel(
    n_mels: int = 128,
    hop_length: int = 255,
    sample_rate: int = 16000,
    n_fft: int = 2048,
    time_constants: Sequence[float] = TIME_CONSTANTS,
    **options,
) -> Featurizer:
    """Parallel PCEN layers on log-mels, the front-end of the paper.

    Arguments
    ---------
    n_mels : int
        Number of bands, F.
    hop_length : int
        Distance of the frames, in samples.
    sample_rate : int
        Of the waveforms, in Hz.
    n_fft : int
        Window and transform length, in samples.
    time_constants : sequence of float
        Of the smoothers, in seconds.
    **options
        ``alpha``, ``delta``, ``r``, ``smoother``, ``eps``, ``per_band`` and
        ``trainable`` of ``ParallelPCEN``.

    Returns
    -------
    Featurizer
        [B, N] -> [B, T, F, C], a channel for each layer.

    Example
    -------
    >>> ppcen_on_log_mel()(torch.randn(1, 16000)).shape
    torch.Size([1, 63, 128, 2])
    """
    mel = MelSpectrogram(sample_rate, n_fft, hop_length, n_mels)
    smoothing = coefficients(time_constants, hop_length / sample_rate)
    layers = ParallelPCEN(n_mels, smoothing=smoothing, **options)
    return Featurizer(mel, [AmplitudeToDB(), MinMax(), layers])


def _through(stages: Iterable[nn.Module], features: Tensor) -> Tensor:
    for stage in stages:
        features = stage(features)
    return features


def _plugins() -> dict[str, EntryPoint]:
    return {
        point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)
    }


def _load(point: EntryPoint) -> Callable[..., nn.Module]:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"The featurizer {point.name!r} ({point.value}) cannot be loaded: "
            f"reinstall the package that brings it ({error})."
        ) from error
