"""What the commands' arguments have in common: parsers, types and options.

Authors
 * sb_sed contributors 2026
"""

import argparse
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sb_sed.errors import InputError

# A name with an extension, which no number has.
_DASHED = re.compile(r"-[^=]*\.[A-Za-z][A-Za-z0-9]{1,4}")


def add_command(
    commands, name: str, run: Callable, summary: str, text: str, epilog: str
) -> argparse.ArgumentParser:
    """Add a command to those of ``sb-sed`` and return its parser.

    ``run`` gets the parsed arguments and returns the exit status or None;
    ``summary`` is for the list of commands, ``text`` and ``epilog`` (examples
    and notes, printed as they are) for the help of the command itself.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def check_dashes(
    argv: Sequence[str], commands: Mapping[str, argparse.ArgumentParser]
) -> None:
    """Raise an ``InputError`` for a file whose name looks like an option.

    ``argparse`` would miss another argument, or show its help.
    """
    options = {
        option
        for parser in commands.values()
        for action in parser._actions
        for option in action.option_strings
    }
    before = argv[: argv.index("--")] if "--" in argv else argv
    for text in before:
        is_file = os.path.lexists(text) or _DASHED.fullmatch(text)
        if text[:1] == "-" != text and text not in options and is_file:
            raise InputError(
                f"{text} begins with a dash, as options do: write ./{text} if "
                "it is a file."
            )


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return the type of an option that is a whole number in a range.

    Example
    -------
    >>> whole(1, 9)("5")
    5
    >>> whole(1, 9)("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: 0 is not a whole number from 1 to 9
    """
    return _ranged(int, "whole number", least, most)


def number(least: float, most: float) -> Callable[[str], float]:
    """Return the type of an option that is a number in a range.

    Example
    -------
    >>> number(-90, 0)("-3.5")
    -3.5
    >>> number(-90, 0)("nan")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: nan is not a number from -90 to 0
    """
    return _ranged(float, "number", least, most)


def _ranged(convert: Callable, kind: str, least, most) -> Callable:
    def _parse(text: str):
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text} is not a {kind} from {least} to {most}"
            )
        return value

    return _parse


def class_name(text: str) -> str:
    """Return the argument of an option as the name of a class."""
    from sb_sed.formats.labels import label_fault, same_label

    if fault := label_fault(same_label(text)):
        raise argparse.ArgumentTypeError(f"{text!a} is a class {fault}")
    return same_label(text)


def add_path(group, option: str, metavar: str, text: str, **more) -> None:
    """Add an argument that is a path."""
    group.add_argument(option, type=Path, metavar=metavar, help=text, **more)


def add_seed(
    group, what: str = "of all that is random", default: int = 0
) -> None:
    """Add ``--seed``; ``what`` says what it decides."""
    group.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        default=default,
        help=f"{what} (default: {default})",
    )


def add_jobs(group) -> None:
    """Add ``--jobs``, the number of processes that convert audio."""
    group.add_argument(
        "--jobs",
        type=whole(1, 1024),
        metavar="N",
        help="processes that convert (default: one for each processor)",
    )


def add_rate(group) -> None:
    """Add ``--rate``, the sample rate of what is written."""
    group.add_argument(
        "--rate",
        type=whole(1000, 96000),
        default=16000,
        metavar="HZ",
        help="samples per second (default: 16000)",
    )


def add_durations(group, use: str) -> None:
    """Add ``--durations``; ``use`` says for what, and what is the default."""
    add_path(
        group,
        "--durations",
        "TSV",
        f"filename and duration of each file, {use}",
    )


def add_reference(parser, default: str = "", **more) -> None:
    """Add the annotated events; ``default`` says where else they come from."""
    add_path(
        parser,
        "reference",
        "REFERENCE.tsv",
        f"the annotated events (DESED TSV{default})",
        **more,
    )


def add_smoother(group, instead_of: str) -> None:
    """Add ``--smoother``, a tuned smoother that replaces another one."""
    add_path(
        group,
        "--smoother",
        "SMOOTHER.json",
        f"a smoother of sb-sed tune, instead of {instead_of}",
    )
