"""Names of recordings: the same in other words, never two taken for one."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sb_sed.audio.search import AUDIO_SUFFIXES
from sb_sed.errors import InputError
from sb_sed.formats import (
    audio_names,
    match_names,
    match_tables,
    same_name,
    short_names,
    stem,
    under_names,
)

# Few letters, so that names meet; "é" has two forms, "A" is no extension.
_part = st.text("ké. -A", min_size=1, max_size=3).filter(
    lambda x: x.strip(". ") and x == unicodedata.normalize("NFC", x)
)
_file = st.builds(
    lambda folders, name, ending: "/".join([*folders, name + ending]),
    st.lists(_part, max_size=2),
    _part,
    st.sampled_from([".wav", ".mp3", ".WAV", ".A", ".mp3.wav", ""]),
)
_files = st.lists(_file, min_size=1, max_size=6, unique=True).filter(
    lambda names: len({same_name(x) for x in names}) == len(names)
)
# The same name, as other systems write it.
_SPELLINGS = [
    lambda x: x,
    lambda x: unicodedata.normalize("NFD", x),
    lambda x: x.replace("/", "\\"),
    lambda x: f"./{x}",
    lambda x: x.replace("/", "//"),
]
# What a whole table may do to its names.
_HABITS = [
    lambda x: f"/data/audio/{x}",
    lambda x: f"C:\\audio\\{x}",
    stem,
    lambda x: f"{stem(x)}.flac",
    lambda x: f"parent/{stem(x)}",
]


def _last(name):
    return same_name(name).split("/")[-1]


@given(_files, st.data())
def test_spellings_of_a_name(names, data):
    spelled = [data.draw(st.sampled_from(_SPELLINGS))(x) for x in names]
    order = data.draw(st.permutations(range(len(names))))
    others = [spelled[index] for index in order]
    for match in (match_names, match_tables):
        assert match(names, others) == dict(zip(names, spelled, strict=True))
    values = under_names(names, {name: name for name in others})
    assert list(values.items()) == list(zip(names, spelled, strict=True))


@given(_files, st.sampled_from(_HABITS))
@example(["k.wav", "k.mp3", "s.wav"], stem)
@example(["site.A", "site.B"], stem)
@example(["a.wav", "b/a.wav"], _HABITS[0])
@example(["a/k.wav", "b/k.wav"], _HABITS[4])
def test_habits_of_a_table(names, habit):
    """What differs in all names alike is found, or it is refused."""
    others = [habit(name) for name in names]
    assume(len({same_name(x) for x in others}) == len(others))
    truth = dict(zip(names, others, strict=True))
    for side in (truth, {other: name for name, other in truth.items()}):
        try:
            found = match_tables(side.keys(), side.values())
        except InputError as error:
            assert len(str(error)) < 400
            continue
        # The whole name of another file is taken for what it says.
        wrong = {n: o for n, o in found.items() if side[n] != o}
        assert len(found) == len(side) or wrong
        assert all(_last(n) == _last(o) for n, o in wrong.items())


@given(_files, _files)
def test_matches_are_one_to_one(names, others):
    try:
        found = match_names(names, others)
    except InputError:
        return
    assert len({*found.values()}) == len(found)
    for name, other in found.items():
        last = [_last(x) for x in (name, other)]
        assert stem(last[0]).startswith(stem(stem(last[1]))) or stem(
            last[1]
        ).startswith(stem(stem(last[0])))
    # Whoever is exactly there is matched with itself.
    assert all(found[name] == name for name in names if name in others)
    assert match_names(others, names) == {b: a for a, b in found.items()}


@given(_files)
def test_tables_have_names_of_their_own(names):
    short = short_names(names)
    assert list(short) == names
    assert len({*short.values()}) == len(names)
    assert all(short[name] in (name, stem(name)) for name in names)
    # The files are found again, from tables as from events made of them.
    assert match_names(names, short.values()) == short
    made = audio_names(short.values())
    assert len({*made.values()}) == len(names)
    made = {name: made[key] for name, key in short.items()}
    assert match_names(names, made.values()) == made


@pytest.mark.parametrize(
    ("names", "others", "expected"),
    [
        (["k.wav"], ["k.wav", "k.mp3"], {"k.wav": "k.wav"}),
        (["k.wav", "k.mp3"], ["k.wav"], {"k.wav": "k.wav"}),
        (["k.wav"], ["k.mp3"], {"k.wav": "k.mp3"}),
        (["site.A"], ["site.B"], {}),
        (["a.wav"], ["a.wav", "old/a.wav"], {"a.wav": "a.wav"}),
        (["monday/a.wav"], ["tuesday/a.wav"], {}),
        (["film.mp3.wav"], ["film.mp3"], {"film.mp3.wav": "film.mp3"}),
    ],
)
def test_which_names_are_the_same(names, others, expected):
    names = ["z.wav", *names]
    assert match_names(names, ["z", *others]) == {"z.wav": "z"} | expected


@pytest.mark.parametrize(
    ("names", "others"),
    [
        (["k.wav", "k.mp3"], ["k"]),
        (["k"], ["k.wav", "k.mp3"]),
        (["k.wav", "k.mp3"], ["k.wav", "k"]),
        (["k.wav"], ["k.flac", "k.mp3"]),
        (["a.wav"], ["x/a.wav", "y/a.wav"]),
        (["x/a.wav", "y/a.wav"], ["a"]),
        (["b/a.wav"], ["a.wav", "x/b/a.wav"]),
        (["a\\b.wav", "a/b.wav"], ["c.wav"]),
        (["é.wav", "e\u0301.wav"], ["c.wav"]),
    ],
)
def test_what_could_be_two_recordings_is_refused(names, others):
    with pytest.raises(InputError) as error:
        match_names(names, others)
    said = str(error.value).encode("ascii", "backslashreplace").decode()
    assert ascii(names[0]) in said or ascii(others[0]) in said


@pytest.mark.parametrize(
    ("name", "other", "reason"),
    [
        ("a.wav", "A.wav", "capital letters"),
        ("a b.wav", "ab.wav", "spaces"),
        ("a.wav", "a\u200b.wav", "look alike"),
        ("ﬁlm.wav", "film.wav", "look alike"),
        ("x/site.A", "y/site.B", "extensions"),
        ("one.wav", "two.wav", "other recordings"),
    ],
)
def test_nothing_in_common(name, other, reason):
    with pytest.raises(InputError, match=reason) as error:
        match_tables(["first.wav", name][name == "one.wav" :], [other, "z.wav"])
    assert repr(name) in str(error.value) and repr(other) in str(error.value)


def test_folders_are_ignored_where_nothing_else_fits():
    old, new = (
        ["/old/a.wav", "/old/b.wav"],
        ["D:\\new\\b.wav", "D:\\new\\a.flac"],
    )
    assert match_tables(old, new) == dict(zip(old, new[::-1], strict=True))
    assert match_names(old, new) == {}
    with pytest.raises(InputError, match="can be"):
        match_tables(["/old/a.wav"], ["new/a.wav", "newer/a.wav"])
    with pytest.raises(InputError, match="No file is named by the events"):
        match_tables(["a"], [], ("reference", "events"))


def test_what_is_searched_has_an_extension():
    for suffix in AUDIO_SUFFIXES:
        assert stem(f"a{suffix}") == stem(f"a{suffix.upper()}") == "a"
    assert stem("Y1_0.000_10.000") == "Y1_0.000_10.000"
    assert stem("folder.wav/.wav") == "folder.wav/.wav"
