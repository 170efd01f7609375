"""Detectors that run in onnxruntime: neither PyTorch nor SpeechBrain is needed.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from sb_sed.errors import InputError
from sb_sed.inference.finder import EventFinder
from sb_sed.inference.names import ONNX_FILE
from sb_sed.inference.windows import Windows, WindowScorer
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import check_smoother, load_smoother, smoother_of

# Windows processed at once: the recurrent layers gain, the others do not lose
# (benchmarks/detection.py).
_BATCH = 4
_LONGEST = 10**8  # samples of a clip


class OnnxNetwork:
    """From clips to scores, by onnxruntime.

    Arguments
    ---------
    path : str | Path
        As of :func:`sb_sed.inference.onnx.export_onnx`.
    threads : int
        That work on one batch.
    is_gated : Callable[[], bool]
        Whether scores are gated by the weak ones.

    Raises
    ------
    InputError
        If onnxruntime is not installed, or the file is not such a model.
    """

    def __init__(
        self,
        path: str | Path,
        threads: int = 1,
        is_gated: Callable[[], bool] = bool,
    ):
        self.path, self.is_gated = Path(path), is_gated
        content = _read(self.path)
        self.key = hashlib.sha256(content).hexdigest()
        self._session = _session(self.path, content, threads)

    @property
    def about(self) -> dict[str, str]:
        """The metadata of the file."""
        return self._session.get_modelmeta().custom_metadata_map

    def use_threads(self, number: int) -> None:
        """Do nothing: onnxruntime's threads are those of its session."""

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Score clips [B, N], float32; returns [B, T, C]."""
        strong, weak = self._session.run(
            ["strong", "weak"], {"waveforms": clips}
        )
        return np.minimum(strong, weak[:, None]) if self.is_gated() else strong


class OnnxFinder(EventFinder):
    """A detector that ``sb-sed export-onnx`` has written.

    Arguments
    ---------
    path : str | Path
        The file; or the folder of an exported detector or a run with a
        ``detector.onnx`` of its weights.
    threads : int
        That work on one batch.
    smoother : str | Path, optional
        A file of ``sb-sed tune``, instead of the smoother in the model.

    Raises
    ------
    InputError
        If onnxruntime is not installed, or the file is missing, damaged or of
        other weights, or names no smoother.
    """

    smoother: Smoother

    def __init__(
        self,
        path: str | Path,
        threads: int = 1,
        smoother: str | Path | None = None,
    ):
        folder, path = Path(path), Path(path)
        if folder.is_dir():
            path = _of_folder(folder)
        network = OnnxNetwork(path, threads, lambda: self.clip_gate)
        about = network.about
        if path.parent == folder:
            _check_weights(folder, path, about)
        if smoother:
            self.smoother = load_smoother(smoother)
        else:
            self.smoother = _smoother(path, about)
        self.scores = _window_scorer(network, about)
        check_smoother(self.smoother, self.classes, smoother or path)


def _of_folder(folder: Path) -> Path:
    path = folder / ONNX_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no {ONNX_FILE}: write it with sb-sed export-onnx "
            f"{folder} {path}."
        )
    return path


def _check_weights(folder: Path, path: Path, about: Mapping[str, str]) -> None:
    """Refuse a file of other weights than its folder has now."""
    try:
        content = json.loads((folder / "detector.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):  # a run, or damaged
        return
    if isinstance(content, dict) and content.get("sha256") != about.get(
        "sha256"
    ):
        raise InputError(
            f"{path} is not of the weights in {folder}: write it again with "
            f"sb-sed export-onnx {folder} {path}."
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): give a file of sb-sed "
            "export-onnx."
        ) from error


def _session(path: Path, content: bytes, threads: int):
    """Return the session of a model's content."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "Detectors in ONNX need the package onnxruntime, which is not "
            'installed: pip install "sb_sed[onnx]".'
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it raises says enough
    try:
        return onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own share no other base
        reason = " ".join(str(error).split()[:20])
        raise InputError(
            f"{path} cannot be loaded as ONNX ({reason}): export it again."
        ) from error


def _window_scorer(
    network: OnnxNetwork, about: Mapping[str, str]
) -> WindowScorer:
    """Return what scores recordings, as the metadata say."""
    try:
        classes = json.loads(about["classes"])
        rate, shift = int(about["sample_rate"]), float(about["frame_shift"])
        n_samples = round(float(about["clip_seconds"]) * rate)
        if not 0 < n_samples <= _LONGEST:
            raise ValueError("clip_seconds")
        silence = np.zeros((1, n_samples), np.float32)
        n_frames, n_classes = network(silence).shape[1:]
        if n_classes != len(classes):
            raise ValueError("classes")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{network.path} does not say what it needs ({error}): write it "
            "with sb-sed export-onnx."
        ) from error
    windows = Windows(n_samples, n_frames, round(shift * rate))
    return WindowScorer(network, windows, classes, rate, _BATCH)


def _smoother(path: Path, about: Mapping[str, str]) -> Smoother:
    """Return the smoother of the metadata."""
    try:
        state = json.loads(about["smoother"])
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} names no smoother: export it again, or give --smoother."
        ) from error
    return smoother_of(state, path)
