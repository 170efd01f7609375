"""Detectors in PyTorch, without SpeechBrain: what the commands run.

Authors
 * sb_sed contributors 2026
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from sb_sed.inference.finder import EventFinder
from sb_sed.inference.windows import Windows, WindowScorer
from sb_sed.models.folded import folded
from sb_sed.runs.description import check_fit
from sb_sed.smoothing.base import Smoother

# Windows processed at once. Recurrent layers take a third of the time for each
# that they take for one alone; of convolutions, more than two windows fall out
# of a processor's cache, where they are not run in turn: see ``folded``
# (benchmarks/detection.py).
_BATCH, _BATCH_ON_CPU = 16, 2


class TorchNetwork:
    """From clips to scores, by a network in PyTorch.

    Arguments
    ---------
    detector : nn.Module
        On ``device``, in evaluation mode.
    device : str
        Of PyTorch.
    is_gated : Callable[[], bool]
        Whether scores are gated by the weak ones.
    """

    def __init__(
        self,
        detector: nn.Module,
        device: str,
        is_gated: Callable[[], bool] = bool,
    ):
        self.detector, self.device = detector, device
        self.is_gated = is_gated
        self._fast = folded(detector)
        in_turn = self._fast is not detector and detector.encoder is None
        on_cpu = torch.device(device).type == "cpu"
        self.batch_size = _BATCH if in_turn or not on_cpu else _BATCH_ON_CPU

    @cached_property
    def key(self) -> str:
        """A digest of the weights."""
        digest = hashlib.sha256()
        for name, tensor in self.detector.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def use_threads(self, number: int) -> None:
        """Let so many threads work for the one that calls this."""
        torch.set_num_threads(number)

    @torch.inference_mode()
    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Score clips [B, N], float32; returns [B, T, C]."""
        wavs = torch.from_numpy(clips).to(self.device)
        predictions = self._fast.from_waveforms(wavs)
        scores = predictions.strong.float()
        if self.is_gated():
            weak = predictions.weak.float()
            scores = torch.minimum(scores, weak[:, None])
        return scores.cpu().numpy()


def window_scorer(
    network: TorchNetwork, constants: Mapping[str, Any]
) -> WindowScorer:
    """Return what scores recordings of any length by a network.

    Arguments
    ---------
    network : TorchNetwork
        Of a ``Detector``, or a module like it.
    constants : Mapping
        ``classes``, ``sample_rate`` (Hz) and ``clip_seconds``.

    Returns
    -------
    WindowScorer

    Raises
    ------
    InputError
        If the constants do not fit the network.
    """
    detector, rate = network.detector, constants["sample_rate"]
    check_fit(detector, constants, network.device)
    n_samples = round(constants["clip_seconds"] * rate)
    windows = Windows(
        n_samples,
        detector.n_output_frames(n_samples),
        round(detector.frame_shift * rate),
    )
    return WindowScorer(
        network, windows, constants["classes"], rate, network.batch_size
    )


class TorchFinder(EventFinder):
    """A trained detector in PyTorch.

    Arguments
    ---------
    detector : nn.Module
        A ``Detector``, or a module like it, on the CPU.
    constants : Mapping
        ``classes``, ``sample_rate`` (Hz), ``clip_seconds`` and ``smoother``.
    device : str, optional
        Of PyTorch (default: CUDA where there is one).

    Raises
    ------
    InputError
        If the constants do not fit the detector.

    Example
    -------
    >>> from sb_sed.inference.pretrained import yamnet_parts
    >>> modules, constants = yamnet_parts("Dog")
    >>> finder = TorchFinder(modules["detector"], constants, "cpu")
    >>> finder.classes, finder.sample_rate
    (['Dog'], 16000)
    """

    smoother: Smoother

    def __init__(
        self,
        detector: nn.Module,
        constants: Mapping[str, Any],
        device: str | None = None,
    ):
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.smoother = constants["smoother"]
        detector = detector.to(device).eval().requires_grad_(False)
        network = TorchNetwork(detector, device, lambda: self.clip_gate)
        self.scores = window_scorer(network, constants)
