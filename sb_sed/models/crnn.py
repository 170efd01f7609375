"""The CRNN of the DCASE 2020 Task 4 baseline and its layers.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from sb_sed.models.attention import Attention, FrequencyDynamic
from sb_sed.models.dropout import ByteDropout
from sb_sed.models.fusion import Fusion
from sb_sed.models.recurrence import PairedGRU


class Predictions(NamedTuple):
    """The outputs of a detector for a batch of B clips.

    Arguments
    ---------
    strong : torch.Tensor
        Score of each class in each output frame, in [0, 1], [B, T', C].
    weak : torch.Tensor
        Score of each class in the clip, in [0, 1], [B, C].
    embedding : torch.Tensor
        Frame embeddings before the recurrent layers, after a fusion,
        [B, T', D].
    """

    strong: torch.Tensor
    weak: torch.Tensor
    embedding: torch.Tensor


class GatedLinear(nn.Module):
    """``(W x + b) * sigmoid(x)``, the baseline's "GLU", over the channels.

    The gate is the input itself and the linear branch is projected: not the
    channel-splitting ``torch.nn.GLU``.

    Arguments
    ---------
    n_channels : int
        Number of channels, the last axis of the input.
    """

    def __init__(self, n_channels: int):
        super().__init__()
        self.linear = nn.Linear(n_channels, n_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Gate ``x``, [..., n_channels]."""
        return self.joined(self.linear(x), x)

    def joined(self, linear: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Join the projection ``W x + b`` and ``x``, in any layout."""
        return linear * torch.sigmoid(x)


class ContextGate(GatedLinear):
    """``x * sigmoid(W x + b)``, context gating (Miech et al., 2017).

    The gate of the wider CRNNs of DCASE 2021 and later (FDY-SED, Nam et al.,
    Interspeech 2022).
    """

    def joined(self, linear: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """See ``GatedLinear``."""
        return x * torch.sigmoid(linear)


GATES = {"linear": GatedLinear, "context": ContextGate}


class ConvBlock(nn.Module):
    """Convolution 3 x 3, batch norm, gate, dropout, average pooling, attention.

    Arguments
    ---------
    out_channels : int
        C', channels of the output.
    pooling : tuple[int, int]
        Pooling in time and frequency; an incomplete window is dropped.
    dropout : float
        Probability of an element to be dropped.
    bn_eps, bn_momentum : float
        Of the batch norm, in PyTorch's convention.
    conv, gate, attention : nn.Module
        [B, C, T, F] to [B, C', T, F]; [..., C'] to as many; and of what is
        pooled, to as much.
    """

    def __init__(
        self,
        out_channels: int,
        pooling: tuple[int, int],
        dropout: float,
        bn_eps: float,
        bn_momentum: float,
        conv: nn.Module,
        gate: nn.Module,
        attention: nn.Module,
    ):
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(out_channels, bn_eps, bn_momentum)
        self.gate = gate
        self.dropout = ByteDropout(dropout)
        self.pool = nn.AvgPool2d(tuple(pooling))
        self.attention = attention

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T, F] to [B, C', T // pooling, F // pooling]."""
        x = self.norm(self.conv(x)).permute(0, 2, 3, 1)
        x = self.dropout(self.gate(x)).permute(0, 3, 1, 2)
        return self.attention(self.pool(x))


@torch.no_grad()
def initialise_as_baseline(module: nn.Module) -> None:
    """Initialise one module as in the baseline (see ``nn.Module.apply``)."""
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight, gain=2**0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.GRU):
        for name, parameter in module.named_parameters():
            if "weight" in name:
                nn.init.orthogonal_(parameter)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)


@torch.no_grad()
def initialise_as_swish(module: nn.Module) -> None:
    """Initialise one module so that a short training makes progress at once.

    The gates begin as ``x * sigmoid(x)`` (swish, Ramachandran et al., 2017)
    and the convolutions as in He et al. (2015); the rest is PyTorch's. The
    baseline's gates begin close to zero, which costs it thousands of steps.
    """
    if isinstance(module, GatedLinear):
        nn.init.eye_(module.linear.weight)
        nn.init.zeros_(module.linear.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class CRNN(nn.Module):
    """Convolutional recurrent network with strong and weak outputs.

    The defaults are the DCASE 2020 Task 4 baseline (1 112 420 parameters with
    one input channel), including its initialisation and its batch norm, whose
    momentum 0.99 lets the running statistics follow the last batch.
    The convolutions run channels-last, the memory layout of ``[batch, time,
    feature, channel]``.

    Arguments
    ---------
    n_classes : int
        C, number of classes.
    n_mels : int
        F, number of mel bands of the input.
    n_channels : int
        Number of input channels (parallel front-ends).
    filters : Sequence[int]
        Output channels of each convolutional block.
    pooling : Sequence[tuple[int, int]]
        Pooling of each block in time and frequency.
    rnn_hidden : int
        Hidden units of the GRU in each direction.
    rnn_layers : int
        Layers of the bidirectional GRU.
    dropout : float
        After each block and after the GRU (none between its layers).
    bn_eps, bn_momentum : float
        Of the batch norms, in PyTorch's convention.
    initialise : Callable[[nn.Module], None] | None
        Initialises each module in place; None keeps PyTorch's way.
    fusion : Fusion | None
        Joins the embeddings of a pretrained encoder with those of the CNN.
    width : int
        Factor of ``filters`` and ``rnn_hidden``.
    gate : str
        Of the blocks: ``linear``, the baseline's, or ``context``.
    attention : Attention | None
        Makes what weights the maps after each block but the last.
    dynamic : FrequencyDynamic | None
        Makes the convolutions of all blocks but the first.

    Example
    -------
    >>> network = CRNN(n_classes=10)
    >>> sum(p.numel() for p in network.parameters())
    1112420
    >>> predictions = network(torch.rand(2, 628, 128))
    >>> [tuple(x.shape) for x in predictions]
    [(2, 157, 10), (2, 10), (2, 157, 128)]
    """

    def __init__(
        self,
        n_classes: int = 10,
        n_mels: int = 128,
        n_channels: int = 1,
        filters: Sequence[int] = (16, 32, 64, 128, 128, 128, 128),
        pooling: Sequence[tuple[int, int]] = ((2, 2),) * 2 + ((1, 2),) * 5,
        rnn_hidden: int = 128,
        rnn_layers: int = 2,
        dropout: float = 0.5,
        bn_eps: float = 1e-3,
        bn_momentum: float = 0.99,
        initialise: Callable[[nn.Module], None] | None = initialise_as_baseline,
        fusion: Fusion | None = None,
        width: int = 1,
        gate: str = "linear",
        attention: Attention | None = None,
        dynamic: FrequencyDynamic | None = None,
    ):
        super().__init__()
        if gate not in GATES:
            raise ValueError(
                f"The gate is {gate!r}: choose from {', '.join(GATES)}."
            )
        filters = [width * size for size in filters]
        rnn_hidden *= width
        smallest = min(
            n_classes, n_mels, n_channels, *filters, rnn_hidden, rnn_layers
        )
        if smallest < 1:
            raise ValueError(
                f"A size of the network is {smallest}: give 1 or more."
            )
        if len(filters) != len(pooling):
            raise ValueError(
                f"{len(filters)} filters but {len(pooling)} poolings: "
                "give one of each a block."
            )
        bands = [n_mels]
        for _, pool in pooling:
            bands.append(bands[-1] // pool)
        if bands[-1] == 0:
            raise ValueError(
                f"The pooling {list(pooling)} leaves nothing of {n_mels} mel "
                "bands: use more bands or less pooling."
            )
        self.n_channels = n_channels
        self.time_pooling = [pool for pool, _ in pooling]
        self.fusion = fusion
        self.embedding_size = filters[-1] * bands[-1]
        if fusion is not None:
            self.embedding_size += fusion.size
        blocks = []
        in_channels = [n_channels, *filters[:-1]]
        for i, sizes in enumerate(zip(in_channels, filters, strict=True)):
            conv, weighted = nn.Conv2d(*sizes, 3, padding=1), nn.Identity()
            if dynamic is not None and i > 0:
                conv = dynamic(*sizes)
            if attention is not None and i < len(filters) - 1:
                weighted = attention(filters[i], bands[i + 1])
            blocks.append(
                ConvBlock(
                    filters[i],
                    pooling[i],
                    dropout,
                    bn_eps,
                    bn_momentum,
                    conv,
                    GATES[gate](filters[i]),
                    weighted,
                )
            )
        self.cnn = nn.Sequential(*blocks).to(memory_format=torch.channels_last)
        self.rnn = PairedGRU(
            self.embedding_size,
            rnn_hidden,
            rnn_layers,
            batch_first=True,
            bidirectional=True,
        )
        self.dropout = ByteDropout(dropout)
        self.strong = nn.Linear(2 * rnn_hidden, n_classes)
        self.attention = nn.Linear(2 * rnn_hidden, n_classes)
        if initialise is not None:
            self.apply(initialise)

    def n_output_frames(self, n_frames: int) -> int:
        """Return the number of output frames T' for ``n_frames`` of input."""
        for pool in self.time_pooling:
            n_frames //= pool
        return n_frames

    def forward(
        self,
        features: torch.Tensor,
        encoded: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
    ) -> Predictions:
        """Detect the classes in a batch.

        Arguments
        ---------
        features : torch.Tensor
            [B, T, F], or [B, T, F, channels] of parallel front-ends.
        encoded, positions : torch.Tensor, optional
            The embeddings of an encoder and where the output frames are among
            them, for the fusion (see ``Fusion.forward``).

        Returns
        -------
        Predictions
            strong [B, T', C], weak [B, C] and embedding [B, T', D], float32.
        """
        if features.dim() == 3:
            features = features.unsqueeze(-1)
        x = self.cnn(features.permute(0, 3, 1, 2))  # [B, D, T', F']
        embedding = x.permute(0, 2, 1, 3).flatten(2)  # [B, T', D F']
        # float32 from here on: the recurrence is not faster in bfloat16, and
        # the losses want probabilities of full precision.
        with torch.autocast(x.device.type, enabled=False):
            embedding = embedding.float()
            if self.fusion is not None:
                embedding = self.fusion(embedding, encoded.float(), positions)
            hidden = self.dropout(self.rnn(embedding)[0])
            scores = attended(self.strong(hidden), self.attention(hidden))
        return Predictions(*scores, embedding)


def attended(
    strong: torch.Tensor, attention: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores of frames and, averaged by attention, of clips.

    Arguments
    ---------
    strong, attention : torch.Tensor
        Before their sigmoid and softmax, [B, T, C].

    Returns
    -------
    tuple[torch.Tensor, torch.Tensor]
        Strong [B, T, C] and weak [B, C], in [0, 1].

    Example
    -------
    >>> strong, weak = attended(torch.zeros(1, 3, 2), torch.rand(1, 3, 2))
    >>> weak.tolist()
    [[0.5, 0.5]]
    """
    strong = torch.sigmoid(strong)
    # Over the classes, as the baseline: classes compete for frames. A single
    # one competes with none, whose attention is 0; else all frames would count
    # alike, and a short event would have to fill its clip.
    if attention.shape[-1] == 1:
        attention = torch.sigmoid(attention)
    else:
        attention = torch.softmax(attention, dim=-1)
    attention = attention.clamp_min(1e-7)
    return strong, (strong * attention).sum(1) / attention.sum(1)
