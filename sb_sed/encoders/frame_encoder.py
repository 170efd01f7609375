"""What a pretrained network is to the rest: waveforms in, embeddings out.

Authors
 * sb_sed contributors 2026
"""

import copy
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sb_sed.errors import InputError


class FrameEncoder(nn.Module, ABC):
    """A pretrained network that turns waveforms into embeddings of frames.

    Frozen, as it is by default, it is a constant of the system: in evaluation
    mode whatever ``train()`` is told, computed without gradients and without
    autocast, absent from checkpoints (``state_dict`` is empty), and its own
    deep copy, so that a teacher shares it with its student. With ``trainable``
    it is a module like any other.

    A subclass gives its network to this class and computes ``_encode`` with
    it.

    Arguments
    ---------
    net : nn.Module
        The network with its weights; ``self.net``.
    size : int
        Of an embedding, D.
    frame_shift : float
        Distance between frames, in seconds.
    first_frame : float
        Centre of the first frame's window, in seconds.
    sample_rate : int
        Of the waveforms, in Hz.
    min_samples : int
        Shorter waveforms are padded with zeros at their end.
    settings : Mapping
        Plain values: whatever changes the output, the weights' digest too.
    trainable : bool
        Whether the weights are trained with the rest.

    Attributes
    ----------
    settings : dict
        With the name of the class as ``encoder``.
    key : str
        A short digest of the settings: names a cache of embeddings.

    Example
    -------
    >>> class Energy(FrameEncoder):
    ...     def __init__(self, trainable=False):
    ...         super().__init__(
    ...             nn.Linear(160, 4),
    ...             size=4,
    ...             frame_shift=0.01,
    ...             first_frame=0.005,
    ...             sample_rate=16000,
    ...             min_samples=160,
    ...             settings={"weights": "random"},
    ...             trainable=trainable,
    ...         )
    ...
    ...     def _encode(self, wavs):
    ...         return self.net(wavs.unfold(-1, 160, 160))
    ...
    ...     def _n_frames(self, n_samples):
    ...         return n_samples // 160
    >>> encoder = Energy()
    >>> encoder(torch.randn(2, 16000)).shape, encoder.n_frames(16000)
    (torch.Size([2, 100, 4]), 100)
    >>> len(encoder.state_dict()), len(Energy(trainable=True).state_dict())
    (0, 2)
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        size: int,
        frame_shift: float,
        first_frame: float,
        sample_rate: int,
        min_samples: int,
        settings: Mapping[str, Any],
        trainable: bool = False,
    ):
        super().__init__()
        self.net = net
        self.size = size
        self.frame_shift = frame_shift
        self.first_frame = first_frame
        self.sample_rate = sample_rate
        self.min_samples = min_samples
        self.trainable = trainable
        self.settings = {"encoder": type(self).__name__, **settings}
        net.requires_grad_(trainable)
        self.train(trainable)

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits, the same for the same settings."""
        text = json.dumps(self.settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def forward(self, wavs: Tensor) -> Tensor:
        """Return the embeddings of a batch of waveforms.

        Arguments
        ---------
        wavs : Tensor
            Waveforms [B, N] at ``sample_rate``, in [-1, 1].

        Returns
        -------
        Tensor
            [B, T_e, D], float32, T_e = ``n_frames(N)``. Frame ``i`` is centred
            at ``first_frame + i * frame_shift`` seconds.

        Raises
        ------
        InputError
            If the waveforms are not [B, N] or not finite.
        """
        return self._run(self._encode, wavs)

    def _run(self, compute, wavs: Tensor) -> Tensor:
        """Check and pad waveforms; compute with or without gradients."""
        if wavs.dim() != 2:
            raise InputError(
                f"Waveforms have the shape {tuple(wavs.shape)}: mix the "
                "channels down and pass [batch, samples]."
            )
        if not torch.compiler.is_compiling() and not wavs.isfinite().all():
            raise InputError(
                "Waveforms hold values that are not finite (NaN or infinite): "
                "leave those recordings out or repair them."
            )
        wavs = self._padded(wavs)
        if self.trainable:
            return compute(wavs.float()).float()
        # A cached embedding is the one computed in training.
        with torch.no_grad(), torch.autocast(wavs.device.type, enabled=False):
            return compute(wavs.float()).float()

    def _padded(self, wavs: Tensor) -> Tensor:
        """Pad to ``min_samples``; for encoders that do not pad themselves."""
        missing = torch.sym_max(self.min_samples - wavs.shape[-1], 0)
        return nn.functional.pad(wavs, (0, missing))

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames a waveform of so many samples has."""
        return self._n_frames(torch.sym_max(n_samples, self.min_samples))

    def check_sample_rate(self, sample_rate: int) -> None:
        """Refuse waveforms of another rate.

        Raises
        ------
        InputError
            If the rate is not the encoder's.
        """
        if sample_rate != self.sample_rate:
            raise InputError(
                f"{type(self).__name__} takes waveforms of {self.sample_rate} "
                f"Hz, not of {sample_rate} Hz: resample them, or set "
                f"sample_rate: {self.sample_rate}."
            )

    def parameter_groups(self, lr: float, decay: float = 0.75) -> list[dict]:
        """Return the weights for an optimiser, with layer-wise decayed rates.

        The last layers learn at ``lr``, each earlier one at ``decay`` times
        the rate of the one after it: general features change least.

        Arguments
        ---------
        lr : float
            Learning rate of the last layer.
        decay : float
            Factor from a layer to the one before it.

        Returns
        -------
        list
            ``{"params": ..., "lr": ...}`` from the first layer to the last;
            empty if the encoder is frozen.

        Example
        -------
        >>> from sb_sed.encoders import YAMNet
        >>> encoder = YAMNet(trainable=True)
        >>> groups = encoder.parameter_groups(1e-3, decay=0.5)
        >>> [group["lr"] for group in groups][-3:]
        [0.00025, 0.0005, 0.001]
        >>> YAMNet().parameter_groups(1e-3)
        []
        """
        if not self.trainable:
            return []
        parts = [nn.ModuleList(modules) for modules in self._layers()]
        groups = [[*part.parameters()] for part in parts]
        known = {id(p) for group in groups for p in group}
        groups[0] += [p for p in self.parameters() if id(p) not in known]
        groups = [[p for p in group if p.requires_grad] for group in groups]
        return [
            {"params": group, "lr": lr * decay ** (len(groups) - 1 - depth)}
            for depth, group in enumerate(groups)
            if group
        ]

    @abstractmethod
    def _encode(self, wavs: Tensor) -> Tensor:
        """Waveforms [B, N], N >= ``min_samples`` -> [B, T_e, D]."""

    @abstractmethod
    def _n_frames(self, n_samples: int) -> int:
        """Return T_e of at least ``min_samples`` samples."""

    def _layers(self) -> Sequence[Sequence[nn.Module]]:
        """Return the modules of each layer, from the input to the output."""
        return [[self.net]]

    def train(self, mode: bool = True) -> "FrameEncoder":
        """Change to training mode, unless frozen."""
        return super().train(mode and self.trainable)

    def __deepcopy__(self, memo: dict) -> "FrameEncoder":
        """Return a copy; a frozen encoder is its own."""
        if not self.trainable:
            return self
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__ = copy.deepcopy(self.__dict__, memo)
        return copied

    def state_dict(self, *args, **kwargs) -> dict[str, Tensor]:
        """Return the weights; none if frozen."""
        if self.trainable:
            return super().state_dict(*args, **kwargs)
        destination = kwargs.get("destination")
        return {} if destination is None else destination

    def _load_from_state_dict(
        self, state, prefix, metadata, strict, missing, unexpected, errors
    ) -> None:
        """Let a frozen encoder stay as it is, and refuse weights for it."""
        if not self.trainable:
            unexpected.extend(name for name in state if name.startswith(prefix))
            # The children, which are visited next, load what they have.
            state.update(super().state_dict(prefix=prefix))
            return
        super()._load_from_state_dict(
            state, prefix, metadata, strict, missing, unexpected, errors
        )
