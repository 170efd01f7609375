"""Spectrograms in figures: how they are computed, drawn and labelled.

Authors
 * sb_sed contributors 2026
"""

import numpy as np

from sb_sed.errors import InputError

RANGE_DB = 70  # what is shown below the loudest value
_COLUMNS, _BANDS = 800, 96


def log_mel(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the log-mel spectrogram that is shown of a recording.

    Arguments
    ---------
    samples : np.ndarray
        [time].
    rate : int
        Samples per second.

    Returns
    -------
    decibels : np.ndarray
        [T, F], the loudest at 0, at least -70.
    centres_hz : np.ndarray
        Of the bands, [F].

    Example
    -------
    >>> decibels, centres_hz = log_mel(np.ones(8000, dtype="float32"), 16000)
    >>> decibels.shape, round(centres_hz[-1])
    ((801, 96), 7750)
    """
    import torch

    from sb_sed.features.mel import AmplitudeToDB, MelSpectrogram

    mel = MelSpectrogram(
        rate,
        n_fft=1 << max(9, round(np.log2(0.1 * rate))),
        hop_length=max(1, len(samples) // _COLUMNS),
        n_mels=_BANDS,
        f_max=rate / 2,
    )
    to_decibels = AmplitudeToDB(amin=1e-7, top_db=RANGE_DB)
    values = to_decibels(mel(torch.from_numpy(samples)[None]))[0].numpy()
    return values - values.max(), band_centres(mel)


def band_centres(mel) -> np.ndarray | None:
    """Return the bands' centres of gravity [F] in Hz, where filters are known.

    ``mel`` is a module with ``sample_rate`` and, unless it is of another kind
    than ``MelSpectrogram``, ``filters`` [n_fft / 2 + 1, F]. One without bands
    (``FrameGrid``) is an ``InputError``.
    """
    if getattr(mel, "n_mels", 1) == 0:
        raise InputError(
            "The detector looks at no spectrogram, only at its encoder: name "
            "features (--features) in its place."
        )
    if not hasattr(mel, "filters"):
        return None
    filters = mel.filters.double().numpy()
    bins = np.linspace(0, mel.sample_rate / 2, len(filters))
    return bins @ filters / filters.sum(0)


def band_ticks(
    centres_hz: np.ndarray, lowest: int = 250
) -> tuple[list[int], list[float]]:
    """Choose ticks for an axis of bands: octaves from ``lowest`` Hz on.

    Returns the frequencies, and where they are among the bands (0 to F - 1).

    Example
    -------
    >>> band_ticks(np.array([400.0, 600.0, 1200.0]))
    ([500, 1000], [0.5, 1.666...])
    """
    octaves = lowest << np.arange(8)
    inside = (centres_hz[0] <= octaves) & (octaves <= centres_hz[-1])
    bands = np.interp(octaves[inside], centres_hz, np.arange(len(centres_hz)))
    return octaves[inside].tolist(), bands.tolist()


def draw_spectrogram(
    axes, values: np.ndarray, span: tuple[float, float], **limits: float
):
    """Draw values [T, F] that span these seconds; return the image."""
    return axes.imshow(
        values.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(*span, -0.5, values.shape[1] - 0.5),
        **limits,
    )


def label_bands(axes, centres_hz: np.ndarray | None, lowest: int = 250) -> None:
    """Label the axis of the bands in Hz; without centres, it counts bands."""
    if centres_hz is None:
        axes.set_ylabel("band", fontsize=8)
        return
    hz, bands = band_ticks(centres_hz, lowest)
    axes.set_yticks(bands, hz)
    axes.set_ylabel("Hz", fontsize=8)
