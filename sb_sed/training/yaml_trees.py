"""YAML as a tree of tagged nodes, of which nothing is built; built sections.

Authors
 * sb_sed contributors 2026
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import Comment, CommentedMap
from ruamel.yaml.error import YAMLError

from sb_sed.errors import UNREADABLE, InputError, brief

INCLUDE = "!include:"
_REFERENCE = re.compile(r"<([^\[>.]+)")
# Nodes of a tree in which each alias is written out. Recipes have hundreds; a
# few lines of aliases of aliases can have billions.
_MOST_NODES = 200_000


class Section(dict):
    """A part of a recipe, built; a key that it lacks is an ``InputError``.

    Arguments
    ---------
    values : Mapping
        Its keys and values; those that are dictionaries are sections.
    file : Path
        The recipe.
    place : tuple of str
        The keys that lead to it.

    Example
    -------
    >>> Section({"data": {"rate": 3}}, Path("r.yaml"))["data"]["classes"]
    Traceback (most recent call last):
    sb_sed.errors.InputError: r.yaml has no key 'data: classes': add it.
    """

    def __init__(self, values: Mapping, file: Path, place: tuple = ()):
        super().__init__(
            {
                key: Section(value, file, (*place, key))
                if type(value) is dict
                else value
                for key, value in values.items()
            }
        )
        self.file, self.place = file, place

    def __missing__(self, key: object) -> None:
        """Raise the error that names the key."""
        raise InputError(
            f"{self.file} has no key {path_text((*self.place, key))!r}: add it."
        )


def read_tree(file: str | Path) -> CommentedMap:
    """Read a YAML file whose top is a mapping.

    Arguments
    ---------
    file : str | Path
        The file.

    Returns
    -------
    CommentedMap
        Empty if nothing is in the file.

    Raises
    ------
    InputError
        If it cannot be read, is not YAML, or is no mapping.

    Example
    -------
    >>> file = getfixture("tmp_path") / "a.yaml"
    >>> _ = file.write_text("part: !new:my.Class {size: 3}")
    >>> read_tree(file)["part"].tag.value
    '!new:my.Class'
    """
    try:
        text = Path(file).read_text("utf-8")
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}): check the path."
        ) from error
    except ValueError as error:
        raise InputError(
            f"{file} is not valid YAML (it is no UTF-8 text): restore it."
        ) from error
    try:
        tree = parse_tree(text)
    except ValueError as error:
        raise InputError(
            f"{file} is not valid YAML ({brief(error)}): correct or restore it."
        ) from error
    if not isinstance(tree, CommentedMap):
        raise InputError(
            f"{file} has no keys at its top: write lines of key: value."
        )
    return tree


def parse_tree(text: str) -> Any:
    """Parse YAML.

    Arguments
    ---------
    text : str
        Any.

    Returns
    -------
    object
        The tree; an empty mapping if there is nothing in it.

    Raises
    ------
    ValueError
        If it is not YAML, contains itself, or is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = YAML().load(text)
        n_nodes = _size(tree, {}, set())
    except (*UNREADABLE, YAMLError) as error:
        raise ValueError(_reason(error)) from error
    if n_nodes > _MOST_NODES:
        raise ValueError("its aliases stand for too much")
    return CommentedMap() if tree is None else tree


def _reason(error: Any) -> str:
    """What is wrong, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return brief(error)
    return f"line {mark.line + 1}: {brief(Exception(error.problem))}"


def _size(node: Any, known: dict[int, int], parents: set[int]) -> int:
    """The nodes of a tree, aliases written out."""
    inner: Iterable = ()
    if isinstance(node, Mapping):
        inner = node.values()
    elif isinstance(node, list):
        inner = node
    place = id(node)
    if place in parents:
        raise ValueError("a part of it contains itself")
    if place not in known:
        parents.add(place)
        known[place] = 1 + sum(_size(x, known, parents) for x in inner)
        parents.remove(place)
    return known[place]


def path_text(place: tuple) -> str:
    """The keys that lead to a place, to be read."""
    return ": ".join(map(str, place))


def paths(tree: Mapping, place: tuple = ()) -> Iterator[tuple]:
    """All places of a tree, the upper ones first."""
    for key in tree:
        yield (*place, key)
    for key, node in tree.items():
        if isinstance(node, Mapping):
            yield from paths(node, (*place, key))


def nodes(node: Any) -> Iterator[Any]:
    """A node and all that is in it."""
    yield node
    inner = node.values() if isinstance(node, Mapping) else node
    if isinstance(node, (Mapping, list)):
        for value in inner:
            yield from nodes(value)


def refer_from(place: tuple, tree: Mapping, own: Mapping) -> None:
    """Let a fragment's references to its own keys start from the root."""
    if not place:
        return
    root, *keys = map(str, place)
    start = "<" + root + "".join(f"[{key}]" for key in keys)
    for node in nodes(tree):
        if tag_of(node) in ("!ref", "!copy"):
            node.value = _REFERENCE.sub(
                lambda found: (
                    f"{start}[{found[1]}]" if found[1] in own else found[0]
                ),
                node.value,
            )


def references(node: object) -> Iterator[str]:
    """The top-level keys to which a node refers."""
    for inner in nodes(node):
        if tag_of(inner) in ("!ref", "!copy"):
            yield from _REFERENCE.findall(inner.value)


def uncommented(tree: object) -> object:
    """A tree without its comments, which HyperPyYAML may misplace."""
    for node in nodes(tree):
        if hasattr(node, Comment.attrib):
            delattr(node, Comment.attrib)
    return tree


def tag_of(node: object) -> str:
    """The YAML tag of a node, or an empty text."""
    return getattr(getattr(node, "tag", None), "value", None) or ""


def has_arguments(node: Any) -> bool:
    """Whether an object says what its arguments are, be it ``{}``."""
    return isinstance(node, (Mapping, list)) or bool(node.value)


def included(node: object) -> str:
    """The file that a node includes, or an empty text."""
    tag = tag_of(node)
    return tag[len(INCLUDE) :] if tag.startswith(INCLUDE) else ""
