"""What ``sb-sed mix`` leaves out and refuses."""

import errno
from pathlib import Path

import audio_bytes as made
import numpy as np
import pytest
import soundfile as sf
from small_mix import RATE, foregrounds, jams, mix, mixtures, table

from sb_sed.mixing import writing as soundscapes

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"


def test_unusable_sounds_are_listed_and_left_out(here, capsys):
    Path("sounds/Cat/empty.wav").touch()
    Path("rooms/text.wav").write_text("hello")
    mix(output="bad")
    err = capsys.readouterr().err.replace("\r", "\n").splitlines()
    said = [line for line in err if line.startswith("sb-sed: ")]
    assert len(said) == 2
    assert f"{here}/sounds/Cat/empty.wav is left out: empty file" in said[0]
    assert f"{here}/rooms/text.wav is left out: unreadable: " in said[1]
    Path("sounds/Cat/empty.wav").unlink()
    Path("rooms/text.wav").unlink()
    mix(output="good")
    assert mixtures("bad") == mixtures("good")


def said(capsys):
    err = capsys.readouterr().err.replace("\r", "\n").splitlines()
    return [x[8:] for x in err if x.startswith("sb-sed: ")]


@pytest.mark.parametrize("level", [0, 1e-6])
@pytest.mark.parametrize("rate", [RATE, 4000])
def test_silent_sounds_are_named_and_left_out(here, capsys, level, rate):
    """Also those of which 16 bits leave nothing; a room may be silent."""
    if level and rate == RATE:  # used where it is, and not silent
        return
    mix(output="good")
    capsys.readouterr()
    Path("sounds/Mute").mkdir()
    silent = ["sounds/Mute/a.wav", "sounds/Cat/z.wav", "rirs/z.wav"]
    for name in (*silent, "rooms/z.wav"):
        sf.write(name, np.full(3000, float(level)), rate, "FLOAT")
    assert mix("--rirs", "rirs", output="bad") == 0
    sentences = said(capsys)
    assert sentences == [
        f"{here}/rooms/z.wav is silent.",
        *(
            f"{here}/{name} is left out: holds only silence."
            for name in sorted(silent, key=lambda x: (x[0] == "r", x))
        ),
    ]
    assert set(table("bad")["event_label"].dropna()) <= {"Cat", "Dog"}
    assert mix("--classes", "Mute", output="none") == 2
    assert "has no usable sounds of it, but of Cat, Dog" in said(capsys)[-1]
    for path in ("sounds/Cat", "sounds/Dog_nOff"):
        for sound in Path(path).iterdir():
            sound.unlink()
    assert mix(output="none") == 2
    assert "no usable audio in" in (last := said(capsys)[-1])
    assert "holds only silence" in last


