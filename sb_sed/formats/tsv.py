"""Strict reading of tab-separated files, and writing that is never half done.

``pandas.read_csv`` turns a broken cell into NaN or a text column without a
word and cannot say on which line it stood; the readers built on this module
complain with the file and the line (the header is line 1).

Authors
 * sb_sed contributors 2026
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sb_sed.errors import InputError


@contextmanager
def atomic_path(path) -> Iterator[Path]:
    """Gives a temporary path that becomes ``path`` once all is written.

    Arguments
    ---------
    path : str or Path
        The file to write. Missing parent folders are created.

    Yields
    ------
    temporary : Path
        Write here. The file is renamed onto ``path`` when the block ends well
        and removed when it ends with an exception.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> with atomic_path(folder / "new" / "note.txt") as temporary:
    ...     _ = temporary.write_text("done")
    >>> [path.name for path in (folder / "new").iterdir()]
    ['note.txt']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def bad_row(path, line: int, fault: str, remedy: str) -> InputError:
    """The complaint about a line.

    Arguments
    ---------
    path : str or Path
        The file.
    line : int
        From 1.
    fault, remedy : str
        What is wrong with the line and what to do.

    Returns
    -------
    error : InputError

    Example
    -------
    >>> print(bad_row("a.tsv", 3, "has no filename", "name the file"))
    a.tsv, line 3 has no filename: name the file.
    """
    return InputError(f"{path}, line {line} {fault}: {remedy}.")


def read_lines(path) -> list[tuple[int, str]]:
    """The lines of a text file that are not blank, with their numbers.

    Arguments
    ---------
    path : str or Path
        A UTF-8 text file, with or without byte order mark.

    Returns
    -------
    lines : list of (int, str)
        Number from 1 and text without the line break; at least one.

    Raises
    ------
    InputError
        When the path is no text file, or nothing is in it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: give a TSV file.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text: give a UTF-8 TSV.") from None
    # Not splitlines(): it also splits at characters that a name may hold.
    lines = [
        (number, line)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if not lines:
        raise InputError(f"{path} is empty: it needs a header and rows.")
    return lines


def read_rows(path, columns: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a TSV that has exactly these columns.

    Arguments
    ---------
    path : str or Path
        Tab-separated text.
    columns : list of str
        The header; the first column must not be empty in any row.

    Yields
    ------
    row : (int, list of str)
        Line number from 1 and one cell a column.

    Raises
    ------
    InputError
        On another header, a row of another length, or no row.
    """
    (_, header), *rows = read_lines(path)
    if header.split("\t") != columns:
        raise InputError(
            f"{path} has the header {header!r}: it must be the columns "
            f"{', '.join(columns)}, divided by tabs."
        )
    if not rows:
        raise InputError(f"{path} has a header and no rows: add the rows.")
    for line, row in rows:
        cells = row.split("\t")
        if len(cells) != len(columns):
            raise bad_row(
                path,
                line,
                f"has {len(cells)} cells instead of {len(columns)}",
                f"give {', '.join(columns)}, divided by tabs",
            )
        if not cells[0]:
            raise bad_row(path, line, "has no filename", "name the file")
        yield line, cells


def to_seconds(path, line: int, column: str, cell: str) -> float:
    """A cell as a time.

    Arguments
    ---------
    path : str or Path
        The file, for the complaint.
    line : int
        The cell's line, from 1.
    column, cell : str
        Its column and content.

    Returns
    -------
    seconds : float
        Finite, 0 or more.

    Raises
    ------
    InputError
        When the cell holds anything else.
    """
    try:
        seconds = float(cell)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise bad_row(
            path,
            line,
            f"has the {column} {cell!r}, which is not a time",
            "give seconds, 0 or more",
        )
    return seconds
