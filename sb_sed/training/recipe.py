"""A recipe's YAML with the command line applied, checked.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
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
    an error, the second are kept and the third is replaced whole.

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
        self.tree = _load(self.file)
        self.given = _parse(overrides)
        self._apply(self.tree, self.given, "")

    def set_default(self, key: str, value: str) -> None:
        """Set a top-level key, unless the command line did (YAML value)."""
        if key not in self.given:
            self._apply(self.tree, _parse(f"{key}: {value}"), "")

    def stream(self) -> StringIO:
        """The recipe for ``load_hyperpyyaml``, which finds the fragments."""
        text = StringIO()
        YAML().dump(self.tree, text)
        text.seek(0)
        text.name = str(self.file)
        return text

    def save(self, path: str | Path) -> None:
        """Write the recipe with all references and fragments resolved."""
        with atomic_path(path) as temporary:
            temporary.write_text(
                f"# Generated from {self.file}\n# yamllint disable\n"
                + resolve_references(self.stream()).getvalue(),
                encoding="utf-8",
            )

    def _apply(self, tree: Mapping, given: Mapping, path: str) -> None:
        """Change ``tree`` as ``given`` asks; ``path`` leads to both."""
        known = tree
        if fragment := _fragment(tree):
            known = {**_load(self.file.parent / fragment), **tree}
        for key, value in given.items():
            # An object's arguments are its class's to check.
            if key not in known and not _tag(tree).startswith("!n"):
                near = get_close_matches(str(key), [str(k) for k in known], 1)
                hint = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"it has {[*known]}."
                )
                raise InputError(
                    f"{self.file} has no key {path + str(key)!r}: {hint}"
                )
            old = known.get(key)
            if fragment := _fragment(value):
                _load(self.file.parent / fragment)  # it must be there
                tree[key] = _keep_arguments(value, old)
            elif isinstance(value, Mapping) and not _tag(value):
                if not isinstance(old, Mapping):
                    old = _keep_arguments(old, None) if _tag(old) else value
                tree[key] = old
                self._apply(old, value, f"{path}{key}: ")
            else:
                tree[key] = value


def _keep_arguments(node: object, old: object) -> CommentedMap:
    """A mapping of the tag of ``node``, with the arguments of ``old``."""
    arguments = CommentedMap()
    if _fragment(node) and _fragment(old) and isinstance(old, Mapping):
        arguments.update(old)
    if isinstance(node, Mapping):
        arguments.update(node)
    arguments.yaml_set_ctag(node.tag)
    return arguments


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
