"""Numbers on the command line: what is none is named, with what would do.

Authors
 * sb_sed contributors 2026
"""

import argparse
import math
from collections.abc import Callable


def whole(least: int, most: int) -> Callable[[str], int]:
    """The type of an option that counts.

    Arguments
    ---------
    least, most : int
        What it can be.

    Returns
    -------
    Callable
        Text to number; what argparse prints if there is none names both.

    Example
    -------
    >>> whole(1, 9)("5")
    5
    >>> whole(1, 9)("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: 0 is not a whole number from 1 to 9
    """

    def _parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text} is not a whole number from {least} to {most}"
            )
        return value

    return _parse


def number(least: float, most: float) -> Callable[[str], float]:
    """The type of an option that measures.

    Arguments
    ---------
    least, most : float
        What it can be.

    Returns
    -------
    Callable
        Text to number; what argparse prints if there is none names both.

    Example
    -------
    >>> number(-90, 0)("-3.5")
    -3.5
    >>> number(-90, 0)("nan")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: nan is not a number from -90 to 0
    """

    def _parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text} is not a number from {least:g} to {most:g}"
            )
        return value

    return _parse
