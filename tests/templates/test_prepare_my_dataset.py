"""The template's preparation: tables, split, cuts, complaints.

Authors
 * sb_sed contributors 2026
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sb_sed.errors import InputError

SCRIPT = (
    Path(__file__).parents[2]
    / "templates"
    / "sound_event_detection"
    / "prepare_my_dataset.py"
)
EVENTS = "filename\tonset\toffset\tevent_label\n"


@pytest.fixture(scope="module")
def script():
    """The module, which is in no package."""
    spec = importlib.util.spec_from_file_location("prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def add(tmp_path):
    """Writes noise to the audio folder."""

    def write(name, seconds=1.0, rate=8000, channels=1):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (round(seconds * rate), channels)
        samples = np.random.default_rng(0).uniform(-0.5, 0.5, shape)
        soundfile.write(path, samples, rate)

    return write


@pytest.fixture
def table(tmp_path):
    """Writes a table; returns its path."""

    def write(name, header, *rows):
        path = tmp_path / name
        lines = [header.strip(), *("\t".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


@pytest.fixture
def events(add, table):
    """Eight recordings of two classes with their table."""
    rows = []
    for number in range(8):
        add(f"{number % 2}/{number}.wav")
        label = "Cat" if number % 2 else "Dog"
        rows.append((f"{number}.wav", 0.25, 0.75, label))
    return table("events.tsv", EVENTS, *rows)


@pytest.fixture
def prepare(script, tmp_path, events):
    """Prepares; returns the entries of each set."""
    usual = {
        "audio_folder": str(tmp_path / "audio"),
        "events_file": events,
        "reviewed_file": None,
        "weak_file": None,
        "unlabelled_folder": None,
        "prepared_folder": str(tmp_path / "prepared"),
        "split_file": None,
        "valid_fraction": 0.25,
        "test_fraction": 0.25,
        "classes": None,
        "sample_rate": 8000,
        "clip_seconds": 1.0,
        "seed": 1,
    }

    def run(**options):
        script.prepare_my_dataset(**(usual | options))
        return {
            path.stem: json.loads(path.read_text())
            for path in (tmp_path / "prepared").glob("*.json")
        }

    return run


def lines(path):
    """Its lines."""
    return path.read_text().splitlines()


def test_reviewed_clips_are_trained_on_and_never_scored(
    prepare, add, table, tmp_path
):
    sets = prepare()
    scored = [*sets["validation"], *sets["test"]]
    names = [f"{name}@00000000-00001000.wav" for name in sets["train_strong"]]
    names += [f"{name}@00000000-00001000.wav" for name in scored]
    for name in names:
        add(f"reviewed/{name}")
    rows = [(f"reviewed/{name}", 0.1, 0.5, "Cow") for name in names[:2]]
    rows += [(f"reviewed/{name}", "", "", "") for name in names[2:]]
    more = prepare(reviewed_file=table("reviewed.tsv", EVENTS, *rows))
    own = {f"reviewed__{Path(name).stem}" for name in names[:4]}
    assert set(more["train_strong"]) == set(sets["train_strong"]) | own
    assert [*more["validation"], *more["test"]] == scored
    assert "Cow" in lines(tmp_path / "prepared" / "classes.txt")
    rows = [(*row, "0-0.5 Cow|0.2-1 Owl") for row in rows]
    reviewed = table("reviewed.tsv", EVENTS[:-1] + "\tjudged\n", *rows)
    entries = prepare(reviewed_file=reviewed, clip_seconds=0.6)["train_strong"]
    parts = [entries[x].get("judged") for x in sorted(entries)]
    cut = [[0, 0.5, "Cow"], [0.2, 0.5, "Owl"]], [[0, 0.5, "Owl"]]
    assert parts.count(None) == 8
    assert [x for x in parts if x] == [*cut] * 4


def test_split_is_made_once(prepare, add, tmp_path, events):
    sets = prepare()
    assert {name: len(x) for name, x in sets.items()} == {
        "train_strong": 4,
        "validation": 2,
        "test": 2,
    }
    for entries in sets.values():  # all classes are in all sets
        assert {x["events"][0][2] for x in entries.values()} == {"Cat", "Dog"}
    kept = tmp_path / "prepared" / "split.tsv"
    first = lines(kept)
    assert prepare(seed=2) == sets
    for number in range(10, 18):
        add(f"{number}.wav")
        with open(events, "a") as file:
            file.write(f"{number}.wav\t0\t1\tCat\n")
    grown = prepare()
    assert set(first) < set(lines(kept)) and len(lines(kept)) == 17
    assert all(sets[name].keys() < grown[name].keys() for name in sets)
    kept.unlink()
    other = prepare(seed=3)
    assert other["test"].keys() != grown["test"].keys()


def test_what_there_is_to_know_of_recordings(prepare, tmp_path, capsys):
    soundfile.write(tmp_path / "audio/0/0.wav", np.zeros(8000), 8000)
    tone = np.sin(np.arange(8000) / 9) / 2
    both = np.stack([tone, -tone], axis=1)
    soundfile.write(tmp_path / "audio/1/1.wav", both, 8000)
    prepare()
    assert "What there is to know of 2 others" in capsys.readouterr().out
    found = lines(tmp_path / "prepared" / "notes.tsv")
    assert sorted(x.split("\t")[1] for x in found[1:]) == ["0/0.wav", "1/1.wav"]
    notes = {x.split("\t")[2][:20] for x in found[1:]}
    assert notes == {"is silent", "has channels that ca"}


def test_own_split(prepare, table, tmp_path):
    names = ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    rows = [(f"{i % 2}/{i}.wav", name) for i, name in enumerate(names)]
    header = "filename\tsplit"
    split = table("split.tsv", header, *rows)
    assert set(prepare(split_file=split)["test"]) == {"0__6", "1__7"}
    assert not (tmp_path / "prepared" / "split.tsv").exists()
    for changed, sentence in (
        (rows[1:], "lacks 0/0.wav, which has strong labels"),
        ([("0.wav", "dev"), *rows], "line 2 has the split 'dev': write one"),
        ([("0.wav", "test"), *rows], "line 3 gives 0/0.wav another split"),
        ([(x, "train") for x, _ in rows], "The set validation has no rec"),
    ):
        with pytest.raises(InputError, match=sentence):
            prepare(split_file=table("split.tsv", header, *changed))
    # Nothing of these is left behind.
    assert set(prepare(split_file=table("s.tsv", header, *rows))["test"])


def test_long_recordings_are_cut(prepare, add, tmp_path, events):
    for name in ("long.wav", "fast.flac"):
        add(name, seconds=2.5, rate=16000 if "fast" in name else 8000)
        with open(events, "a") as file:
            file.write(f"{name}\t0.5\t1.5\tCat\n")
    sets = prepare()
    clips = {k: v for entries in sets.values() for k, v in entries.items()}
    for name in ("long", "fast"):
        parts = [clips[key] for key in clips if key.startswith(name)]
        assert [x["duration"] for x in parts] == pytest.approx(
            [2.5 / 3] * 3, abs=2e-4
        )
        samples = [soundfile.read(x["wav"])[0] for x in parts]
        assert len(np.concatenate(samples)) == 20000
        assert [len(x["events"]) for x in parts] == [1, 1, 0]
        assert [x["tags"] for x in parts] == [["Cat"], ["Cat"], []]
        onset, offset, _ = parts[1]["events"][0]
        assert (onset, offset) == pytest.approx((0, 1.5 - 2.5 / 3), abs=2e-4)
    whole = soundfile.read(tmp_path / "audio" / "long.wav")[0]
    paths = [clips[key]["wav"] for key in clips if key.startswith("long")]
    samples = np.concatenate([soundfile.read(path)[0] for path in paths])
    assert samples == pytest.approx(whole, abs=2**-15)
    written = [Path(path).stat().st_ctime_ns for path in paths]
    prepare()
    assert written == [Path(path).stat().st_ctime_ns for path in paths]


def test_other_labels(prepare, add, table, tmp_path):
    """Each recording is used once; what cannot be used is listed."""
    for name, seconds in (("w.wav", 1), ("too_long.wav", 1.5), ("more.ogg", 4)):
        add(name, seconds)
    (tmp_path / "audio" / "bad.wav").write_bytes(b"RIFF")
    weak = table(
        "weak.tsv",
        "filename\tevent_labels",
        *[("w.wav", "Dog,Bird"), ("too_long.wav", "Dog"), ("bad.wav", "Cat")],
        *[("gone.wav", "Cat"), ("0/2.wav", "Dog")],
    )
    folder = str(tmp_path / "audio")
    sets = prepare(weak_file=weak, unlabelled_folder=folder)
    assert sets["train_weak"]["w"]["tags"] == ["Dog", "Bird"]
    assert set(sets["train_weak"]) == {"w"}
    assert len(sets["train_unlabelled"]) == 4
    assert all(key.startswith("more_") for key in sets["train_unlabelled"])
    classes = lines(tmp_path / "prepared" / "classes.txt")
    assert classes == ["Bird", "Cat", "Dog"]
    missing = lines(tmp_path / "prepared" / "missing.tsv")[1:]
    assert [line.split("\t")[1] for line in missing] == [
        "too_long.wav",
        "bad.wav",
        "gone.wav",
    ]
    assert "longer than clip_seconds" in missing[0]
    # A folder that is dropped again leaves nothing behind.
    assert "train_weak" not in prepare()


def test_labels_of_a_recording_under_two_names(prepare, add, table):
    """None of them is lost: they are refused, or both are read."""
    add("rain/long.wav")
    rows = [("long.wav", "Cat"), ("rain/long.wav", "Dog")]
    weak = table("weak.tsv", "filename\tevent_labels", *rows)
    with pytest.raises(InputError, match="lists rain/long.wav again, as rain/"):
        prepare(weak_file=weak)
    rows = [("./0/0.wav", 0, 0.25, "Cat"), ("0\\0.wav", 0.5, 1, "Dog")]
    rows += [(f"/data/1/{n}.wav", 0, 1, "Cat") for n in (1, 3, 5)]
    rows += [(f"{n}", 0, 1, "Dog") for n in (2, 4)]
    strong = table("strong.tsv", EVENTS, *rows)
    sets = prepare(events_file=strong)
    clips = {name: x for s in sets.values() for name, x in s.items()}
    assert sorted(clips) == ["0__0", "0__2", "0__4", "1__1", "1__3", "1__5"]
    assert clips["0__0"]["tags"] == ["Cat", "Dog"]


def test_recordings_without_events(prepare, add, events, capsys):
    for name in ("quiet", "late"):
        add(f"{name}.wav", channels=2, rate=44100)
    with open(events, "a") as file:
        file.write("quiet.wav\t\t\t\nlate.wav\t1.5\t2\tCat\n")
    clips = [x for entries in prepare().values() for x in entries.items()]
    assert dict(clips)["quiet"]["events"] == []
    assert dict(clips)["late"]["events"] == []
    said = capsys.readouterr().out
    assert "1 events after the end of their recording are left out" in said


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"audio_folder": None}, "None does not exist: check the path"),
        ({"events_file": "no.tsv"}, "no.tsv does not exist"),
        ({"weak_file": "no.tsv"}, "no.tsv does not exist"),
        ({"split_file": "no.tsv"}, "no.tsv does not exist"),
        ({"unlabelled_folder": "no"}, "no does not exist"),
        ({"classes": ["Cat"]}, "has the unknown class 'Dog': use one of Cat"),
        ({"classes": ["Cat", "Dog", "Cow"]}, "No training .* class Cow"),
        ({"classes": ["Cat", 1]}, r"train.yaml has the classes \['Cat', 1\]"),
        ({"sample_rate": "8k"}, "train.yaml has the sample_rate '8k'"),
        ({"valid_fraction": 0.9}, "8 recordings with .* cannot be divided"),
        ({"test_fraction": "some"}, "test_fraction some: label more, or give"),
    ],
)
def test_bad_settings(prepare, options, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        prepare(**options)
    assert not (tmp_path / "prepared" / "test.json").exists()


@pytest.mark.parametrize(
    "name, row, sentence",
    [
        ("1/0.wav", "0.wav\t0\t1\tCat", "has 0/0.wav and 1/0.wav: write the"),
        (
            "0/0.flac",
            "1.wav\t0\t1\tCat",
            "has 0/0.flac and 0/0.wav: a recording",
        ),
        ("new.wav", "new.wav\t2\t1\tCat", "line 10 has the offset 1 s, which"),
    ],
)
def test_bad_tables(prepare, add, events, name, row, sentence):
    add(name)
    with open(events, "a") as file:
        file.write(row + "\n")
    with pytest.raises(InputError, match=sentence):
        prepare()


def test_all_audio_of_a_set_is_missing(prepare, tmp_path):
    for path in (tmp_path / "audio").rglob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"train_strong .* \(0/2.wav: empty f"):
        prepare()
