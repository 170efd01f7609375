"""Augmentation of mel spectrograms along frequency: views, as in spectrogram.

The spectrograms are amplitudes [B, T, F], so that what follows, decibels or
PCEN, sees a recording with another colour. Each clip has draws of its own, from
torch's generator on the CPU: seeding torch repeats a view on every device.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError


class FilterAugment(nn.Module):
    """Weigh the mel bands by a random filter, clip by clip.

    The axis of the bands is divided into a random number of random regions.
    With "step" each has a gain; with "linear" the gains are those of the
    regions' borders, and between them dB are interpolated linearly, as of
    another microphone or room (FilterAugment, ICASSP 2022, which found the
    latter better). SpeechBrain and torchaudio have no such filter; borders are
    drawn for each clip, where the paper's code shares them in a batch.

    Arguments
    ---------
    kind : str
        "linear" or "step".
    n_regions : (int, int)
        Least and most regions.
    gain_db : (float, float)
        Range of the gains in dB, uniform.
    min_bands : int
        Of a region.

    Raises
    ------
    InputError
        If the kind is unknown or a range none; in use, if there are too few
        bands for so many regions.

    Example
    -------
    >>> augment = FilterAugment("step", (2, 2), (-6.0, 6.0), min_bands=3)
    >>> gains = augment(torch.ones(1, 4, 8))[0, 0]
    >>> len(gains.unique()), bool((gains.log10().abs() <= 0.3).all())
    (2, True)
    """

    def __init__(
        self,
        kind: str = "linear",
        n_regions: Sequence[int] = (3, 5),
        gain_db: Sequence[float] = (-6.0, 6.0),
        min_bands: int = 6,
    ):
        super().__init__()
        if kind not in ("linear", "step"):
            raise InputError(
                f"The kind of FilterAugment is {kind!r}: give linear or step."
            )
        for name, (low, high) in (
            ("n_regions", n_regions),
            ("gain_db", gain_db),
        ):
            if not low <= high:
                raise InputError(
                    f"{name} of FilterAugment is {[low, high]}: give the lower "
                    "end of the range first."
                )
        if n_regions[0] < 1 or min_bands < 1:
            raise InputError(
                "FilterAugment needs regions of one band or more, and one "
                f"region or more (n_regions is {[*n_regions]}, min_bands "
                f"{min_bands})."
            )
        self.kind = kind
        self.n_regions = n_regions
        self.gain_db = gain_db
        self.min_bands = min_bands

    def forward(self, mel: Tensor) -> Tensor:
        """Return filtered copies of mel amplitudes [B, T, F]."""
        n_clips, _, n_bands = mel.shape
        factors = 10 ** (self.draw(n_clips, n_bands) / 20)
        return mel * factors.to(mel, non_blocking=True)[:, None]

    def draw(self, n_clips: int, n_bands: int) -> Tensor:
        """Return the gains of each clip's bands in dB, [B, F]."""
        borders = self._borders(n_clips, n_bands)
        low, high = self.gain_db
        drawn = low + (high - low) * torch.rand(borders.shape)
        bands = torch.arange(n_bands).expand(n_clips, -1).contiguous()
        region = torch.searchsorted(borders, bands, right=True) - 1
        gains = drawn.gather(1, region)
        if self.kind == "step":
            return gains
        begin, end = borders.gather(1, region), borders.gather(1, region + 1)
        return gains.lerp(
            drawn.gather(1, region + 1), (bands - begin) / (end - begin)
        )

    def _borders(self, n_clips: int, n_bands: int) -> Tensor:
        """Where regions begin, and the last ends, [B, most regions + 1].

        What a clip with fewer regions does not need is the end again.
        """
        fewest, most = self.n_regions
        if most * self.min_bands > n_bands:
            raise InputError(
                f"FilterAugment cannot divide {n_bands} mel bands into {most} "
                f"regions of {self.min_bands} or more: lower n_regions or "
                "min_bands."
            )
        n_regions = torch.randint(fewest, most + 1, (n_clips, 1))
        number = torch.arange(1, most)
        free = n_bands - n_regions * self.min_bands
        # Borders apart from the least width of the regions before them.
        cuts = (torch.rand(n_clips, most - 1) * (free + 1)).long()
        inner = number < n_regions
        cuts = torch.where(inner, cuts.minimum(free), n_bands).sort(1).values
        cuts = torch.where(inner, cuts + number * self.min_bands, n_bands)
        return nn.functional.pad(
            nn.functional.pad(cuts, (1, 0)), (0, 1), value=n_bands
        )


class FrequencyWarp(nn.Module):
    """Stretch or compress the axis of the mel bands, clip by clip.

    A band gets what lies at ``factor`` times its index; from where the larger
    of the two would pass ``boundary``, a straight line leads to the last band,
    which stays, as the first does (the piecewise linear warp of vocal tract
    length perturbation: Jaitly and Hinton, 2013). Between bands, amplitudes
    are interpolated linearly. The factors are log-normal and cut off.

    SpeechBrain's ``Warping`` moves the centre of the axis instead, alike in
    all clips of a batch, and its bicubic interpolation gives amplitudes below
    0.

    Arguments
    ---------
    deviation : float
        Of the logarithm of the factor.
    limit : float
        The largest factor; 1 / limit is the smallest.
    boundary : float
        Share of the axis in which the warp is the factor's.

    Raises
    ------
    InputError
        If the deviation is not positive, the limit below 1 or the boundary
        none.

    Example
    -------
    >>> mel = torch.arange(5.0).expand(1, 1, 5)
    >>> FrequencyWarp(limit=1.0)(mel)
    tensor([[[0., 1., 2., 3., 4.]]])
    """

    def __init__(
        self,
        deviation: float = 0.08,
        limit: float = 1.3,
        boundary: float = 0.8,
    ):
        super().__init__()
        if not (deviation > 0 and limit >= 1 and 0 < boundary < 1):
            raise InputError(
                f"FrequencyWarp has the deviation {deviation}, the limit "
                f"{limit} and the boundary {boundary}: give one above 0, one of "
                "1 or more, and a share between 0 and 1."
            )
        self.deviation = deviation
        self.limit = limit
        self.boundary = boundary

    def forward(self, mel: Tensor) -> Tensor:
        """Return warped copies of mel amplitudes [B, T, F]."""
        n_clips, _, n_bands = mel.shape
        sources = self.draw(n_clips, n_bands).to(mel.device, non_blocking=True)
        below = sources.long().clamp(max=max(n_bands - 2, 0))
        share = (sources - below).to(mel.dtype)[:, None]
        above = (below + 1).clamp(max=n_bands - 1)
        below, above = (
            bands[:, None].expand(mel.shape) for bands in (below, above)
        )
        return mel.gather(2, below).lerp(mel.gather(2, above), share)

    def draw(self, n_clips: int, n_bands: int) -> Tensor:
        """Return where each band comes from, a fractional index, [B, F]."""
        exponents = nn.init.trunc_normal_(
            torch.empty(n_clips, 1),
            std=self.deviation,
            a=-log(self.limit),
            b=log(self.limit),
        )
        factors = exponents.exp()
        last = n_bands - 1
        bands = torch.arange(n_bands, dtype=torch.float)
        reached = self.boundary * last * factors.clamp(max=1)
        knee = reached / factors
        slope = (last - reached) / (last - knee).clamp(min=1e-6)
        warped = torch.where(
            bands <= knee, bands * factors, last - slope * (last - bands)
        )
        return warped.clamp(0, last)
