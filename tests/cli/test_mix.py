"""``sb-sed mix`` as its user calls it."""

import errno
import json
from pathlib import Path

import audio_bytes as made
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.audio import store as audio
from sb_sed.cli.main import main
from sb_sed.mixing import writing as soundscapes
from sb_sed.mixing.soundbank import Soundbank
from sb_sed.mixing.writing import write_soundscapes
from sb_sed.training.recipe import Recipe

RATE = 1000
RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"


@pytest.fixture
def here(make_wav, tmp_path, monkeypatch):
    """Folders of noises; some are mono at 1 kHz, others have to be converted.

    There is one of each kind, so that the files of a class are known.
    """
    monkeypatch.chdir(tmp_path)
    make_wav("sounds/Cat/a.wav", 0.5)
    make_wav("sounds/Cat/b.flac", 1.0, 4000, 2)
    make_wav("sounds/Dog_nOff/c.ogg", 0.5, 8000)
    make_wav("rooms/kitchen/d.wav", 3.0)
    make_wav("rooms/hall.wav", 0.7, 2000)
    path = make_wav("rirs/e.wav", 0.1)
    samples, _ = sf.read(path)
    sf.write(path, samples * np.exp(-np.arange(100) / 10), RATE)
    return tmp_path


def mix(*options, output="mixed", clips=6):
    """The exit status."""
    return main(
        ["mix", output, "--foregrounds", "sounds", "--backgrounds", "rooms"]
        + f"--rate {RATE} --seconds 2 --clips {clips} --jobs 1".split()
        + [str(option) for option in options]
    )


def table(output="mixed"):
    return pd.read_csv(f"{output}/soundscapes.tsv", sep="\t")


def jams(output="mixed"):
    """Name to the placed sounds of each soundscape."""
    return {
        path.stem: json.loads(path.read_text())["annotations"][0]["data"]
        for path in sorted(Path(output, "soundscapes").glob("*.jams"))
    }


def foregrounds(output="mixed"):
    return [
        item["value"]
        for data in jams(output).values()
        for item in data
        if item["value"]["role"] == "foreground"
    ]


def mixtures(output="mixed"):
    return {
        path.name: path.read_bytes()
        for path in Path(output, "soundscapes").glob("*.wav")
    }


def test_audio_jams_and_table(here, capsys):
    assert mix("--rirs", "rirs") == 0
    out, _ = capsys.readouterr()
    first, last = out.splitlines()
    assert first == (
        "3 events of 2 classes (Cat, Dog), backgrounds: 2, "
        "room impulse responses: 1"
    )
    events = table().dropna()
    assert last == (
        f"6 soundscapes in mixed/soundscapes, {len(events)} events in "
        "mixed/soundscapes.tsv"
    )
    assert set(events["event_label"]) == {"Cat", "Dog"}
    assert list(table()["filename"].unique()) == [f"{n}.wav" for n in range(6)]
    assert mixtures().keys() == set(table()["filename"])
    for name in mixtures():
        info = sf.info(f"mixed/soundscapes/{name}")
        assert (info.frames, info.samplerate) == (2 * RATE, RATE)
        assert (info.channels, info.subtype) == (1, "PCM_16")
    for name, data in jams().items():
        labels = {item["value"]["label"].split("_")[0] for item in data[1:]}
        rows = events[events["filename"] == f"{name}.wav"]
        assert labels == set(rows["event_label"])
        assert 1 <= len(data[1:]) <= 5
        assert data[0]["value"]["label"] in ("kitchen", "rooms")


def test_the_sounds_that_the_jams_name_are_there(here):
    mix()
    named = {
        Path(item["value"]["source_file"])
        for data in jams().values()
        for item in data
    }
    for path in named:
        info = sf.info(path)
        assert (info.samplerate, info.channels) == (RATE, 1)
    # In place where they can be; the rest beside the soundscapes.
    kept = {path for path in named if path.is_relative_to(here / "mixed")}
    assert {path.name for path in kept} == {
        "b.flac.wav",
        "c.ogg.wav",
        "hall.wav.wav",
    }
    assert named - kept == {
        here / "sounds/Cat/a.wav",
        here / "rooms/kitchen/d.wav",
    }


