"""The mixer of a training recipe, for ``sb-sed mix --recipe``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path

from sb_sed.cli.arguments import add_path
from sb_sed.errors import InputError, printable

# Options whose values a recipe has.
_OF_FOLDERS = (
    *("foregrounds", "backgrounds", "rirs", "classes", "prepared", "events"),
    *("levels", "max_effects", "cut", "seconds", "rate"),
)


def add_recipe(group) -> None:
    """Add ``--recipe`` and ``--set``."""
    add_path(
        group,
        "--recipe",
        "YAML",
        "mix as in a training with this recipe (one with mixing/dynamic.yaml); "
        "seed, sounds and all that is drawn are the recipe's",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another value of a key of the recipe, as for train.py; can be "
        "given several times. Without data_folder, MiniDESED is used",
    )


def check_recipe(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Arguments
    ---------
    arguments : argparse.Namespace
        Those of ``sb-sed mix``; None where an option is not given.

    Raises
    ------
    InputError
        If there are neither sounds nor a recipe, or a recipe and options of
        which it has the values.
    """
    if not arguments.recipe:
        if arguments.set:
            raise InputError("--set changes a recipe: give --recipe.")
        for option in ("foregrounds", "backgrounds"):
            if getattr(arguments, option) is None:
                raise InputError(f"Give --{option} FOLDER, or a --recipe.")
    for option in _OF_FOLDERS if arguments.recipe else ():
        if getattr(arguments, option) is not None:
            raise InputError(
                f"--{option.replace('_', '-')} and --recipe do not go together: "
                "change the recipe's own keys with --set KEY=VALUE."
            )


def load_recipe(arguments: argparse.Namespace) -> tuple:
    """Read a recipe, prepare its sounds, and build what mixes them.

    Arguments
    ---------
    arguments : argparse.Namespace
        Those of ``sb-sed mix`` with a recipe.

    Returns
    -------
    tuple[Recipe, Mixer, int]
        The recipe, the mixer of its synthetic stream, and its seed.

    Raises
    ------
    InputError
        If the recipe or one of the settings is wrong, or it mixes nothing.
    """
    from sb_sed.minidesed import make_minidesed
    from sb_sed.training.recipe import Recipe

    recipe = Recipe(arguments.recipe, _overrides(arguments))
    if "data_folder" not in recipe.given:
        # Where train.py makes it, too.
        folder = arguments.recipe.resolve().parents[1] / "data" / "minidesed"
        print(f"No data_folder is set: using MiniDESED in {folder}.")
        make_minidesed(folder)
        recipe.set_default("data_folder", str(folder))
    keys = "seed data_folder prepared_folder skip_prep dataset mixing"
    parts = recipe.build(keys=keys.split())
    return recipe, _make_mixer(recipe, parts, arguments.jobs), parts["seed"]


def prepare_sounds(
    soundbank,
    data_folder: str | Path,
    prepared_folder: str | Path,
    rate: int,
    n_jobs: int | None,
):
    """Prepare a sound bank and load it.

    What cannot be used, and what there is to know of the others, is printed.

    Arguments
    ---------
    soundbank : Soundbank
        The folders.
    data_folder, prepared_folder, rate, n_jobs
        As of ``Soundbank.prepare``.

    Returns
    -------
    Sources
    """
    said: list[str] = []
    unusable = soundbank.prepare(
        data_folder,
        prepared_folder,
        rate,
        n_jobs,
        lambda path, note: said.append(f"{path} {note}"),
    )
    said += [f"{path} is left out: {reason}" for _, path, reason in unusable]
    for sentence in said:
        print(f"sb-sed: {printable(sentence)}.", file=sys.stderr)
    return soundbank.load(prepared_folder, rate)


def _overrides(arguments: argparse.Namespace) -> str:
    """Return the changes of the recipe as YAML."""
    given = list(arguments.set)
    if arguments.seed is not None:
        given.append(f"seed={arguments.seed}")
    for setting in given:
        if "=" not in setting:
            raise InputError(f"--set {setting}: write KEY=VALUE.")
    return "\n".join(": ".join(x.split("=", 1)) for x in given)


def _make_mixer(recipe, parts: dict, n_jobs: int | None):
    """Prepare the sound bank; make the mixer of the synthetic stream."""
    mixing, dataset = parts["mixing"], parts["dataset"]
    # A class and the arguments that the recipe gives it.
    stream = mixing["streams"]["synthetic"]
    mixer = getattr(stream, "keywords", {}).get("mixer")
    if mixer is None:
        raise InputError(
            f"{recipe.file} mixes nothing: take a recipe with "
            "mixing/dynamic.yaml, such as hparams/augm.yaml."
        )
    rate = dataset["sample_rate"]
    soundbank, folder = mixing["soundbank"], parts["prepared_folder"]
    if parts["skip_prep"]:
        sources = soundbank.load(folder, rate)
    else:
        sources = prepare_sounds(
            soundbank, parts["data_folder"], folder, rate, n_jobs
        )
    return mixer(
        foregrounds=sources.foregrounds,
        backgrounds=sources.backgrounds,
        rirs=sources.rirs,
        cache=sources.cache,
        seconds=dataset["clip_seconds"],
        sample_rate=rate,
        classes=dataset["classes"],
    )
