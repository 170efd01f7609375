"""DESED copies of both layouts, complete and not, made into manifests."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from speechbrain.dataio.dataio import read_audio
from speechbrain.dataio.dataset import DynamicItemDataset

from sb_sed.audio import store as audio
from sb_sed.data.desed import (
    DESED_CLASSES,
    describe_summary,
    prepare_desed,
)
from sb_sed.errors import InputError
from sb_sed.formats import match_names, read_durations, read_events

SPLITS = [
    "train_synthetic",
    "valid_synthetic",
    "train_weak",
    "train_unlabelled",
    "validation",
    "public",
]


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


def test_newer_layout_has_its_own_synthetic_validation(tmp_path, make_tree):
    tree = make_tree(tmp_path, newer=True)
    summary = tree.prepare()
    counts = [summary["splits"][split]["present"] for split in SPLITS]
    assert counts == [10, 1, 2, 3, 2, 1]
    assert tree.manifest("valid_synthetic")["v"]["tags"] == ["Blender"]


def test_dataset_folder_itself_can_be_given(tree):
    summary = prepare_desed(tree.folder / "dataset", tree.out, n_jobs=1)
    assert summary["splits"]["train_weak"]["present"] == 2


def test_speechbrain_reads_the_manifests(tmp_path, make_tree):
    # Braces are SpeechBrain's placeholders.
    tree = make_tree(tmp_path / "a{b}c")
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


def test_what_there_is_to_know_of_files_is_listed(tree):
    paths = sorted((tree.audio / "train" / "weak").iterdir())
    tone = np.sin(np.arange(8000) / 9) / 2
    sf.write(paths[0], np.stack([tone, -tone], axis=1), 16000)
    sf.write(paths[1], np.zeros(8000), 16000)
    summary = tree.prepare()
    assert summary["splits"]["train_weak"]["noted"] == 2
    rows = pd.read_csv(summary["notes_file"], sep="\t")
    rows = rows[rows["split"] == "train_weak"]
    notes = dict(zip(rows["filename"], rows["note"], strict=True))
    assert "channels that cancel each other" in notes[paths[0].name]
    assert notes[paths[1].name] == "is silent"
    assert "of 2 files: " in describe_summary(summary)
    samples, _ = sf.read(tree.manifest("train_weak")[paths[0].stem]["wav"])
    np.testing.assert_allclose(samples, tone, atol=1e-4)


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
    tree.write_table(
        tree.public_table, tree.header, ("1Ro_1_11.wav", "0.6", "0.9", "Speech")
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


def test_audio_that_is_added_later_is_used(tree):
    path = tree.unlabelled / "Yu0_0.000_10.000.wav"
    path.unlink()
    assert tree.prepare()["splits"]["train_unlabelled"]["missing"] == 1
    tree.write_audio(path)
    assert tree.prepare()["splits"]["train_unlabelled"]["missing"] == 0
    assert tree.missing().empty


def test_other_audio_extension_is_found(tree):
    wav = tree.validation / "Yv2_0.000_10.000.wav"
    wav.unlink()
    tree.write_audio(wav.with_suffix(".flac"))
    tree.write_audio(wav.with_name("._Yv2_0.000_10.000.wav"))
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
    tree.write_audio(tree.unlabelled / "._Yu0_0.000_10.000.wav")
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
    text = "\n".join(["\t".join(tree.header), good, row])
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


def test_second_call_writes_the_same_and_opens_no_audio(tree, monkeypatch):
    tree.prepare()
    before = tree.contents()
    monkeypatch.setattr(audio, "make_ready", None)
    tree.prepare()
    assert tree.contents() == before


def test_another_sample_rate_is_used_everywhere(tree):
    tree.prepare()
    tree.prepare(sample_rate=8000)
    for split in SPLITS:
        for entry in tree.manifest(split).values():
            assert sf.info(entry["wav"]).samplerate == 8000


def test_jams_replace_the_table(tree, jams_text):
    tree.soundscapes_table.unlink()
    for index in range(10):
        (tree.soundscapes / f"{index}.jams").write_text(
            jams_text((0.125, 0.25, "Dog"), (0.0, 0.5, "Frying_nOn_nOff"))
        )
    tree.prepare()
    manifest = tree.manifest("train_synthetic") | tree.manifest(
        "valid_synthetic"
    )
    assert len(manifest) == 10
    for entry in manifest.values():
        assert entry["events"] == [[0.0, 0.5, "Frying"], [0.125, 0.375, "Dog"]]
        assert entry["tags"] == ["Dog", "Frying"]


def test_jams_without_audio_are_refused(tree, jams_text):
    tree.soundscapes_table.unlink()
    for path in tree.soundscapes.iterdir():
        path.unlink()
    (tree.soundscapes / "0.jams").write_text(jams_text((0.0, 0.5, "Dog")))
    with pytest.raises(InputError, match="none of the 1 files"):
        tree.prepare()


@pytest.fixture
def recipe():
    root = Path(__file__).parents[2]
    path = root / "recipes" / "DCASE2020" / "desed_prepare.py"
    spec = importlib.util.spec_from_file_location("desed_prepare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_recipe_function_returns_the_summary(tree, recipe):
    summary = recipe.prepare_desed(
        str(tree.folder), str(tree.out), n_jobs=1, seed=3
    )
    assert summary["settings"]["seed"] == 3


def test_tables_that_name_recordings_in_other_words(tree):
    """With folders, with an accent in two characters; never another file."""
    tree.write_audio(tree.validation / "Caf\u00e9 1.wav")
    tree.write_table(
        tree.validation_table,
        tree.header,
        ("/data/validation/Yv1_0.000_10.000.wav", "0.1", "0.4", "Dog"),
        ("audio\\Yv2_0.000_10.000", "0.1", "0.4", "Cat"),
        ("Cafe\u0301 1.wav", "0.1", "0.4", "Speech"),
    )
    split = tree.prepare()["splits"]["validation"]
    assert split["missing"] == 0
    entries = tree.manifest("validation")
    found = {Path(x["wav"]).stem: x["tags"] for x in entries.values()}
    assert found == {
        "Yv1_0.000_10.000": ["Dog"],
        "Yv2_0.000_10.000": ["Cat"],
        "Caf\u00e9 1": ["Speech"],
    }
    assert not any("/" in name or "\\" in name for name in entries)
    reference = read_events(split["reference"])
    assert len(match_names(reference["filename"], entries)) == 3


@pytest.mark.parametrize("names", [("k.wav", "k.mp3"), ("a/k.wav", "b/k.wav")])
def test_annotations_of_twins_are_refused(tree, names):
    rows = [(name, "0.1", "0.4", "Dog") for name in names]
    tree.write_table(tree.validation_table, tree.header, *rows)
    with pytest.raises(
        InputError, match=f"{names[0]} and {names[1]}: .* rename"
    ):
        tree.prepare()


def test_audio_of_twins_is_not_chosen_from(tree):
    """Which of two files a table means under a third name is not guessed."""
    wav = tree.validation / "Yv2_0.000_10.000.wav"
    for ending in (".flac", ".ogg"):
        tree.write_audio(wav.with_suffix(ending))
    assert tree.prepare()["splits"]["validation"]["missing"] == 0
    assert tree.manifest("validation")[wav.stem]["wav"] == str(wav)
    wav.unlink()
    with pytest.raises(InputError, match="can be .*flac' or .*ogg' of"):
        tree.prepare()
