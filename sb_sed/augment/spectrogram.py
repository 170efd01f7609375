"""Augmentation of linear mel spectrograms: the views of student and teacher.

All modules here take a batch [B, T, F] on its device and return a new one:
student and teacher start from the same tensor. Every clip has draws of its own
from torch's generator, and nothing else is random, so that a view repeats when
torch is seeded. Silence is 0 in these spectrograms; in decibels 0 would be as
loud as can be.

Not SpeechBrain's ``SpectrogramDrop``: it masks its input in place, which the
other view shares; masks reach over the end of the axis, since their positions
are drawn whatever their width; all clips get the same number of masks; and its
``random_selection`` draws once and for all.

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
    The result may be negative; ``AmplitudeToDB`` takes the magnitude. The
    input is left as it was, so that another view can share it.

    The UNIVPM-INRIA paper gives -30 to 10 dB, which would bury most clips; its
    released code has about 10 to 30 dB, so a minus sign may have gone astray.

    Arguments
    ---------
    snr_db : float or (float, float)
        Signal-to-noise ratio in dB, or the range from which each clip's is
        drawn, uniformly in dB.

    Raises
    ------
    InputError
        If a range does not have a lower and an upper end.

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
        """A noisy copy of a linear mel spectrogram, [B, T, F]."""
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

    Each mask covers 0 to the greatest width, all equally likely, at a place
    that is drawn uniformly among those where it fits. There is no time
    warping, since it would move the labels.

    torchaudio's ``mask_along_axis_iid`` draws likewise, but copies the batch
    for every mask; here one copy does for all.

    Arguments
    ---------
    n_time_masks : int
        Masks on the axis of time. The defaults of all four are what the
        released UNIVPM-INRIA code does to the teacher's view; it writes of the
        axes the other way round.
    max_frames : int
        Greatest width of such a mask.
    n_mel_masks : int
        Masks on the axis of the mel bands.
    max_bands : int
        Greatest width of such a mask.

    Raises
    ------
    InputError
        If a number is negative.

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
        for name, value in (
            ("n_time_masks", n_time_masks),
            ("max_frames", max_frames),
            ("n_mel_masks", n_mel_masks),
            ("max_bands", max_bands),
        ):
            if value != int(value) or value < 0:
                raise InputError(
                    f"{name} of SpecAugment is {value}: give a whole number, 0 "
                    "or more."
                )
        self.n_time_masks = n_time_masks
        self.max_frames = max_frames
        self.n_mel_masks = n_mel_masks
        self.max_bands = max_bands

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """A copy of a linear mel spectrogram [B, T, F] with silent stripes."""
        n_clips, n_frames, n_bands = mel.shape
        frames = _stripes(
            n_clips, n_frames, self.n_time_masks, self.max_frames, mel.device
        )
        bands = _stripes(
            n_clips, n_bands, self.n_mel_masks, self.max_bands, mel.device
        )
        return mel.masked_fill(frames[:, :, None] | bands[:, None, :], 0)


def _stripes(n_clips, size, n_masks, max_width, device) -> torch.Tensor:
    """Whether a place of an axis lies under a mask, for each clip [B, size]."""
    shape = (n_clips, n_masks, 1)
    widths = torch.randint(min(max_width, size) + 1, shape, device=device)
    free = size - widths + 1
    starts = (torch.rand(shape, device=device) * free).long()
    places = torch.arange(size, device=device)
    return ((starts <= places) & (places < starts + widths)).any(dim=1)


class OneOf(nn.Module):
    """Give each clip one of several augmentations, or none.

    Arguments
    ---------
    augmentations : sequence of nn.Module
        From a batch [B, T, F] to a new one.
    probabilities : sequence of float
        Of each augmentation. What they lack of 1 is that of none.

    Raises
    ------
    InputError
        If there is not one probability for each augmentation, or they are
        not in 0 to 1 together.

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
        """An augmented copy of a linear mel spectrogram, [B, T, F]."""
        # Drawn on the CPU: a GPU need not be waited for to know the clips.
        drawn = torch.multinomial(self.probabilities, len(mel), True)
        result = mel.clone()
        for number, augmentation in enumerate(self.augmentations):
            clips = (drawn == number).nonzero()[:, 0].to(mel.device)
            result[clips] = augmentation(mel[clips])
        return result
