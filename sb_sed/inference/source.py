"""Where a detector comes from: what other processes load it by.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.inference.finder import EventFinder
from sb_sed.inference.names import ONNX_SUFFIX, YAMNET
from sb_sed.smoothing.saved import load_smoother


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python look for no garbage where there is none.

    PyTorch and a detector are hundreds of thousands of objects that stay: to
    look through them again and again takes a tenth of the time of a start.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True)
class Source:
    """A detector before it is loaded, small enough to be sent anywhere.

    Arguments
    ---------
    model : str
        ``yamnet``, an exported detector, the output folder of a training,
        ``owner/name`` on the Hugging Face hub, or a file in ONNX.
    classes : str, optional
        Of ``yamnet``: see :func:`sb_sed.inference.pretrained.audioset_groups`.
    smoother : Path, optional
        A file of ``sb-sed tune``, instead of the detector's smoother.
    device : str, optional
        Of PyTorch (default: CUDA where there is one).
    in_onnx : bool
        Whether the ``detector.onnx`` of a folder is taken, and onnxruntime.
    runs_code : bool
        Whether the model's ``hyperparams.yaml`` is executed, which can do
        anything.

    Example
    -------
    >>> Source("yamnet", "Dog", device="cpu").load().classes
    ['Dog']
    """

    model: str = YAMNET
    classes: str | None = None
    smoother: Path | None = None
    device: str | None = None
    in_onnx: bool = False
    runs_code: bool = False

    @_uncollected()
    def load(self, threads: int = 1) -> EventFinder:
        """Load the detector.

        Arguments
        ---------
        threads : int
            That work on one recording, in onnxruntime; with PyTorch, the
            threads that call the detector say how many
            (:meth:`~sb_sed.inference.finder.EventFinder.use_threads`).

        Raises
        ------
        InputError
            If there is none, or an option does not suit it.
        """
        if self.model != YAMNET and self.classes is not None:
            raise InputError(
                f"{self.model} has classes of its own: leave out --classes, "
                f"which is for {YAMNET}."
            )
        if self.in_onnx or self.model.lower().endswith(ONNX_SUFFIX):
            return self._onnx(threads)
        if self.device:
            _check_device(self.device)
        finder = self._code() if self.runs_code else self._torch()
        if self.smoother:
            finder.smoother = load_smoother(self.smoother, finder.classes)
        return finder

    def absolute(self) -> Source:
        """Return the same for processes that work in other folders."""
        model, classes, smoother = self.model, self.classes, self.smoother
        if model != YAMNET and os.path.exists(model):
            model = os.path.abspath(model)
        if classes and classes.endswith((".tsv", ".txt")):
            classes = os.path.abspath(classes)
        return replace(
            self,
            model=model,
            classes=classes,
            smoother=smoother and smoother.absolute(),
        )

    def _onnx(self, threads: int) -> EventFinder:
        from sb_sed.inference.onnx_finder import OnnxFinder

        if self.model == YAMNET:
            raise InputError(
                f"{YAMNET} has no form in ONNX: leave out --engine onnx, or "
                "name a detector of sb-sed export-onnx."
            )
        if self.device not in (None, "cpu"):
            raise InputError(
                f"onnxruntime works on the CPU here: leave out --device "
                f"{self.device}."
            )
        return OnnxFinder(self.model, threads, self.smoother)

    def _torch(self) -> EventFinder:
        from sb_sed.inference.network import TorchFinder

        if self.model == YAMNET:
            from sb_sed.inference.pretrained import yamnet_parts

            modules, constants = yamnet_parts(self.classes)
        else:
            from sb_sed.inference.exported import fetched, read_detector

            modules, constants = read_detector(fetched(self.model))
        return TorchFinder(modules["detector"], constants, self.device)

    def _code(self) -> EventFinder:
        from sb_sed.inference.detector import SoundEventDetector

        options = {"run_opts": {"device": self.device}} if self.device else {}
        return SoundEventDetector.from_hparams(
            self.model, "hyperparams.yaml", **options
        )


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"--device {device} cannot be used here ({reason}): give cpu."
        ) from error
