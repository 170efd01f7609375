"""DESED copies of both layouts, complete and not, made into manifests."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from speechbrain.dataio.dataio import read_audio
from speechbrain.dataio.dataset import DynamicItemDataset

from sb_sed.data import audio
from sb_sed.data.desed import DESED_CLASSES, describe_summary, prepare_desed
from sb_sed.data.jams import read_jams, strip_suffixes, tidy_events
from sb_sed.errors import InputError
from sb_sed.formats import read_durations, read_events

SPLITS = [
    "train_synthetic",
    "valid_synthetic",
    "train_weak",
    "train_unlabelled",
    "validation",
    "public",
]


def write_table(path, header, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(row) for row in [header, *rows]]
    path.write_text("\n".join(lines) + "\n")


def write_audio(path, seconds=0.5, rate=16000, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).normal(size=(round(seconds * rate), 1))
    sf.write(path, 0.1 * np.repeat(samples, channels, axis=1), rate)


def jams(*events, length=10.0):
    """A Scaper soundscape: a background, then the foreground events."""
    rows = [(0.0, length, "sins", "background")]
    rows += [(*event, "foreground") for event in events]
    data = [
        {
            "time": time,
            "duration": duration,
            "confidence": 1.0,
            "value": {"label": label, "role": role, "event_duration": 99.0},
        }
        for time, duration, label, role in rows
    ]
    annotation = {"namespace": "scaper", "data": data, "duration": length}
    return json.dumps({"annotations": [annotation]})


STRONG = ("filename", "onset", "offset", "event_label")


class Tree:
    """A tiny DESED copy; the tests damage it before they prepare it."""

    def __init__(self, folder, newer=False):
        self.folder = folder
        self.metadata = folder / "dataset" / "metadata"
        self.audio = folder / "dataset" / "audio"
        name = "synthetic20_train" if newer else "synthetic20"
        self.soundscapes = self.audio / "train" / name / "soundscapes"
        self.soundscapes_table = (
            self.metadata / "train" / name / "soundscapes.tsv"
        )
        rows = [(f"{i}.wav", "0.1", "0.4", "Dog") for i in range(10)]
        write_table(self.soundscapes_table, STRONG, *rows)
        for filename, *_ in rows:
            write_audio(self.soundscapes / filename)
        self.weak = self.audio / "train" / "weak"
        self.weak_table = self.metadata / "train" / "weak.tsv"
        write_table(
            self.weak_table,
            ("filename", "event_labels"),
            ("Yw-1_0.000_10.000.wav", "Speech,Cat"),
            ("Yw_2_30.000_40.000.wav", "Frying_nOn_nOff"),
        )
        write_audio(self.weak / "Yw-1_0.000_10.000.wav", 11.0, 44100, 2)
        write_audio(self.weak / "Yw_2_30.000_40.000.wav", 3.0, 22050)
        self.unlabelled = self.audio / "train" / "unlabel_in_domain"
        self.unlabelled_table = self.metadata / "train/unlabel_in_domain.tsv"
        names = [f"Yu{i}_0.000_10.000.wav" for i in range(3)]
        write_table(self.unlabelled_table, ["filename"], *[[n] for n in names])
        for filename in names:
            write_audio(self.unlabelled / filename, rate=44100)
        self.validation = self.audio / "validation"
        if newer:
            self.validation /= "validation"
        self.validation_table = self.metadata / "validation" / "validation.tsv"
        # The real table has same-class pieces beside their merged event.
        write_table(
            self.validation_table,
            STRONG,
            ("Yv1_0.000_10.000.wav", "0.000", "0.400", "Dishes"),
            ("Yv1_0.000_10.000.wav", "0.100", "0.300", "Dishes"),
            ("Yv1_0.000_10.000.wav", "0.200", "0.615", "Vacuum_cleaner"),
            ("Yv2_0.000_10.000.wav", "", "", ""),
        )
        write_audio(self.validation / "Yv1_0.000_10.000.wav")
        write_audio(self.validation / "Yv2_0.000_10.000.wav")
        self.public = self.audio / "eval" / "public"
        self.public_table = self.metadata / "eval" / "public.tsv"
        write_table(
            self.public_table, STRONG, ("1Ro_1_11.wav", "0.0", "0.3", "Speech")
        )
        write_audio(self.public / "1Ro_1_11.wav")
        if newer:
            name = "validation/synthetic20_validation"
            write_table(
                self.metadata / name / "soundscapes.tsv",
                STRONG,
                ("v.wav", "0.1", "0.4", "Blender_nOff"),
            )
            write_audio(self.audio / name / "soundscapes" / "v.wav")

    def prepare(self, **options):
        return prepare_desed(self.folder, self.out, n_jobs=1, **options)

    @property
    def out(self):
        return self.folder / "prepared"

    def manifest(self, split):
        return json.loads((self.out / f"{split}.json").read_text())

    def missing(self):
        return pd.read_csv(self.out / "missing.tsv", sep="\t")

    def contents(self):
        return {
            path: path.read_bytes()
            for path in self.out.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_layout_of_2020(tree):
    summary = tree.prepare()
    counts = [summary["splits"][split]["present"] for split in SPLITS]
    assert counts == [8, 2, 2, 3, 2, 1]
    assert summary["left_out"] == [] and tree.missing().empty
    for split in SPLITS:
        manifest = tree.manifest(split)
        assert len(manifest) == summary["splits"][split]["annotated"]
        for entry in manifest.values():
            assert list(entry) == ["wav", "duration", "events", "tags"]
            info = sf.info(entry["wav"])
            assert (info.samplerate, info.channels) == (16000, 1)
            assert entry["duration"] == info.duration
    weak = tree.manifest("train_weak")
    assert weak["Yw-1_0.000_10.000"]["tags"] == ["Cat", "Speech"]
    assert weak["Yw-1_0.000_10.000"]["duration"] == 11.0
    assert weak["Yw_2_30.000_40.000"]["tags"] == ["Frying"]
    assert weak["Yw_2_30.000_40.000"]["duration"] == 3.0
    unlabelled = tree.manifest("train_unlabelled")["Yu0_0.000_10.000"]
    assert unlabelled["events"] == unlabelled["tags"] == []
    assert json.loads((tree.out / "summary.json").read_text()) == summary


def test_newer_layout_has_its_own_synthetic_validation(tmp_path):
    tree = Tree(tmp_path, newer=True)
    summary = tree.prepare()
    counts = [summary["splits"][split]["present"] for split in SPLITS]
    assert counts == [10, 1, 2, 3, 2, 1]
    assert tree.manifest("valid_synthetic")["v"]["tags"] == ["Blender"]


def test_dataset_folder_itself_can_be_given(tree):
    summary = prepare_desed(tree.folder / "dataset", tree.out, n_jobs=1)
    assert summary["splits"]["train_weak"]["present"] == 2


def test_speechbrain_reads_the_manifests(tmp_path):
    # Braces are SpeechBrain's placeholders.
    tree = Tree(tmp_path / "a{b}c")
    tree.prepare()
    for split in SPLITS:
        dataset = DynamicItemDataset.from_json(tree.out / f"{split}.json")
        dataset.add_dynamic_item(read_audio, takes="wav", provides="signal")
        dataset.set_output_keys(["id", "signal", "duration", "events", "tags"])
        for item in dataset:
            assert item["signal"].shape == (round(item["duration"] * 16000),)


def test_files_in_place_stay_and_the_others_are_converted(tree):
    summary = tree.prepare()
    for split in ["train_weak", "train_unlabelled"]:
        for entry in tree.manifest(split).values():
            assert Path(entry["wav"]).is_relative_to(tree.out)
    for entry in tree.manifest("validation").values():
        assert Path(entry["wav"]).is_relative_to(tree.audio)
    assert summary["splits"]["train_unlabelled"]["converted"] == 3
    assert summary["splits"]["validation"]["converted"] == 0


def test_references_are_as_annotated_and_manifests_end_with_the_audio(tree):
    summary = tree.prepare()
    paths = summary["splits"]["validation"]
    reference = read_events(paths["reference"], DESED_CLASSES)
    expected = read_events(tree.validation_table)
    pd.testing.assert_frame_equal(reference, expected)
    assert set(read_durations(paths["durations"]).values()) == {0.5}
    assert tree.manifest("validation")["Yv1_0.000_10.000"]["events"] == [
        [0.0, 0.4, "Dishes"],
        [0.1, 0.3, "Dishes"],
        [0.2, 0.5, "Vacuum_cleaner"],
    ]
    assert tree.manifest("validation")["Yv2_0.000_10.000"]["events"] == []


def test_event_past_the_end_is_counted(tree):
    write_table(
        tree.public_table, STRONG, ("1Ro_1_11.wav", "0.6", "0.9", "Speech")
    )
    summary = tree.prepare()
    assert summary["splits"]["public"]["events_past_end"] == 1
    assert tree.manifest("public")["1Ro_1_11"]["events"] == []
    assert "1 events begin after the end" in describe_summary(summary)
    reference = read_events(summary["splits"]["public"]["reference"])
    assert reference["onset"].tolist() == [0.6]


def test_what_is_missing_is_listed_with_the_reason(tree):
    (tree.unlabelled / "Yu0_0.000_10.000.wav").unlink()
    (tree.unlabelled / "Yu1_0.000_10.000.wav").write_bytes(b"")
    (tree.weak / "Yw_2_30.000_40.000.wav").write_text("not audio")
    nan = np.full(8000, np.nan)
    sf.write(tree.validation / "Yv1_0.000_10.000.wav", nan, 16000, "FLOAT")
    (tree.soundscapes / "3.wav").unlink()
    (tree.soundscapes / "3.wav").symlink_to("gone.wav")
    summary = tree.prepare()
    reasons = tree.missing().set_index("filename")["reason"]
    assert len(reasons) == 5
    assert reasons["Yu0_0.000_10.000.wav"] == f"not in {tree.unlabelled}"
    assert "0 bytes" in reasons["Yu1_0.000_10.000.wav"]
    assert "unreadable" in reasons["Yw_2_30.000_40.000.wav"]
    assert "NaN" in reasons["Yv1_0.000_10.000.wav"]
    assert "broken link" in reasons["3.wav"]
    validation = summary["splits"]["validation"]
    assert (validation["annotated"], validation["missing"]) == (2, 1)
    for path in ["reference", "durations"]:
        assert "Yv1" not in Path(validation[path]).read_text()
    assert list(tree.manifest("validation")) == ["Yv2_0.000_10.000"]
    assert str(tree.out / "missing.tsv") in describe_summary(summary)


def test_audio_that_arrives_later_is_taken_up(tree):
    path = tree.unlabelled / "Yu0_0.000_10.000.wav"
    path.unlink()
    assert tree.prepare()["splits"]["train_unlabelled"]["missing"] == 1
    write_audio(path)
    assert tree.prepare()["splits"]["train_unlabelled"]["missing"] == 0
    assert tree.missing().empty


def test_other_audio_extension_is_found(tree):
    wav = tree.validation / "Yv2_0.000_10.000.wav"
    wav.unlink()
    write_audio(wav.with_suffix(".flac"))
    write_audio(wav.with_name("._Yv2_0.000_10.000.wav"))
    tree.prepare()
    entry = tree.manifest("validation")["Yv2_0.000_10.000"]
    assert entry["wav"].endswith("0.000.flac")
    assert "Yv2_0.000_10.000.wav" in read_durations(
        tree.out / "references" / "validation_durations.tsv"
    )


def test_split_that_the_copy_lacks_is_left_out(tree):
    shutil.rmtree(tree.public)
    tree.public_table.unlink()
    summary = tree.prepare()
    assert summary["left_out"] == ["public"]
    assert "left out, since the copy does not have it: public" in (
        describe_summary(summary)
    )
    assert not (tree.out / "public.json").exists()


def test_whole_split_without_audio_is_refused(tree):
    shutil.rmtree(tree.public)
    with pytest.raises(InputError, match="public") as error:
        tree.prepare()
    assert str(tree.public) in str(error.value)
    assert str(tree.public_table) in str(error.value)


def test_whole_split_of_broken_audio_is_refused(tree):
    (tree.public / "1Ro_1_11.wav").write_text("not audio")
    with pytest.raises(InputError, match="1Ro_1_11.wav: unreadable"):
        tree.prepare()
    assert "1Ro_1_11.wav" in (tree.out / "missing.tsv").read_text()


def test_audio_without_annotations_is_refused(tree):
    tree.weak_table.unlink()
    with pytest.raises(InputError, match="weak.tsv are missing"):
        tree.prepare()


def test_unlabelled_audio_needs_no_table(tree):
    tree.unlabelled_table.unlink()
    write_audio(tree.unlabelled / "._Yu0_0.000_10.000.wav")
    assert tree.prepare()["splits"]["train_unlabelled"]["present"] == 3


def test_folder_without_desed_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a DESED copy"):
        prepare_desed(tmp_path, tmp_path / "out")
    (tmp_path / "audio").mkdir()
    with pytest.raises(InputError, match="no synthetic, weak or validation"):
        prepare_desed(tmp_path, tmp_path / "out")


def test_annotations_alone_are_refused(tree):
    shutil.rmtree(tree.audio)
    with pytest.raises(InputError, match="not a DESED copy"):
        tree.prepare()


@pytest.mark.parametrize(
    "row, message",
    [
        ("Yv2_0.000_10.000.wav\t0.1\t0.2\tDoorbell", "line 3 .*Doorbell"),
        ("Yv2_0.000_10.000.wav\t-0.1\t0.2\tDog", "line 3 .*-0.1"),
        ("Yv2_0.000_10.000.wav\t0.3\t0.2\tDog", "line 3 .*offset"),
        ("Yv2_0.000_10.000.wav\t0.3", "line 3 .*cells"),
        ("Yv2_0.000_10.000.wav\tzero\t0.2\tDog", "line 3 .*zero"),
    ],
)
def test_wrong_row_is_an_error_with_file_and_row(tree, row, message):
    good = "Yv1_0.000_10.000.wav\t0.1\t0.2\tDog_nOff"
    text = "\n".join(["\t".join(STRONG), good, row])
    tree.validation_table.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        tree.prepare()
    assert str(tree.validation_table) in str(error.value)


def test_unknown_weak_label_is_an_error(tree):
    tree.weak_table.write_text("filename\tevent_labels\na.wav\tDog,Bird_nOn\n")
    with pytest.raises(InputError, match="weak.tsv, line 2 .*Bird_nOn"):
        tree.prepare()


def test_two_files_of_one_name_are_refused(tree):
    tree.unlabelled_table.write_text("filename\na.wav\na.flac\n")
    with pytest.raises(InputError, match="a.wav and a.flac"):
        tree.prepare()


def test_held_out_soundscapes_depend_on_the_seed_only(tree):
    def held_out(**options):
        tree.prepare(**options)
        names = set(tree.manifest("valid_synthetic"))
        assert not names & set(tree.manifest("train_synthetic"))
        return names

    first = held_out()
    lines = tree.soundscapes_table.read_text().splitlines()
    tree.soundscapes_table.write_text("\n".join([lines[0], *lines[:0:-1]]))
    assert held_out() == first
    assert any(held_out(seed=seed) != first for seed in (1, 2, 3))
    assert len(held_out(valid_fraction=0.5)) == 5
    lost = next(iter(first))
    (tree.soundscapes / f"{lost}.wav").unlink()
    assert held_out() == first - {lost}
    assert tree.missing()["split"].tolist() == ["valid_synthetic"]


def test_no_soundscape_need_be_held_out(tree):
    tree.prepare()
    summary = tree.prepare(valid_fraction=0)
    assert summary["left_out"] == ["valid_synthetic"]
    assert len(tree.manifest("train_synthetic")) == 10
    assert not (tree.out / "valid_synthetic.json").exists()
    assert not (tree.out / "references" / "valid_synthetic.tsv").exists()
    with pytest.raises(InputError, match="valid_fraction"):
        tree.prepare(valid_fraction=1)


def test_second_call_writes_the_same_and_opens_no_audio(tree, monkeypatch):
    tree.prepare()
    before = tree.contents()
    monkeypatch.setattr(audio, "make_ready", None)
    tree.prepare()
    assert tree.contents() == before


def test_other_sample_rate_is_taken_everywhere(tree):
    tree.prepare()
    tree.prepare(sample_rate=8000)
    for split in SPLITS:
        for entry in tree.manifest(split).values():
            assert sf.info(entry["wav"]).samplerate == 8000


def test_jams_stand_in_for_the_table(tree):
    tree.soundscapes_table.unlink()
    for index in range(10):
        (tree.soundscapes / f"{index}.jams").write_text(
            jams((0.125, 0.25, "Dog"), (0.0, 0.5, "Frying_nOn_nOff"))
        )
    tree.prepare()
    manifest = tree.manifest("train_synthetic") | tree.manifest(
        "valid_synthetic"
    )
    assert len(manifest) == 10
    for entry in manifest.values():
        assert entry["events"] == [[0.0, 0.5, "Frying"], [0.125, 0.375, "Dog"]]
        assert entry["tags"] == ["Dog", "Frying"]


def test_jams_without_audio_are_refused(tree):
    tree.soundscapes_table.unlink()
    for path in tree.soundscapes.iterdir():
        path.unlink()
    (tree.soundscapes / "0.jams").write_text(jams((0.0, 0.5, "Dog")))
    with pytest.raises(InputError, match="none of the 1 files"):
        tree.prepare()


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "not a JAMS file"),
        ("{}", "not a JAMS file"),
        ('{"annotations": [{"data": [7]}]}', "not a JAMS file"),
        (jams((0.0, 1.0, "Bird")), "event 1 has the unknown class 'Bird'"),
        (jams((0.0, 1.0, "Dog"), (-1.0, 1.0, "Dog")), "event 2 starts at -1"),
        (jams((1.0, -0.5, "Dog")), "lasts -0.5 s"),
        (jams((float("nan"), 0.5, "Dog")), "starts at nan"),
    ],
)
def test_wrong_jams_is_an_error_with_the_file(tmp_path, text, message):
    (tmp_path / "0.jams").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_jams(tmp_path / "0.jams", DESED_CLASSES)
    assert str(tmp_path / "0.jams") in str(error.value)


def test_suffixes_go_whatever_the_class():
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
def test_tidy_events_hold_to_the_rules(events):
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


@pytest.fixture
def recipe():
    root = Path(__file__).parents[2]
    path = root / "recipes" / "DCASE2020" / "desed_prepare.py"
    spec = importlib.util.spec_from_file_location("desed_prepare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_recipe_command(tree, recipe, capsys):
    arguments = ["--data_folder", str(tree.folder), "--n_jobs", "1"]
    arguments += ["--prepared_folder", str(tree.out)]
    assert recipe.main(arguments) == 0
    assert "train_unlabelled          3        3" in capsys.readouterr().out
    shutil.rmtree(tree.public)
    assert recipe.main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("desed_prepare.py: ")


def test_recipe_function_returns_the_summary(tree, recipe):
    summary = recipe.prepare_desed(
        str(tree.folder), str(tree.out), n_jobs=1, seed=3
    )
    assert summary["settings"]["seed"] == 3
