"""Names of recordings: which of two tables are of the same file.

Tables and folders name a recording in several ways: with a folder or without,
with the extension or without, with the slashes of Windows, with an accent as
one character or as two.

Authors
 * sb_sed contributors 2026
"""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from sb_sed.errors import InputError

# Of audio files and of films. What else follows a dot is part of the name:
# "site.A" and "site.B" are two recordings.
_EXTENSIONS = (
    "3g2 3gp 8svx aac ac3 aif aifc aiff alac amr ape au avi avr bwf caf dff "
    "dsf dts eac3 flac flv gsm htk iff ircam m4a m4b m4v mat mat4 mat5 mka mkv "
    "mov mp2 mp3 mp4 mpc mpc2k mpeg mpg nist oga ogg ogv opus paf pcm pvf raw "
    "rf64 sd2 sds snd sph spx svx tta voc vox w64 wav wave wavex webm wma wmv "
    "wv wve xi"
).split()
# Not before a byte that is no UTF-8, as in "caf\\xe9.wav".
_BACKSLASH = re.compile(r"\\(?!x[89a-f][0-9a-f])")
_EXTENSION = re.compile(rf"(?<=[^/])\.({'|'.join(_EXTENSIONS)})$", re.I)
Value = TypeVar("Value")
_SIDES = ("reference", "detections")


def stem(filename: str) -> str:
    """Return a file name without its audio extension, if it has one.

    Example
    -------
    >>> stem("Y00pbt6aJV8Y_350.000_360.000.wav")
    'Y00pbt6aJV8Y_350.000_360.000'
    >>> stem("Y00pbt6aJV8Y_350.000_360.000")
    'Y00pbt6aJV8Y_350.000_360.000'
    >>> stem("site.A")
    'site.A'
    """
    return _EXTENSION.sub("", filename)


def audio_names(keys: Iterable[str]) -> dict[str, str]:
    """Return for each key of scores a file name, all different.

    It is the key with ``.wav``, unless that could be another recording, too.

    Example
    -------
    >>> audio_names(["a", "k", "k.mp3"])
    {'a': 'a.wav', 'k': 'k', 'k.mp3': 'k.mp3'}
    """
    keys = list(keys)
    uses = Counter(map(stem, keys))
    return {
        key: f"{key}.wav" if stem(key) == key and uses[key] == 1 else key
        for key in keys
    }


def same_name(filename: str) -> str:
    r"""Return the one form of a name that can be written in several.

    Accents are composed (Unicode's NFC), the slashes are those of POSIX, and
    there are none at the front that say "here" nor double ones.

    Example
    -------
    >>> same_name(r".\monday\a.wav"), same_name("cafe\u0301.wav") == "café.wav"
    ('monday/a.wav', True)
    """
    path = _BACKSLASH.sub("/", unicodedata.normalize("NFC", filename))
    return re.sub(r"(?<!^)/+(?=/)|(?<![^/])\./+", "", path)


def path_ends(path: str) -> Iterator[str]:
    """Yield a path without its first folder, without its first two, and so on.

    Example
    -------
    >>> list(path_ends("x/y/a.wav"))
    ['y/a.wav', 'a.wav']
    """
    while "/" in path:
        path = path.partition("/")[2]
        yield path


def short_names(filenames: Iterable[str]) -> dict[str, str]:
    """Return for each file name what its tables are called, all different.

    It is the name without extension, as the field does it, and where that
    could be another recording, too, the whole name.

    Example
    -------
    >>> short_names(["a.wav", "k.wav", "k.mp3"])
    {'a.wav': 'a', 'k.wav': 'k.wav', 'k.mp3': 'k.mp3'}
    """
    # A file system may not tell capital letters from small ones.
    forms = {x: same_name(x).casefold() for x in dict.fromkeys(filenames)}
    uses = Counter(
        form for name in forms.values() for form in {name, stem(name)}
    )
    return {
        name: stem(name)
        if uses[form] == uses[stem(form)] == 1
        and stem(stem(form)) == stem(form)
        else name
        for name, form in forms.items()
    }


