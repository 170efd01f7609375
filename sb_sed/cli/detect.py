"""The command ``sb-sed detect``.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sb_sed.cli.arguments import add_command, add_path, add_smoother, whole
from sb_sed.cli.collecting import collect
from sb_sed.cli.destinations import (
    Destination,
    Folder,
    OneFile,
    StandardOutput,
)
from sb_sed.cli.engines import (
    add_engine_options,
    check_engine,
    part_of,
    results,
)
from sb_sed.cli.journal import Journal
from sb_sed.cli.models import split_model
from sb_sed.cli.outputs import (
    FORMATS,
    EventsFolder,
    FiguresFolder,
    ScoresFolder,
    TrackFormat,
    check_writable,
    remove_unfinished,
)
from sb_sed.cli.stream import (
    add_stream_options,
    check_stream,
    detect_stream,
    read_samples,
)
from sb_sed.errors import InputError, printable

if TYPE_CHECKING:
    from sb_sed.inference.finder import EventFinder
    from sb_sed.inference.source import Source

_EXAMPLES = """\
examples:
  sb-sed detect clip.wav
  sb-sed detect recordings/ --classes "Dog,Speech,Vacuum cleaner"
  sb-sed detect yamnet recordings/ --classes desed --output events.tsv
  sb-sed detect exported/ clip.wav
  sb-sed detect results/augm/2020 recordings/ --output events.tsv --threads 4
  sb-sed detect exported/ *.flac --format json --scores scores/
  sb-sed detect exported/ clip.wav --format audacity --output clip.txt
  sb-sed detect exported/ recordings/ --output events.tsv --plot figures/
  ffmpeg -i film.mkv -f s16le -ac 1 -ar 16000 - | \\
      sb-sed detect exported/ - --rate 16000
  arecord -t raw -f S16_LE -r 16000 | \\
      sb-sed detect exported/ - --rate 16000 --stream --latency 2

Without MODEL, yamnet is taken: YAMNet, which ships with sb_sed, tags windows of
about a second with AudioSet's classes. So it works on any recording, and its
onsets and offsets are rough; a detector that is trained on the sounds is
better. The first argument is MODEL if it is yamnet, the folder of a detector,
or a name on the hub; a recording or a folder of recordings is not.

