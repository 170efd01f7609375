"""The recordings that a user names: all of them, each once, by unique names."""

import os

import pytest

from sb_sed.audio.search import find_audio, find_recordings, list_names
from sb_sed.errors import InputError


@pytest.fixture
def touch(tmp_path):
    def touch(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return touch


def test_files_are_called_by_name_and_those_of_folders_by_their_path(touch):
    folder = touch("one/a.wav", "two/b.MP3", "two/deep/c.flac", "d.xyz")
    files = find_recordings(
        [folder / "one/a.wav", folder / "two", folder / "d.xyz"]
    )
    # What is named itself is taken whatever it is called.
    assert list(files) == ["a.wav", "b.MP3", "deep/c.flac", "d.xyz"]
    assert files["deep/c.flac"] == folder / "two/deep/c.flac"


def test_files_of_one_name_are_told_apart_by_their_folders(touch):
    folder = touch("x/day/a.wav", "y/day/a.wav", "y/b.wav")
    files = find_recordings(
        [folder / "x/day", folder / "y/day", folder / "y/b.wav"]
    )
    assert list(files) == ["x/day/a.wav", "y/day/a.wav", "b.wav"]


def test_a_file_that_is_named_twice_is_found_once(touch):
    folder = touch("a.wav")
    assert len(find_recordings([folder / "a.wav", folder])) == 1


def test_links_are_followed_but_not_in_circles(touch):
    folder = touch("here/a.wav", "elsewhere/b.wav")
    (folder / "here/link").symlink_to(folder / "elsewhere")
    (folder / "here/back").symlink_to(folder / "here")
    assert list(find_recordings([folder / "here"])) == ["a.wav", "link/b.wav"]


def test_what_is_hidden_or_not_audio_is_ignored(touch):
    folder = touch(
        "a.wav", ".b.wav", ".trash/c.wav", "notes.txt", "d.wav/e.ogg"
    )
    assert list(find_recordings([folder])) == ["a.wav", "d.wav/e.ogg"]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_not_unicode_can_be_written(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    [name] = find_recordings([tmp_path])
    assert name == r"caf\xe9.wav"


@pytest.mark.parametrize(
    "names, given, words",
    [
        (["a.wav"], "nowhere", "nowhere does not exist"),
        (["notes.txt"], ".", "holds no recording"),
        (["a\tb.wav"], ".", "rename it"),
        (["a\nb.wav"], ".", "rename it"),
    ],
)
def test_what_cannot_be_used(touch, names, given, words):
    folder = touch(*names)
    with pytest.raises(InputError, match=words) as error:
        find_recordings([folder / given])
    assert "\n" not in str(error.value)


def test_audio_of_a_folder_and_of_those_below_it(touch):
    folder = touch("b.FLAC", "a.wav", ".c.wav", "x/d.aiff", ".y/e.wav", "f.tsv")
    (folder / "x/back").symlink_to(folder)
    assert list_names(folder) == ["a.wav", "b.FLAC"]
    assert list_names(folder, (".tsv",)) == ["f.tsv"]
    names = ["a.wav", "b.FLAC", "x/d.aiff"]
    assert find_audio(folder) == [str(folder / name) for name in names]
    assert list_names(folder / "none") == find_audio(folder / "none") == []
