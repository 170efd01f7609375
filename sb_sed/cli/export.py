"""The commands ``sb-sed export`` and ``sb-sed export-onnx``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sb_sed.cli.arguments import add_command, add_path, add_smoother
from sb_sed.cli.outputs import check_writable

_FOLDER_EXAMPLES = """\
examples:
  sb-sed export results/augm/2020 exported/
  sb-sed export results/augm/2020 exported/ --smoother smoother.json

The folder holds the weights of the student of the best checkpoint and all that
it takes to run it: labels, features, smoother, and a model card. It
loads without the recipe and without running any code of the folder.
"""
_ONNX_EXAMPLES = """\
examples:
  sb-sed export-onnx results/augm/2020 detector.onnx
  sb-sed export-onnx exported/ exported/detector.onnx
  sb-sed export-onnx exported/ detector.int8.onnx --int8

The file takes waveforms [batch, samples] and gives the scores of each frame
and of the clip. It needs onnxruntime and nothing else; classes, sample rate
and frame shift are in its metadata. Give it clips of the length that it was
trained on (clip_seconds), padded with silence. Where the metadata clip_gate is
true, take min(strong, weak) as the scores. Here, sb-sed detect takes the file
as its MODEL, or with --engine onnx a folder in which it is detector.onnx.
"""


def add_export(commands) -> None:
    """Add the command that makes a folder of a trained detector."""
    parser = add_command(
        commands,
        "export",
        _export,
        "make a folder of a trained detector",
        "Make a folder of a trained detector that works on other machines and "
        "is fit to be published.",
        _FOLDER_EXAMPLES,
    )
    add_path(parser, "run_folder", "RUN", "the output folder of train.py")
    add_path(parser, "folder", "FOLDER", "the folder to make")
    add_smoother(parser, "the run's")
    parser.add_argument(
        "--license",
        metavar="NAME",
        help="the model's licence for its card, as the Hugging Face hub names "
        "it, such as cc-by-4.0 (default: none is stated; it is yours to choose)",
    )


def add_export_onnx(commands) -> None:
    """Add the command that writes a trained detector as one ONNX file."""
    parser = add_command(
        commands,
        "export-onnx",
        _export_onnx,
        "write a trained detector as ONNX",
        "Write a trained detector, from waveforms to scores, as one ONNX file.",
        _ONNX_EXAMPLES,
    )
    parser.add_argument(
        "source",
        metavar="RUN|EXPORTED",
        help="the output folder of train.py, or a folder of sb-sed export",
    )
    add_path(parser, "model", "MODEL.onnx", "the file to write")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="store the network's weights in 8 bits: a smaller file, slightly "
        "other scores, not faster",
    )


def _export(arguments: argparse.Namespace) -> int:
    from sb_sed.inference.exported import export_run
    from sb_sed.smoothing.saved import load_smoother

    if not arguments.folder.exists():
        check_writable(folders=[("FOLDER", arguments.folder)])
    smoother = arguments.smoother and load_smoother(arguments.smoother)
    reason = export_run(
        arguments.run_folder, arguments.folder, smoother, arguments.license
    )
    if reason:
        print(f"sb-sed: {reason}", file=sys.stderr)
    print(arguments.folder)
    return 0


def _export_onnx(arguments: argparse.Namespace) -> int:
    from sb_sed.inference.exported import (
        checksum,
        fetched,
        read_description,
    )
    from sb_sed.inference.onnx import export_onnx, quantise

    check_writable([("MODEL.onnx", arguments.model)])
    description = read_description(fetched(arguments.source))
    detector, smoother = description.build(), description.smoother
    about = {
        "clip_seconds": repr(float(description.clip_seconds)),
        "clip_gate": str(smoother.clip_gate).lower(),
        "smoother": json.dumps(smoother.state()),
        "sha256": checksum(description.weights),
    }
    with TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        target = exact if arguments.int8 else arguments.model
        export_onnx(detector, target, description.classes, about)
        if arguments.int8:
            quantise(exact, arguments.model)
    print(arguments.model)
    return 0
