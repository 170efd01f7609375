"""Makes an exported model smaller: integers of 8 bits for weights.

Authors
 * sb_sed contributors 2026
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path
from sb_sed.inference.onnx.export import required

FRONT_END = "detector.featurizer"


def quantise(source: str | Path, target: str | Path) -> None:
    """Quantises the network of an exported detector; the features stay exact.

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
        If a package is missing or the file is no ONNX model.
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
    with atomic_path(target) as temporary, _quiet():
        quantization.quantize_dynamic(
            model,
            temporary,
            nodes_to_exclude=[n for n in nodes if n.startswith(FRONT_END)],
            weight_type=quantization.QuantType.QUInt8,
        )


def _quantise_grus(model) -> None:
    """Puts int8 weights and DequantizeLinear before each GRU."""
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
def _quiet() -> Iterator[None]:
    """Without the advice to optimise the model first, which it does not need."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
