"""The command ``sb-sed new``: a folder to start from.

Authors
 * sb_sed contributors 2026
"""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

import sb_sed
from sb_sed.cli.arguments import add_command, add_path
from sb_sed.errors import InputError

_STARTERS = {
    "template": "templates/sound_event_detection",
    "DCASE2020": "recipes/DCASE2020",
    "RealDESED": "recipes/RealDESED",
}
# What runs leave behind in a checkout.
_LEFT_BEHIND = shutil.ignore_patterns(
    "__pycache__", "results", "minidesed*", "minirealdesed*", ".*"
)
# What a recipe takes of another one: a folder of fragments.
_BORROWED = re.compile(r"!include:\.\./\.\./(\w+)/hparams/(\w+)/")
_EXAMPLES = """\
examples:
  sb-sed new my_sounds/                  the template for a data set of your own
  sb-sed new dcase/ --recipe DCASE2020   the recipe for DESED, all its rows
  sb-sed new homes/ --recipe RealDESED   that for recordings of many annotators

The copy is yours: change what you like. Its README.md says how to go on.
"""


def add_new(commands) -> None:
    """Add the command that copies the template or a recipe."""
    parser = add_command(
        commands,
        "new",
        _new,
        "make a folder to train a detector in",
        "Copy the template, or a recipe, into a new folder.",
        _EXAMPLES,
    )
    add_path(parser, "folder", "FOLDER", "the folder to make")
    parser.add_argument(
        "--recipe",
        choices=sorted(set(_STARTERS) - {"template"}),
        default="template",
        help="the recipe to copy (default: the template)",
    )


def _new(arguments: argparse.Namespace) -> int:
    source, target = _starter(arguments.recipe), arguments.folder
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} is there already: give a new folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    # It appears once it is complete.
    with tempfile.TemporaryDirectory(
        dir=target.parent, prefix=f".{target.name}.tmp-"
    ) as folder:
        copy = Path(folder, "copy")
        shutil.copytree(source, copy, ignore=_LEFT_BEHIND)
        _bring_borrowed(copy, source.parent)
        copy.replace(target)
    is_recipe = arguments.recipe != "template"
    first = 'pip install "sb_sed[recipe]", ' if is_recipe else ""
    print(
        f"{target}: {first}read {target / 'README.md'}, then run train.py in it."
    )
    return 0


def _bring_borrowed(copy: Path, recipes: Path) -> None:
    """Make a copied recipe whole: with the fragments of other recipes."""
    for file in copy.glob("hparams/*.yaml"):
        text = file.read_text("utf-8")
        for recipe, folder in set(_BORROWED.findall(text)):
            target = copy / "hparams" / folder
            if not target.exists():
                shutil.copytree(recipes / recipe / "hparams" / folder, target)
        file.write_text(_BORROWED.sub(r"!include:\2/", text), "utf-8")


def _starter(name: str) -> Path:
    """The folder to copy: inside an installed package, beside a checkout's."""
    package = Path(sb_sed.__file__).parent
    for parent in (package / "starters", package.parent):
        if (folder := parent / _STARTERS[name]).is_dir():
            return folder
    raise InputError(
        f"This installation of sb_sed lacks {_STARTERS[name]}: install it again."
    )
