"""Normalisation of features: over the data set, or clip by clip.

Not SpeechBrain's ``InputNormalization``: the baseline fits its statistics
once, before training, every clip counting alike; SpeechBrain's follow the
batches of training, every frame counting alike.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError


class ZScore(nn.Module):
    """Zero mean and unit variance per band over the data set.

    The statistics are those of the DCASE 2020 baseline: the mean over clips of
    each clip's mean over time, of the features and of their squares;
    ``std = sqrt(E[x^2] - E[x]^2)``. They are part of the state_dict, together
    with the flag ``fitted``. A band that never changes is only centred (std 1).

    Arguments
    ---------
    n_mels : int
        Number of bands, F.

    Example
    -------
    >>> features = torch.randn(10, 628, 128) * 3 + 5
    >>> normalise = ZScore(128).fit([features[:5], features[5:]])
    >>> abs(normalise(features).std().item() - 1) < 0.01
    True
    """

    def __init__(self, n_mels: int = 128):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("std", torch.ones(n_mels))
        self.register_buffer("fitted", torch.tensor(False))
        self._ready = False  # known to be fitted

    @torch.no_grad()
    def fit(self, batches: Iterable[Tensor]) -> "ZScore":
        """Compute the statistics of a data set.

        Arguments
        ---------
        batches : iterable of Tensor
            Features [B, T, F]; each clip counts once, whatever its length.

        Returns
        -------
        ZScore
            This module.

        Raises
        ------
        InputError
            If there is no clip, or one has another number of bands or a value
            that is not finite. The old statistics stay.
        """
        n_clips = 0
        total = torch.zeros(2, len(self.mean), dtype=torch.float64)
        for batch in batches:
            self._check(batch)
            # On the CPU, as not every device has double precision.
            batch = batch.cpu().double()
            moments = torch.stack([batch.mean(1), batch.square().mean(1)])
            if not moments.isfinite().all():
                raise InputError(
                    "The features have values that are not finite: look for "
                    "recordings with broken samples before fitting z-scores."
                )
            total += moments.sum(1)
            n_clips += len(batch)
        if n_clips == 0:
            raise InputError(
                "There is no clip to fit z-scores on: pass at least one batch."
            )
        mean, power = total / n_clips
        variance = (power - mean.square()).clamp_min(0)
        # What rounding leaves of a constant band is below 1e-6 of its power.
        constant = variance <= 1e-12 * power
        self.mean.copy_(mean)
        self.std.copy_(torch.where(constant, 1.0, variance.sqrt()))
        self.fitted.fill_(True)
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Normalise features [B, T, F].

        Raises
        ------
        InputError
            If neither ``fit`` nor a checkpoint has set the statistics, or the
            number of bands is another one.
        """
        # Looked at once, as that makes the host wait for a GPU.
        self._ready = self._ready or bool(self.fitted)
        if not self._ready:
            raise InputError(
                "The z-score normalisation has no statistics: call fit on the "
                "training data or load a checkpoint first."
            )
        self._check(features)
        return (features - self.mean) / self.std

    def _load_from_state_dict(self, *arguments, **options) -> None:
        self._ready = False
        super()._load_from_state_dict(*arguments, **options)

    def _check(self, features: Tensor) -> None:
        if features.dim() != 3 or features.shape[-1] != len(self.mean):
            raise InputError(
                f"Features have the shape {tuple(features.shape)}: this "
                f"z-score needs [batch, time, {len(self.mean)}]."
            )


class MinMax(nn.Module):
    """Map each clip to [0, 1]: its smallest value to 0, its largest to 1.

    ``(x - min) / (max - min + eps)`` over all frames and bands of the clip, the
    paper's input of PCEN. A constant clip becomes 0. A NaN makes its whole clip
    NaN, and no other.

    Arguments
    ---------
    eps : float
        Keeps constant clips finite.

    Example
    -------
    >>> MinMax()(torch.tensor([[[-80.0, -40.0], [0.0, -20.0]]]))
    tensor([[[0.0000, 0.5000],
             [1.0000, 0.7500]]])
    """

    def __init__(self, eps: float = 1e-8):
        super().__init__()
        self.eps = eps

    def forward(self, features: Tensor) -> Tensor:
        """Normalise features [B, T, F], or [B, T, F, C] channel by channel."""
        low = features.amin(dim=(1, 2), keepdim=True)
        high = features.amax(dim=(1, 2), keepdim=True)
        return (features - low) / (high - low + self.eps)
