"""``sb-sed detect --stream``: events of the standard input, while it lasts.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

from sb_sed.cli.arguments import number
from sb_sed.errors import InputError

_FORMATS = ("tsv", "json")
_LATENCY = 2.0


def add_stream_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of streams.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of ``sb-sed detect``.
    """
    group = parser.add_argument_group("streams (AUDIO is -)")
    group.add_argument(
        "--stream",
        action="store_true",
        help="write each event as soon as it is settled, a line of TSV or JSON "
        "each; the end of the input or Ctrl-C ends it",
    )
    group.add_argument(
        "--latency",
        type=number(0, 3600),
        metavar="SECONDS",
        help="what is heard after an event until it is settled (from 2 s on "
        "at most; with less, a smoother that looks far ahead may need more); "
        "the more, the better the events, up to the length of a training clip "
        f"and 2 s (default: {_LATENCY:g})",
    )


def check_stream(arguments: argparse.Namespace) -> None:
    """Makes sure that the options fit together.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of ``sb-sed detect``.

    Raises
    ------
    InputError
        If they do not.
    """
    if not arguments.stream:
        if arguments.latency is not None:
            raise InputError("--latency is of streams: add --stream.")
        return
    if arguments.audio != ["-"]:
        raise InputError(
            "--stream hears the standard input: give - as AUDIO and pipe the "
            "samples in."
        )
    if arguments.format not in _FORMATS:
        raise InputError(
            f"A stream has no end that the format {arguments.format} could "
            "wait for: take tsv or json."
        )
    for name in ("output", "scores", "plot"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--stream writes lines to the standard output: redirect it, "
                f"and leave out --{name}."
            )


def detect_stream(detector, arguments: argparse.Namespace) -> int:
    """Writes the events of the standard input.

    Arguments
    ---------
    detector : SoundEventDetector
        The detector.
    arguments : argparse.Namespace
        Of ``sb-sed detect``.

    Returns
    -------
    status : int
        1 if the samples could not be heard to the end, else 0.
    """
    import torch

    from sb_sed.audio.recordings import read_pcm
    from sb_sed.audio.store import UnusableAudio

    torch.set_num_threads(arguments.threads)
    latency = arguments.latency
    stream = detector.event_stream(_LATENCY if latency is None else latency)
    blocks = read_pcm(
        # What has come by now, where ``read`` waits for all that it asks for.
        SimpleNamespace(read=sys.stdin.buffer.read1),
        arguments.rate,
        arguments.samples,
        arguments.channels,
        detector.hparams.sample_rate,
    )
    write = {"tsv": _tsv, "json": _json}[arguments.format]()
    reason = ""
    try:
        for block in _until_interrupted(blocks):
            write(stream.feed(block))
    except UnusableAudio as error:
        reason = str(error)
    write(stream.flush())
    if reason:
        print(f"sb-sed: stdin ends here: {reason}.", file=sys.stderr)
    return 1 if reason else 0


def _until_interrupted(blocks: Iterator) -> Iterator:
    """The pieces up to Ctrl-C, which leaves the work on one to its end."""
    waiting = stopped = False

    def _stop(*_) -> None:
        nonlocal stopped
        stopped = True
        if waiting:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, _stop)
    try:
        while not stopped:
            waiting = True
            block = next(blocks, None)
            waiting = False
            if block is None:
                break
            yield block
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, before)


def _tsv() -> Callable:
    """Writes rows, beginning with the names of the columns."""
    print("filename\tonset\toffset\tevent_label\tconfidence", flush=True)

    def _write(events) -> None:
        for event in events:
            print(
                f"stdin\t{event.onset:.3f}\t{event.offset:.3f}\t"
                f"{event.event_label}\t{round(event.confidence, 6)}",
                flush=True,
            )

    return _write


def _json() -> Callable:
    def _write(events) -> None:
        for event in events:
            fields = {
                name: round(value, 6) if isinstance(value, float) else value
                for name, value in event._asdict().items()
            }
            print(json.dumps(fields, ensure_ascii=False), flush=True)

    return _write
