"""Comma-separated tables whose columns are found by their names.

Python's csv module takes the rows apart (cells may hold commas, quotes and line
breaks); what it does not know are the lines that rows begin in, and rows that
are too short or too long are no errors to it.

Authors
 * sb_sed contributors 2026
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.formats.tsv import atomic_path, bad_row, read_text, shortened

_DIVIDERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


def read_comma_rows(
    path: str | Path, columns: Sequence[str], divider: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the rows of a CSV that has at least these columns, in any order.

    Arguments
    ---------
    path : str | Path
        Comma-separated text with a header.
    columns : Sequence[str]
        Names that the header must have.
    divider : str
        What divides the cells: a comma, a semicolon or a tab.

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
    >>> _ = path.write_text('filename,scene\\na.wav,"at home,\\nat noon"\\n')
    >>> [line for line, row in read_comma_rows(path, ["filename"])]
    [2]
    """
    text = io.StringIO(read_text(path), newline="")
    reader = csv.reader(text, strict=True, delimiter=divider)
    header: list[str] = []
    begin = 1
    try:
        for cells in reader:
            line, begin = begin, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _checked_header(path, cells, columns, divider)
                continue
            if len(cells) != len(header):
                raise bad_row(
                    path,
                    line,
                    f"has {len(cells)} cells instead of {len(header)}",
                    f"give {', '.join(header)[:200]}, divided by "
                    f"{_DIVIDERS[divider]}",
                )
            yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise bad_row(
            path, begin, f"is no row of a CSV ({error})", "correct its quotes"
        ) from error
    if not header:
        raise InputError(f"{path} is empty: it needs a header and rows.")


def read_metadata(path: str | Path) -> dict[str, dict[str, str]]:
    """Read what is known of recordings: file name to column to cell.

    Arguments
    ---------
    path : str | Path
        A CSV with the column ``filename`` and any others.

    Returns
    -------
    dict[str, dict[str, str]]
        Cells without spaces around them.

    Raises
    ------
    InputError
        If it is no CSV, lacks the file names, or has one twice.

    Example
    -------
    >>> path = getfixture("tmp_path") / "metadata.csv"
    >>> _ = path.write_text("filename,room\\na.wav,kitchen\\n")
    >>> read_metadata(path)
    {'a.wav': {'room': 'kitchen'}}
    """
    metadata: dict[str, dict[str, str]] = {}
    for line, row in read_comma_rows(path, ["filename"]):
        name = row.pop("filename").strip()
        if not name or name in metadata:
            fault = f"has {name} again" if name else "has no filename"
            raise bad_row(path, line, fault, "name each file once")
        metadata[name] = {key: cell.strip() for key, cell in row.items()}
    return metadata


def write_metadata(
    metadata: Mapping[str, Mapping[str, str]],
    columns: Sequence[str],
    path: str | Path,
) -> None:
    """Write what is known of recordings, for :func:`read_metadata`.

    Arguments
    ---------
    metadata : Mapping[str, Mapping[str, str]]
        File name to column to cell.
    columns : Sequence[str]
        Those to write; a cell that is not there is empty.
    path : str | Path
        The CSV.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["filename", *columns])
    for name, cells in metadata.items():
        writer.writerow([name, *(cells.get(column, "") for column in columns)])
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def _checked_header(
    path: str | Path, cells: Sequence[str], columns: Sequence[str], divider: str
) -> list[str]:
    """The names of the columns, all that are needed among them."""
    header = [cell.strip() for cell in cells]
    missing = [name for name in columns if name not in header]
    if missing or len(set(header)) < len(header):
        raise InputError(
            f"{path} has the header {shortened(divider.join(header))}: it must "
            f"have the columns {', '.join(columns)}, divided by "
            f"{_DIVIDERS[divider]}, and none twice."
        )
    return header