Files that cannot be used are listed on the standard error with the reason.
Ctrl-C ends the work with the events of the files that were processed.
exit status: 0 all files were processed, 1 some were skipped or something could
not be written, 2 bad input, 130 interrupted
"""
_SAMPLES = ("u8", "s16", "s32", "f32")


def add_detect(commands) -> None:
    """Add the command that finds the events in recordings."""
    parser = add_command(
        commands,
        "detect",
        _detect,
        "find the events in recordings",
        "Find the events in recordings of any format, rate and length.",
        _EXAMPLES,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="[MODEL] AUDIO",
        help="MODEL: an exported detector, the output folder of train.py, "
        "owner/name on the Hugging Face hub, or yamnet, which is also taken "
        "without one; AUDIO: recordings, folders of them, or - for the standard "
        "input: raw samples, or a file whose header then counts",
    )
    parser.add_argument(
        "--classes",
        metavar="NAMES|FILE",
        help="of yamnet: names of AudioSet's classes, divided by commas; desed, "
        "for those of DESED; or a TSV with the columns event_label and audioset "
        "(default: all, where their scores reach 0.5; of those named, 0.3)",
    )
    _add_outputs(parser)
    add_smoother(parser, "the detector's")
    parser.add_argument(
        "--device", help="cpu or cuda (default: cuda where there is one)"
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run MODEL's hyperparams.yaml, which a detector with classes of "
        "its own needs; it can do anything",
    )
    add_engine_options(parser)
    _add_samples(parser.add_argument_group("raw samples (AUDIO is -)"))
    add_stream_options(parser)


def _add_outputs(parser) -> None:
    parser.add_argument(
        "--output",
        metavar="FILE|FOLDER/",
        help="where the events go (default: the standard output); with a slash "
        "at its end, a folder for a file of each recording, which audacity and "
        "raven need for several",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="tsv",
        help="tsv: DESED's table; json: with confidences and what was "
        "skipped; audacity: a label track; raven: a selection table "
        "(default: tsv)",
    )
    add_path(
        parser,
        "--scores",
        "FOLDER",
        "write the score of each class and frame here (the format of "
        "sed_scores_eval)",
    )
    add_path(
        parser,
        "--plot",
        "FOLDER",
        "draw the spectrogram, scores and events of each recording here, a "
        "minute a figure",
    )


def _add_samples(group) -> None:
    group.add_argument(
        "--rate",
        type=whole(1000, 768000),
        metavar="HZ",
        help="samples per second",
    )
    group.add_argument(
        "--samples",
        choices=_SAMPLES,
        default="s16",
        help="bits and kind of a sample, little-endian (default: s16)",
    )
    group.add_argument(
        "--channels",
        type=whole(1, 1024),
        default=1,
        metavar="N",
        help="interleaved channels (default: 1)",
    )


def _detect(arguments: argparse.Namespace) -> int:
    arguments.model, arguments.audio = split_model(arguments.inputs)
    piped = arguments.audio == ["-"]
    if "-" in arguments.audio and not piped:
        raise InputError("- is the standard input: give it alone.")
    if piped and arguments.rate is None:
        raise InputError(
            "- may be raw samples: give their --rate, such as 16000."
        )
    if piped and arguments.plot:
        raise InputError(
            "--plot reads a recording twice, and - can be read once: write it "
            "to a file and give that."
        )
    check_stream(arguments)
    check_engine(arguments)
    source = _source(arguments)
    if arguments.stream:
        return detect_stream(_loaded(source, arguments, 1), arguments)

    from sb_sed.audio.search import find_recordings

    found = {} if piped else find_recordings(arguments.audio)
    separate = _is_folder_wanted(arguments, len(found))
    folders = [("--scores", arguments.scores), ("--plot", arguments.plot)]
    output = [("--output", arguments.output)]
    check_writable(
        () if separate else output,
        folders + (output if separate else []),
        [*found.values(), arguments.smoother],
    )
    files = part_of(found, arguments.shard) if found else {}
    detector = _loaded(source, arguments, len(files))
    outputs = _outputs(arguments, detector, found, separate)
    place = _destination(arguments, detector, files, separate)
    done = place.begin()
    todo = dict(islice(files.items(), len(done), None))
    if done:
        _say(f"{len(done)} of {len(files)} files were processed before.")
    if arguments.resume:
        remove_unfinished(outputs, todo)
    if piped:
        coming = _detect_stdin(detector, arguments, outputs)
    elif todo:
        coming = results(arguments, source, detector, todo, outputs)
    else:
        coming = (result for result in ())  # a generator, as the others are
    summary = collect(coming, place, done, ["-"] if piped else [*todo])
    place.finish(summary.is_complete)
    return summary.tell()


def _is_folder_wanted(arguments: argparse.Namespace, n_files: int) -> bool:
    """Whether each recording gets a file of its own in a folder."""
    output, kind = arguments.output, arguments.format
    named_as_folder = output is not None and output.endswith(("/", os.sep))
    arguments.output = output = None if output is None else Path(output)
    if named_as_folder and not output.is_file():
        return True
    if isinstance(FORMATS[kind], TrackFormat) and (
        n_files > 1
        or any(map(os.path.isdir, arguments.audio))
        or (output is not None and output.is_dir())
    ):
        if output is None or output.is_file():
            raise InputError(
                f"The format {kind} has a file for each recording: give a "
                "folder as --output."
            )
        return True
    if output is not None and output.is_dir():
        raise InputError(
            f"{output} is a folder: give a file as --output, or {output}/ for "
            "a table of each recording."
        )
    return False


def _source(arguments: argparse.Namespace) -> Source:
    """Where the detector comes from."""
    from sb_sed.inference.names import YAMNET
    from sb_sed.inference.source import Source

    return Source(
        arguments.model or YAMNET,
        arguments.classes,
        arguments.smoother,
        arguments.device,
        in_onnx=arguments.engine == "onnx",
        runs_code=arguments.trust_code,
    )


def _loaded(
    source: Source, arguments: argparse.Namespace, n_files: int
) -> EventFinder:
    """Load the detector for this process."""
    threads = arguments.threads or os.cpu_count() or 1
    detector = source.load(threads // max(1, min(threads, n_files)))
    if arguments.model is None:
        _say(
            "no detector is named: YAMNet tags AudioSet's classes in "
            "windows of about a second, so that times are rough."
        )
    return detector


def _outputs(arguments, detector, files, separate: bool) -> list:
    """What is written of each file as soon as it has been processed."""
    outputs: list = []
    if separate:
        form = FORMATS[arguments.format]
        outputs.append(EventsFolder(arguments.output.absolute(), form))
    if arguments.scores:
        outputs.append(ScoresFolder(arguments.scores.absolute(), files))
    if arguments.plot:
        outputs.append(FiguresFolder(arguments.plot.absolute(), detector))
    return outputs


def _destination(arguments, detector, files, separate: bool) -> Destination:
    """Where the events go."""
    output, form = arguments.output, FORMATS[arguments.format]
    if output is None:
        return StandardOutput(form)
    about = {
        "detector": detector.key,
        "format": arguments.format,
        "scores": str(arguments.scores or ""),
        "plot": str(arguments.plot or ""),
    }
    place = output.with_name(f"{output.name}.journal")
    if separate:
        # Of each shard its own, as all may write to one folder.
        part = "-".join(map(str, arguments.shard or ()))
        place = output / f".detect{part and '-'}{part}.journal"
    journal = Journal(place, about, files)
    if separate:
        return Folder(journal, arguments.resume)
    return OneFile(output, form, journal, arguments.resume)


def _detect_stdin(detector, arguments: argparse.Namespace, outputs: list):
    from sb_sed.inference.batch import detect_blocks, write_outputs

    notes: list[str] = []
    blocks = read_samples(sys.stdin.buffer, detector, arguments, notes.append)
    result = detect_blocks(detector, "stdin", blocks)
    result.notes.extend(notes)
    # Reading has found the rate, if the samples are not raw.
    result = replace(result, sample_rate=arguments.rate)
    if not result.reason:
        write_outputs(outputs, result, None)
    yield result


def _say(text: str) -> None:
    print(f"sb-sed: {printable(text)}", file=sys.stderr)
