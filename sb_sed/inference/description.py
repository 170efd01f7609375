"""A trained detector before it is built: its parts, constants and weights.

Authors
 * sb_sed contributors 2026
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch

from sb_sed.errors import InputError
from sb_sed.inference.parts import build
from sb_sed.models.detector import Detector
from sb_sed.smoothing.base import Smoother


@dataclass(frozen=True)
class Description:
    """A trained detector, before it is built.

    Arguments
    ---------
    classes : list of str
        The labels, in the order of the network's outputs.
    sample_rate : int
        Of the waveforms that the detector hears, in Hz.
    clip_seconds : float
        Length of the clips that it was trained on.
    detector : dict
        Featurizer and network, see ``parts``.
    smoother : Smoother
        From scores to events.
    weights : Path
        The state of the detector, as ``torch.save`` writes it.
    about : dict
        Where it comes from: plain values.
    """

    classes: list[str]
    sample_rate: int
    clip_seconds: float
    detector: dict
    smoother: Smoother
    weights: Path
    about: dict

    def build(self) -> Detector:
        """Builds the detector with its weights, on the CPU, for evaluation.

        Returns
        -------
        Detector

        Raises
        ------
        InputError
            If it cannot be built, or the weights are not its own.
        """
        with torch.random.fork_rng(devices=[]):
            detector = build(self.detector)
        if not isinstance(detector, Detector):
            raise InputError(
                f"{self.weights.parent} describes no detector but "
                f"{type(detector).__name__}: export it again."
            )
        load_weights(detector, self.weights)
        return detector.eval()


def load_weights(detector: torch.nn.Module, path: Path) -> None:
    """Loads a state into a detector; no code in the file is run.

    Arguments
    ---------
    detector : nn.Module
        The detector.
    path : Path
        As ``torch.save`` wrote it.

    Raises
    ------
    InputError
        If the file is damaged, of another detector, or not finite.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        detector.load_state_dict(state)
    except (
        RuntimeError,
        UnpicklingError,
        EOFError,
        OSError,
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
    ) as error:
        reason = " ".join(str(error).split()[:30]) or type(error).__name__
        raise InputError(
            f"{path} does not hold the weights of this detector ({reason}): "
            "fetch or export it again."
        ) from error
    if not all(x.isfinite().all() for x in state.values()):
        raise InputError(
            f"{path} holds weights that are not finite: take another "
            "checkpoint or train again."
        )


def checked(content: Mapping, file: Path) -> dict:
    """Takes the constants out of a file that may say anything.

    Arguments
    ---------
    content : Mapping
        What the file says.
    file : Path
        For the complaint.

    Returns
    -------
    dict
        ``classes``, ``sample_rate`` and ``clip_seconds``.

    Raises
    ------
    InputError
        If one is not what it should be.

    Example
    -------
    >>> content = {"classes": ["Cat"], "sample_rate": 16000, "clip_seconds": 0}
    >>> checked(content, Path("a.json"))
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: a.json has the clip_seconds 0, which makes no...
    """
    for name, holds in _CHECKS.items():
        if not holds(content.get(name)):
            text = repr(content.get(name))[:80]
            raise InputError(
                f"{file} has the {name} {text}, which makes no sense: restore "
                "the file or export the detector again."
            )
    return {name: content[name] for name in _CHECKS}


@torch.inference_mode()
def check_fit(detector: Detector, constants: Mapping, device: str) -> None:
    """Finds constants that do not fit a detector before it is used.

    Arguments
    ---------
    detector : Detector
        On ``device``. It hears one clip of silence.
    constants : Mapping
        ``classes``, ``sample_rate``, ``clip_seconds``.
    device : str
        Of PyTorch.

    Raises
    ------
    InputError
        If they do not fit.
    """
    rate, seconds = constants["sample_rate"], constants["clip_seconds"]
    of_mel = detector.featurizer.mel.sample_rate
    if of_mel != rate:
        raise _unfit(f"the features are made for {of_mel} Hz, not for {rate}")
    n_samples = round(seconds * rate)
    if n_samples < detector.frame_shift * rate:
        raise _unfit(f"clip_seconds, {seconds}, is less than an output frame")
    n_frames, n_classes = (
        detector.n_output_frames(n_samples),
        len(constants["classes"]),
    )
    try:
        clip = torch.zeros(1, n_samples, device=device)
        given = tuple(detector.from_waveforms(clip).strong.shape[1:])
    except RuntimeError as error:
        reason = " ".join(str(error).split()[:30])
        raise _unfit(f"its network cannot hear a clip: {reason}") from error
    if given != (n_frames, n_classes):
        raise _unfit(
            f"its network gives {given[0]} frames of {given[1]} scores for "
            f"{n_frames} frames and {n_classes} classes"
        )


def _unfit(fault: str) -> InputError:
    return InputError(
        f"The detector does not fit its constants ({fault}): correct its recipe "
        "and export it again."
    )


_CHECKS: dict[str, Callable[[object], bool]] = {
    "classes": lambda x: (
        isinstance(x, list)
        and 0 < len(x) == len({str(label) for label in x})
        and all(isinstance(label, str) and label for label in x)
    ),
    "sample_rate": lambda x: isinstance(x, int) and 0 < x < 10**6,
    "clip_seconds": lambda x: (
        isinstance(x, (int, float)) and math.isfinite(x) and 0 < x < 3600
    ),
}
