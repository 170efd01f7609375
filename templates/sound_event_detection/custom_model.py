"""A network of your own, as an example that works.

Replace this one by yours and name it in train.yaml:

    network: !new:custom_model.SmallNetwork
        n_classes: !ref <n_classes>
        n_mels: !ref <n_mels>

Authors
 * sb_sed contributors 2026
"""

import torch
from torch import nn

from sb_sed.models.crnn import Predictions


class SmallNetwork(nn.Module):
    """Two convolutions over time and mel, then three over time alone.

    What a network has to have:

    - ``forward``: features [batch, time, mel] to ``Predictions`` of three
      tensors. ``strong`` [batch, time', class]: the score of each class in each
      output frame, from 0 to 1. ``weak`` [batch, class]: its score in the clip,
      from 0 to 1. ``embedding`` [batch, time', any]: what the scores were
      computed from, for plots and for domain-adversarial training.
    - ``time_pooling``: by how much each layer that pools over time divides the
      number of frames; their product says how long an output frame is.
    - ``n_output_frames``: time' for a number of frames. It has to be what
      ``forward`` gives; ``train.py`` checks that before the training.

    Weights are trained, saved and averaged into the teacher as they are found
    in the module: nothing has to be registered anywhere.

    Arguments
    ---------
    n_classes : int
        Number of classes.
    n_mels : int
        Number of mel bands of the features.
    channels : int
        Channels of all layers.
    dropout : float
        Probability of an element to be dropped.

    Example
    -------
    >>> network = SmallNetwork(n_classes=3)
    >>> [tuple(x.shape) for x in network(torch.rand(2, 501, 64))]
    [(2, 125, 3), (2, 3), (2, 125, 64)]
    >>> network.n_output_frames(501)
    125
    """

    def __init__(
        self,
        n_classes: int,
        n_mels: int = 64,
        channels: int = 64,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.time_pooling = [2, 2]
        self.pictures = nn.Sequential(
            _block(nn.Conv2d(1, channels // 2, 3, padding=1), pooling=(2, 4)),
            _block(
                nn.Conv2d(channels // 2, channels, 3, padding=1),
                pooling=(2, 4),
            ),
        )
        self.join_bands = nn.Linear(channels * (n_mels // 16), channels)
        # Dilated, so that a score depends on the second or so around it.
        self.contexts = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding=width, dilation=width)
            for width in (1, 3, 9)
        )
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(channels, n_classes)

    def n_output_frames(self, n_frames: int) -> int:
        """Number of output frames for a number of input frames."""
        for pool in self.time_pooling:
            n_frames //= pool
        return n_frames

    def forward(self, features: torch.Tensor) -> Predictions:
        """Detect the classes in features, [batch, time, mel]."""
        x = self.pictures(features.unsqueeze(1))  # [B, channel, T', mel']
        x = self.join_bands(x.permute(0, 2, 1, 3).flatten(2))  # [B, T', D]
        x = x.transpose(1, 2)
        for context in self.contexts:
            x = x + torch.relu(context(x))
        embedding = self.dropout(x.transpose(1, 2)).float()
        # The losses want probabilities of full precision.
        with torch.autocast(x.device.type, enabled=False):
            strong = torch.sigmoid(self.scores(embedding))
            # A mean in which high scores count more (Wang et al., 2019).
            weak = strong.square().sum(1) / strong.sum(1).clamp_min(1e-7)
        return Predictions(strong, weak, embedding)


def _block(convolution: nn.Conv2d, pooling: tuple[int, int]) -> nn.Module:
    return nn.Sequential(
        convolution,
        nn.BatchNorm2d(convolution.out_channels),
        nn.ReLU(),
        nn.MaxPool2d(pooling),  # time, mel
    )
