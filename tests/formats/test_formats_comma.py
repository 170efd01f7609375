"""Comma-separated tables."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.formats.comma import (
    read_comma_rows,
    read_metadata,
    write_metadata,
)

_cell = st.text(
    st.characters(exclude_categories=["C"], include_characters="\n"),
    max_size=6,
)


@settings(deadline=None)
@given(st.lists(st.tuples(_cell, _cell, _cell), min_size=1, max_size=5))
def test_cells_are_those_that_csv_wrote(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["filename", "x", "y"], *rows]
        )
    found = [tuple(row.values()) for _, row in read_comma_rows(path, ["x"])]
    assert found == [row for row in rows if any(x.strip() for x in row)]


def test_rows_have_the_line_that_they_begin_in(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n3,4\n')
    lines = [line for line, _ in read_comma_rows(path, ["b"])]
    assert lines == [2, 5]
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(InputError, match="line 3 has 1 cells instead of 2"):
        list(read_comma_rows(path, ["b"]))


def test_metadata_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "metadata.csv"
    known = {"a.wav": {"room": 'the "hall", below'}, "b.wav": {"room": ""}}
    write_metadata(known, ["room"], path)
    assert read_metadata(path) == known
