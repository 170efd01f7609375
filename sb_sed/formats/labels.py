"""Names of classes: which ones can be written and told apart.

Authors
 * sb_sed contributors 2026
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.formats.tsv import bad_row, shortened

# Characters that break a line or a terminal, or cannot be written as UTF-8.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What prints as nothing or as a space, beside Unicode's categories Cf and Zs:
# joiners, selectors of variants, fillers of Hangul, the empty Braille cell.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# Spaces that one sees to be what they are.
_SPACES = " \u3000"


def same_label(label: str) -> str:
    r"""Return the one form of a label: accents composed (Unicode's NFC).

    Example
    -------
    >>> same_label("Cafe\u0301") == "Café"
    True
    """
    return unicodedata.normalize("NFC", label)


def label_fault(label: str) -> str:
    r"""Return why a text cannot be the name of a class; empty if it can.

    Two classes that print alike would be scored as two. So there may be no
    invisible characters, and accents are composed.

    Example
    -------
    >>> label_fault("Running water"), label_fault("Dog ")
    ('', 'with space around it')
    >>> label_fault("Dog\u200b")
    'with the invisible character U+200B (zero width space) in it'
    """
    if not label:
        return "which is empty"
    if label.isascii() and label.isprintable() and label == label.strip():
        return ""  # at once: AudioSet has 521 of them
    for char in label:
        code = f"U+{ord(char):04X}"
        if _CONTROL.match(char):
            return f"with the control character {code} in it"
        kind = unicodedata.category(char)
        is_space = kind == "Zs" and char not in _SPACES
        if kind == "Cf" or is_space or _BLANK.match(char):
            name = unicodedata.name(char, "no name").lower()
            what = "unusual space" if is_space else "invisible character"
            return f"with the {what} {code} ({name}) in it"
    if label != label.strip():
        return "with space around it"
    if label != same_label(label):
        return "with an accent that is a character of its own (not in NFC)"
    return ""


def is_name(label: str) -> bool:
    r"""Return whether a text can be the name of a class: see `label_fault`.

    Example
    -------
    >>> [is_name(x) for x in ("Dog", "Running water", "Dog ", "", "Do\tg")]
    [True, True, False, False, False]
    """
    return not label_fault(label)


def check_columns(path: str | Path, columns: Sequence[str]) -> None:
    """Refuse a header with a column twice, or a class that is no label.

    Arguments
    ---------
    path : str | Path
        The table, for the message.
    columns : Sequence[str]
        Of the table.

    Raises
    ------
    InputError
        If one is there twice or is not a label.

    Example
    -------
    >>> check_columns("scores.tsv", ["filename", "Cat", "Cat"])
    Traceback (most recent call last):
    sb_sed.errors.InputError: scores.tsv names a column twice: give each once.
    """
    if len(set(columns)) < len(columns):
        raise InputError(f"{path} names a column twice: give each once.")
    for label in columns:
        if fault := label_fault(label):
            raise InputError(
                f"{path} has a class named {shortened(label)}, {fault}: "
                "correct its header."
            )


def to_label(path: str | Path, line: int, cell: str) -> str:
    """Read a class from a cell of a table.

    Arguments
    ---------
    path, line : str | Path, int
        Where it stands; the header is line 1.
    cell : str
        What is read.

    Returns
    -------
    str
        As of :func:`same_label`.

    Raises
    ------
    InputError
        If it is no label.

    Example
    -------
    >>> to_label("events.tsv", 2, "Dog")
    'Dog'
    """
    label = same_label(cell)
    if fault := label_fault(label):
        raise bad_row(
            path,
            line,
            f"has the class {shortened(label)}, {fault}",
            "correct it",
        )
    return label
