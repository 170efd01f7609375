"""Detectors as ONNX files, of floats or quantised.

To run such a file, onnxruntime is all it takes::

    import json
    import onnxruntime
    import soundfile

    session = onnxruntime.InferenceSession("detector.onnx")
    about = session.get_modelmeta().custom_metadata_map
    samples, rate = soundfile.read("clip.wav", dtype="float32")
    assert rate == int(about["sample_rate"]) and samples.ndim == 1
    strong, weak = session.run(None, {"waveforms": samples[None]})
    for label, score in zip(json.loads(about["classes"]), weak[0]):
        print(f"{label}: {score:.2f}")

``strong[0, i]`` are the classes' scores from ``i * frame_shift`` seconds on;
with a clip gate, ``numpy.minimum(strong, weak[:, None])`` are.
Samples must be finite: onnxruntime's GRU makes plausible scores of NaN.

Authors
 * sb_sed contributors 2026
"""

import copy
import json
import logging
import warnings
from ast import literal_eval
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path
from sb_sed.inference.onnx.modules import exportable
from sb_sed.models.detector import Detector

OPSET = 18
TOLERANCE = 1e-4
FRONT_END = "detector.featurizer"  # first part of its nodes' names


def export_onnx(
    detector: Detector,
    path: str | Path,
    classes: Sequence[str],
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a detector, features and network, as one ONNX file.

    Input ``waveforms`` [batch, samples], float32; outputs ``strong`` [batch,
    frames, classes] and ``weak`` [batch, classes]. Batch and length are free.
    The file's metadata are ``classes`` (JSON), ``sample_rate`` (Hz),
    ``frame_shift`` (seconds) and ``min_samples``, the shortest length that
    gives a frame. Before it is written, the model is run beside PyTorch.

    Arguments
    ---------
    detector : Detector
        Trained; it stays as it is.
    path : str | Path
        The file.
    classes : Sequence[str]
        Names of the network's classes, in their order.
    about : Mapping[str, str], optional
        More metadata, such as a licence.

    Raises
    ------
    InputError
        If a package is missing, a part has no form in ONNX, or the scores
        differ from PyTorch's by more than 1e-4.

    Example
    -------
    >>> from sb_sed.features import MinMax, get_featurizer
    >>> from sb_sed.models.crnn import CRNN
    >>> featurizer = get_featurizer("log_mel", normalise=MinMax())
    >>> path = getfixture("tmp_path") / "detector.onnx"
    >>> detector = Detector(featurizer, CRNN(n_classes=2))
    >>> export_onnx(detector, path, ["Cat", "Dog"])
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(path)
    >>> waveforms = torch.zeros(1, 160000).numpy()
    >>> [x.shape for x in session.run(None, {"waveforms": waveforms})]
    [(1, 157, 2), (1, 2)]
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        required(package)
    detector = copy.deepcopy(detector).eval()
    rate = detector.featurizer.mel.sample_rate
    waveforms = _test_waveforms(rate)
    with torch.no_grad():
        expected = detector.from_waveforms(waveforms)[:2]
    if (n_classes := expected[1].shape[1]) != len(classes):
        raise InputError(
            f"The detector has {n_classes} classes, but {len(classes)} names "
            "are given: give one of each."
        )
    model = _traced(_Scores(exportable(detector)).eval(), 10 * rate)
    for key, value in {
        "classes": json.dumps(list(classes), ensure_ascii=False),
        "sample_rate": str(rate),
        "frame_shift": repr(detector.frame_shift),
        "min_samples": str(_min_samples(detector)),
        **(about or {}),
    }.items():
        model.metadata_props.add(key=key, value=value)
    content = model.SerializeToString()
    _check(content, waveforms, expected)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def required(package: str):
    """Import a package of the extra ``onnx``; say what to do without it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise InputError(
            f"ONNX needs the package {error.name or package}, which is not "
            'installed: pip install "sb_sed[onnx]".'
        ) from error


class _Scores(nn.Module):
    """The detector's scores, by name."""

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector

    def forward(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        """[B, N] -> [B, T, C], [B, C]."""
        predictions = self.detector.from_waveforms(waveforms)
        return predictions.strong, predictions.weak


def _traced(scores: _Scores, n_samples: int):
    """Return the model as ``onnx.ModelProto``."""
    from onnxscript.optimizer import fold_constants, remove_unused_nodes

    sizes = [torch.export.Dim(name) for name in ("batch", "samples")]
    try:
        with _quiet():
            program = torch.onnx.export(
                scores,
                (torch.zeros(2, n_samples),),
                input_names=["waveforms"],
                output_names=["strong", "weak"],
                dynamic_shapes=[dict(enumerate(sizes))],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
                # The optimiser takes 1e-8 for 0, and silence becomes NaN.
                optimize=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        reason = " ".join(str(error.__cause__ or error).split()[:40])
        raise InputError(
            f"The detector has no form in ONNX ({reason}): register a stand-in "
            "of the part in question (sb_sed.inference.onnx.exportable)."
        ) from error
    fold_constants(program.model)
    remove_unused_nodes(program.model)
    return _tidy(program.model_proto)


def _tidy(model):
    """Name nodes after modules; drop traces of this computer's files."""
    graph = model.graph
    for node in graph.node:
        about = {entry.key: entry.value for entry in node.metadata_props}
        scopes = literal_eval(about.get("pkg.torch.onnx.name_scopes", "[]"))
        modules = [scope for scope in scopes[:-1] if scope]
        node.name = "/".join([*modules[-1:], node.name])
        del node.metadata_props[:]
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
    del graph.value_info[:]
    # Instead of a formula of the number of samples.
    graph.output[0].type.tensor_type.shape.dim[1].dim_param = "frames"
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence PyTorch's remarks on its own workings."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _min_samples(detector: Detector) -> int:
    n_samples = 1
    while detector.n_output_frames(n_samples) < 1:
        n_samples += 1
    return n_samples


def _test_waveforms(rate: int) -> Tensor:
    """Return noise, quiet noise and silence, [3, N]."""
    noise = torch.randn(3, 3 * rate, generator=torch.Generator().manual_seed(0))
    return noise * torch.tensor([[0.1], [1e-4], [0.0]])


def _check(
    content: bytes, waveforms: Tensor, expected: Sequence[Tensor]
) -> None:
    """Compare onnxruntime's scores with PyTorch's."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {"waveforms": waveforms.numpy()})
    for ours, theirs in zip(expected, found, strict=True):
        difference = (ours - torch.from_numpy(theirs)).abs().max().item()
        if not difference <= TOLERANCE:
            raise InputError(
                f"The scores in ONNX are off by {difference:.1g}, and nothing "
                "was written: register a stand-in of your own modules "
                "(sb_sed.inference.onnx.exportable)."
            )


def quantise(source: str | Path, target: str | Path) -> None:
    """Quantise the network of an exported detector; the features stay exact.

    Convolutions and matrix products by onnxruntime's ``quantize_dynamic``:
    weights beforehand, activations as they come. That leaves out the GRU,
    which is half of the network: its weights are stored as integers with a
    scale for each unit, and multiplied as floats.

    It saves space, not time: onnxruntime's convolutions of integers are slower
    than those of floats (``benchmarks/onnx_detection.py``).

    Arguments
    ---------
    source : str | Path
        Of ``export_onnx``.
    target : str | Path
        The file to write.

    Raises
    ------
    InputError
        If a package is missing or the file is not an ONNX model.
    """
    onnx = required("onnx")
    quantization = required("onnxruntime.quantization")
    try:
        model = onnx.load(source)
        onnx.checker.check_model(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        reason = " ".join(str(error).split()[:20])
        raise InputError(
            f"{source} cannot be quantised ({reason}): export it again."
        ) from error
    _quantise_grus(model)
    nodes = [node.name for node in model.graph.node]
    with atomic_path(target) as temporary, _unlogged():
        quantization.quantize_dynamic(
            model,
            temporary,
            nodes_to_exclude=[n for n in nodes if n.startswith(FRONT_END)],
            weight_type=quantization.QuantType.QUInt8,
        )


def _quantise_grus(model) -> None:
    """Put int8 weights and DequantizeLinear before each GRU."""
    from onnx import helper, numpy_helper

    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    restored = []
    for node in graph.node:
        for name in node.input[1:3] if node.op_type == "GRU" else ():
            values = numpy_helper.to_array(weights[name])  # [2, 3 H, inputs]
            scale = np.abs(values).max((0, 2)) / 127
            scale = np.maximum(scale, np.finfo(np.float32).tiny)
            integers = np.round(values / scale[:, None]).astype(np.int8)
            graph.initializer.remove(weights[name])
            parts = {f"{name}.int8": integers, f"{name}.scale": scale}
            for part, content in parts.items():
                graph.initializer.append(numpy_helper.from_array(content, part))
            restored.append(
                helper.make_node(
                    "DequantizeLinear",
                    [*parts],
                    [name],
                    f"{name}/restored",
                    axis=1,
                )
            )
    others = list(graph.node)
    del graph.node[:]
    graph.node.extend([*restored, *others])


@contextmanager
def _unlogged() -> Iterator[None]:
    """Silence the advice to optimise the model first, which is not needed."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
