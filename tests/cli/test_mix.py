"""``sb-sed mix`` as its user calls it."""

import json
from pathlib import Path

import numpy as np
import soundfile as sf
from small_mix import RATE, foregrounds, jams, mix, mixtures, table

from sb_sed.audio import store as audio
from sb_sed.mixing import writing as soundscapes
from sb_sed.mixing.soundbank import Soundbank
from sb_sed.mixing.writing import write_soundscapes
from sb_sed.training.recipe import Recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"


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
