"""A trained detector before it is built: its parts, constants and weights.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sb_sed.errors import UNBUILDABLE, InputError, brief
from sb_sed.formats.labels import label_fault
from sb_sed.formats.tsv import shortened
from sb_sed.models.detector import Detector
from sb_sed.models.weights import load_weights
from sb_sed.runs.parts import build
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import check_smoother

# Of an exported detector; no run has it.
WEIGHTS_FILE = "detector.ckpt"


@dataclass(frozen=True)
class Description:
    """A trained detector, before it is built.

    Arguments
    ---------
    classes : list[str]
        The labels, in the order of the network's outputs.
    sample_rate : int
        Of the waveforms that the detector processes, in Hz.
    clip_seconds : float
        Length of the clips that it was trained on.
    detector : dict
        Featurizer and network, see ``parts``.
    smoother : Smoother
        From scores to events.
    weights : Path
        The state of the detector, by ``torch.save``.
    about : dict
        Where it comes from: plain values.
    encoder_key : str | None
        Of the pretrained encoder that the detector was trained with, if it is
        known: it has to be the same to the bit.
    """

    classes: list[str]
    sample_rate: int
    clip_seconds: float
    detector: dict
    smoother: Smoother
    weights: Path
    about: dict
    encoder_key: str | None = None

    def build(self) -> Detector:
        """Build the detector with its weights, on the CPU, for evaluation.

        Raises
        ------
        InputError
            If it cannot be built, or the weights are not its own.
        """
        check_smoother(self.smoother, self.classes, self.weights.parent)
        try:
            with torch.random.fork_rng(devices=[]):
                detector = build(self.detector)
        except InputError as error:
            raise type(error)(
                f"The detector of {self.weights.parent} cannot be built: "
                f"{error}"
            ) from error
        if not isinstance(detector, Detector):
            raise InputError(
                f"{self.weights.parent} does not describe a detector but "
                f"{type(detector).__name__}: export it again."
            )
        self._check_encoder(detector)
        load_weights(detector, self.weights)
        return detector.eval()

    def _check_encoder(self, detector: Detector) -> None:
        """Make sure that the encoder is the one of the training."""
        if self.encoder_key is None:
            return
        key = getattr(detector.encoder, "key", None)
        if key != self.encoder_key:
            name = type(detector.encoder).__name__
            raise InputError(
                f"{self.weights.parent} was trained with another encoder than "
                f"{name} is here ({self.encoder_key}, not {key}): take the "
                "version of sb_sed or the weights of the encoder that it was "
                "trained with."
            )


def checked(content: Mapping, file: Path) -> dict:
    """Take the constants out of a file that may hold anything.

    Arguments
    ---------
    content : Mapping
        The content of the file.
    file : Path
        For the error message.

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
    sb_sed.errors.InputError: a.json has the clip_seconds 0, which is not ...
    """
    for name, holds in _CHECKS.items():
        if not holds(content.get(name)):
            text = repr(content.get(name))[:80]
            raise InputError(
                f"{file} has the {name} {text}, which is not valid: restore "
                "the file or export the detector again."
            )
    for label in content["classes"]:
        if fault := label_fault(label):
            raise InputError(
                f"{file} has the class {shortened(label)}, {fault}: correct it."
            )
    return {name: content[name] for name in _CHECKS}


@torch.inference_mode()
def check_fit(detector: Detector, constants: Mapping, device: str) -> None:
    """Make sure, before a detector is used, that its constants fit.

    Arguments
    ---------
    detector : Detector
        On ``device``. It processes one clip of silence.
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
    n_samples, n_classes = round(seconds * rate), len(constants["classes"])
    for label in constants["classes"]:
        if fault := label_fault(label):
            raise _unfit(f"it has the class {shortened(label)}, {fault}")
    if n_samples > _LONGEST:
        raise _unfit(f"a clip of {n_samples} samples is too long")
    try:
        own_rate = detector.sample_rate
        least = detector.frame_shift * rate
        n_frames = detector.n_output_frames(n_samples)
        clip = torch.zeros(1, n_samples, device=device)
        scores = detector.from_waveforms(clip).strong
    except UNBUILDABLE as error:
        raise _unfit(
            f"its network cannot process a clip: {brief(error)}"
        ) from error
    if own_rate != rate:
        raise _unfit(f"the features are made for {own_rate} Hz, not for {rate}")
    if n_samples < least:
        raise _unfit(f"clip_seconds, {seconds}, is less than an output frame")
    given = tuple(scores.shape[1:])
    if given != (n_frames, n_classes):
        raise _unfit(
            f"its network gives {given[0]} frames of {given[1]} scores for "
            f"{n_frames} frames and {n_classes} classes"
        )
    if not ((scores >= 0) & (scores <= 1)).all():  # so that NaN is caught, too
        raise _unfit("its scores of silence are not between 0 and 1")


def _unfit(fault: str) -> InputError:
    return InputError(
        f"The detector does not fit its constants ({fault}): correct its recipe "
        "and export it again."
    )


def _is(kind, value: object) -> bool:
    """Return whether it is such a number; YAML's are of subclasses."""
    return isinstance(value, kind) and not isinstance(value, bool)


# Samples of a clip: an hour and a half at 16 kHz.
_LONGEST = 10**8
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "classes": lambda x: (
        isinstance(x, list)
        and 0 < len(x) == len({str(label) for label in x})
        and all(isinstance(label, str) for label in x)
    ),
    "sample_rate": lambda x: _is(int, x) and 0 < x < 10**6,
    "clip_seconds": lambda x: _is((int, float), x) and 0 < x < 3600,
}
