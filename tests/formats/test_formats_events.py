"""Readers and writers of the event tables."""

import math

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sed_scores_eval.base_modules.io import read_ground_truth_events

from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_durations,
    read_events,
    read_filenames,
    read_weak_labels,
    write_events,
)
from sb_sed.formats.labels import is_name, same_label

HEADER = "filename\tonset\toffset\tevent_label\n"

# Names as they come: any text that fits in a cell of a tab-separated file.
names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=8,
).filter(lambda text: text.strip() == text and text.lower() != "nan")
labels = names.map(same_label).filter(is_name)
files = names.map(lambda name: f"x{name}.wav")
# Whole milliseconds, as they are written.
times = st.tuples(st.integers(0, 99_999), st.integers(1, 9_999)).map(
    lambda pair: (pair[0] / 1000, (pair[0] + pair[1]) / 1000)
)
tables = st.dictionaries(
    files,
    st.lists(st.tuples(times, labels), max_size=4),
    min_size=1,
    max_size=4,
)
in_tmp_path = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _frame(table):
    rows = []
    for name, found in table.items():
        rows += [(name, *t, label) for t, label in sorted(found)]
        rows += [] if found else [(name, math.nan, math.nan, math.nan)]
    frame = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    return frame.astype({"onset": float, "offset": float})


@in_tmp_path
@given(tables)
def test_events_survive_writing_and_reading(tmp_path, table):
    path = tmp_path / "events.tsv"
    write_events(_frame(table), path, files=list(table))
    read = read_events(path)
    expected = [
        (name, *row)
        for name, found in table.items()
        for row in (sorted((*t, label) for t, label in found) or [(None,) * 3])
    ]
    got = [
        tuple(None if value != value else value for value in row)
        for row in read.itertuples(index=False)
    ]
    assert got == expected


@in_tmp_path
@given(
    st.dictionaries(
        files,
        st.lists(
            st.tuples(
                times, labels, st.floats(0, 1) | st.floats(0, 1, width=32)
            ),
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_confidences_survive_to_the_last_digit(tmp_path, table):
    path = tmp_path / "events.tsv"
    rows = [
        (name, *t, label, confidence)
        for name, found in table.items()
        for t, label, confidence in found
    ]
    columns = [*EVENT_COLUMNS, "confidence"]
    write_events(pd.DataFrame(rows, columns=columns), path, files=list(table))
    read = read_events(path)
    assert list(read.columns) == columns
    silent = [(name,) for name, found in table.items() if not found]
    got = [
        tuple(value for value in row if value == value)
        for row in read.itertuples(index=False, name=None)
    ]
    assert sorted(got) == sorted(rows + silent)


def test_the_column_of_confidences(tmp_path):
    path = tmp_path / "events.tsv"
    rows = [("b.wav", 1.0, 2.0, "Dog", 0.25), ("b.wav", 0.0, 1.0, "Dog", 1)]
    events = pd.DataFrame(rows, columns=[*EVENT_COLUMNS, "confidence"])
    write_events(events, path, files=["a.wav", "b.wav"])
    assert path.read_text().splitlines() == [
        "filename\tonset\toffset\tevent_label\tconfidence",
        "a.wav\t\t\t\t",
        "b.wav\t0.000\t1.000\tDog\t1.0",
        "b.wav\t1.000\t2.000\tDog\t0.25",
    ]
    write_events(events[EVENT_COLUMNS], path)
    assert path.read_bytes() == (
        b"filename\tonset\toffset\tevent_label\n"
        b"b.wav\t0.000\t1.000\tDog\nb.wav\t1.000\t2.000\tDog\n"
    )


@pytest.mark.parametrize("cell", ["", "high", "nan", "inf"])
def test_a_confidence_that_is_no_number(tmp_path, cell):
    path = tmp_path / "events.tsv"
    header = HEADER.replace("\n", "\tconfidence\n")
    path.write_text(f"{header}a.wav\t0\t1\tDog\t{cell}\n")
    with pytest.raises(InputError, match="line 2 has the confidence"):
        read_events(path)
    events = pd.DataFrame(
        [("a.wav", 0.0, 1.0, "Dog", float("nan"))],
        columns=[*EVENT_COLUMNS, "confidence"],
    )
    with pytest.raises(InputError, match="without a confidence"):
        write_events(events, path)


@in_tmp_path
@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_-]{1,6}\.wav", fullmatch=True),
        st.lists(st.tuples(times, st.sampled_from(["Cat", "Dog"])), max_size=3),
        min_size=1,
        max_size=4,
    )
)
def test_sed_scores_eval_reads_the_same_events(tmp_path, table):
    path = tmp_path / "events.tsv"
    write_events(_frame(table), path, files=list(table))
    theirs = read_ground_truth_events(path)
    assert theirs == {
        name.removesuffix(".wav"): sorted([*t, label] for t, label in found)
        for name, found in table.items()
    }


