"""Strong labels from Scaper's JAMS files, and DESED's rules for events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.data.desed import DESED_CLASSES
from sb_sed.data.jams import read_jams, strip_suffixes, tidy_events
from sb_sed.errors import InputError


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "not a JAMS file"),
        ("{}", "not a JAMS file"),
        ('{"annotations": [{"data": [7]}]}', "not a JAMS file"),
        ([(0.0, 1.0, "Bird")], "event 1 has the unknown class 'Bird'"),
        ([(0.0, 1.0, "Dog"), (-1.0, 1.0, "Dog")], "event 2 starts at -1"),
        ([(1.0, -0.5, "Dog")], "lasts -0.5 s"),
        ([(float("nan"), 0.5, "Dog")], "starts at nan"),
    ],
)
def test_wrong_jams_is_an_error(tmp_path, jams_text, content, message):
    text = content if isinstance(content, str) else jams_text(*content)
    (tmp_path / "0.jams").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_jams(tmp_path / "0.jams", DESED_CLASSES)
    assert str(tmp_path / "0.jams") in str(error.value)


def test_a_time_a_trifle_before_zero_is_zero(tmp_path, jams_text):
    (tmp_path / "0.jams").write_text(jams_text((-1e-17, 1.0, "Dog")))
    assert read_jams(tmp_path / "0.jams", DESED_CLASSES) == [(0, 1, "Dog")]


def test_suffixes_are_removed_from_any_class():
    for suffix in ["", "_nOn", "_nOff", "_nOn_nOff"]:
        for label in DESED_CLASSES:
            assert strip_suffixes(label + suffix) == label


@pytest.mark.parametrize(
    "events, expected",
    [
        # Pause of 150 ms: kept; shorter: merged.
        ([(0.0, 1.0), (1.15, 2.0)], [(0.0, 1.0), (1.15, 2.0)]),
        ([(0.0, 1.0), (1.149, 2.0)], [(0.0, 2.0)]),
        # Onsets less than 400 ms apart: merged.
        ([(0.0, 0.1), (0.399, 1.0)], [(0.0, 1.0)]),
        ([(0.0, 0.1), (0.4, 1.0)], [(0.0, 0.25), (0.4, 1.0)]),
        # One inside the other.
        ([(0.0, 3.0), (1.0, 2.0), (2.9, 4.0)], [(0.0, 4.0)]),
        # A short one that merges is not prolonged first.
        ([(0.0, 1.0), (1.1, 1.15)], [(0.0, 1.15)]),
        # The end of the recording.
        ([(9.0, 10.5)], [(9.0, 10.0)]),
        ([(9.75, 9.8)], [(9.75, 10.0)]),
        ([(9.9, 10.0)], []),
    ],
)
def test_rules_of_the_desed_tool(events, expected):
    tidy = tidy_events([(*times, "Cat") for times in events], 10.0)
    assert tidy == [(*times, "Cat") for times in expected]


_MS = st.integers(0, 10000).map(lambda milliseconds: milliseconds / 1000)
_EVENTS = st.lists(
    st.tuples(_MS, _MS, st.sampled_from(["Cat", "Dog"])).filter(
        lambda event: event[0] < event[1]
    ),
    max_size=12,
)


@given(_EVENTS)
def test_tidy_events_obey_the_rules(events):
    tidy = tidy_events(events)
    assert tidy == sorted(tidy) and tidy_events(tidy) == tidy
    for label in ("Cat", "Dog"):
        times = [event[:2] for event in tidy if event[2] == label]
        assert all(end - start > 0.2499 for start, end in times)
        assert all(
            after[0] - before[1] > 0.1499
            for before, after in zip(times, times[1:], strict=False)
        )
        # Every event lies in one tidy event, which lasts little longer.
        for start, end in (e[:2] for e in events if e[2] == label):
            assert any(on <= start and end <= off for on, off in times)
        covered = sum(off - on for on, off in times)
        length = sum(e[1] - e[0] for e in events if e[2] == label)
        assert covered <= length + 0.4 * len(events) + 1e-9


@pytest.mark.parametrize("length", [2.0006, 2.0004, 2.0, 1.23456])
def test_events_of_clips_that_end_between_milliseconds(length):
    """They keep their label, which ends with the clip or just before it."""
    [(onset, offset, label)] = tidy_events([(0.0, length, "Dog")], length)
    assert (onset, label) == (0.0, "Dog")
    assert length - 0.001 < offset <= length