def match_names(
    names: Iterable[str],
    others: Iterable[str],
    sides: tuple[str, str] = _SIDES,
) -> dict[str, str]:
    """Find for each name the other one that is of the same recording.

    Names are the same in any Unicode form, with either slash. Beyond that, they
    are matched where only one recording can be meant: without an extension or
    with another, and with more folders in front of one of them.

    Arguments
    ---------
    names, others : iterable of str
        File names, or keys of scores, of two sides.
    sides : (str, str)
        What the sides are called in messages.

    Returns
    -------
    partners : dict
        Name -> other name, of those that have one; no name has the partner of
        another.

    Raises
    ------
    InputError
        If a name may be of several recordings, or a side has one twice.

    Example
    -------
    >>> match_names(["a.wav", "k.wav", "c.wav"], ["/data/a.wav", "k", "d.wav"])
    {'a.wav': '/data/a.wav', 'k.wav': 'k'}
    >>> match_names(["k.wav", "k.mp3"], ["k"])
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: 'k' of ... can be 'k.wav' or 'k.mp3' ...
    """
    return _match(names, others, sides, _LEVELS)


def match_tables(
    names: Iterable[str],
    others: Iterable[str],
    sides: tuple[str, str] = _SIDES,
) -> dict[str, str]:
    """Match all the names of two sides, which must have some in common.

    If nothing can be matched as :func:`match_names` does it, folders are
    ignored.

    Arguments
    ---------
    names, others, sides
        As of :func:`match_names`.

    Returns
    -------
    partners : dict
        As of :func:`match_names`, not empty.

    Raises
    ------
    InputError
        If there is no recording in common (it names one of each side, and the
        likely reason), a name may be of several, or a side has one twice.

    Example
    -------
    >>> match_tables(["/old/a.wav"], ["/new/a.wav", "/new/b.wav"])
    {'/old/a.wav': '/new/a.wav'}
    >>> match_tables(["a.wav"], ["A.wav", "B.wav"])
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: No file of the reference is among the detections:
    the one names 'a.wav', the other 'A.wav', so that capital letters differ;
    write the names alike.
    """
    names, others = list(names), list(others)
    found = match_names(names, others, sides) or _match(
        names, others, sides, (_same_name,)
    )
    if not found:
        raise _nothing_common(names, others, sides)
    return found


def under_names(
    names: Iterable[str],
    others: Mapping[str, Value],
    sides: tuple[str, str] = _SIDES,
) -> dict[str, Value]:
    """Return what belongs to other names under the names that they match.

    Arguments
    ---------
    names, others, sides
        As of :func:`match_names`; the others with any values.

    Returns
    -------
    found : dict
        Name -> value, of the names that have a partner, in their order.

    Example
    -------
    >>> under_names(["a.wav", "b.wav"], {"b": 2, "c": 3})
    {'b.wav': 2}
    """
    partners = match_names(names, others, sides)
    return {name: others[other] for name, other in partners.items()}


def differ_in_folders(name: str, other: str) -> bool:
    """Return whether two names of one recording are in other folders.

    Example
    -------
    >>> differ_in_folders("a.wav", "/data/a.wav")
    True
    """
    name, other = same_name(name), same_name(other)
    return os.path.dirname(name) != os.path.dirname(other)


def _nothing_common(
    names: Sequence[str], others: Sequence[str], sides: tuple[str, str]
) -> InputError:
    if not (names and others):
        return InputError(
            f"No file is named by the {sides[bool(names)]}: give one at least."
        )
    fault, remedy = (
        "as if they were of other recordings",
        "give those of the same recordings",
    )
    pair = names[0], others[0]
    for reason, form in _LIKELY.items():
        ours = {form(_last(name)): name for name in reversed(names)}
        alike = [x for x in others if form(_last(x)) in ours]
        if alike:
            pair = ours[form(_last(alike[0]))], alike[0]
            fault, remedy = f"so that {reason} differ", "write the names alike"
            break
    return InputError(
        f"No file of the {sides[0]} is among the {sides[1]}: the one names "
        f"{pair[0]!r}, the other {pair[1]!r}, {fault}; {remedy}."
    )


