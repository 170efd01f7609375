"""The command ``sb-sed export-onnx``.

Authors
 * sb_sed contributors 2026
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

_EXAMPLES = """\
examples:
  sb-sed export-onnx results/augm/2020 detector.onnx
  sb-sed export-onnx exported/ detector.int8.onnx --int8

The file takes waveforms [batch, samples] and gives the scores of each frame
and of the clip. It needs onnxruntime and nothing else; classes, sample rate
and frame shift are in its metadata. Give it clips of the length that it was
trained on (clip_seconds), padded with silence.
"""


def add_export_onnx(commands) -> None:
    """Adds the command.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "export-onnx",
        help="write a trained detector as ONNX",
        description="Write a trained detector, from waveforms to scores, as "
        "one ONNX file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        metavar="RUN|EXPORTED",
        help="the output folder of train.py, or a folder of sb-sed export",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL.onnx", help="the file to write"
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="store the network's weights in 8 bits: a smaller file, slightly "
        "other scores, not faster",
    )
    parser.set_defaults(run=_export_onnx)


def _export_onnx(arguments: argparse.Namespace) -> int:
    from sb_sed.inference.exported import fetched, read_detector
    from sb_sed.inference.onnx import export_onnx, quantise

    modules, hparams = read_detector(fetched(arguments.source))
    about = {"clip_seconds": repr(float(hparams["clip_seconds"]))}
    with TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        target = exact if arguments.int8 else arguments.model
        export_onnx(modules["detector"], target, hparams["classes"], about)
        if arguments.int8:
            quantise(exact, arguments.model)
    print(arguments.model)
    return 0
