"""A recipe's YAML with the command line applied, checked.

Authors
 * sb_sed contributors 2026
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from hyperpyyaml import resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path

INCLUDE = "!include:"


class Recipe:
    """A HyperPyYAML file and what the command line changes in it.

    HyperPyYAML's own overrides have three traps: an unknown key of a fragment
    is added without a word, a fragment that takes the place of another loses
    the arguments that the recipe gave it, and of an object
    (``!new:Class {...}``) only the arguments are replaced. Here the first is
    an error, the second are kept and the third is replaced whole. To this end
    the fragments are put in the recipe before anything is changed.

    Arguments
    ---------
    file : str | Path
        The YAML file.
    overrides : str
        YAML of the overrides, as ``speechbrain.parse_arguments`` returns it.

    Raises
    ------
    InputError
        If a file is missing or not YAML, or a key is not in the recipe.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.yaml").write_text("size: 1")
    >>> _ = (folder / "b.yaml").write_text("size: 2\\nextra: 0")
    >>> _ = (folder / "r.yaml").write_text(
    ...     "part: !include:a.yaml\\n    size: 3\\nepochs: 9"
    ... )
    >>> from hyperpyyaml import load_hyperpyyaml
    >>> recipe = Recipe(folder / "r.yaml", "part: !include:b.yaml")
    >>> load_hyperpyyaml(recipe.stream())
    {'part': {'size': 3, 'extra': 0}, 'epochs': 9}
    >>> Recipe(folder / "r.yaml", "epoch: 1")
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: ...r.yaml has no key 'epoch': did you mean 'epochs'?
    """

    def __init__(self, file: str | Path, overrides: str = ""):
        self.file = Path(file)
        self.given = _parse(overrides)
        # What the recipe gives to each of its fragments, by place.
        self.arguments: dict[tuple, Mapping] = {}
        self.tree = _load(self.file)
        self._include_all(self.tree, (), self.file.parent)
        self._apply(self.tree, self.given, ())

    def set_default(self, key: str, value: str) -> None:
        """Set a top-level key (YAML value), below what the command line did."""
        given = self.given.get(key)
        if key in self.given and (
            _tag(given) or not isinstance(given, Mapping)
        ):
            return
        self._apply(self.tree, _parse(f"{key}: {value}"), ())
        if key in self.given:
            self._apply(self.tree, {key: given}, ())

    def stream(self) -> StringIO:
        """The recipe, with its fragments in it, for ``load_hyperpyyaml``."""
        text = StringIO()
        YAML().dump(self.tree, text)
        text.seek(0)
        text.name = str(self.file)
        return text

    def save(self, path: str | Path) -> None:
        """Write the recipe with all references resolved."""
        with atomic_path(path) as temporary:
            temporary.write_text(
                f"# Generated from {self.file}\n# yamllint disable\n"
                + resolve_references(self.stream()).getvalue(),
                encoding="utf-8",
            )

    def _include_all(self, tree: Mapping, place: tuple, folder: Path) -> None:
        """Put the fragments of ``tree``, which is at ``place``, in it."""
        for key, node in tree.items():
            if _fragment(node):
                tree[key] = self._include(node, (*place, key), folder)
            elif isinstance(node, Mapping):
                self._include_all(node, (*place, key), folder)

    def _include(self, node: object, place: tuple, folder: Path) -> Mapping:
        """The fragment that a node includes, with its arguments."""
        file = folder / _fragment(node)
        tree = _load(file)
        _refer_from(place, tree)
        self._include_all(tree, place, file.parent)
        given = node if isinstance(node, Mapping) else {}
        kept = self.arguments.setdefault(place, given)
        if kept is not given:
            # Written for the fragment that was here: this one may lack some.
            tree.update({k: v for k, v in kept.items() if k not in tree})
            self._apply(tree, kept, place)
        self._apply(tree, given, place)
        return tree

    def _apply(self, tree: Mapping, given: Mapping, place: tuple) -> None:
        """Change ``tree``, which is at ``place``, as ``given`` asks."""
        for key, value in given.items():
            # An object's arguments are its class's to check.
            if key not in tree and not _tag(tree).startswith("!n"):
                raise self._unknown(key, tree, place)
            old = tree.get(key)
            here = (*place, key)
            if _fragment(value):
                tree[key] = self._include(value, here, self.file.parent)
            elif _tag(value) or not isinstance(value, Mapping):
                tree[key] = deepcopy(value)
            elif isinstance(old, Mapping):
                self._apply(old, value, here)
            else:
                tree[key] = deepcopy(value)
                if _tag(old):  # an object that had no arguments
                    tree[key].yaml_set_ctag(old.tag)

    def _unknown(self, key: object, tree: Mapping, place: tuple) -> InputError:
        near = get_close_matches(str(key), [str(k) for k in tree], 1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {[*tree]}."
        name = ": ".join(map(str, (*place, key)))
        return InputError(f"{self.file} has no key {name!r}: {hint}")


def _refer_from(place: tuple, node: object) -> None:
    """Let the references of a fragment start from the recipe's root."""
    if isinstance(node, Mapping):
        for value in node.values():
            _refer_from(place, value)
    elif isinstance(node, list):
        for value in node:
            _refer_from(place, value)
    elif _tag(node) in ("!ref", "!copy"):
        root, *keys = map(str, place)
        start = "<" + root + "".join(f"[{key}]" for key in keys)
        node.value = re.sub(r"<([^\[>.]+)", rf"{start}[\1]", node.value)


def _tag(node: object) -> str:
    """The YAML tag of a node, or an empty text."""
    return getattr(getattr(node, "tag", None), "value", None) or ""


def _fragment(node: object) -> str:
    """The file that a node includes, or an empty text."""
    tag = _tag(node)
    return tag[len(INCLUDE) :] if tag.startswith(INCLUDE) else ""


def _load(file: Path) -> CommentedMap:
    """Load a YAML file without building its objects."""
    try:
        with open(file, encoding="utf-8") as stream:
            return YAML().load(stream) or CommentedMap()
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}): check the path."
        ) from error
    except YAMLError as error:
        raise InputError(f"{file} is not valid YAML: {error}") from error


def _parse(overrides: str) -> CommentedMap:
    """Parse the overrides of a command line."""
    try:
        given = YAML().load(overrides) or CommentedMap()
    except YAMLError as error:
        raise InputError(
            f"The overrides {overrides!r} are not YAML: write --key value or "
            '--key "{part: value}".'
        ) from error
    if not isinstance(given, Mapping):
        raise InputError(
            f"The overrides {overrides!r} have no keys: write --key value."
        )
    return given
