"""Labels that one cannot tell apart are noticed wherever they come in."""

import json
import sys
import unicodedata

import pytest

from sb_sed.cli.main import main
from sb_sed.data.jams import read_jams
from sb_sed.data.labels import EventEncoder
from sb_sed.data.manifests import read_manifest
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    events_table,
    read_events,
    read_scores,
    read_weak_labels,
    read_weak_scores,
    write_events,
)
from sb_sed.formats.labels import is_name, label_fault, same_label
from sb_sed.mixing.soundbank import Soundbank
from sb_sed.runs.description import checked
from sb_sed.smoothing.saved import load_smoother

# Zero width space, soft hyphen, direction, variant, filler, space, tag.
ODD = ["Dog\u200b", "D\u00adog", "\u2066Dog", "Dog\ufe0f", "Dog\u3164",
       "Dog\u00a0bark", "Dog\U000e0041", "\u180eDog", "Dog\u2800"]  # fmt: skip
CAFE = "Caf\u00e9"
NFD = unicodedata.normalize("NFD", CAFE)


def test_every_character_that_is_not_seen():
    for number in range(sys.maxunicode + 1):
        char = chr(number)
        kind = unicodedata.category(char)
        if kind in ("Cf", "Cc", "Cs", "Zl", "Zp") or (
            kind == "Zs" and char not in " \u3000"
        ):
            fault = label_fault(f"a{char}b")
            assert f"U+{number:04X}" in fault and fault.startswith("with the ")
    # Letters, marks, signs and pictures of all kinds may be there.
    for label in (
        "Çığlık",
        "犬の声",
        "犬　声",
        "कुत्ता",
        "كلب",
        "🐕",
        "Dog/bark's #1",
        "a\\b",
    ):
        assert is_name(same_label(label)), label
    assert label_fault("") and label_fault(" Dog") and label_fault("Dog ")
    assert "NFC" in label_fault(NFD) and is_name(same_label(NFD))


def _events(folder, label):
    header = "\t".join(EVENT_COLUMNS)
    (folder / "t.tsv").write_text(f"{header}\na.wav\t0\t1\t{label}\n", "utf-8")
    return read_events(folder / "t.tsv")["event_label"].tolist()


def _weak(folder, label):
    text = f"filename\tevent_labels\na.wav\tCat,{label}\n"
    (folder / "t.tsv").write_text(text, "utf-8")
    return read_weak_labels(folder / "t.tsv")["event_labels"][0][1:]


def _scores(folder, label):
    text = f"onset\toffset\t{label}\n0\t1\t0.5\n"
    (folder / "t.tsv").write_text(text, "utf-8")
    return list(read_scores(folder)["t"].columns[2:])


def _weak_scores(folder, label):
    text = f"filename\t{label}\na.wav\t0.5\n"
    (folder / "t.tsv").write_text(text, "utf-8")
    return list(read_weak_scores(folder / "t.tsv")["a.wav"])


def _written(folder, label):
    write_events(events_table({"a.wav": [(0, 1, label)]}), folder / "t.tsv")
    return read_events(folder / "t.tsv")["event_label"].tolist()


def _tags(folder, label):
    return _manifest(folder, label, {"events": [], "tags": [label]})["tags"]


def _timed(folder, label):
    entry = {"events": [[0, 1, label]], "tags": []}
    ((*_, found),) = _manifest(folder, label, entry)["events"]
    return [found]


def _manifest(folder, label, entry):
    entry = {"wav": "a.wav", "duration": 2.0, **entry}
    (folder / "m.json").write_text(json.dumps({"a": entry}), "utf-8")
    return read_manifest(folder / "m.json")["a"]


def _jams(folder, label):
    value = {"role": "foreground", "label": label}
    row = {"time": 0, "duration": 1, "value": value}
    document = {"annotations": [{"data": [row], "duration": 2}]}
    (folder / "a.jams").write_text(json.dumps(document), "utf-8")
    return [x.event_label for x in read_jams(folder / "a.jams", [CAFE, "Dog"])]


def _sounds(folder, label):
    import numpy as np
    import soundfile

    (folder / "bank" / label).mkdir(parents=True)
    soundfile.write(folder / "bank" / label / "a.wav", np.ones(1000), 1000)
    bank = Soundbank(foregrounds="bank")
    bank.prepare(folder, folder / "prepared", 1000)
    sources = bank.load(folder / "prepared", 1000).foregrounds
    return [source.event_label for source in sources]


def _encoder(folder, label):
    encoder = EventEncoder(["Cat", CAFE], 1.0)
    return [encoder.classes[encoder.index(label)]]


TABLES = [_events, _weak, _scores, _weak_scores, _written, _tags, _timed, _jams, _sounds,
          _encoder]  # fmt: skip


@pytest.mark.parametrize("label", ODD, ids=ascii)
@pytest.mark.parametrize("read", TABLES, ids=lambda x: x.__name__)
def test_labels_of_files(tmp_path, read, label):
    with pytest.raises(InputError) as error:
        read(tmp_path, label)
    assert len(str(error.value)) < 500
    code = next(x for x in label if not is_name(f"a{x}b"))
    assert f"U+{ord(code):04X}" in str(error.value) or repr(label) in str(
        error.value
    )


@pytest.mark.parametrize("read", TABLES, ids=lambda x: x.__name__)
def test_accents_in_either_form(tmp_path, read):
    assert read(tmp_path, NFD) == [CAFE]


@pytest.mark.parametrize("label", [*ODD, NFD, "Dog "], ids=ascii)
def test_lists_of_classes(tmp_path, label):
    constants = {"sample_rate": 16000, "clip_seconds": 1.0}
    with pytest.raises(InputError, match="class .*with"):
        checked(constants | {"classes": ["Cat", label]}, tmp_path / "a.yaml")
    with pytest.raises(InputError, match="class .*with"):
        EventEncoder(["Cat", label], 1.0)
    state = {"smoother": "threshold", "version": 1}
    state["parameters"] = {"Cat": {"threshold": 0.5}, label: {"threshold": 0.5}}
    (tmp_path / "smoother.json").write_text(json.dumps(state))
    with pytest.raises(InputError, match="class .*with"):
        load_smoother(tmp_path / "smoother.json")


@pytest.mark.parametrize("line", ["score a.tsv b.tsv --classes",
    "mix out --foregrounds x --backgrounds y --classes"])  # fmt: skip
def test_options(capsys, line):
    for label in ODD:
        with pytest.raises(SystemExit, match="2"):
            main([*line.split(), label])
        assert "is a class with the" in capsys.readouterr().err


def test_two_classes_that_print_alike_are_not_scored(tmp_path, capsys):
    """One of them in the reference, the other in the detections."""
    header = "\t".join(EVENT_COLUMNS)
    for name, label in (("events", "Dog"), ("reference", "Dog\u200b")):
        text = f"{header}\na.wav\t1\t2\tDog\nb.wav\t1\t2\t{label}\n"
        (tmp_path / f"{name}.tsv").write_text(text, "utf-8")
    line = [f"{tmp_path}/events.tsv", f"{tmp_path}/reference.tsv"]
    assert main(["score", *line]) == 2
    err = capsys.readouterr().err
    assert "line 3 has the class 'Dog\\u200b', with the invisible" in err
