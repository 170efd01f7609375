"""A recipe's YAML with the command line applied, checked.

Authors
 * sb_sed contributors 2026
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.error import ReusedAnchorWarning
from ruamel.yaml.error import YAMLError as RuamelError
from yaml import YAMLError

from sb_sed.errors import InputError, brief
from sb_sed.formats import atomic_path
from sb_sed.formats.tsv import shortened
from sb_sed.training.yaml_trees import parse_tree, read_tree

INCLUDE = "!include:"
# What HyperPyYAML brings about where names, arguments or references are wrong.
UNBUILDABLE = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    YAMLError,
    RuamelError,
)


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
    >>> Section({"scale": {"size": 3}}, Path("r.yaml"))["scale"]["epochs"]
    Traceback (most recent call last):
    sb_sed.errors.InputError: r.yaml has no key 'scale: epochs': add it.
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
        """Says what is missing."""
        name = ": ".join(map(str, (*self.place, key)))
        raise InputError(f"{self.file} has no key {name!r}: add it.")


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
    >>> recipe = Recipe(folder / "r.yaml", "part: !include:b.yaml")
    >>> recipe.build()
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
        self.tree = read_tree(self.file)
        self._open = [self.file.resolve()]
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

    def build(self, sections: Sequence[str] = ()) -> Section:
        """Build all that it names; these keys have to be mappings."""
        with self._complaints():
            built = Section(load_hyperpyyaml(self.stream()), self.file)
        for name in sections:
            if not isinstance(built[name], Section):
                raise InputError(
                    f"{self.file} has {shortened(built[name])} as {name!r}, "
                    "which has to be a mapping: take one of its fragments."
                )
        return built

    def save(self, path: str | Path) -> None:
        """Write the recipe with all references resolved."""
        with self._complaints():
            resolved = resolve_references(self.stream()).getvalue()
        with atomic_path(path) as temporary:
            temporary.write_text(
                f"# Generated from {self.file}\n# yamllint disable\n{resolved}",
                encoding="utf-8",
            )

    @contextmanager
    def _complaints(self) -> Iterator[None]:
        """Says what does not fit: a class, its arguments or a reference."""
        try:
            with warnings.catch_warnings():
                # A fragment with an anchor may be in the recipe twice.
                warnings.simplefilter("ignore", ReusedAnchorWarning)
                yield
        except InputError:
            raise
        except UNBUILDABLE as error:
            raise InputError(
                f"{self.file} cannot be built ({brief(error)}): correct what "
                "it, one of its fragments or the command line says."
            ) from error

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
        if file.resolve() in self._open:
            raise InputError(
                f"{file} includes itself, by way of {self._open[-1]}: take one "
                "of the two out."
            )
        tree = read_tree(file)
        _refer_from(place, tree)
        self._open.append(file.resolve())
        self._include_all(tree, place, file.parent)
        self._open.pop()
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
                self._check_number(old, value, here)
                tree[key] = deepcopy(value)
            elif isinstance(old, Mapping):
                self._apply(old, value, here)
            else:
                tree[key] = deepcopy(value)
                if _tag(old):  # an object that had no arguments
                    tree[key].yaml_set_ctag(old.tag)

    def _check_number(self, old: object, new: object, place: tuple) -> None:
        is_number = isinstance(old, (int, float)) and not isinstance(old, bool)
        if is_number and isinstance(new, str):
            name = ": ".join(map(str, place))
            raise InputError(
                f"{self.file} has a number as {name!r}, which "
                f"{shortened(new)} is not: give one."
            )

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


def _parse(overrides: str) -> Mapping:
    """Parse the overrides of a command line."""
    try:
        given = parse_tree(overrides)
    except ValueError as error:
        raise InputError(
            f"The overrides {shortened(overrides)} are not YAML: write --key "
            'value or --key "{part: value}".'
        ) from error
    if not isinstance(given, Mapping):
        raise InputError(
            f"The overrides {shortened(overrides)} have no keys: write --key "
            "value."
        )
    return given