@in_tmp_path
@given(st.text(alphabet="a.\t\n0-9e \rnif:", max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(tmp_path, text):
    path = tmp_path / "events.tsv"
    path.write_text(HEADER + text, encoding="utf-8")
    try:
        events = read_events(path)
    except InputError as error:
        assert str(path) in str(error)
    else:
        strong = events.dropna()
        assert len(events) > 0
        assert (strong["offset"] > strong["onset"]).all()
        assert (strong["onset"] >= 0).all()


@pytest.mark.parametrize(
    ("row", "line", "word"),
    [
        ("b.wav\t1\t2", 3, "3 cells"),
        ("b.wav\t1\t2\tDog\tx", 3, "5 cells"),
        ("b.wav\tone\t2\tDog", 3, "onset 'one'"),
        ("b.wav\t-1\t2\tDog", 3, "'-1'"),
        ("b.wav\t1\tinf\tDog", 3, "'inf'"),
        ("b.wav\t2\t2\tDog", 3, "not after the onset"),
        ("b.wav\t\t2\tDog", 3, "onset ''"),
        ("b.wav\t1\tnan\tDog", 3, "offset 'nan'"),
        ("b.wav\t1\t2\t", 3, "no event_label"),
        ("\t1\t2\tDog", 3, "no filename"),
        ("b.wav\t1\t2\tCow", 3, "unknown class 'Cow'"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, line, word):
    path = tmp_path / "events.tsv"
    path.write_text(f"{HEADER}a.wav\t0\t1\tDog\n{row}\n")
    with pytest.raises(InputError, match=f"events.tsv, line {line} .*{word}"):
        read_events(path, classes=["Cat", "Dog"])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (HEADER.encode(), "no rows"),
        (b"filename,onset,offset,event_label\na.wav,0,1,Dog\n", "header"),
        (b"filename\tonset\toffset\n", "header"),
        (b"\xff\x00\x01", "not text"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, word):
    path = tmp_path / "events.tsv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"events.tsv .*{word}"):
        read_events(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.tsv does not exist"):
        read_events(tmp_path / "none.tsv")
    with pytest.raises(InputError, match="is a folder"):
        read_events(tmp_path)


def test_line_ends_and_byte_order_mark_of_other_systems(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + f"{HEADER}a.wav\t0\t1\tDog\n".encode().replace(b"\n", b"\r\n")
    )
    assert read_events(path).values.tolist() == [["a.wav", 0, 1, "Dog"]]


def test_a_file_without_events_keeps_one_row(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text(
        f"{HEADER}a.wav\t\t\t\na.wav\t\t\t\nb.wav\t\t\t\nb.wav\t0\t1\tDog\n"
    )
    events = read_events(path)
    assert events["filename"].tolist() == ["a.wav", "b.wav"]
    assert events["onset"].isna().tolist() == [True, False]


def test_writing_orders_files_and_onsets_and_keeps_short_events(tmp_path):
    path = tmp_path / "events.tsv"
    events = pd.DataFrame(
        [
            ["b.wav", 3, 4, "Dog"],
            ["b.wav", 1.0001, 1.0002, "Dog"],
            ["c.wav", 0, 1, "Cat"],
        ],
        columns=EVENT_COLUMNS,
    )
    write_events(events, path, files=["a.wav", "b.wav"])
    assert path.read_text() == (
        f"{HEADER}a.wav\t\t\t\nb.wav\t1.000\t1.001\tDog\n"
        "b.wav\t3.000\t4.000\tDog\nc.wav\t0.000\t1.000\tCat\n"
    )


@pytest.mark.parametrize(
    "row",
    [
        ["a.wav", 0, 1, "Dog\tCat"],
        ["a\n.wav", 0, 1, "Dog"],
        ["a.wav", 0, math.nan, "Dog"],
        ["a.wav", 2, 1, "Dog"],
        ["a.wav", 0, 1, math.nan],
    ],
)
def test_unreadable_tables_are_not_written(tmp_path, row):
    path = tmp_path / "events.tsv"
    with pytest.raises(InputError, match="cannot be written"):
        write_events(pd.DataFrame([row], columns=EVENT_COLUMNS), path)
    assert not list(tmp_path.iterdir())


def test_weak_labels(tmp_path):
    path = tmp_path / "weak.tsv"
    path.write_text("filename\tevent_labels\na.wav\tDog,Cat,Dog\nb.wav\t\n")
    assert read_weak_labels(path)["event_labels"].tolist() == [
        ["Dog", "Cat"],
        [],
    ]
    with pytest.raises(InputError, match="line 2 .*unknown class 'Cat'"):
        read_weak_labels(path, classes=["Dog"])
    path.write_text("filename\tevent_labels\na.wav\tDog\na.wav\tCat\n")
    with pytest.raises(InputError, match="line 3 .*a.wav again"):
        read_weak_labels(path)
    path.write_text("filename\tevent_labels\na.wav\tDog,,Cat\n")
    with pytest.raises(InputError, match="line 2 .*empty label"):
        read_weak_labels(path)


def test_filenames_of_any_table(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text(
        f"{HEADER}b.wav\t0\t1\tDog\na.wav\t\t\t\nb.wav\t3\t4\tDog\n"
    )
    assert read_filenames(path) == ["b.wav", "a.wav"]
    path.write_text("file\na.wav\n")
    with pytest.raises(InputError, match="header"):
        read_filenames(path)


def test_a_time_a_trifle_before_zero_is_zero(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text(f"{HEADER}a.wav\t-1e-17\t1\tDog\n")
    assert read_events(path)["onset"].tolist() == [0]
    path.write_text(f"{HEADER}a.wav\t-1e-5\t1\tDog\n")
    with pytest.raises(InputError, match="line 2 .*'-1e-5'"):
        read_events(path)


def test_durations_that_differ_by_rounding(tmp_path):
    path = tmp_path / "durations.tsv"
    path.write_text(
        "filename\tduration\na.wav\t9.3\na.wav\t9.300000000000001\n"
    )
    assert read_durations(path) == {"a.wav": 9.3}


def test_durations(tmp_path):
    path = tmp_path / "durations.tsv"
    path.write_text("filename\tduration\na.wav\t9.5\nb.wav\t10\na.wav\t9.5\n")
    assert read_durations(path) == {"a.wav": 9.5, "b.wav": 10.0}
    for row, word in (
        ("b.wav\t0", "duration 0"),
        ("b.wav\tlong", "'long'"),
        ("a.wav\t8", "another duration"),
    ):
        path.write_text(f"filename\tduration\na.wav\t9.5\n{row}\n")
        with pytest.raises(InputError, match=f"line 3 .*{word}"):
            read_durations(path)
