"""The command ``sb-sed search``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import re
import sys
from pathlib import Path

from sb_sed.cli.arguments import add_command, add_path, class_name, whole
from sb_sed.cli.models import split_model
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError, printable

_EXAMPLES = """\
examples:
  sb-sed search recordings/ --like owl.wav --label Owl --output owls.tsv
  sb-sed search exported/ recordings/ --like a.wav:3.2-4.1 --like b.wav:0-0.8
  sb-sed review recordings/ --detections owls.tsv --silence 0.33

The table is that of events; its confidence is the similarity, the cosine of the
embeddings. The index is made once and kept in the folder .sb-sed-index; new
recordings are added to it.
"""
_PART = re.compile(r"(.+):([0-9.]+)-([0-9.]+)")


def add_search(commands) -> None:
    """Add the command that finds more like some examples."""
    parser = add_command(
        commands,
        "search",
        _search,
        "find the moments of recordings that are most like examples",
        "List the moments of recordings that are nearest to some examples, by "
        "the embeddings of a pretrained encoder.",
        _EXAMPLES,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="[MODEL] AUDIO",
        help="recordings or folders; before them a detector whose encoder is "
        "to be taken (default: yamnet)",
    )
    parser.add_argument(
        "--like",
        action="append",
        required=True,
        metavar="FILE[:START-END]",
        help="an example: a recording, or its part in seconds; may be repeated",
    )
    parser.add_argument(
        "--count",
        type=whole(1, 10**6),
        default=100,
        metavar="N",
        help="most moments (default: 100)",
    )
    parser.add_argument(
        "--label",
        type=class_name,
        default="Found",
        metavar="NAME",
        help="their class in the table (default: Found)",
    )
    add_path(parser, "--output", "FOUND.tsv", "the table (default: printed)")
    add_path(
        parser,
        "--index",
        "FOLDER",
        "where the embeddings are kept (default: .sb-sed-index)",
        default=Path(".sb-sed-index"),
    )
    parser.add_argument(
        "--device", help="cpu or cuda (default: cuda where there is one)"
    )


def _search(arguments: argparse.Namespace) -> None:
    from sb_sed.audio.search import find_recordings
    from sb_sed.formats.events import events_text
    from sb_sed.similarity.index import MomentIndex
    from sb_sed.similarity.moments import Moments

    check_writable(
        [("--output", arguments.output)], [("--index", arguments.index)]
    )
    examples = [_example(text) for text in arguments.like]
    model, audio = split_model(arguments.inputs)
    files = find_recordings(audio)
    encoder, device = _encoder(model, arguments.device)
    index = MomentIndex(arguments.index, Moments(encoder, device))
    for note in index.fill(files):
        print(f"sb-sed: {printable(note)}", file=sys.stderr)
    found = index.nearest(examples, files, arguments.count)
    found = found.rename(columns={"similarity": "confidence"})
    found.insert(3, "event_label", arguments.label)
    found["confidence"] = found["confidence"].clip(0, 1).round(4)
    if arguments.output:
        from sb_sed.formats import write_events

        write_events(found, arguments.output)
        return
    print(events_text(found, "the table"), end="")


def _example(text: str):
    """Read ``FILE`` or ``FILE:START-END``."""
    from sb_sed.similarity.index import Example

    part = _PART.fullmatch(text)
    if Path(text).exists() or not part:
        return Example(Path(text))
    try:
        return Example(Path(part[1]), float(part[2]), float(part[3]))
    except ValueError:
        raise InputError(
            f"--like {text} does not name a part: write FILE:START-END, in "
            "seconds, such as a.wav:3.2-4.1."
        ) from None


def _encoder(model: str | None, device: str | None):
    """The encoder of a detector, YAMNet by default, and where it computes."""
    import torch

    from sb_sed.inference.names import YAMNET

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if model in (None, YAMNET):
        from sb_sed.encoders import YAMNet

        return YAMNet(hop=0.48), device
    from sb_sed.inference.exported import fetched, read_detector

    modules, _ = read_detector(fetched(model))
    encoder = getattr(modules["detector"], "encoder", None)
    if encoder is None or encoder.trainable:
        raise InputError(
            f"{model} has no pretrained encoder that is as it was: name "
            "another detector, or leave it out for yamnet."
        )
    return encoder, device
