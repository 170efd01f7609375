"""``sb-sed detect --stream``: the events of the standard input while it lasts.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader
from types import SimpleNamespace
from typing import cast

from sb_sed.cli.arguments import number
from sb_sed.cli.outputs import FORMATS, TableFormat
from sb_sed.errors import InputError

_LATENCY = 2.0


def add_stream_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of streams to ``sb-sed detect``."""
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
        help="what is processed after an event until it is settled (from 2 s "
        "on at most; with less, a smoother that looks far ahead may need "
        "more); the more, the better the events, up to the length of a "
        f"training clip and 2 s (default: {_LATENCY:g})",
    )


def check_stream(arguments: argparse.Namespace) -> None:
    """Raise an ``InputError`` if the options do not fit together."""
    if not arguments.stream:
        if arguments.latency is not None:
            raise InputError("--latency is for streams: add --stream.")
        return
    if arguments.audio != ["-"]:
        raise InputError(
            "--stream reads the standard input: give - as AUDIO and pipe the "
            "samples in."
        )
    if not isinstance(FORMATS[arguments.format], TableFormat):
        raise InputError(
            f"The format {arguments.format} is for recordings, not for "
            "streams: take tsv or json."
        )
    for name in ("output", "scores", "plot"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--stream writes lines to the standard output: redirect it, "
                f"and leave out --{name}."
            )


def read_samples(
    source,
    detector,
    arguments: argparse.Namespace,
    note: Callable[[str], None],
) -> Iterator:
    """Read a binary stream of samples or a file, in blocks for the detector.

    ``note`` is called with what the user should know of it.
    """
    from sb_sed.audio.piped import read_piped

    detector.use_threads(arguments.threads or os.cpu_count() or 1)
    return read_piped(
        source,
        arguments.rate,
        arguments.samples,
        arguments.channels,
        detector.sample_rate,
        arguments.stream,
        partial(_use_header, arguments),
        note,
    )


def _use_header(arguments: argparse.Namespace, name: str, rate: int) -> None:
    """Say that a file's own header counts, and keep its rate."""
    arguments.rate = rate
    _say(
        f"is a file in the format {name}, decoded by its own header: --rate, "
        "--samples and --channels are ignored"
    )


def detect_stream(detector, arguments: argparse.Namespace) -> int:
    """Write the events of the standard input.

    Returns the exit status: 1 if samples could not be used, else 0.
    """
    from sb_sed.audio.reading import UnusableAudio

    latency = arguments.latency
    stream = detector.event_stream(_LATENCY if latency is None else latency)
    # What has arrived, where ``read`` would wait for a whole block.
    source = SimpleNamespace(read=cast(BufferedReader, sys.stdin.buffer).read1)
    blocks = read_samples(source, detector, arguments, _say)
    form = cast(TableFormat, FORMATS[arguments.format])  # as was checked
    print(form.head, end="", flush=True)
    reason = ""
    try:
        for block in _until_interrupted(blocks):
            _write(stream.feed(block), form)
    except UnusableAudio as error:
        reason = str(error)
    _write(stream.flush(), form)
    if reason:
        _say(f"ends here: {reason}")
    return 1 if reason else 0


def _until_interrupted(blocks: Iterator) -> Iterator:
    """The blocks up to Ctrl-C; a block in work is processed to its end."""
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


def _say(phrase: str) -> None:
    print(f"sb-sed: stdin {phrase}.", file=sys.stderr, flush=True)


def _write(events, form: TableFormat) -> None:
    for event in events:
        print(form.line(event), end="", flush=True)
