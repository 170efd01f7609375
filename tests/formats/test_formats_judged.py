"""Events of clips of which only parts are known."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, Event, read_events, write_events
from sb_sed.formats.judged import read_judged, write_judged

OWL = "a.wav\t1\t2\tOwl"
LABELS = st.sampled_from(["Owl", "Speech, man", '"quoted"', "Käuzchen"])


PARTS = st.lists(
    st.builds(
        lambda onset, length, label: Event(
            onset / 8, (onset + length) / 8, label
        ),
        st.integers(0, 99),
        st.integers(1, 99),
        LABELS,
    ),
    max_size=3,
)


@given(
    judged=st.dictionaries(
        st.sampled_from(["a.wav", "b/c.wav", '"d".wav']), PARTS, min_size=1
    ),
    label=LABELS,
)
def test_what_is_written_is_read(judged, label, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "judged.tsv"
    rows = [[min(judged), 1.0, 2.0, label], [min(judged), 1.5, 3.0, label]]
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    write_judged(events, judged, path)
    assert read_judged(path) == {x: sorted(judged[x]) for x in judged}
    found = read_events(path)
    pd.testing.assert_frame_equal(found.dropna().reset_index(drop=True), events)
    assert set(found["filename"]) == set(judged)


def test_tables_without_the_column_know_all(tmp_path):
    path = tmp_path / "events.tsv"
    row = ["a.wav", 1.0, 2.0, "Owl", 0.5]
    events = pd.DataFrame([row], columns=[*EVENT_COLUMNS, "confidence"])
    write_events(events, path)
    assert read_judged(path) == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (f"{OWL}\t0-3 Owl\n{OWL}\t\n", "other judged parts"),
        (f"{OWL}\t0-3 Owl|1-2 Cat \n", "space around"),
        (f"{OWL}\tOwl\n", "write onset and offset"),
        (f"{OWL}\t3-3 Owl\n", "has no length"),
        (f"{OWL}\t1.2.3-3 Owl\n", "not a time"),
        (f"{OWL}\n", "4 cells instead of 5"),
    ],
)
def test_rows_that_are_wrong(rows, message, tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("\t".join([*EVENT_COLUMNS, "judged"]) + f"\n{rows}")
    with pytest.raises(InputError, match=message):
        read_judged(path)


def test_a_bar_divides_classes(tmp_path):
    events = pd.DataFrame([["a.wav", 1, 2, "A|B"]], columns=EVENT_COLUMNS)
    with pytest.raises(InputError, match="has a | in it"):
        write_judged(
            events, {"a.wav": [(0, 1, "A|B")]}, tmp_path / "events.tsv"
        )
