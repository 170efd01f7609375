"""What ``sb-sed detect`` computes with, on how many recordings at a time.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Generator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sb_sed.cli.arguments import whole
from sb_sed.errors import InputError

if TYPE_CHECKING:
    from sb_sed.inference.batch import FileResult, Output
    from sb_sed.inference.finder import EventFinder
    from sb_sed.inference.source import Source

ENGINES = ("torch", "onnx", "ray")
_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where and how recordings are processed."""
    group = parser.add_argument_group("many recordings")
    group.add_argument(
        "--threads",
        type=whole(1, 1024),
        metavar="N",
        help="files processed at a time in one process; with --jobs, threads "
        "that work on one file (default: one for each processor)",
    )
    group.add_argument(
        "--jobs",
        type=whole(1, 1024),
        default=1,
        metavar="N",
        help="processes, each with a file at a time: for archives, where there "
        "are many processors (default: 1)",
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="torch: PyTorch; onnx: onnxruntime, for a MODEL in ONNX or a "
        "folder with a detector.onnx; ray: PyTorch or onnxruntime on all "
        "machines of a Ray cluster, that of RAY_ADDRESS or one on this machine, "
        "which read the recordings from storage that all share (default: as "
        "MODEL is)",
    )
    group.add_argument(
        "--shard",
        type=_shard,
        metavar="K/N",
        help="every Nth recording only, from the Kth on: of N such commands, "
        "each with an output of its own, each recording is in one",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on where a command with this --output was interrupted or "
        "killed; the output is as if it had not been",
    )


def _shard(text: str) -> tuple[int, int]:
    """Return the type of ``--shard``.

    Example
    -------
    >>> _shard("3/16")
    (3, 16)
    """
    if match := _SHARD.fullmatch(text):
        part, parts = map(int, match.groups())
        if 1 <= part <= parts:
            return part, parts
    raise argparse.ArgumentTypeError(
        f"{text} is not K/N with K from 1 to N, such as 3/16"
    )


def check_engine(arguments: argparse.Namespace) -> None:
    """Raise an ``InputError`` if the options do not fit together."""
    if arguments.audio == ["-"]:
        for name in ("resume", "shard"):
            if getattr(arguments, name):
                raise InputError(
                    f"--{name} is for recordings, and - is the standard input: "
                    "leave it out."
                )
        if arguments.jobs > 1 or arguments.engine == "ray":
            raise InputError(
                "- is one recording: leave out --jobs and --engine ray."
            )
    if arguments.resume and arguments.output is None:
        raise InputError("--resume goes on with an --output: give that.")
    if arguments.engine == "torch" and arguments.model is not None:
        if arguments.model.lower().endswith(".onnx"):
            raise InputError(
                f"{arguments.model} is in ONNX: leave out --engine torch, or "
                "give the folder of the detector."
            )


def part_of(
    files: Mapping[str, Path], shard: tuple[int, int] | None
) -> dict[str, Path]:
    """Return the recordings of a shard.

    Raises
    ------
    InputError
        If there is none.

    Example
    -------
    >>> part_of({"a": Path("a"), "b": Path("b"), "c": Path("c")}, (1, 2)).keys()
    dict_keys(['a', 'c'])
    """
    if shard is None:
        return dict(files)
    part, parts = shard
    chosen = dict(islice(files.items(), part - 1, None, parts))
    if not chosen:
        raise InputError(
            f"--shard {part}/{parts} has none of {len(files)} recordings: take "
            "fewer parts."
        )
    return chosen


def results(
    arguments: argparse.Namespace,
    source: Source,
    detector: EventFinder,
    files: Mapping[str, Path],
    outputs: Sequence[Output],
) -> Generator[FileResult, None, None]:
    """Return what yields the result of each file, in their order.

    Arguments
    ---------
    arguments : argparse.Namespace
        With ``engine``, ``jobs`` and ``threads``.
    source : Source
        The detector, for other processes.
    detector : EventFinder
        The same, loaded.
    files : Mapping[str, Path]
        Name and path of each.
    outputs : Sequence[Callable]
        What else is written of each, by those who process it.
    """
    n_processors = os.cpu_count() or 1
    if arguments.engine == "ray":
        from sb_sed.inference.on_ray import detect_on_ray

        return detect_on_ray(source, files, arguments.threads or 1, outputs)
    if arguments.jobs > 1:
        from sb_sed.inference.processes import detect_in_processes

        threads = arguments.threads or max(1, n_processors // arguments.jobs)
        return detect_in_processes(
            source, files, arguments.jobs, threads, outputs
        )
    from sb_sed.inference.batch import detect_files

    threads = arguments.threads or n_processors
    return detect_files(detector, files, threads, outputs)
