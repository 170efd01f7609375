"""The reader of RealDESED, on trees that the tests make and damage."""

import json

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.cli.main import main
from sb_sed.data.annotations import (
    AnnotatedEvent,
    read_annotations,
    write_annotations,
)
from sb_sed.data.manifests import read_manifest
from sb_sed.data.realdesed import describe_realdesed, prepare_realdesed
from sb_sed.data.realdesed_layout import (
    REALDESED_CLASSES,
    read_realdesed_events,
)
from sb_sed.errors import InputError
from sb_sed.formats import Event, read_events
from sb_sed.formats.comma import read_metadata

RAW = "filename,onset,offset,class,annotator_id,annotator_is_creator,"
RAW += "review_status,reviewer_id\n"
ROWS = """\
a.flac,0.5,1.0,keychain,ann,True,unreviewed,
a.flac,0.5,1.0,keychain,ann,True,unreviewed,
a.flac,0.6,1.1,keychain,bob,False,unreviewed,
a.flac,1.2,1.4,footsteps,bob,False,rejected,eve
b.wav,0.1,0.4,microwave,bob,False,unreviewed,
b.wav,0.1,0.5,microwave,eve,False,accepted,eve
"""
METADATA = (
    "filename,recording_device,device_placement,recording_environment,"
    'scene_description\n{0}.flac,Pixel 6,static,kitchen,"a, b\nc"\n'
    "{0}_silent.wav,Pixel 6,static,kitchen,none\n"
)


@pytest.fixture
def tree(tmp_path):
    """A small copy with recordings of several rates, channels and lengths."""
    root = tmp_path / "RealDESED"
    rng = np.random.default_rng(0)
    for name, files in {
        "train": {"a.flac": (48000, 2, 3.0), "b.wav": (44100, 1, 1.0)},
        "validation": {"v.flac": (16000, 1, 2.0)},
        "test": {"t.flac": (8000, 1, 2.0)},
    }.items():
        audio = root / name / "audio"
        audio.mkdir(parents=True)
        for file, (rate, channels, seconds) in files.items():
            samples = rng.normal(size=(round(rate * seconds), channels))
            sf.write(audio / file, 0.1 * samples, rate)
        (root / name / "metadata.csv").write_text(METADATA.format(name[0]))
        if name != "train":
            (root / name / "annotations.csv").write_text(
                "filename,onset,offset,class\n"
                f"{name[0]}.flac,0.5,9.0,footsteps\n"
            )
    (root / "train" / "annotations_raw.csv").write_text(RAW + ROWS)
    return root


def test_a_copy_is_prepared(tree, tmp_path):
    prepared = tmp_path / "prepared"
    summary = prepare_realdesed(tree, prepared, n_jobs=1)
    assert {n: s["present"] for n, s in summary["splits"].items()} == {
        "train_annotated": 2,
        "validation": 1,
        "test": 1,
    }
    assert (summary["duplicates"], summary["rejected"]) == (1, 1)
    assert summary["annotators"] == 3
    train = read_manifest(prepared / "train_annotated.json")
    assert train["a"]["duration"] == pytest.approx(3.0, abs=0.01)
    assert train["a"]["tags"] == ["keychain"] and not train["a"]["events"]
    assert sf.info(train["a"]["wav"]).samplerate == 16000
    assert sf.info(train["a"]["wav"]).channels == 1
    # In manifests events end with their recording, references are as annotated.
    validation = read_manifest(prepared / "validation.json")
    assert validation["v"]["events"] == [[0.5, 2.0, "footsteps"]]
    reference = read_events(prepared / "references" / "validation.tsv")
    assert reference["offset"].tolist() == [9.0]
    assert json.loads((prepared / "summary.json").read_text()) == summary
    # Whether recordings that nobody annotated are silent is not known.
    assert summary["unannotated"] == 4  # "t.flac" is no recording of train
    assert "unannotated.tsv" in describe_realdesed(summary)
    known = (prepared / "metadata.csv").read_text().splitlines()
    assert known[1] == "v.flac,Android,Pixel 6,static,kitchen"
    # A second call changes nothing.
    assert prepare_realdesed(tree, prepared, n_jobs=1) == summary


def test_missing_and_broken_audio_is_listed(tree, tmp_path):
    (tree / "train" / "audio" / "a.flac").write_bytes(b"no audio")
    prepared = tmp_path / "prepared"
    summary = prepare_realdesed(tree, prepared, n_jobs=1)
    assert summary["splits"]["train_annotated"]["missing"] == 1
    assert "a.flac" in (prepared / "missing.tsv").read_text()
    (tree / "train" / "audio" / "b.wav").unlink()
    with pytest.raises(InputError, match="none of the 2 files"):
        prepare_realdesed(tree, prepared, n_jobs=1)


