"""Sound banks: what is found, checked, converted and listed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.errors import InputError
from sb_sed.mixing.soundbank import Foreground, Soundbank, find_foregrounds


def write(path, rate=16000, channels=1, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * rate))
    sf.write(path, np.stack([samples] * channels, axis=1), rate)


@pytest.mark.parametrize(
    "label, expected",
    [
        ("Dog", ("Dog", True, True)),
        ("Running_water", ("Running_water", True, True)),
        ("Frying_nOn", ("Frying", False, True)),
        ("Frying_nOff", ("Frying", True, False)),
        ("Frying_nOn_nOff", ("Frying", False, False)),
        ("My_nOnsense", ("My_nOnsense", True, True)),
    ],
)
def test_marks_of_cut_events(label, expected):
    event = Foreground("a.wav", label)
    assert (event.event_label, event.has_onset, event.has_offset) == expected


def test_folders_of_classes_at_any_depth(tmp_path):
    for name in ("Cat/x/1.WAV", "Dog_nOff/2.wav", "top.wav", "Cat/._1.wav"):
        write(tmp_path / name)
    assert [(e.label, e.soundscape) for e in find_foregrounds(tmp_path)] == [
        ("Cat", None),
        ("Dog_nOff", None),
    ]


def test_isolated_events_beside_soundscapes(tmp_path):
    for name in (
        "7.wav",
        "7_events/background0_sins.wav",
        "7_events/foreground0_Dog.wav",
        "7_events/foreground10_Running_water_nOn.wav",
    ):
        write(tmp_path / name)
    assert [(e.label, e.soundscape) for e in find_foregrounds(tmp_path)] == [
        ("Dog", "7"),
        ("Running_water_nOn", "7"),
    ]


def test_prepare_converts_lists_and_skips(tmp_path):
    data, prepared = tmp_path / "data", tmp_path / "prepared"
    write(data / "fg/Cat/a.wav")
    write(data / "fg/Cat/b.wav", 44100, 2)
    write(data / "fg/Cat/b.flac", 22050)
    (data / "fg/Cat/broken.wav").write_bytes(b"RIFF")
    write(data / "bg/c.wav", channels=4)
    write(tmp_path / "elsewhere/rir.wav", 48000)
    bank = Soundbank("fg", "bg", str(tmp_path / "elsewhere"), 1)
    unusable = bank.prepare(data, prepared, 16000, n_jobs=1)
    sources = bank.load(prepared, 16000)
    paths = [event.path for event in sources.foregrounds]
    assert paths[0] == str(data / "fg/Cat/a.wav")  # where it lies
    assert len(set(paths)) == len(paths) == 3
    for path in (*paths, *sources.backgrounds, *sources.rirs):
        assert len(sources.cache.read(path)) == 8000
    assert (len(sources.backgrounds), len(sources.rirs)) == (1, 1)
    (table,) = prepared.glob("soundbank/*_missing.tsv")
    (row,) = pd.read_csv(table, sep="\t").itertuples(index=False)
    assert row.role == "foregrounds" and row.file.endswith("broken.wav")
    assert [tuple(row)] == unusable
    assert sources.cache.max_megabytes == 1


def test_banks_of_two_recipes_do_not_mix(tmp_path):
    write(tmp_path / "one/Cat/a.wav", 8000)
    write(tmp_path / "two/Cat/a.wav", 8000, seconds=1)
    banks = [Soundbank(foregrounds=name) for name in ("one", "two")]
    for bank in banks:
        bank.prepare(tmp_path, tmp_path / "prepared", 16000, n_jobs=1)
    lengths = []
    for bank in banks:
        sources = bank.load(tmp_path / "prepared", 16000)
        lengths.append(len(sources.cache.read(sources.foregrounds[0].path)))
    assert lengths == [8000, 16000]


@pytest.mark.parametrize("name", ["bg", "bg/.", "other/../bg"])
def test_converted_files_lie_in_folders_of_the_same_names(tmp_path, name):
    # Those of backgrounds are labels.
    write(tmp_path / "bg/a.wav", 8000)
    write(tmp_path / "bg/home/b.wav", 8000)
    bank = Soundbank(backgrounds=name)
    bank.prepare(tmp_path, tmp_path / "prepared", 16000, n_jobs=1)
    names = [
        Path(path).parts[-3:]
        for path in bank.load(tmp_path / "prepared", 16000).backgrounds
    ]
    (key, *top), below = names
    assert top == ["bg", "a.wav.wav"] and below == ("bg", "home", "b.wav.wav")
    assert key not in ("bg", "..")


def test_without_folders_nothing_is_done(tmp_path):
    bank = Soundbank()
    bank.prepare(tmp_path, tmp_path / "prepared", 16000)
    sources = bank.load(tmp_path / "prepared", 16000)
    assert not (sources.foregrounds or sources.backgrounds or sources.rirs)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "role, remedy",
    [
        ("foregrounds", "one folder of audio per class"),
        ("backgrounds", "a folder with audio"),
        ("rirs", "or none for dry events"),
    ],
)
def test_missing_folder_is_named_with_the_remedy(tmp_path, role, remedy):
    with pytest.raises(InputError, match=remedy) as error:
        Soundbank(**{role: "no/such"}).prepare(tmp_path, tmp_path / "p", 16000)
    assert f"mixing: {role}: " in str(error.value)
    assert str(tmp_path / "no" / "such") in str(error.value)


def test_a_folder_of_broken_files(tmp_path):
    (tmp_path / "bg").mkdir()
    (tmp_path / "bg/a.wav").touch()
    with pytest.raises(InputError, match="backgrounds.*empty file"):
        Soundbank(backgrounds="bg").prepare(
            tmp_path, tmp_path / "p", 16000, n_jobs=1
        )


def test_load_before_prepare(tmp_path):
    with pytest.raises(InputError, match="skip_prep"):
        Soundbank(backgrounds="bg").load(tmp_path, 16000)


def held_out(prepared, *sounds):
    prepared.mkdir(exist_ok=True)
    (prepared / "held_out_sounds.json").write_text(json.dumps(sounds))


@pytest.mark.parametrize("rate", [16000, 22050])
def test_sounds_of_validation_soundscapes_are_held_out(tmp_path, caplog, rate):
    """Whether the files are used as they are or were converted."""
    data, prepared = tmp_path / "data", tmp_path / "prepared"
    names = ("Cat/1.wav", "Cat/x/2.wav", "Cat/1.2.wav", "Dog/1.wav")
    names += ("Dog_nOff/1.wav", "Owl/1.wav", "Owl/2.wav", "Fox/1.wav")
    for name in names:
        write(data / "bank" / name, rate)
    soundbank = Soundbank(foregrounds="bank")
    soundbank.prepare(data, prepared, 16000, 1)
    everything = soundbank.load(prepared, 16000)
    assert everything.held_out == everything.foregrounds

    def names_of(events):
        found = [f"{e.label}/{Path(e.path).name}" for e in events]
        return [x.removesuffix(".wav").removesuffix(".wav") for x in found]

    assert len(names_of(everything.foregrounds)) == 8
    held_out(
        *(prepared, "Cat/1.wav", "Cat/2.wav", "Dog_nOff/1.wav", "Cow/1.wav"),
        *("Owl/1.wav", "Owl/2.wav"),
    )
    with caplog.at_level("INFO"):
        sources = soundbank.load(prepared, 16000)
    assert names_of(sources.foregrounds) == (
        ["Cat/1.2", "Dog/1", "Fox/1", "Owl/1", "Owl/2"]
    )
    # What is measured on has all classes as well.
    assert names_of(sources.held_out) == (
        ["Cat/1", "Cat/2", "Dog_nOff/1", "Fox/1", "Owl/1", "Owl/2"]
    )
    assert "all sounds of Owl are in soundscapes held out" in caplog.text
    assert "3 of 8 sounds are in soundscapes held out" in caplog.text


def test_isolated_events_of_held_out_sounds(tmp_path):
    data, prepared = tmp_path / "data", tmp_path / "prepared"
    for name in (
        "7_events/foreground0_Dog.wav",
        "8_events/foreground0_Dog.wav",
    ):
        write(data / "scapes" / name)
    soundbank = Soundbank(foregrounds="scapes")
    soundbank.prepare(data, prepared, 16000, 1)
    held_out(prepared, "Dog/1.wav", "8_events/foreground0_Dog.wav")
    sources = soundbank.load(prepared, 16000)
    assert [e.soundscape for e in sources.foregrounds] == ["7"]
    assert [e.soundscape for e in sources.held_out] == ["8"]


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '"Cat/1.wav"'])
def test_a_damaged_list_of_held_out_sounds(tmp_path, text):
    write(tmp_path / "bank" / "Cat" / "1.wav")
    soundbank = Soundbank(foregrounds="bank")
    soundbank.prepare(tmp_path, tmp_path / "prepared", 16000, 1)
    (tmp_path / "prepared" / "held_out_sounds.json").write_text(text)
    with pytest.raises(InputError, match="held_out_sounds.json is damaged"):
        soundbank.load(tmp_path / "prepared", 16000)
