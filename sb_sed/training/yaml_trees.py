"""YAML read as a tree of tagged nodes, of which nothing is built.

Authors
 * sb_sed contributors 2026
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from sb_sed.errors import InputError, brief

# What ruamel.yaml brings about on damaged files, not only its own errors.
_UNREADABLE = (
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    YAMLError,
)
# Nodes of a tree in which each alias is written out. Recipes have hundreds; a
# few lines of aliases of aliases can have billions.
_MOST_NODES = 200_000


def read_tree(file: str | Path) -> CommentedMap:
    """Reads a YAML file whose top is a mapping.

    Arguments
    ---------
    file : str or Path
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
    if not isinstance(tree, Mapping):
        raise InputError(
            f"{file} has no keys at its top: write lines of key: value."
        )
    return tree


def parse_tree(text: str) -> object:
    """Parses YAML.

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
        If it is not YAML, holds itself, or is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = YAML().load(text)
        n_nodes = _size(tree, {}, set())
    except _UNREADABLE as error:
        raise ValueError(_reason(error)) from error
    if n_nodes > _MOST_NODES:
        raise ValueError("its aliases stand for too much")
    return CommentedMap() if tree is None else tree


def _reason(error: Exception) -> str:
    """What is wrong, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return brief(error)
    return f"line {mark.line + 1}: {brief(Exception(error.problem))}"


def _size(node: object, known: dict[int, int], parents: set[int]) -> int:
    """The nodes of a tree, aliases written out."""
    inner = ()
    if isinstance(node, Mapping):
        inner = node.values()
    elif isinstance(node, list):
        inner = node
    place = id(node)
    if place in parents:
        raise ValueError("a part of it holds itself")
    if place not in known:
        parents.add(place)
        known[place] = 1 + sum(_size(x, known, parents) for x in inner)
        parents.remove(place)
    return known[place]
