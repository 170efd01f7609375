"""Any model from waveforms to frames that is a file of ONNX.

Authors
 * sb_sed contributors 2026
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.encoders.weights import find_weights
from sb_sed.errors import UNREADABLE, InputError, brief


class OnnxEncoder(FrameEncoder):
    """A model that onnxruntime runs: waveforms in, embeddings of frames out.

    Its one input is float32, [batch, samples], or [samples]; models of one
    clip, whose batch is fixed to 1 or absent, get them one after another. Its
    output is [batch, frames, size], or [frames, size]. It is never trained.

    Arguments
    ---------
    path : str | Path
        The model, or ``owner/name/file`` of the Hugging Face hub.
    frame_shift : float
        Distance between its frames, in seconds.
    first_frame : float
        Centre of the first frame's window, in seconds.
    sample_rate : int
        Of the waveforms that it takes, in Hz.
    min_samples : int
        The fewest that it takes.
    output : str, optional
        Which of its outputs; the first by default.

    Raises
    ------
    InputError
        If the model cannot be had or run, or its frames are not at that
        distance.

    Example
    -------
    >>> OnnxEncoder("net.onnx", frame_shift=0.02, first_frame=0.01)
    Traceback (most recent call last):
    sb_sed.errors.InputError: net.onnx cannot be found ...
    """

    def __init__(
        self,
        path: str | Path,
        frame_shift: float,
        first_frame: float,
        sample_rate: int = 16000,
        min_samples: int = 16000,
        output: str | None = None,
    ):
        self._path = find_weights(path, "its author")
        self._session = _session(self._path)
        self._input, self._alone = self._check_input()
        names = [x.name for x in self._session.get_outputs()]
        self._output = names[0] if output is None else output
        if self._output not in names:
            raise InputError(
                f"{path} has no output {output!r}: take one of "
                f"{', '.join(names)}."
            )
        # Of the model's own function, so that it goes with the encoder.
        self._lengths: dict[int, int] = {}
        probe = self._compute(np.zeros((1, min_samples), np.float32))
        super().__init__(
            nn.Module(),
            size=probe.shape[-1],
            frame_shift=frame_shift,
            first_frame=first_frame,
            sample_rate=sample_rate,
            min_samples=min_samples,
            settings={
                "output": self._output,
                "frame_shift": frame_shift,
                "first_frame": first_frame,
                "sample_rate": sample_rate,
                "min_samples": min_samples,
                "weights": _file_digest(self._path),
            },
        )
        self._check_frames()

    def _check_input(self) -> tuple[str, str | None]:
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        if (
            len(inputs) != 1
            or inputs[0].type != "tensor(float)"
            or len(shape) not in (1, 2)
        ):
            listed = ", ".join(f"{x.name} {x.type} {x.shape}" for x in inputs)
            raise InputError(
                f"{self._path} does not take waveforms alone, but {listed}: "
                "export a model with one float32 input [batch, samples]."
            )
        alone = None
        if len(shape) == 1:
            alone = "flat"
        elif shape[0] == 1:
            alone = "batch of one"
        return inputs[0].name, alone

    def _check_frames(self) -> None:
        """Compare how many frames there are with how many there should be."""
        # Models may pad short clips.
        few = self.min_samples + 2 * self.sample_rate
        many = few + 10 * self.sample_rate
        more = self._n_frames(many) - self._n_frames(few)
        if abs(more * self.frame_shift - 10) > 2 * self.frame_shift + 1e-6:
            raise InputError(
                f"{self._path} gives {more} frames for ten seconds, which are "
                f"not {self.frame_shift} s apart: correct frame_shift or "
                "sample_rate."
            )

    def _encode(self, wavs: Tensor) -> Tensor:
        found = self._compute(wavs.detach().cpu().numpy())
        return torch.from_numpy(found).to(wavs.device)

    def _n_frames(self, n_samples: int) -> int:
        if n_samples not in self._lengths:
            silence = np.zeros((1, n_samples), np.float32)
            self._lengths[n_samples] = self._compute(silence).shape[1]
        return self._lengths[n_samples]

    def _compute(self, wavs: np.ndarray) -> np.ndarray:
        """[B, N] -> [B, T_e, D]."""
        if self._alone is None:
            return self._run_model(wavs)
        clips = wavs if self._alone == "flat" else wavs[:, None]
        return np.concatenate([self._run_model(clip) for clip in clips])

    def _run_model(self, wavs: np.ndarray) -> np.ndarray:
        feed = {self._input: np.ascontiguousarray(wavs)}
        try:
            (found,) = self._session.run([self._output], feed)
        except Exception as error:
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            raise InputError(
                f"{self._path} cannot be run with {wavs.shape[-1]} samples "
                f"({brief(error)}): correct min_samples or export it again."
            ) from error
        n_clips = 1 if wavs.ndim == 1 else len(wavs)
        if found.ndim == 2 and n_clips == 1:
            found = found[None]
        if found.ndim != 3 or len(found) != n_clips:
            raise InputError(
                f"{self._path} gives {[*found.shape]} for {n_clips} clips, not "
                "[batch, frames, size]: name another output."
            )
        return found.astype(np.float32, copy=False)

    def __getstate__(self) -> dict:
        """Leave out what cannot go to another process."""
        return {**self.__dict__, "_session": None}

    def __setstate__(self, state: dict) -> None:
        """Open the model again."""
        super().__setstate__({**state, "_session": _session(state["_path"])})


def _session(path: Path):
    """Open a model in onnxruntime, with as many threads as PyTorch has."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"{path} needs onnxruntime, which is not installed: pip install "
            "onnxruntime."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=onnxruntime.get_available_providers()
        )
    except Exception as error:
        if not isinstance(error, UNREADABLE) and not type(
            error
        ).__module__.startswith("onnxruntime"):
            raise
        raise InputError(
            f"{path} cannot be read as a model of ONNX ({brief(error)}): "
            "export it again."
        ) from error


def _file_digest(path: Path) -> str:
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()[:16]
