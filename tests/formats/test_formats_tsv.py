"""Rows of tables, as this package, programs and spreadsheets write them."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sb_sed.formats import (
    EVENT_COLUMNS,
    read_durations,
    read_events,
    read_filenames,
    read_scores,
    read_weak_labels,
    scores_table,
    write_events,
    write_scores,
)
from sb_sed.formats.tsv import join_row, split_row

_cells = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]),
    max_size=9,
)


@given(st.lists(_cells, min_size=1, max_size=4))
@example(['"'])
@example(['""', '"a', 'a"', '"a"b"'])
def test_rows_of_cells(cells):
    """Whatever is in cells comes back, also by way of the csv module."""
    assert split_row(join_row(cells)) == cells
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        text = io.StringIO()
        csv.writer(text, "excel-tab", quoting=quoting).writerow(cells)
        assert split_row(text.getvalue().removesuffix("\r\n")) == cells


def excel(cells):
    """Cells as Excel's text (tab delimited) has them."""
    return "\t".join(
        '"' + x.replace('"', '""') + '"' if set(x) & set(',"') else x
        for x in cells
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_tables_saved_by_spreadsheets(tmp_path, encoding, end):
    def save(*rows):
        lines = [excel(row) + end for row in rows]
        (tmp_path / "t.tsv").write_bytes("".join(lines).encode(encoding))
        return tmp_path / "t.tsv"

    name, label = 'a, "1" – é.wav', "Dog, barking"
    events = read_events(
        save(EVENT_COLUMNS, [name, "1", "2.5", label], ["b.wav", "", "", ""])
    )
    assert events.iloc[0].tolist() == [name, 1.0, 2.5, label]
    assert events["filename"].tolist() == [name, "b.wav"]
    weak = read_weak_labels(
        save(["filename", "event_labels"], [name, "Cat,Dog"], ["b.wav", ""])
    )
    assert weak["event_labels"].tolist() == [["Cat", "Dog"], []]
    assert read_filenames(save(["filename"], [name], ["b.wav"])) == [
        name,
        "b.wav",
    ]
    assert read_durations(save(["filename", "duration"], [name, "2"])) == {
        name: 2.0
    }
    save(["onset", "offset", label], ["0", "1", "0.5"], ["1", "2", "0.25"])
    (table,) = read_scores(tmp_path).values()
    assert table[label].tolist() == [0.5, 0.25]
    write_events(events, tmp_path / "t.tsv")
    assert read_events(tmp_path / "t.tsv").equals(events)


def test_names_that_are_all_quotes_survive(tmp_path):
    rows = [['"a"', 0.0, 1.0, '"Dog"'], ['"', 0.0, 1.0, '""']]
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    write_events(events, tmp_path / "events.tsv", ['"a"', '"', '"silent"'])
    found = read_events(tmp_path / "events.tsv")
    assert found.dropna().to_numpy().tolist() == rows
    assert found["filename"].tolist() == ['"a"', '"', '"silent"']
    table = scores_table([[0.5]], 1.0, ['"Dog" 5"'])
    write_scores({"a": table}, tmp_path / "scores")
    assert read_scores(tmp_path / "scores")["a"].equals(table)
