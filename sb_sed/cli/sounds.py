"""The sounds of ``sb-sed mix``: folders of them, checked and converted.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import sys
from pathlib import Path

from sb_sed.cli.arguments import whole
from sb_sed.errors import InputError

_ROLES = ("foregrounds", "backgrounds", "rirs")


def add_sounds(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the sounds.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of ``sb-sed mix``.
    """
    group = parser.add_argument_group("what is mixed")
    group.add_argument(
        "--foregrounds",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="events: a folder of audio for each class, such as sounds/Dog "
        "(Dog_nOn, Dog_nOff: without their start or end), or soundscapes with "
        "their isolated events",
    )
    group.add_argument(
        "--backgrounds",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="recordings of places, at any depth; short ones are looped",
    )
    group.add_argument(
        "--rirs",
        type=Path,
        metavar="FOLDER",
        help="room impulse responses, at any depth (default: dry events)",
    )
    group.add_argument(
        "--classes",
        nargs="+",
        metavar="CLASS",
        help="the classes to take (default: all)",
    )
    group.add_argument(
        "--prepared",
        type=Path,
        metavar="FOLDER",
        help="where converted sounds are kept, which several sets can share "
        "(default: OUTPUT/prepared)",
    )
    group.add_argument(
        "--jobs",
        type=whole(1, 1024),
        metavar="N",
        help="processes that convert (default: one for each processor)",
    )


def check_folders(arguments: argparse.Namespace) -> None:
    """Makes sure that what is written is not taken for sounds, now or later.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of ``sb-sed mix``.

    Raises
    ------
    InputError
        If a folder of sounds and one that is written lie one in the other.
    """
    if arguments.folder.is_file():
        raise InputError(f"{arguments.folder} is a file: give a folder.")
    written = [arguments.folder / "soundscapes", _prepared(arguments)]
    for role in _ROLES:
        sounds = getattr(arguments, role)
        for folder in written if sounds else ():
            ends = folder.resolve(), sounds.resolve()
            if ends[0].is_relative_to(ends[1]) or ends[1].is_relative_to(
                ends[0]
            ):
                raise InputError(
                    f"--{role} {sounds} and {folder}, where files are written, "
                    "lie one in the other: give another folder to write."
                )


def load_sounds(arguments: argparse.Namespace):
    """Converts the sounds that have to be; says which cannot be used.

    Arguments
    ---------
    arguments : argparse.Namespace
        Of ``sb-sed mix``.

    Returns
    -------
    sounds : Sources
        All that can be used.

    Raises
    ------
    InputError
        If a folder has none.
    """
    from sb_sed.mixing.soundbank import Soundbank

    folders = {role: getattr(arguments, role) for role in _ROLES}
    soundbank = Soundbank(
        **{role: str(folder) for role, folder in folders.items() if folder}
    )
    prepared, rate = _prepared(arguments), arguments.rate
    unusable = soundbank.prepare(os.curdir, prepared, rate, arguments.jobs)
    for _, path, reason in unusable:
        print(f"sb-sed: {path} is left out: {reason}.", file=sys.stderr)
    return soundbank.load(prepared, rate)


def _prepared(arguments: argparse.Namespace) -> Path:
    """One folder for each rate: what the JAMS of one name stays as it is."""
    folder = arguments.prepared or arguments.folder / "prepared"
    return folder / str(arguments.rate)