def test_what_is_asked_for_is_drawn(here):
    mix(
        *"--events 1 1 --levels -20 -10 --max-effects 0 --classes Cat".split(),
        *"--cut Cat 0.3 0.4 --isolated".split(),
        clips=12,
    )
    drawn = foregrounds()
    assert len(drawn) == 12
    assert {value["label"] for value in drawn} == {"Cat"}
    assert {value["pitch_shift"] for value in drawn} == {None}
    lengths = [value["event_duration"] for value in drawn]
    assert min(lengths) >= 0.3 and max(lengths) <= 0.4
    events = table()
    for name, mixture in ((n, f"mixed/soundscapes/{n}") for n in range(12)):
        parts = [
            sf.read(p)[0] for p in sorted(Path(f"{mixture}_events").iterdir())
        ]
        background, event = parts
        assert -20.1 < 20 * np.log10(np.abs(event).max()) < -9.9
        # soundfile cuts each sample off at 16 bits.
        error = np.abs(sf.read(f"{mixture}.wav")[0] - background - event).max()
        assert error * 32768 <= 2
        audible = np.flatnonzero(event) / RATE
        (row,) = events[events["filename"] == f"{name}.wav"].itertuples()
        assert abs(row.onset - audible[0]) < 0.02
        assert abs(row.offset - audible[-1]) < 0.02


def test_the_defaults_are_those_of_the_recipe(here):
    assert mix("--rirs", "rirs", "--seed", 3, clips=10) == 0
    bank = Soundbank("sounds", "rooms", "rirs")
    bank.prepare(here, here / "other", RATE, n_jobs=1)
    sources = bank.load(here / "other", RATE)
    mixing = Recipe(RECIPE / "hparams/augm.yaml").build(["mixing"])["mixing"]
    mixer = mixing["streams"]["synthetic"].keywords["mixer"](
        sources.foregrounds,
        sources.backgrounds,
        sources.rirs,
        cache=sources.cache,
        seconds=2.0,
        sample_rate=RATE,
    )
    events = write_soundscapes(mixer, "recipe", 10, 3, progress=False)
    assert mixtures() == mixtures("recipe")
    assert len(events) == len(table().dropna())
    assert Path("mixed/soundscapes.tsv").read_bytes() == (
        Path("recipe/soundscapes.tsv").read_bytes()
    )


def test_the_seed_decides(here):
    for output, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert mix("--seed", seed, output=output) == 0
    assert mixtures("a") == mixtures("b")
    assert table("a").equals(table("b"))
    assert not set(mixtures("a").values()) & set(mixtures("c").values())


def test_it_goes_on_where_it_was_stopped(here, monkeypatch, capsys):
    mix(output="whole", clips=8)
    capsys.readouterr()

    def stop(path, samples, sample_rate, write=soundscapes.write_wav):
        if path.name == "3.wav":
            raise KeyboardInterrupt
        write(path, samples, sample_rate)

    with monkeypatch.context() as patch:
        patch.setattr(soundscapes, "write_wav", stop)
        assert mix() == 130
    assert capsys.readouterr().err.endswith("sb-sed: interrupted.\n")
    assert mixtures().keys() == {"0.wav", "1.wav", "2.wav"}
    times = {p: p.stat().st_mtime_ns for p in Path("mixed").rglob("*.wav")}
    assert mix() == 0
    assert len(table()["filename"].unique()) == 6
    # More of them.
    assert mix(clips=8) == 0
    assert mixtures() == mixtures("whole") and table().equals(table("whole"))
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert not list(Path("mixed").rglob("*tmp*"))


def test_sets_share_converted_sounds(here, monkeypatch):
    mix("--prepared", "shared", output="a")
    monkeypatch.setattr(audio, "make_ready", None)
    assert mix("--prepared", "shared", "--seed", 1, output="b") == 0
    assert not Path("a/prepared").exists() and not Path("b/prepared").exists()
    used = {value["source_file"] for value in foregrounds("b")}
    assert any(Path(path).is_relative_to(here / "shared") for path in used)


def test_another_rate_leaves_the_sounds_of_the_first(here):
    mix("--prepared", "shared", output="a")
    mix("--prepared", "shared", "--rate", 2000, output="b")
    for output, rate in (("a", 1000), ("b", 2000)):
        for value in foregrounds(output):
            assert sf.info(value["source_file"]).samplerate == rate


def test_figures_and_settings(here, capsys):
    assert mix("--plot", 2, clips=3) == 0
    figures = sorted(Path("mixed/figures").iterdir())
    assert [path.name for path in figures] == ["0.png", "1.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in figures)
    assert "mixed/figures/1.png\n" in capsys.readouterr().out
    settings = json.loads(Path("mixed/settings.json").read_text())
    assert settings["foregrounds"] == "sounds" and settings["rirs"] is None
    assert (settings["rate"], settings["events"]) == (RATE, [1, 5])


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
