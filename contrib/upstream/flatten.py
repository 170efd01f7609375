"""Flattened recipes: one self-contained YAML file, commented, in their style.

What ``Recipe`` reads out of a row and its fragments is one tree already, but
HyperPyYAML misplaces comments in trees that were merged, so that ``Recipe``
drops them. Here they are read off the files, by the place of the key that they
are at, and written at the same places of the flattened file.

Authors
 * sb_sed contributors 2026
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from sb_sed.training.recipe import Recipe
from sb_sed.training.yaml_trees import (
    included,
    nodes,
    parse_tree,
    read_tree,
    tag_of,
)

WIDTH = 80
_FILE = r"[\w/]+\.(?:yaml|py)\b"
# What only holds where there are several files: a remark in brackets, then
# sentences.
_REMARK = re.compile(rf"\s*\([^()]*{_FILE}[^()]*\)(?!\w)")
_SENTENCES = re.compile(r"(?<=\.)\s+|(?<=\.\))\s+")


@dataclass(frozen=True)
class Comment:
    """What is said at a key: above it, beside it.

    Arguments
    ---------
    above : tuple of str
        Paragraphs.
    beside : str
        At the end of its line.
    apart : bool
        Whether a blank line comes first.
    """

    above: tuple[str, ...] = ()
    beside: str = ""
    apart: bool = False


NOTHING = Comment()
TOP = None  # no key of a tree


class _Representer(RoundTripRepresenter):
    """Writes ``True``, ``False`` and ``null``, as SpeechBrain's recipes do."""


_Representer.add_representer(
    bool,
    lambda self, x: self.represent_scalar("tag:yaml.org,2002:bool", str(x)),
)
_Representer.add_representer(
    type(None),
    lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"),
)


def flatten(file: str | Path, keys: Sequence[str], about: str) -> str:
    """Write a recipe and all that it includes as one YAML file.

    Arguments
    ---------
    file : str | Path
        The recipe, whose first line may include another one.
    keys : sequence of str
        Top-level keys that are wanted; those that they refer to come along.
    about : str
        What it trains, for the top of the file.

    Returns
    -------
    str
        HyperPyYAML without ``!include:``: its sections indented by 4 and lists
        by 6 with the dash at 4, with the comments of all files but those that
        speak of other files.

    Raises
    ------
    InputError
        If a file is missing or not YAML, or a key is not in the recipe.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "part.yaml").write_text(
    ...     "# A part.\\non: True  # or not\\n"
    ... )
    >>> _ = (folder / "r.yaml").write_text("part: !include:part.yaml")
    >>> print(flatten(folder / "r.yaml", ["part"], "All."), end="")
    # ####...####
    # All.
    #
    # Authors: sb_sed contributors 2026
    # ####...####
    <BLANKLINE>
    # A part.
    part:
        on: True  # or not
    """
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 4096  # a reference stays on its line
    yaml.indent(mapping=4, sequence=6, offset=4)
    tree, text = parse_tree(Recipe(file).stream(keys).getvalue()), StringIO()
    for node in nodes(tree):  # of references, one a line and without quotes
        if tag_of(node) == "!ref":
            node.style = None
        elif isinstance(node, list) and not tag_of(node):
            if any(tag_of(item) == "!ref" for item in node):
                node.fa.set_block_style()
    yaml.dump(tree, text)
    said, lines = comments(Path(file)), _banner(about)
    at_line = _by_line(parse_tree(text.getvalue()))
    for number, line in enumerate(text.getvalue().splitlines()):
        places = [place for place, _ in at_line.get(number, ())]
        lines += _commented(line, places, said)
    return "\n".join(lines) + "\n"


