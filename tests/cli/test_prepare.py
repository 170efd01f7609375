"""``sb-sed prepare`` as its user calls it."""

import json
import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest
import soundfile as sf

from sb_sed.audio import store as audio
from sb_sed.cli.main import main
from sb_sed.data.desed import describe_summary, prepare_desed

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
TABLES = {
    "train/weak.tsv": "filename\tevent_labels\na.wav\tCat,Dog\nb.wav\tDog\n",
    "validation/validation.tsv": (
        "filename\tonset\toffset\tevent_label\nc.wav\t0.1\t0.4\tSpeech\n"
    ),
    "train/synthetic20/soundscapes.tsv": (
        "filename\tonset\toffset\tevent_label\n"
        + "".join(f"{n}.wav\t0.0\t0.3\tFrying\n" for n in range(10))
    ),
}


@pytest.fixture
def here(make_wav, tmp_path, monkeypatch):
    """A small copy of DESED, of which a.wav has to be converted."""
    monkeypatch.chdir(tmp_path)
    for name, text in TABLES.items():
        path = tmp_path / "DESED/dataset/metadata" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    place = "DESED/dataset/audio"
    make_wav(f"{place}/train/weak/a.wav", 0.5, 4000, 2)
    make_wav(f"{place}/train/weak/b.wav", 0.5)
    make_wav(f"{place}/validation/c.wav", 0.5)
    for n in range(10):
        make_wav(f"{place}/train/synthetic20/soundscapes/{n}.wav", 0.5)
    return tmp_path


def prepare(*options, data="DESED", out="out"):
    """The exit status."""
    numbers = ["--rate", "1000", "--jobs", "1"]
    return main(["prepare", data, out, *numbers, *map(str, options)])


def manifest(split, out="out"):
    return json.loads(Path(out, f"{split}.json").read_text())


def contents(folder):
    return {
        path: path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def test_manifests_references_and_a_table(here, capsys):
    (here / "DESED/dataset/audio/train/weak/b.wav").unlink()
    assert prepare() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == "split annotated present missing hours".split()
    assert lines[3].split() == "train_weak 2 1 1 0.00".split()
    assert lines[-1].endswith("out/missing.tsv")
    sizes = {split: len(manifest(split)) for split in (
        "train_synthetic", "valid_synthetic", "train_weak", "validation"
    )}  # fmt: skip
    assert list(sizes.values()) == [8, 2, 1, 1]
    for split in sizes:
        for entry in manifest(split).values():
            info = sf.info(entry["wav"])
            assert (info.samplerate, info.channels) == (1000, 1)
            assert info.duration == entry["duration"] == 0.5
    assert manifest("train_weak")["a"]["tags"] == ["Cat", "Dog"]
    reference = pd.read_csv("out/references/validation.tsv", sep="\t")
    assert reference.values.tolist() == [["c.wav", 0.1, 0.4, "Speech"]]
    missing = pd.read_csv("out/missing.tsv", sep="\t")
    assert missing["filename"].tolist() == ["b.wav"]


def test_the_files_are_those_of_the_library(here, capsys):
    options = ["--valid-fraction", "0.4", "--seed", "3"]
    assert prepare(*options) == 0
    written = contents("out")
    summary = prepare_desed("DESED", "out", 1000, 0.4, 3, n_jobs=1)
    assert contents("out") == written
    assert len(manifest("valid_synthetic")) == 4
    assert capsys.readouterr().out == f"{describe_summary(summary)}\n"
    assert prepare(*options[:2], "--seed", 4) == 0
    assert contents("out") != written


def test_the_defaults_are_those_of_the_library(here):
    assert main(["prepare", "DESED", "out"]) == 0
    written = contents("out")
    prepare_desed("DESED", "out")
    assert contents("out") == written


def test_a_second_call_opens_no_audio(here, monkeypatch):
    prepare()
    before = contents("out")
    monkeypatch.setattr(audio, "make_ready", None)
    assert prepare() == 0
    assert contents("out") == before


def test_the_script_of_the_recipe_is_the_command(here, capsys, monkeypatch):
    prepare()
    command, written = capsys.readouterr().out, contents("out")
    script = str(RECIPE / "desed_prepare.py")
    arguments = "DESED out --rate 1000 --jobs 1".split()
    for folder, status in (("DESED", 0), ("nowhere", 2)):
        arguments[0] = folder
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        with pytest.raises(SystemExit, match=str(status)):
            runpy.run_path(script, run_name="__main__")
    out, err = capsys.readouterr()
    assert out == command and contents("out") == written
    assert "nowhere is not a DESED copy" in err


def _no_folder(here):
    (here / "DESED").rename("other")


def _one_folder_too_deep(here):
    (here / "DESED/dataset/audio").rename("DESED2")
    (here / "DESED").rename("other")
    (here / "DESED2").rename("DESED")


def _other_sets(here):
    (here / "DESED/dataset/metadata").rename("other")
    (here / "DESED/dataset/audio").rename("more")
    (here / "DESED/dataset/audio/music").mkdir(parents=True)


def _no_annotations(here):
    (here / "DESED/dataset/metadata/train/weak.tsv").unlink()


def _no_audio(here):
    (here / "DESED/dataset/audio/validation/c.wav").unlink()


def _unknown_class(here):
    path = here / "DESED/dataset/metadata/train/weak.tsv"
    path.write_text("filename\tevent_labels\na.wav\tBird\n")


def _output_is_a_file(here):
    (here / "out").touch()


@pytest.mark.parametrize(
    "damage, words",
    [
        (_no_folder, "{here}/DESED is not a DESED copy: give the folder that"),
        (_one_folder_too_deep, "{here}/DESED is not a DESED copy: give the"),
        (_other_sets, "{here}/DESED/dataset has no synthetic, weak or valid"),
        (_no_annotations, "weak.tsv are missing: fetch them, or move"),
        (_no_audio, "has none of the 1 files of the DESED set 'validation'"),
        (_unknown_class, "weak.tsv, line 2 has the unknown class 'Bird'"),
        (_output_is_a_file, "out is a file: give a folder as PREPARED_F"),
    ],
)
def test_bad_input_gets_one_sentence(here, capsys, damage, words):
    damage(here)
    assert prepare() == 2
    out, err = capsys.readouterr()
    said = [
        line
        for line in err.replace("\r", "\n").split("\n")
        if line.startswith("sb-sed: ")
    ]
    assert out == "" and len(said) == 1 and "Traceback" not in err
    assert words.format(here=here) in said[0]


@pytest.mark.parametrize(
    "options, words",
    [
        ("--rate 16k", "--rate: 16k is not a whole number from 1000 to 96000"),
        ("--valid-fraction nan", "--valid-fraction: nan is not a number from"),
        ("--valid-fraction 1.5", "--valid-fraction: 1.5 is not a number from"),
        ("--seed -1", "--seed: -1 is not a whole number from 0"),
        ("--jobs 0", "--jobs: 0 is not a whole number from 1"),
    ],
)
def test_bad_numbers_get_the_usage(here, capsys, options, words):
    with pytest.raises(SystemExit, match="2"):
        prepare(*options.split())
    assert words in capsys.readouterr().err
    assert not Path("out").exists()


def test_all_held_out_is_refused(here, capsys):
    assert prepare("--valid-fraction", 1) == 2
    assert "give a share from 0 to below 1" in capsys.readouterr().err