def _match(
    names: Iterable[str],
    others: Iterable[str],
    sides: tuple[str, str],
    levels: Sequence[Callable],
) -> dict[str, str]:
    """Match exactly, then more and more loosely; see :func:`match_names`."""
    ours, theirs = _forms(names, sides[0]), _forms(others, sides[1])
    found = {form: form for form in ours if form in theirs}
    for level in levels:
        left = ours.keys() - found.keys(), theirs.keys() - {*found.values()}
        if not all(left):
            break
        pairs = dict.fromkeys(level(ours, theirs))
        if level in (_below, _below_same_stem):  # of two, one may be exact
            pairs = [pair for pair in pairs if _is_left(pair, left)]
        for_ours, for_theirs = defaultdict(list), defaultdict(list)
        for one, other in pairs:
            for_ours[one].append(theirs[other])
            for_theirs[other].append(ours[one])
        for one, other in pairs:
            if not _is_left((one, other), left):
                continue
            if len(for_ours[one]) > 1:
                raise _unclear(ours[one], for_ours[one], sides)
            if len(for_theirs[other]) > 1:
                raise _unclear(theirs[other], for_theirs[other], sides[::-1])
            found[one] = other
    return {ours[form]: theirs[found[form]] for form in ours if form in found}


def _unclear(
    name: str, candidates: Sequence[str], sides: tuple[str, str]
) -> InputError:
    return InputError(
        f"{name!r} of the {sides[0]} can be "
        f"{' or '.join(map(repr, candidates[:3]))} of the {sides[1]}: write "
        "the names alike, with folder and extension."
    )


def _last(name: str) -> str:
    return os.path.basename(same_name(stem(name)))


def _forms(names: Iterable[str], side: str) -> dict[str, str]:
    """The one form of each name -> the name; each recording once."""
    forms: dict[str, str] = {}
    for name in dict.fromkeys(names):
        twin = forms.setdefault(same_name(name), name)
        if twin != name:
            raise InputError(
                f"A file of the {side} is named {twin!a} and {name!a}, which "
                "are the same: leave one."
            )
    return forms


def _is_left(pair: tuple[str, str], left: tuple[set[str], set[str]]) -> bool:
    return pair[0] in left[0] and pair[1] in left[1]


def _same_stem(ours: dict, theirs: dict) -> Iterator[tuple[str, str]]:
    """One is the other without its extension, or with another."""
    yield from ((x, stem(x)) for x in ours if stem(x) in theirs)
    yield from ((stem(x), x) for x in theirs if stem(x) in ours)
    yield from _with_same(stem, ours, theirs)


def _below(ours: dict, theirs: dict) -> Iterator[tuple[str, str]]:
    """One is in folders that the other leaves out at the front."""
    return _with_folders(lambda x: [x], ours, theirs)


def _below_same_stem(ours: dict, theirs: dict) -> Iterator[tuple[str, str]]:
    """The same, without the extension or with another."""
    return _with_folders(lambda x: dict.fromkeys([x, stem(x)]), ours, theirs)


def _with_folders(
    keys: Callable[[str], Iterable[str]], ours: dict, theirs: dict
) -> Iterator[tuple[str, str]]:
    for some, others in ((ours, theirs), (theirs, ours)):
        known = defaultdict(list)
        for other in others:
            for key in keys(other):
                known[key].append(other)
        for name in some:
            for end in (end for key in keys(name) for end in path_ends(key)):
                for other in known.get(end, ()):
                    yield (name, other) if some is ours else (other, name)


def _same_name(ours: dict, theirs: dict) -> Iterator[tuple[str, str]]:
    """They are called the same, in any folder."""
    return _with_same(_last, ours, theirs)


def _with_same(
    key: Callable[[str], str], ours: dict, theirs: dict
) -> Iterator[tuple[str, str]]:
    groups = defaultdict(list)
    for other in theirs:
        groups[key(other)].append(other)
    for name in ours:
        yield from ((name, other) for other in groups.get(key(name), ()))


def _plainest(name: str) -> str:
    """A name without what one does not see of it."""
    seen = (x for x in name if unicodedata.category(x) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFKC", "".join(seen)).casefold()


_LEVELS = (_same_stem, _below, _below_same_stem)
# What makes names differ that are probably meant to be the same.
_LIKELY: dict[str, Callable[[str], str]] = {
    "capital letters": str.lower,
    "spaces": lambda name: "".join(name.split()),
    "characters that look alike": _plainest,
    "extensions": lambda name: re.sub(r"\.[A-Za-z0-9]*$", "", name),
}