def comments(file: Path, place: tuple = ()) -> dict[tuple, Comment]:
    """Read the comments of a file and of those that it includes.

    Arguments
    ---------
    file : Path
        A recipe or a fragment.
    place : tuple
        The keys under which it is included.

    Returns
    -------
    dict[tuple, Comment]
        By the keys that lead to the place; that of a file as a whole at the
        keys that lead to it and ``TOP``.
    """
    tree, lines = read_tree(file), file.read_text("utf-8").splitlines()
    base = included(tree)
    found = comments(file.parent / base, place) if base else {}
    for count, (number, places) in enumerate(_by_line(tree).items()):
        comment = _comment(lines, number)
        for path, node in places:
            here = (*place, *path)
            if tag_of(node).startswith(("!n", "!i")):  # another object is here
                own = replace(found.get(here, NOTHING), beside="")
                found = {
                    k: x for k, x in found.items() if k[: len(here)] != here
                }
                found[here] = own
            if included(node):
                found |= comments(file.parent / included(node), here)
        if count == 0 and comment.above:
            found[(*place, TOP)] = Comment(comment.above[:1])
            comment = replace(comment, above=comment.above[1:], apart=False)
        # Above a line is what is said of its first key, in it of its last.
        first, last = ((*place, *path) for path, _ in (places[0], places[-1]))
        if comment.above or comment.apart:
            found[first] = replace(comment, beside="")
        if comment.beside:
            found[last] = replace(
                found.get(last, NOTHING), beside=comment.beside
            )
    return found


def _by_line(tree: object) -> dict[int, list[tuple]]:
    """The places of a tree on each of its lines: keys and node."""
    found = {}
    for place, number, node in _lines(tree):
        found.setdefault(number, []).append((place, node))
    return found


def _lines(tree: object, place: tuple = ()) -> Iterator[tuple]:
    """The places of a tree, its upper ones first: keys, line, node."""
    at = getattr(getattr(tree, "lc", None), "data", None) or {}
    for key, (line, *_) in at.items():
        yield (*place, key), line, tree[key]
        yield from _lines(tree[key], (*place, key))


def _comment(lines: list[str], number: int) -> Comment:
    """The comment of a line: in it, and in the lines above it."""
    start = number
    while start and re.match(r"\s*(#|$)", lines[start - 1]):
        start -= 1
    above = [line.strip() for line in lines[start:number]]
    if any(line.endswith("####") for line in above):  # the file's own banner
        return Comment()
    text = "\n".join(line.lstrip("#").strip() for line in above)
    paragraphs = [" ".join(x.split()) for x in text.split("\n\n")]
    return Comment(
        tuple(x for x in map(_alone, paragraphs) if x),
        _alone(lines[number].partition("  # ")[2]),
        "" in above,
    )


def _alone(text: str) -> str:
    """A comment without what it says of other files."""
    text = _REMARK.sub("", text)
    kept = [s for s in _SENTENCES.split(text) if not re.search(_FILE, s)]
    return " ".join(kept).strip("; ")


def _banner(about: str) -> list[str]:
    """The top of the file."""
    rule = "# " + "#" * (WIDTH - 2)
    authors = "# Authors: sb_sed contributors 2026"
    return [rule, *_wrapped([about]), "#", authors, rule]


def _commented(
    line: str, places: list[tuple], said: Mapping[tuple, Comment]
) -> list[str]:
    """A line of YAML, with what is said of the places that are on it."""
    above, apart = [], False
    for place in places:
        own, top = said.get(place, NOTHING), said.get((*place, TOP), NOTHING)
        if len(place) == 1 and own.apart and own.above:
            above += _section(own.above)
        else:
            above += own.above
        above += top.above
        apart |= len(place) == 1 and (own.apart or bool(top.above))
    beside = "; ".join(
        filter(None, (said.get(p, NOTHING).beside for p in places))
    )
    ended = f"{line}  # {beside}" if beside else line
    if len(ended) > WIDTH:
        above, ended = [*above, beside], line
    indent = line[: len(line) - len(line.lstrip())]
    return [""] * apart + _wrapped(above, indent) + [ended]


def _section(paragraphs: Sequence[str]) -> list[str]:
    """The comments above a section: the start of the first is its title."""
    title, _, rest = re.match(
        r"([^.:]*)([.:]\s*|$)(.*)", paragraphs[0]
    ).groups()
    rest = rest[:1].upper() + rest[1:]
    return [
        f" {title} ".center(WIDTH, "#"),
        *filter(None, [rest]),
        *paragraphs[1:],
    ]


def _wrapped(paragraphs: Sequence[str], indent: str = "") -> list[str]:
    """Paragraphs as lines of comment."""
    start = f"{indent}# "
    return [
        line
        for paragraph in paragraphs
        for line in [paragraph] * paragraph.endswith("###")
        or textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=start,
            subsequent_indent=start,
            break_on_hyphens=False,
            break_long_words=False,
        )
    ]