@pytest.mark.parametrize(
    "row, fault",
    [
        ("b.wav,x,1.0,keychain,ann,True,unreviewed,", "the onset 'x'"),
        ("b.wav,0.5,nan,keychain,ann,True,unreviewed,", "the offset 'nan'"),
        ("b.wav,2.0,1.0,keychain,ann,True,unreviewed,", "ends before it"),
        ("b.wav,0.5,1.0,dog,ann,True,unreviewed,", "the class 'dog'"),
        (",0.5,1.0,keychain,ann,True,unreviewed,", "has no filename"),
        ("b.wav,0.5,1.0,keychain,,True,unreviewed,", "has no annotator_id"),
        ("b.wav,0.5,1.0,keychain,ann,True,maybe,", "review_status 'maybe'"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tree, tmp_path, row, fault):
    table = tree / "train" / "annotations_raw.csv"
    table.write_text(RAW + ROWS + row + "\n")
    found = read_realdesed_events(table, raw=True)
    assert len(found.faults) == 1
    file, line, text = found.faults[0]
    assert (file, line) == (str(table), 8) and fault in text
    prepared = tmp_path / "prepared"
    summary = prepare_realdesed(tree, prepared, n_jobs=1)
    assert summary["malformed"] == 1
    listed = (prepared / "malformed.tsv").read_text()
    assert "annotations_raw.csv\t8\t" in listed


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "is empty"),
        ("filename,onset\na.wav,1\n", "must have the columns"),
        (RAW + "a.flac,1\n", "line 2 has 2 cells instead of 8"),
        (RAW + 'a.flac,"1\n', "line 2 is no row of a CSV"),
        (RAW + ",,,,,,,\n", "has no row that can be used"),
        (RAW.replace("onset", "filename"), "must have the columns"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, sentence):
    table = tmp_path / "annotations_raw.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=sentence) as error:
        read_realdesed_events(table, raw=True)
    assert str(table) in str(error.value)


def test_metadata_names_each_file_once(tmp_path):
    table = tmp_path / "metadata.csv"
    table.write_text('filename,scene\na.wav,"one\ntwo"\na.wav,three\n')
    with pytest.raises(InputError, match=r"line 4 has a\.wav again"):
        read_metadata(table)


def test_the_command(tree, tmp_path, capsys):
    line = ["prepare", "--layout", "realdesed", str(tree)]
    line += [str(tmp_path / "prepared"), "--jobs", "1"]
    assert main([*line, "--seed", "3"]) == 2
    assert "leave --seed out" in capsys.readouterr().err
    assert main(line) == 0
    assert "train_annotated           2" in capsys.readouterr().out
    assert main([*line[:3], str(tmp_path / "prepared"), "x"]) == 2


def test_reviewed_events_are_preferred_as_asked(tree):
    rows = read_realdesed_events(
        tree / "train" / "annotations_raw.csv", raw=True
    ).events
    path = tree / "annotations.tsv"
    write_annotations(rows, path)
    first = read_annotations(path)
    assert [x.annotator for x in first["a.flac"]] == ["ann", "bob"]
    assert [x.annotator for x in first["b.wav"]] == ["eve"]
    assert first["a.flac"][0].is_collector
    other = read_annotations(path, ["unreviewed"])
    assert [x.annotator for x in other["b.wav"]] == ["bob"]
    assert "a.flac" not in read_annotations(path, ["accepted"])
    with pytest.raises(InputError, match="'perhaps' is none of"):
        read_annotations(path, ["perhaps"])


_times = st.floats(0, 60).map(lambda x: round(x, 3))
_marked = st.builds(
    lambda onset, length, label, who, collector, review: AnnotatedEvent(
        Event(onset, onset + length, label), who, collector, review
    ),
    _times,
    st.floats(0.001, 9).map(lambda x: round(x, 3)),
    st.sampled_from(REALDESED_CLASSES),
    st.sampled_from(["ann", 'b"o"b', "ça va"]),
    st.booleans(),
    st.just("unreviewed"),
)


@settings(deadline=None)
@given(st.lists(_marked, min_size=1, max_size=9))
def test_annotations_are_read_as_they_were_written(tmp_path_factory, marked):
    path = tmp_path_factory.mktemp("round") / "annotations.tsv"
    write_annotations({"a b.wav": marked}, path)
    found = read_annotations(path)["a b.wav"]
    assert sorted((x.annotator, e) for x in found for e in x.events) == sorted(
        (x.annotator, x.event) for x in marked
    )
