"""Frame embeddings of a pretrained encoder beside those of a CNN.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import nn


class Fusion(nn.Module):
    """Append an encoder's frames, resampled by time, to those of a CNN.

    The embeddings are normalised by a batch norm, projected, interpolated
    linearly to the times of the CNN's frames and appended to its features, as
    in the DCASE 2023 and 2024 Task 4 baselines, which resample by index. The
    gradients of the CNN are what they are without an encoder.

    Arguments
    ---------
    encoder_size : int
        D_e, size of an embedding.
    size : int
        D_p, to which it is projected.
    dropout : float
        Probability of an element of the projection to be dropped.
    clip_dropout : float
        Probability of a clip to be without embeddings in training (zeros; the
        others are not scaled up), so that the network cannot leave all to an
        encoder whose windows blur onsets and offsets: ModDrop (Neverova et al.,
        2015) of one of two modalities.

    Raises
    ------
    ValueError
        If ``clip_dropout`` is not in [0, 1).

    Example
    -------
    >>> fusion = Fusion(encoder_size=4, size=2)
    >>> frames, encoded = torch.zeros(1, 5, 3), torch.rand(1, 3, 4)
    >>> fusion(frames, encoded, torch.linspace(0, 2, 5)).shape
    torch.Size([1, 5, 5])
    """

    def __init__(
        self,
        encoder_size: int,
        size: int = 128,
        dropout: float = 0.0,
        clip_dropout: float = 0.0,
    ):
        super().__init__()
        if not 0 <= clip_dropout < 1:
            raise ValueError(
                f"clip_dropout is {clip_dropout}: give 0 or more, less than 1."
            )
        self.encoder_size = encoder_size
        self.size = size
        self.norm = nn.BatchNorm1d(encoder_size, affine=False)
        self.projection = nn.Linear(encoder_size, size)
        self.dropout = nn.Dropout(dropout)
        self.clip_dropout = clip_dropout

    def forward(
        self,
        frames: torch.Tensor,
        encoded: torch.Tensor,
        positions: torch.Tensor,
    ) -> torch.Tensor:
        """Append the embeddings to the frames.

        Arguments
        ---------
        frames : torch.Tensor
            Of the CNN, [B, T, D].
        encoded : torch.Tensor
            Of the encoder, [B, T_e, D_e].
        positions : torch.Tensor
            Where the CNN's frames are among the encoder's, [T]: 1.5 is half-way
            between the second and the third. Those beyond the ends get the
            first or the last embedding.

        Returns
        -------
        torch.Tensor
            [B, T, D + D_p].
        """
        projected = self.project(encoded, positions)
        if self.training and self.clip_dropout:
            drawn = torch.rand(len(projected), 1, 1, device=projected.device)
            projected = projected * (drawn >= self.clip_dropout)
        return torch.cat([frames, projected], dim=-1)

    def project(
        self, encoded: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """Return what ``forward`` appends, [B, T, D_p], from its arguments."""
        encoded = self.norm(encoded.transpose(1, 2)).transpose(1, 2)
        return interpolate(self.dropout(self.projection(encoded)), positions)


def interpolate(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Interpolate linearly between frames.

    Arguments
    ---------
    x : torch.Tensor
        [B, T_e, D].
    positions : torch.Tensor
        Fractional indices of the frames that are wanted, [T].

    Returns
    -------
    torch.Tensor
        [B, T, D]; beyond the ends the first or the last frame.

    Example
    -------
    >>> x = torch.tensor([[[0.0], [10.0]]])
    >>> interpolate(x, torch.tensor([-1.0, 0.25, 3.0])).flatten().tolist()
    [0.0, 2.5, 10.0]
    """
    last = x.shape[1] - 1
    positions = positions.clamp(0, last)
    lower = positions.floor().long()
    upper = (lower + 1).clamp(max=last)
    weight = (positions - lower).to(x.dtype)[:, None]
    return x[:, lower].lerp(x[:, upper], weight)
