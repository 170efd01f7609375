"""Strict reading of tab-separated files, and atomic writing.

``pandas.read_csv`` silently turns a broken cell into NaN or a text column and
does not know its line; the readers built on this module raise errors that name
the file and the line (the header is line 1).

Authors
 * sb_sed contributors 2026
"""

import codecs
import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sb_sed.errors import InputError

# A number as programs write it. Python also takes 1_000 and １, which are
# more likely to be damage.
_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
# A cell as spreadsheets write it.
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
# Seconds; no recording is as long. Times that are dates or samples would need
# more memory than there is.
LONGEST = 1e6
# Seconds; a smaller gap, overlap or time before 0 is rounding, and none.
TIME_NOISE = 1e-6


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` once all is written.

    Arguments
    ---------
    path : str | Path
        The file to write. Missing parent folders are created.

    Yields
    ------
    temporary : Path
        Where to write. The file is renamed to ``path`` when the block ends,
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


def bad_row(path: str | Path, line: int, fault: str, remedy: str) -> InputError:
    """Return the error about a line, from 1: its fault and the remedy.

    Example
    -------
    >>> print(bad_row("a.tsv", 3, "has no filename", "name the file"))
    a.tsv, line 3 has no filename: name the file.
    """
    return InputError(f"{path}, line {line} {fault}: {remedy}.")


def read_text(path: str | Path) -> str:
    """Return a text: UTF-8, or the UTF-16 of spreadsheets' Unicode text.

    Raises
    ------
    InputError
        If the path is not a text file.
    """
    try:
        content = Path(path).read_bytes()
        is_utf16 = content.startswith(
            (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        )
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the path.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: give a TSV file.") from None
    except UnicodeDecodeError:
        raise InputError(
            f"{path} is not text: give a TSV, saved as UTF-8 or Unicode text."
        ) from None
    if "\0" in text:
        raise InputError(f"{path} holds NUL bytes: give a UTF-8 TSV.")
    return text


def read_lines(path: str | Path) -> list[tuple[int, str]]:
    """Return the lines of a text that are not blank, numbered from 1.

    Raises
    ------
    InputError
        If the path is not a text file, or the file is empty.
    """
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    # Not splitlines(): it also splits at characters that a name may hold.
    lines = [
        (number, line)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    if not lines:
        raise InputError(f"{path} is empty: it needs a header and rows.")
    return lines


def split_row(row: str) -> list[str]:
    """Return the cells of a row, without the quotes of spreadsheets.

    These quote cells with commas or quotes, and double the quotes inside.

    Example
    -------
    >>> split_row('"a, 1.wav"\\t"Cat,Dog"\\t"the ""big"" one"\\ta"b')
    ['a, 1.wav', 'Cat,Dog', 'the "big" one', 'a"b']
    """
    cells = row.split("\t")
    if '"' not in row:
        return cells
    return [
        cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell
        for cell in cells
    ]


def join_row(cells: Iterable[str]) -> str:
    """Return cells as a row that :func:`split_row` takes apart again.

    Example
    -------
    >>> join_row(["a, 1.wav", '"a"'])
    'a, 1.wav\\t\"\"\"a\"\"\"'
    """
    return "\t".join(
        '"' + cell.replace('"', '""') + '"' if _QUOTED.fullmatch(cell) else cell
        for cell in cells
    )


def read_rows(
    path: str | Path, columns: list[str]
) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a TSV that has exactly these columns.

    Arguments
    ---------
    path : str | Path
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
        If the header differs, a row has another length, or there is no row.
    """
    (_, header), *rows = read_lines(path)
    if split_row(header) != columns:
        raise InputError(
            f"{path} has the header {shortened(header)}: it must be the "
            f"columns {', '.join(columns)[:200]}, divided by tabs."
        )
    if not rows:
        raise InputError(f"{path} has a header and no rows: add the rows.")
    for line, row in rows:
        cells = split_row(row)
        if len(cells) != len(columns):
            raise bad_row(
                path,
                line,
                f"has {len(cells)} cells instead of {len(columns)}",
                f"give {', '.join(columns)}, divided by tabs",
            )
        if not cells[0].strip():
            raise bad_row(path, line, "has no filename", "name the file")
        yield line, cells


def to_seconds(path: str | Path, line: int, column: str, cell: str) -> float:
    """Return a cell as a time, from 0 to below a million seconds.

    Raises
    ------
    InputError
        If the cell holds anything else; it names file, line and column.
    """
    seconds = to_number(cell)
    if -TIME_NOISE < seconds < 0:
        seconds = 0.0
    if not 0 <= seconds < LONGEST:
        raise bad_row(
            path,
            line,
            f"has the {column} {shortened(cell)}, which is not a time",
            f"give seconds, from 0 to below {LONGEST:.0f}",
        )
    return seconds


def to_number(cell: str) -> float:
    """Return a cell as a number; NaN if it is not one, or not finite.

    Example
    -------
    >>> to_number("-1.5e3"), to_number("1_000"), to_number("1e999")
    (-1500.0, nan, nan)
    """
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    return number if math.isfinite(number) else math.nan


def shortened(value: object) -> str:
    """Return the ``repr`` of a value for a message, shortened if it is long."""
    text = repr(value)
    return text if len(text) < 80 else f"{text[:76]}..."
