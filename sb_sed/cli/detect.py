"""The command ``sb-sed detect``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import sys
from contextlib import suppress
from dataclasses import replace

from sb_sed.cli.arguments import add_command, add_path, add_smoother, whole
from sb_sed.cli.models import split_model
from sb_sed.cli.outputs import (
    FORMATS,
    EventsFolder,
    FiguresFolder,
    Json,
    ScoresFolder,
    TrackFormat,
    check_writable,
    write_text,
)
from sb_sed.cli.stream import (
    add_stream_options,
    check_stream,
    detect_stream,
    read_samples,
)
from sb_sed.errors import InputError, printable

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
onsets and offsets are rough; a detector that is trained on the sounds is better.
The first argument is MODEL if it is yamnet, the folder of a detector, or a name
on the hub; a recording or a folder of recordings is not.

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
        "--threads",
        type=whole(1, 1024),
        default=os.cpu_count() or 1,
        metavar="N",
        help="files processed at a time (default: one for each processor)",
    )
    parser.add_argument(
        "--device", help="cpu or cuda (default: cuda where there is one)"
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run MODEL's hyperparams.yaml, which a detector with classes of "
        "its own needs; it can do anything",
    )
    _add_samples(parser.add_argument_group("raw samples (AUDIO is -)"))
    add_stream_options(parser)


def _add_outputs(parser) -> None:
    add_path(
        parser,
        "--output",
        "FILE|FOLDER",
        "where the events go (default: the standard output); for audacity and "
        "raven with a folder or several recordings, a folder",
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
    if arguments.stream:
        return detect_stream(_load(arguments), arguments)

    from sb_sed.audio.search import find_recordings
    from sb_sed.inference.batch import detect_files

    files = {} if piped else find_recordings(arguments.audio)
    separate = _is_folder_wanted(arguments, len(files))
    folders = [("--scores", arguments.scores), ("--plot", arguments.plot)]
    output = [("--output", arguments.output)]
    check_writable(
        () if separate else output,
        folders + (output if separate else []),
        [*files.values(), arguments.smoother],
    )
    detector = _load(arguments)
    outputs = _outputs(arguments, detector, files, separate)
    if piped:
        results = _detect_stdin(detector, arguments, outputs)
    else:
        results = detect_files(detector, files, arguments.threads, outputs)
    n_files = max(1, len(files))
    results = _collect(results, n_files)
    if results and not separate:
        _write(results, arguments)
    skipped = sum(bool(result.reason) for result in results)
    if skipped and len(results) > 1:
        _say(f"{skipped} of {len(results)} files were skipped.")
    if len(results) < n_files:
        written = any(not result.reason for result in results)
        _say(
            f"interrupted: {len(results)} of {n_files} files were processed, and "
            f"{'their events' if written else 'nothing'} written."
        )
        return 130
    return 1 if skipped or any(x.unwritten for x in results) else 0


def _is_folder_wanted(arguments: argparse.Namespace, n_files: int) -> bool:
    """Whether each recording gets a file of its own in a folder."""
    output, kind = arguments.output, arguments.format
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
        raise InputError(f"{output} is a folder: give a file as --output.")
    return False


def _collect(coming, n_files: int) -> list:
    """Report the results as they come; return them, also if interrupted."""
    from tqdm import tqdm

    from sb_sed.audio.reading import quiet_decoders

    results = {}

    def take(result) -> None:
        """Report a result, once."""
        if result.filename in results:
            return
        # What else is of a file was written at once, its scores too.
        results[result.filename] = replace(result, scores=None)
        if result.reason:
            _say(f"{result.filename} was skipped: {result.reason}.")
        for note in [*result.notes, *result.unwritten]:
            _say(f"{result.filename} {note}.")

    hide = None if n_files > 1 else True
    # Not around ``coming``, which it would close when it is left.
    bar = tqdm(total=n_files, unit="file", disable=hide)
    with quiet_decoders(), bar:
        try:
            for result in coming:
                take(result)
                bar.update()
        except KeyboardInterrupt as interrupt:
            # Whether it came while a result was waited for or reported.
            with suppress(KeyboardInterrupt, StopIteration):
                take(coming.throw(interrupt))
                for result in coming:
                    take(result)
    return [*results.values()]


def _load(arguments: argparse.Namespace):
    from sb_sed.inference.detector import SoundEventDetector
    from sb_sed.inference.pretrained import YAMNET
    from sb_sed.smoothing.saved import load_smoother

    options = {}
    if arguments.trust_code:
        options["hparams_file"] = "hyperparams.yaml"
    if arguments.device:
        _check_device(arguments.device)
        options["run_opts"] = {"device": arguments.device}
    if arguments.model in (None, YAMNET):
        run_opts = options.get("run_opts")
        detector = SoundEventDetector.from_pretrained(
            YAMNET, arguments.classes, run_opts
        )
        if arguments.model is None:
            _say(
                "no detector is named: YAMNet tags AudioSet's classes in "
                "windows of about a second, so that times are rough."
            )
    elif arguments.classes is not None:
        raise InputError(
            f"{arguments.model} has classes of its own: leave out --classes, "
            f"which is for {YAMNET}."
        )
    else:
        detector = SoundEventDetector.from_hparams(arguments.model, **options)
    if arguments.smoother:
        detector.hparams.smoother = load_smoother(
            arguments.smoother, detector.hparams.classes
        )
    return detector


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"--device {device} cannot be used here ({reason}): give cpu."
        ) from error


def _outputs(arguments, detector, files, separate: bool) -> list:
    """What is written of each file as soon as it has been processed."""
    outputs = []
    if separate:
        form = FORMATS[arguments.format]
        outputs.append(EventsFolder(arguments.output, form))
    if arguments.scores:
        outputs.append(ScoresFolder(arguments.scores, files))
    if arguments.plot:
        outputs.append(FiguresFolder(arguments.plot, detector))
    return outputs


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


def _write(results: list, arguments: argparse.Namespace) -> None:
    """Write the events to one file or to the standard output."""
    form = FORMATS[arguments.format]
    if not isinstance(form, Json) and all(x.reason for x in results):
        return  # JSON has the reasons; the others would be empty
    text = form.text(results)
    if arguments.output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_text(text, arguments.output)


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(f"sb-sed: {printable(text)}", file=sys.stderr)
