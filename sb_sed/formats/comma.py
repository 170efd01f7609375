"""Reading of comma-separated tables whose columns are found by their names.

Python's csv module takes the rows apart (cells may hold commas, quotes and line
breaks); what it does not know are the lines that rows begin in, and rows that
are too short or too long are no errors to it.

Authors
 * sb_sed contributors 2026
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.formats.tsv import bad_row, read_text, shortened


def read_comma_rows(
    path: str | Path, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the rows of a CSV that has at least these columns, in any order.

    Arguments
    ---------
    path : str | Path
        Comma-separated text with a header.
    columns : Sequence[str]
        Names that the header must have.

    Yields
    ------
    row : (int, dict[str, str])
        The line that the row begins in, from 1, and its cell of each column.
        Blank rows are left out.

    Raises
    ------
    InputError
        If the file is no text, a column is not there or there twice, or a row
        has another number of cells than the header.

    Example
    -------
    >>> path = getfixture("tmp_path") / "metadata.csv"
    >>> _ = path.write_text('filename,scene\na.wav,"a kitchen,\nat noon"\n')
    >>> list(read_comma_rows(path, ["filename"]))
    [(2, {'filename': 'a.wav', 'scene': 'a kitchen,\nat noon'})]
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    header: list[str] = []
    begin = 1
    try:
        for cells in reader:
            line, begin = begin, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _checked_header(path, cells, columns)
                continue
            if len(cells) != len(header):
                raise bad_row(
                    path,
                    line,
                    f"has {len(cells)} cells instead of {len(header)}",
                    f"give {', '.join(header)[:200]}, divided by commas",
                )
            yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise bad_row(
            path, begin, f"is no row of a CSV ({error})", "correct its quotes"
        ) from error
    if not header:
        raise InputError(f"{path} is empty: it needs a header and rows.")


def _checked_header(
    path: str | Path, cells: Sequence[str], columns: Sequence[str]
) -> list[str]:
    """The names of the columns, all that are needed among them."""
    header = [cell.strip() for cell in cells]
    missing = [name for name in columns if name not in header]
    if missing or len(set(header)) < len(header):
        raise InputError(
            f"{path} has the header {shortened(','.join(header))}: it must "
            f"have the columns {', '.join(columns)}, divided by commas, and "
            "none twice."
        )
    return header
