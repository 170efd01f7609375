"""Annotations of other programs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.cli.outputs import FORMATS
from sb_sed.errors import InputError
from sb_sed.formats import DetectedEvent, Event
from sb_sed.formats.foreign import Audacity, Crowsetta, Elan, Raven, Table
from sb_sed.formats.labels import is_name
from sb_sed.inference.batch import FileResult

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1250"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/>
</TIME_ORDER>
<TIER TIER_ID="sounds"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1"
 TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>Dog</ANNOTATION_VALUE>
</ALIGNABLE_ANNOTATION></ANNOTATION><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts1"
 TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE>Cat</ANNOTATION_VALUE>
</ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="notes"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3"
 ANNOTATION_REF="a1"><ANNOTATION_VALUE>loud</ANNOTATION_VALUE>
</REF_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>
"""


def text_grid(tiers, end=100.0):
    """A TextGrid of tiers of events, as Praat writes it."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0 ", f"xmax = {end} ", "tiers? <exists> "]
    lines += [f"size = {len(tiers)} ", "item []: "]
    for number, (name, events) in enumerate(tiers.items(), start=1):
        rows, at = [], 0.0
        for onset, offset, label in events:
            rows += [(at, onset, "")] * (onset > at)
            rows.append((onset, offset, label.replace('"', '""')))
            at = offset
        rows += [(at, end, "")]
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ']
        lines += [f'        name = "{name}" ', "        xmin = 0 "]
        lines += [f"        xmax = {end} "]
        lines += [f"        intervals: size = {len(rows)} "]
        for n, (onset, offset, label) in enumerate(rows, start=1):
            lines += [f"        intervals [{n}]:"]
            lines += [f"            xmin = {onset:.3f} "]
            lines += [f"            xmax = {offset:.3f} "]
            lines += [f'            text = "{label}" ']
    return "\n".join(lines) + "\n"


_labels = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=' "')
    | st.sampled_from("aä"),
    min_size=1,
    max_size=6,
).filter(is_name)


@st.composite
def _events(draw):
    """Events in their order that do not overlap, in whole milliseconds."""
    times = draw(st.sets(st.integers(1, 90_000), min_size=2, max_size=12))
    times = [time / 1000 for time in sorted(times)]
    return [
        Event(onset, offset, draw(_labels))
        for onset, offset in zip(times[::2], times[1::2], strict=False)
    ]


@settings(deadline=None, max_examples=60)
@given(_events())
def test_what_detect_writes_comes_back(tmp_path_factory, events):
    folder = tmp_path_factory.mktemp("tables")
    # A cell that spreadsheets would have quoted is another one.
    events = [e for e in events if '"' not in e.event_label]
    table = pd.DataFrame(
        [DetectedEvent(*event, 0.5) for event in events],
        columns=DetectedEvent._fields,
    )
    result = FileResult("a.wav", 100.0, table, sample_rate=16000)
    for name, read in (("raven", Raven()), ("audacity", Audacity())):
        path = folder / f"{name}.txt"
        path.write_text(FORMATS[name].piece(result, True), "utf-8")
        assert [event for _, event in read(path)] == events


@settings(deadline=None, max_examples=40)
@given(_events(), _events())
def test_text_grids_come_back(tmp_path_factory, first, second):
    pytest.importorskip("crowsetta")
    path = tmp_path_factory.mktemp("grids") / "a.TextGrid"
    path.write_text(text_grid({"one": first, "two": second}), "utf-8")
    found = [event for _, event in Crowsetta("textgrid")(path)]
    assert found == [*first, *second]
    found = [event for _, event in Crowsetta("textgrid", "two")(path)]
    assert found == second


def test_crowsetta_reads_the_same(tmp_path):
    formats = pytest.importorskip("crowsetta").formats
    raven = tmp_path / "raven.txt"
    raven.write_text(
        "Selection\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\t"
        "High Freq (Hz)\tAnnotation\n"
        "1\t0.25\t1.5\t0.5\t900.5\tWren\n2\t3.5\t4.25\t0.5\t900.5\tOwl\n"
    )
    audacity = tmp_path / "audacity.txt"
    audacity.write_text("0.25\t1.5\tWren\n3.5\t4.25\tOwl\n")
    boxes = formats.bbox.Raven.from_file(raven).to_bbox()
    assert [e for _, e in Raven()(raven)] == [
        (b.onset, b.offset, b.label) for b in boxes
    ]
    spans = formats.seq.AudSeq.from_file(audacity).to_seq().segments
    assert [e for _, e in Audacity()(audacity)] == [
        (s.onset_s, s.offset_s, s.label) for s in spans
    ]


def test_ravens_times_of_several_recordings_are_those_in_each(tmp_path):
    path = tmp_path / "all.txt"
    path.write_text(
        "View\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\t"
        "Species\n"
        "Waveform 1\t61\t62.5\tC:\\birds\\b.wav\t1\tOwl\n"
    )
    assert [*Raven()(path)] == [("b.wav", Event(1.0, 2.5, "Owl"))]
    with pytest.raises(InputError, match="no column Call, but View"):
        [*Raven("Call")(path)]


def test_elan_has_annotations_with_times(tmp_path):
    path = tmp_path / "a.eaf"
    path.write_text(EAF)
    assert [*Elan()(path)] == [("", Event(0.5, 1.25, "Dog"))]
    assert not [*Elan("notes")(path)]
    with pytest.raises(InputError, match="no tier x, but sounds, notes"):
        [*Elan("x")(path)]


def test_tables_may_name_the_recording(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("what\tfile\tend\tstart\nDog\tb.wav\t2\t1\n")
    read = Table(["start", "end", "what", "file"])
    assert [*read(path)] == [("b.wav", Event(1.0, 2.0, "Dog"))]


@pytest.mark.parametrize(
    "read, text, message",
    [
        (Audacity(), "1\t1\tDog\n", "line 1 has the event 'Dog' from 1 to 1 s"),
        (Audacity(), "1\t2\n", "line 1 has a class '', which is empty"),
        (Audacity(), "1\t2\tDog\tx\n", "line 1 has 4 cells instead of 3"),
        (Audacity(), "x\t2\tDog\n", "line 1 has the onset 'x', which is not"),
        (Raven(), "Begin\n1\n", "must have the columns Begin Time"),
        (Table(), "onset,offset\n1,2\n", "must have the columns onset, offset"),
        (Elan(), "<a", "cannot be read as a document of ELAN"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, read, text, message):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        [*read(path)]


def test_what_crowsetta_cannot_read_is_named(tmp_path):
    pytest.importorskip("crowsetta")
    with pytest.raises(InputError, match="There is no format nothing: take"):
        Crowsetta("nothing")
    path = tmp_path / "a.TextGrid"
    path.write_text(text_grid({"one": [Event(1.0, 2.0, "Dog")]})[:200])
    with pytest.raises(InputError, match="cannot be read as textgrid"):
        [*Crowsetta("textgrid")(path)]
    path.write_text(text_grid({"one": []}))
    with pytest.raises(InputError, match="no tier two, but one"):
        [*Crowsetta("textgrid", "two")(path)]


def test_crowsetta_is_asked_for_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "crowsetta", None)
    with pytest.raises(InputError, match=r"sb_sed\[annotations\]"):
        Crowsetta("textgrid")


def test_a_time_has_to_be_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"onset,offset,event_label\n1,{np.inf},Dog\n")
    with pytest.raises(InputError, match="line 2 has the offset 'inf'"):
        [*Table()(path)]