@pytest.mark.parametrize("n_samples", [1, 2, 3, 16, 17])
@pytest.mark.parametrize("rate", [RATE, 4000, 44100])
def test_sounds_of_milliseconds(here, n_samples, rate):
    """Each is an event of 250 ms, and the set can be continued."""
    Path("ticks/Tick").mkdir(parents=True)
    for number, before in enumerate([0, rate // 2]):
        tick = np.r_[np.zeros(before), np.full(n_samples + 44, 0.9)]
        tick[before + n_samples :] = 0
        sf.write(f"ticks/Tick/{number}.wav", tick, rate)
    options = "--foregrounds ticks --rirs rirs --isolated --max-effects 7"
    for clips in (4, 8):
        assert mix(*options.split(), clips=clips) == 0
        events = table().dropna()
        assert events["filename"].nunique() == clips
        lengths = events["offset"] - events["onset"]
        assert lengths.min() > 0.2499 and events["offset"].max() <= 2
        for data in jams().values():
            assert all(x["duration"] > 0 for x in data)


def test_what_there_is_to_know_of_sounds_is_said(here, capsys):
    one = np.random.default_rng(0).integers(-9000, 9000, (3000, 1))
    both = np.hstack([one, -one])
    Path("sounds/Odd").mkdir()
    Path("sounds/Odd/a.wav").write_bytes(made.riff(both, 0, 0))
    Path("sounds/Odd/b.flac").write_bytes(made.flac(one, [256], first=9))
    sf.write("sounds/Odd/c.wav", one / 2**15, RATE, "GSM610")
    assert mix("--classes", "Odd") == 0
    (sentence,) = said(capsys)
    assert sentence.startswith(f"{here}/sounds/Odd/a.wav has channels that")
    assert "has a header without its length" in sentence
    assert len({x["source_file"] for x in foregrounds()}) == 3
    assert len(table()) >= 6


@pytest.mark.parametrize(
    "options, words",
    [
        ("--foregrounds nowhere", "no usable audio in {here}/nowhere: fetch"),
        ("--foregrounds rirs", "one folder of audio per class"),
        ("--backgrounds empty", "no usable audio in {here}/empty: fetch"),
        ("--rirs nowhere", "no usable audio in {here}/nowhere: fetch"),
        ("--events 5 1", "--events 5 1 is no range: give the lower end first"),
        ("--levels 0 -35", "--levels 0 -35 is no range"),
        ("--classes Cat Bird", "--classes Bird: sounds has no usable sounds"),
        ("--cut Bird 1 2", "--cut Bird: sounds has no usable sounds of it, but"),
        ("--cut Dog 2 1", "Events of Dog cannot last from 2.0 to 1.0 s: give"),
        ("--cut Dog nan 1", "--cut Dog: nan is not a number from"),
        ("--backgrounds .", "--backgrounds . and new/soundscapes, where files"),
        ("--foregrounds new/prepared", "give another folder to write"),
        ("--prepared sounds/Cat", "sounds/Cat/1000, where files are written"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(here, capsys, options, words):
    Path("empty").mkdir()
    assert mix(*options.split(), output="new") == 2
    out, err = capsys.readouterr()
    (said,) = [
        line
        for line in err.replace("\r", "\n").split("\n")
        if line.startswith("sb-sed: ")
    ]
    assert words.format(here=here) in said
    assert out == "" and "Traceback" not in err
    assert not Path("new/soundscapes").exists()


@pytest.mark.parametrize(
    "options, words",
    [
        ("--seed 1", "another seed or other settings: give another folder"),
        ("--levels -30 0", "0.jams is missing or has another seed"),
        ("--rirs rirs", "0.jams is missing or has another seed"),
        ("--clips 2", "is not one of the 2 soundscapes to write: ask for more"),
    ],
)
def test_other_soundscapes_are_not_mixed_with_these(
    here, capsys, options, words
):
    mix()
    before = mixtures(), table()
    assert mix(*options.split()) == 2
    assert words in capsys.readouterr().err
    assert mixtures() == before[0] and table().equals(before[1])


def test_files_where_folders_should_be(here, capsys):
    Path("file").touch()
    assert mix(output="file") == 2
    assert capsys.readouterr().err == (
        "sb-sed: file is a file: give a folder as OUTPUT.\n"
    )
    assert mix(output="file/mixed") == 2
    assert "Not a directory" in capsys.readouterr().err


def test_a_full_disk(here, capsys, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(soundscapes, "write_wav", fail)
    assert mix() == 2
    (last,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert last.endswith(
        "sb-sed: mixed: cannot write the soundscapes (No space left on device): "
        "free space or give another folder; what is done is kept."
    )


@pytest.mark.parametrize(
    "options, words",
    [
        ("--clips 0", "--clips: 0 is not a whole number from 1 to 1000000"),
        ("--clips many", "--clips: many is not a whole number"),
        ("--seed -1", "--seed: -1 is not a whole number from 0 to"),
        ("--events 0 3", "--events: 0 is not a whole number from 1 to 100"),
        ("--levels nan 0", "--levels: nan is not a number from -90 to 0"),
        ("--levels -35 3", "--levels: 3 is not a number from -90 to 0"),
        ("--seconds inf", "--seconds: inf is not a number from 1 to 3600"),
        ("--seconds 0", "--seconds: 0 is not a number from 1 to 3600"),
        ("--rate 0", "--rate: 0 is not a whole number from 1000 to 96000"),
        ("--max-effects 8", "--max-effects: 8 is not a whole number from 0"),
        ("--jobs 0", "--jobs: 0 is not a whole number from 1"),
        ("--plot -1", "--plot: -1 is not a whole number from 0"),
    ],
)
def test_bad_numbers_get_the_usage(here, capsys, options, words):
    with pytest.raises(SystemExit, match="2"):
        mix(*options.split())
    assert words in capsys.readouterr().err
    assert not Path("mixed").exists()
