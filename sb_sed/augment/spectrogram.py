"""Augmentation of linear mel spectrograms: the views of student and teacher.

All modules take a batch [B, T, F] on its device and return a new one: student
and teacher start from the same tensor. Each clip is augmented independently.
All random numbers come from torch's generator, so that seeding torch repeats a
view. Silence is 0 in these spectrograms; in decibels, 0 would be the maximum.

SpeechBrain's ``SpectrogramDrop`` does not fit here: it masks its input in
place, which the other view shares; masks exceed the end of the axis, since
their positions do not depend on their width; all clips get the same number of
masks; and its ``random_selection`` is drawn once for all batches.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

import torch
from torch import nn

from sb_sed.errors import InputError


class GaussianNoise(nn.Module):
    """Add Gaussian noise to each mel band at a signal-to-noise ratio.

    The noise of a band has the power of that band over the clip, less
    ``snr_db``: the teacher's view in the DCASE 2020 Task 4 baseline (30 dB).
    The result may be negative; ``AmplitudeToDB`` takes the magnitude.

    The UNIVPM-INRIA paper gives -30 to 10 dB, which would mask most clips; its
    released code has about 10 to 30 dB, so the minus sign may be an error.

    Arguments
    ---------
    snr_db : float or (float, float)
        Signal-to-noise ratio in dB, or the range from which each clip's is
        drawn uniformly.

    Raises
    ------
    InputError
        If a range has no lower and upper end.

    Example
    -------
    >>> mel = torch.ones(1, 20000, 2)
    >>> noise = GaussianNoise(snr_db=20.0)(mel) - mel
    >>> noise.std(dim=1).round(decimals=2)
    tensor([[0.1000, 0.1000]])
    """

    def __init__(self, snr_db: float | Sequence[float] = 30.0):
        super().__init__()
        if isinstance(snr_db, Sequence) and not (
            len(snr_db) == 2 and snr_db[0] <= snr_db[1]
        ):
            raise InputError(
                f"snr_db of GaussianNoise is {snr_db}: give a number, or the "
                "lower and the upper end of a range, in dB."
            )
        self.snr_db = snr_db

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return a noisy copy of linear mel spectrograms [B, T, F]."""
        power = mel.square().mean(dim=1, keepdim=True)
        deviation = (power * 10 ** (-self._ratios(mel) / 10)).sqrt()
        return mel + deviation.to(mel.dtype) * torch.randn_like(mel)

    def _ratios(self, mel: torch.Tensor) -> float | torch.Tensor:
        """The ratio of all clips, or of each [B, 1, 1], in dB."""
        if not isinstance(self.snr_db, Sequence):
            return self.snr_db
        low, high = self.snr_db
        return low + (high - low) * torch.rand(
            (len(mel), 1, 1), device=mel.device
        )


class SpecAugment(nn.Module):
    """Silence random frames and mel bands (Park et al., Interspeech 2019).

    The width of each mask is uniform between 0 and its maximum, and its
    position uniform among those where it fits. There is no time warping, since
    it would move the labels. torchaudio's ``mask_along_axis_iid`` draws
    likewise, but copies the batch for every mask.

    Arguments
    ---------
    n_time_masks : int
        Masks on the axis of time. The defaults of all four are those of the
        teacher's view in the released UNIVPM-INRIA code, whose comments swap
        the axes.
    max_frames : int
        Maximum width of such a mask.
    n_mel_masks : int
        Masks on the axis of the mel bands.
    max_bands : int
        Maximum width of such a mask.

    Raises
    ------
    InputError
        If one is no integer or negative.

    Example
    -------
    >>> mel = torch.ones(1000, 20, 4)
    >>> masked = SpecAugment(1, max_frames=3, n_mel_masks=0)(mel) == 0
    >>> masked.all(dim=2).sum(dim=1).unique()
    tensor([0, 1, 2, 3])
    """

    def __init__(
        self,
        n_time_masks: int = 5,
        max_frames: int = 1,
        n_mel_masks: int = 10,
        max_bands: int = 2,
    ):
        super().__init__()
        self.n_time_masks = n_time_masks
        self.max_frames = max_frames
        self.n_mel_masks = n_mel_masks
        self.max_bands = max_bands
        for name in ("n_time_masks", "max_frames", "n_mel_masks", "max_bands"):
            value = getattr(self, name)
            if value != int(value) or value < 0:
                raise InputError(
                    f"{name} of SpecAugment is {value}: give a whole number, 0 "
                    "or more."
                )

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return a copy of linear mel spectrograms [B, T, F] with masks."""
        n_clips, n_frames, n_bands = mel.shape
        frames = _masks(
            n_clips, n_frames, self.n_time_masks, self.max_frames, mel.device
        )
        bands = _masks(
            n_clips, n_bands, self.n_mel_masks, self.max_bands, mel.device
        )
        return mel.masked_fill(frames[:, :, None] | bands[:, None, :], 0)


def _masks(
    n_clips: int,
    size: int,
    n_masks: int,
    max_width: int,
    device: torch.device,
) -> torch.Tensor:
    """Whether each position of an axis is masked, for each clip [B, size]."""
    shape = (n_clips, n_masks, 1)
    widths = torch.randint(min(max_width, size) + 1, shape, device=device)
    free = size - widths + 1
    starts = (torch.rand(shape, device=device) * free).long()
    positions = torch.arange(size, device=device)
    return ((starts <= positions) & (positions < starts + widths)).any(dim=1)


class OneOf(nn.Module):
    """Apply one of several augmentations, or none, to each clip.

    Arguments
    ---------
    augmentations : sequence of nn.Module
        From a batch [B, T, F] to a new one.
    probabilities : sequence of float
        Of each augmentation. The rest to 1 is that of none.

    Raises
    ------
    InputError
        If there is not one probability for each augmentation, one is
        negative, or their sum exceeds 1.

    Example
    -------
    >>> augment = OneOf([nn.Threshold(9, 0)], [0.3])
    >>> augment(torch.ones(20000, 1, 1)).mean().round(decimals=1)
    tensor(0.7000)
    """

    def __init__(
        self,
        augmentations: Sequence[nn.Module],
        probabilities: Sequence[float],
    ):
        super().__init__()
        none = 1 - sum(probabilities)
        if len(augmentations) != len(probabilities) or not all(
            probability >= 0 for probability in (*probabilities, none + 1e-6)
        ):
            raise InputError(
                f"The probabilities of OneOf are {[*probabilities]} for "
                f"{len(augmentations)} augmentations: give one for each, of 0 "
                "or more, with a sum of 1 at most."
            )
        self.augmentations = nn.ModuleList(augmentations)
        self.probabilities = torch.tensor(
            [*probabilities, max(none, 0)], dtype=torch.float
        )

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return an augmented copy of linear mel spectrograms [B, T, F]."""
        # Drawn on the CPU, so as not to wait for a GPU.
        drawn = torch.multinomial(self.probabilities, len(mel), True)
        result = mel.clone()
        for number, augmentation in enumerate(self.augmentations):
            clips = (drawn == number).nonzero()[:, 0]
            clips = clips.to(mel.device, non_blocking=True)
            result[clips] = augmentation(mel[clips])
        return result
