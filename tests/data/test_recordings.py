"""A folder of recordings: names, random sets, clips of equal length."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sb_sed.data.recordings import (
    Recordings,
    clip_name,
    cut_recording,
    draw_split,
)
from sb_sed.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Empty recordings, one of them in a folder that is left out."""
    for name in ("a.wav", "one/b.wav", "two/b.wav", "one/c.flac", "own/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_recordings_are_found_by_path_or_name(folder):
    found = Recordings(folder, without=[folder / "own", folder / "a.wav"])
    assert sorted(found) == ["one/b.wav", "one/c.flac", "two/b.wav"]
    assert found["one/c.flac"] == str(folder / "one" / "c.flac")
    assert found.find("c.flac", "t.tsv") == "one/c.flac"
    assert found.find("two/b.wav", "t.tsv") == "two/b.wav"
    assert found.find("gone.wav", "t.tsv") == "gone.wav"
    with pytest.raises(InputError, match="t.tsv names b.wav, of which"):
        found.find("b.wav", "t.tsv")


@pytest.mark.parametrize("name", ["one/c", "c", "./one/c.flac", "one\\c.flac",
    "/data/one/c.flac", "C:\\data\\one\\c", "c.wav", "données/é.wav",
    "donne\u0301es/e\u0301.wav", "e\u0301"])  # fmt: skip
def test_recordings_are_found_in_other_words(folder, name):
    (folder / "données").mkdir()
    (folder / "données" / "é.wav").touch()
    found = Recordings(folder).find(name, "t.tsv")
    assert found == (
        "données/é.wav" if "\u0301" in name or "é" in name else "one/c.flac"
    )


@pytest.mark.parametrize("name", ["three/b.wav", "b/c.flac"])
def test_recordings_in_other_folders_are_others(folder, name):
    assert Recordings(folder).find(name, "t.tsv") == name


def test_two_clips_of_one_name_are_refused(folder):
    (folder / "one" / "c.ogg").touch()
    with pytest.raises(InputError, match="has one/c.flac and one/c.ogg: a rec"):
        Recordings(folder)


@given(st.integers(0, 2**32 - 1), st.integers(3, 20))
def test_a_split_has_its_sizes_whatever_the_order(seed, n):
    tags = {f"{i}.wav": ["Cat"] if i % 2 else ["Dog"] for i in range(n)}
    sizes = {"train": n - 2, "validation": 1, "test": 1}
    split = draw_split(tags, sizes, seed)
    assert {s: [*split.values()].count(s) for s in sizes} == sizes
    assert draw_split(dict(reversed(tags.items())), sizes, seed) == split


def test_a_split_prefers_all_classes_in_the_training():
    tags = {f"{i}": ["Common"] for i in range(8)} | {"x": ["Rare"], "y": []}
    for seed in range(20):
        split = draw_split(tags, {"train": 4, "test": 6}, seed)
        assert split["x"] == "train"


def test_clips_join_to_the_recording(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 2500)
    soundfile.write(tmp_path / "a.wav", samples, 1000)
    events = [(0.0, 2.5, "Cat"), (0.9, 1.0, "Dog")]
    arguments = (tmp_path / "a.wav", events, 1000, tmp_path / "clips", "day__a")
    clips = cut_recording(*arguments)
    assert [*clips] == [
        "day__a_0.000_0.833",
        "day__a_0.833_1.666",
        "day__a_1.666_2.500",
    ]
    parts = [soundfile.read(clip["wav"])[0] for clip in clips.values()]
    assert np.concatenate(parts) == pytest.approx(samples, abs=2**-14)
    assert [clip["tags"] for clip in clips.values()] == [
        ["Cat"],
        ["Cat", "Dog"],
        ["Cat"],
    ]
    written = [clip.stat().st_ctime_ns for clip in tmp_path.glob("clips/*")]
    assert cut_recording(*arguments) == clips
    assert written == [x.stat().st_ctime_ns for x in tmp_path.glob("clips/*")]


def test_events_that_reach_into_a_clip_by_rounding_are_not_in_it(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(900), 1000)
    # 0.1 + 0.2 is more than 0.3; the second ends where the last clip begins.
    events = [(0.0, 0.1 + 0.2, "Cat"), (0.6 - 1e-12, 0.9, "Dog")]
    clips = cut_recording(tmp_path / "a.wav", events, 300, tmp_path, "a")
    assert [clip["tags"] for clip in clips.values()] == [["Cat"], [], ["Dog"]]


def test_names_of_clips():
    assert clip_name("a/b/c.d.wav") == "a__b__c.d"
