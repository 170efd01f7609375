"""Losses of frame scores that torch does not have.

Authors
 * sb_sed contributors 2026
"""

from math import ceil, pi

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError


class KnownBCE(nn.Module):
    """Binary cross-entropy over what is known: targets that are NaN count not.

    Of a recording that a listener was asked about here and there, most is
    unknown; taken for silence, it would teach that what nobody was asked about
    is no event.

    Example
    -------
    >>> targets = torch.tensor([[[1.0], [torch.nan]]])
    >>> scores = torch.tensor([[[0.5], [0.9]]])
    >>> KnownBCE()(scores, targets)
    tensor(0.6931)
    """

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of the cross-entropies.

        Arguments
        ---------
        scores, targets : Tensor
            In [0, 1], the targets or NaN, of one shape.

        Returns
        -------
        Tensor
            Scalar; 0 where nothing is known.
        """
        known = (~targets.isnan()).to(scores)
        bce = nn.functional.binary_cross_entropy(
            scores, targets.nan_to_num(), known, reduction="sum"
        )
        return bce / known.sum().clamp(min=1)


class BoundaryWeightedBCE(nn.Module):
    """Binary cross-entropy that weighs frames by onsets and offsets more.

    An event counts as detected if its onset and offset are within a collar, but
    of a long event's frames few decide that. A frame of a class weighs

        1 + (weight - 1) max_b |d_b| cos(pi / 2 min(1, |t - b| / width))

    over the boundaries b of that class: where its target changes, by d_b, from
    one frame to the next, t being the middle of the frame. The loss is the
    weighted mean, so that the share of the strong labels in a training's loss
    stays what it was. Soft targets are welcome: the onset of an event that was
    mixed in at a third weighs a third of a full one. A clip's beginning and end
    are no boundaries, as an event may go on beyond them; nor is the end of what
    is known: targets that are NaN weigh nothing, as in ``KnownBCE``.

    After the onset and offset weighted loss of Song (2024, arXiv 2403.13254),
    which takes first-order differences and a sinusoidal window too; window,
    settings and normalisation are as above, not read off the paper.

    Arguments
    ---------
    frame_shift : float
        Seconds between frames.
    weight : float
        Of a frame at a full boundary, where others have 1.
    width : float
        How far a boundary reaches to both sides, in seconds.

    Raises
    ------
    InputError
        If the weight is below 1, or the width or the frame shift not positive.

    Example
    -------
    >>> loss = BoundaryWeightedBCE(frame_shift=0.1, weight=3.0, width=0.15)
    >>> targets = torch.tensor([[[0.0], [0.0], [0.0], [1.0], [1.0]]])
    >>> loss.weights(targets).flatten()
    tensor([1.0000, 1.0000, 2.7321, 2.7321, 1.0000])
    >>> loss(torch.full_like(targets, 0.5), targets)
    tensor(0.6931)
    """

    window: Tensor

    def __init__(
        self, frame_shift: float, weight: float = 3.0, width: float = 0.2
    ):
        super().__init__()
        if not weight >= 1:
            raise InputError(
                f"The weight of BoundaryWeightedBCE is {weight}: give 1, for "
                "all frames alike, or more."
            )
        for name, seconds in ("width", width), ("frame shift", frame_shift):
            if not seconds > 0:
                raise InputError(
                    f"The {name} of BoundaryWeightedBCE is {seconds} s: give "
                    "more than 0."
                )
        self.weight = weight
        # A boundary is half a frame away from the middles of its neighbours.
        reach = ceil(width / frame_shift)
        distances = frame_shift * (torch.arange(2 * reach) - reach + 0.5).abs()
        window = torch.cos(pi / 2 * (distances / width).clamp(max=1.0))
        self.register_buffer("window", window.clamp(min=0.0), persistent=False)

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the weighted mean of the cross-entropies.

        Arguments
        ---------
        scores, targets : Tensor
            Of frames and classes, in [0, 1], the targets or NaN, [B, T, C].

        Returns
        -------
        Tensor
            Scalar; 0 where nothing is known.
        """
        weights = self.weights(targets)
        bce = nn.functional.binary_cross_entropy(
            scores, targets.nan_to_num(), weights, reduction="sum"
        )
        return bce / weights.sum().clamp(min=1)

    def weights(self, targets: Tensor) -> Tensor:
        """Return the weights of frames and classes, 0 if unknown, [B, T, C]."""
        self.window = self.window.to(targets)  # once: no wait in each step
        reach = len(self.window) // 2
        # Frame t neighbours the changes before it (t) and after it (t + 1).
        changes = targets.diff(dim=1).abs().nan_to_num().transpose(1, 2)
        near = nn.functional.pad(changes, (reach, reach))
        near = (near.unfold(2, 2 * reach, 1) * self.window).amax(3)
        weights = 1.0 + (self.weight - 1.0) * near.transpose(1, 2)
        return weights.masked_fill(targets.isnan(), 0.0)
