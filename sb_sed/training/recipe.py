"""Recipes: HyperPyYAML files as differences, and what the command line changes.

The first line of a recipe may be ``!include:other.yaml``: it is then that
recipe, with the keys that follow changed.

Authors
 * sb_sed contributors 2026
"""

import warnings
from collections.abc import (
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import contextmanager
from copy import deepcopy
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import ReusedAnchorWarning
from ruamel.yaml.error import YAMLError as RuamelError
from speechbrain.utils.logger import get_logger
from yaml import YAMLError

from sb_sed.errors import UNBUILDABLE, InputError, brief
from sb_sed.formats import atomic_path
from sb_sed.formats.tsv import shortened
from sb_sed.training.yaml_trees import (
    Section,
    has_arguments,
    included,
    parse_tree,
    path_text,
    paths,
    read_tree,
    refer_from,
    references,
    tag_of,
    uncommented,
)

# What HyperPyYAML raises on YAML that it cannot read.
YAML_ERRORS = (YAMLError, RuamelError)
logger = get_logger(__name__)


class Recipe:
    """A HyperPyYAML file and what the command line changes in it.

    HyperPyYAML's own overrides have two traps: an unknown key of a fragment is
    added silently, and of an object (``!new:Class {...}``) only the arguments
    are replaced. Here the first is an error and the second is replaced whole.
    To this end all files are merged before anything is changed:

    - The first line ``!include:other.yaml`` makes a file the difference to
      another one: the keys that follow are changed in it, as if they had been
      given on the command line. Recipes and fragments can both be differences.
    - ``key: !include:parts/one.yaml`` puts a fragment there. Its references are
      to its own keys and, where it has none of that name, to the recipe's. Then
      ``key: two`` takes ``two.yaml`` of the same folder in its place.

    Precedence: the command line, then the files of its key ``include``, then
    defaults (``set_default``, ``include``), then the recipe.

    Arguments
    ---------
    file : str | Path
        The YAML file.
    overrides : str
        YAML of the overrides, as ``speechbrain.parse_arguments`` returns it.
        ``include`` names one file or several, seen from the recipe's folder,
        that change the recipe as a whole.

    Raises
    ------
    InputError
        If a file is missing or not YAML, or a key is not in the recipe.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.yaml").write_text("size: !ref <width>")
    >>> _ = (folder / "spine.yaml").write_text(
    ...     "width: 9\\nepochs: 9\\npart: !include:a.yaml"
    ... )
    >>> _ = (folder / "r.yaml").write_text("!include:spine.yaml\\nwidth: 3")
    >>> Recipe(folder / "r.yaml", "epochs: 1").build()
    {'width': 3, 'epochs': 1, 'part': {'size': 3}}
    >>> Recipe(folder / "r.yaml", "epoch: 1")
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: ...has no key 'epoch': did you mean 'epochs'?
    """

    def __init__(self, file: str | Path, overrides: str = ""):
        self.file = Path(file)
        self.given = _parse(overrides)
        files = self.given.pop("include", [])
        self._files = files if isinstance(files, list) else [files]
        self._open: list[Path] = []
        self._folders: dict[tuple, Path] = {}  # of the fragments at a place
        self.tree = self._load(self.file, ())
        self._open = [self.file.resolve()]
        self._apply_command_line()

    def set_default(self, key: str, value: str) -> None:
        """Set a top-level key (YAML value), below what the command line did."""
        self._apply(self.tree, _parse(f"{key}: {value}"), (), self.file)
        self._apply_command_line()

    def include(self, file: str) -> None:
        """Apply a file of differences, below what the command line did.

        Arguments
        ---------
        file : str
            As seen from the recipe's folder.

        Raises
        ------
        InputError
            If it is missing, not YAML, or names a key that is not there.
        """
        self._include_file(file)
        self._apply_command_line()

    def stream(self, keys: Sequence[str] | None = None) -> StringIO:
        """Write the recipe with all files in one, for ``load_hyperpyyaml``.

        Arguments
        ---------
        keys : sequence of str, optional
            Top-level keys that are wanted; those that they refer to come along
            and others are left out. By default, all.

        Returns
        -------
        StringIO
            YAML without comments.
        """
        tree = self.tree if keys is None else self._needed(keys)
        text = StringIO()
        yaml = YAML()
        yaml.width = 4096  # a reference stays on its line
        yaml.indent(mapping=4, sequence=6, offset=4)
        yaml.dump(uncommented(deepcopy(tree)), text)
        text.seek(0)
        text.name = str(self.file)
        return text

    def build(self, keys: Sequence[str] | None = None) -> Section:
        """Build what it describes, or parts of it.

        Arguments
        ---------
        keys : sequence of str, optional
            Top-level keys that are wanted, as for ``stream``. What the command
            line sets has to be among them or what they refer to.

        Returns
        -------
        Section
            Each key and its value.

        Raises
        ------
        InputError
            If a key is not there, nothing reads what the command line sets, or
            a class, its arguments or a reference are wrong.
        """
        if keys is not None:
            needed = self._needed(keys)
            if unread := [key for key in self.given if key not in needed]:
                raise InputError(
                    f"Nothing reads {unread[0]!r} in {self.file}: leave it out, "
                    "or take fragments that use it."
                )
        with self._complaints():
            return Section(load_hyperpyyaml(self.stream(keys)), self.file)

    def save(self, path: str | Path, keys: Sequence[str] | None = None) -> None:
        """Write the recipe with all references resolved.

        Arguments
        ---------
        path : str | Path
            Where to write.
        keys : sequence of str, optional
            As for ``stream``.

        Raises
        ------
        InputError
            If a reference is wrong.
        """
        with self._complaints():
            resolved = resolve_references(self.stream(keys)).getvalue()
        with atomic_path(path) as temporary:
            temporary.write_text(
                f"# Generated from {self.file}\n# yamllint disable\n{resolved}",
                encoding="utf-8",
            )

    @contextmanager
    def _complaints(self) -> Iterator[None]:
        """Say what does not fit: a class, its arguments or a reference."""
        try:
            with warnings.catch_warnings():
                # A fragment with an anchor may be in the recipe twice.
                warnings.simplefilter("ignore", ReusedAnchorWarning)
                yield
        except InputError:
            raise
        except (*UNBUILDABLE, *YAML_ERRORS) as error:
            raise InputError(
                f"{self.file} cannot be built ({brief(error)}): correct what "
                "it, one of its fragments or the command line says."
            ) from error

    def _load(self, file: Path, place: tuple) -> CommentedMap:
        """Read a file that stands at ``place``, with what it includes."""
        if file.resolve() in self._open:
            raise InputError(
                f"{file} includes itself, by way of {self._open[-1]}: take one "
                "of the two out."
            )
        tree = read_tree(file)
        self._open.append(file.resolve())
        if base := included(tree):
            changes, tree = tree, self._load(file.parent / base, place)
            refer_from(place, changes, tree)
            self._apply(tree, changes, place, file)
        else:
            refer_from(place, tree, tree)
            self._include_all(tree, place, file)
        self._open.pop()
        return tree

    def _apply_command_line(self) -> None:
        """Change what the command line changes, over all defaults."""
        for name in self._files:
            self._include_file(name)
        self._apply(self.tree, self.given, (), self.file)

    def _include_file(self, name: object) -> None:
        """Apply a file of differences to the whole recipe."""
        file = self.file.parent / str(name)
        self._apply(self.tree, read_tree(file), (), file)

    def _include_all(
        self, tree: MutableMapping, place: tuple, source: Path
    ) -> None:
        """Put the fragments of ``tree``, which is at ``place``, in it."""
        for key, node in tree.items():
            if included(node):
                tree[key] = self._include(node, (*place, key), source)
            elif isinstance(node, MutableMapping):
                self._include_all(node, (*place, key), source)

    def _include(
        self, node: object, place: tuple, source: Path
    ) -> MutableMapping:
        """The fragment that a node includes, with its arguments."""
        file = source.parent / included(node)
        self._folders[place] = file.parent
        tree = self._load(file, place)
        if isinstance(node, Mapping):
            self._apply(tree, node, place, source)
        return tree

    def _apply(
        self, tree: MutableMapping, given: Mapping, place: tuple, source: Path
    ) -> None:
        """Change ``tree``, which is at ``place``, as ``given`` asks.

        Paths in ``given`` are seen from the folder of ``source``.
        """
        for key, value in given.items():
            # An object's arguments are its class's to check.
            if key not in tree and not tag_of(tree).startswith("!n"):
                raise self._unknown(key, tree, place, source)
            old = tree.get(key)
            here = (*place, key)
            if included(value):
                tree[key] = self._include(value, here, source)
            elif value in self._fragments(here, value):
                file = self._folders[here] / f"{value}.yaml"
                tree[key] = self._load(file, here)
            elif tag_of(value) or not isinstance(value, Mapping):
                self._check(old, value, here)
                tree[key] = deepcopy(value)
            elif isinstance(old, MutableMapping):
                self._apply(old, value, here, source)
            else:
                tree[key] = deepcopy(value)
                if tag_of(old):  # an object that had no arguments
                    tree[key].yaml_set_ctag(old.tag)

    def _fragments(self, place: tuple, value: object) -> list[str]:
        """Return the fragments for a place, if a value may be one's name."""
        if place not in self._folders or type(value) is not str:
            return []
        return sorted(file.stem for file in self._folders[place].glob("*.yaml"))

    def _check(self, old: object, new: object, place: tuple) -> None:
        """Make sure that a new value is of the kind of the old one."""
        is_number = isinstance(old, (int, float)) and not isinstance(old, bool)
        if is_number and isinstance(new, str):
            raise InputError(
                f"{self.file} has a number as {path_text(place)!r}, which "
                f"{shortened(new)} is not: give one."
            )
        if not isinstance(old, Mapping):
            return
        if len(place) == 1 and not tag_of(old) and not tag_of(new):
            names = ", ".join(self._fragments(place, new))
            raise InputError(
                f"{self.file} has keys below {path_text(place)!r}, which "
                f"{shortened(new)} has not: give {{key: value}} or one of its "
                f"fragments{names and f' ({names})'}."
            )
        if old and tag_of(old) and tag_of(new) and not has_arguments(new):
            logger.warning(
                f"{path_text(place)}: the arguments of what was there "
                f"({', '.join(map(str, old))}) go with it."
            )

    def _unknown(
        self, key: object, tree: MutableMapping, place: tuple, source: Path
    ) -> InputError:
        """The error on a key that is not there, with the nearest that are."""
        everywhere = [*paths(self.tree)] if hasattr(self, "tree") else []
        near = (
            [path for path in everywhere if path[-1] == key]
            or [(*place, x) for x in _close(key, tree)]
            or [p for p in everywhere if _close(key, [p[-1]])]
        )
        hint = f"it has {[*tree]}."
        if near:
            names = [repr(path_text(path)) for path in near[:3]]
            hint = f"did you mean {' or '.join(names)}?"
        name = path_text((*place, key))
        return InputError(f"{source} has no key {name!r}: {hint}")

    def _needed(self, keys: Iterable[str]) -> CommentedMap:
        """The part of the tree that some top-level keys need."""
        if missing := [key for key in keys if key not in self.tree]:
            raise self._unknown(missing[0], self.tree, (), self.file)
        needed, todo = set(), [*keys]
        while todo:
            if (key := todo.pop()) not in needed and key in self.tree:
                needed.add(key)
                todo.extend(references(self.tree[key]))
        return CommentedMap((k, v) for k, v in self.tree.items() if k in needed)


def _parse(overrides: str) -> MutableMapping:
    """Parse the overrides of a command line."""
    try:
        given = parse_tree(overrides)
    except ValueError as error:
        raise InputError(
            f"The overrides {shortened(overrides)} are not YAML: write --key "
            'value or --key "{part: value}".'
        ) from error
    if not isinstance(given, MutableMapping):
        raise InputError(
            f"The overrides {shortened(overrides)} have no keys: write --key "
            "value."
        )
    return given


def _close(key: object, names: Iterable[object]) -> list[str]:
    """The names that end with a key, or else the one spelt most like it."""
    known = [str(name) for name in names]
    ending = [name for name in known if name.endswith(f"_{key}")]
    return ending or get_close_matches(str(key), known, 1)
