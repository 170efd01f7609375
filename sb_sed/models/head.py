"""A small network on the frame embeddings of a pretrained encoder alone.

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import nn

from sb_sed.models.crnn import Predictions, attended
from sb_sed.models.fusion import Fusion
from sb_sed.models.recurrence import PairedGRU


class Head(nn.Module):
    """A recurrent layer and the outputs of the CRNN, without its CNN.

    For few examples, and for training in minutes. The detector's mel
    spectrograms only give the times of its frames; so does
    :class:`~sb_sed.features.frames.FrameGrid`, which costs nothing.

    Arguments
    ---------
    n_classes : int
        C, number of classes.
    fusion : Fusion
        Normalises, projects and resamples the embeddings.
    pooling : int
        Mel frames in an output frame.
    rnn_hidden : int
        Hidden units of the bidirectional GRU in each direction.
    rnn_layers : int
        Its layers.
    dropout : float
        After the GRU.

    Example
    -------
    >>> head = Head(n_classes=3, fusion=Fusion(encoder_size=4, size=2))
    >>> head.n_output_frames(501)
    125
    >>> encoded, positions = torch.rand(2, 63, 4), torch.linspace(0, 62, 125)
    >>> predictions = head(torch.zeros(2, 501, 64), encoded, positions)
    >>> [tuple(x.shape) for x in predictions]
    [(2, 125, 3), (2, 3), (2, 125, 2)]
    """

    def __init__(
        self,
        n_classes: int,
        fusion: Fusion,
        pooling: int = 4,
        rnn_hidden: int = 128,
        rnn_layers: int = 1,
        dropout: float = 0.0,
    ):
        super().__init__()
        smallest = min(n_classes, pooling, rnn_hidden, rnn_layers)
        if smallest < 1:
            raise ValueError(
                f"A size of the head is {smallest}: give 1 or more."
            )
        self.time_pooling = [pooling]
        self.fusion = fusion
        self.embedding_size = fusion.size
        self.rnn = PairedGRU(
            fusion.size,
            rnn_hidden,
            rnn_layers,
            batch_first=True,
            bidirectional=True,
        )
        self.dropout = nn.Dropout(dropout)
        self.strong = nn.Linear(2 * rnn_hidden, n_classes)
        self.attention = nn.Linear(2 * rnn_hidden, n_classes)

    def n_output_frames(self, n_frames: int) -> int:
        """Return the number of output frames T' for ``n_frames`` of input."""
        return n_frames // self.time_pooling[0]

    def forward(
        self,
        features: torch.Tensor,
        encoded: torch.Tensor,
        positions: torch.Tensor,
    ) -> Predictions:
        """Detect the classes in a batch.

        Arguments
        ---------
        features : torch.Tensor
            [B, T, F]: not used.
        encoded, positions : torch.Tensor
            The embeddings and where the output frames are among them (see
            ``Fusion.forward``).

        Returns
        -------
        Predictions
            strong [B, T', C], weak [B, C] and embedding [B, T', D], float32.
        """
        with torch.autocast(features.device.type, enabled=False):
            embedding = self.fusion.project(encoded.float(), positions)
            hidden = self.dropout(self.rnn(embedding)[0])
            scores = attended(self.strong(hidden), self.attention(hidden))
        return Predictions(*scores, embedding)
