"""How a recipe's script starts and ends: its command line, its exit.

Authors
 * sb_sed contributors 2026
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import speechbrain as sb
from speechbrain.utils.distributed import if_main_process, run_on_main

from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe
from sb_sed.training.run_options import check_run_options, join_processes


@dataclass(frozen=True)
class Miniature:
    """The data set that a recipe takes where none is given.

    Arguments
    ---------
    name : str
        Of the data set.
    folder : Path
        Where it is made.
    make : Callable[[Path], Path]
        Makes it there, unless it exists.
    scale : str
        The file of differences that goes with its size.
    """

    name: str
    folder: Path
    make: Callable[[Path], Path]
    scale: str = "scale/mini.yaml"

    def ensure(self, recipe: Recipe) -> None:
        """Make it where the recipe was given no ``--data_folder``.

        That takes a minute: what can be wrong with the command is said before.
        """
        if "data_folder" in recipe.given:
            return
        if if_main_process():
            print(
                f"No --data_folder: using {self.name} in {self.folder} and "
                f"{self.scale}."
            )
        run_on_main(self.make, args=[self.folder])


def start(
    arguments: Sequence[str], keys: Sequence[str], miniature: Miniature
) -> tuple[Recipe, dict, dict]:
    """Read the command line and build what the YAML describes.

    Arguments
    ---------
    arguments : Sequence[str]
        The YAML file and what changes it; SpeechBrain's run options.
    keys : Sequence[str]
        The top-level keys that the script reads.
    miniature : Miniature
        Taken where no ``--data_folder`` is given; ``ensure`` makes it.

    Returns
    -------
    tuple[Recipe, dict, dict]
        The recipe, to be saved; the hyperparameters; the run options.

    Raises
    ------
    InputError
        If the command line or the YAML has to be corrected.
    """
    hparams_file, run_opts, overrides = sb.parse_arguments(list(arguments))
    recipe = Recipe(hparams_file, overrides)
    run_opts = join_processes(run_opts)
    if "data_folder" not in recipe.given:
        recipe.set_default("data_folder", str(miniature.folder))
        recipe.include(miniature.scale)
    hparams = recipe.build(keys)
    check_run_options(run_opts, hparams)
    return recipe, hparams, run_opts


def exit_cleanly(
    main: Callable[[list[str]], None], arguments: Sequence[str]
) -> None:
    """Call a script's ``main``; end with a sentence on bad input.

    Arguments
    ---------
    main : Callable
        Gets the arguments.
    arguments : Sequence[str]
        ``sys.argv``: the script first.
    """
    script, *rest = arguments
    try:
        main(rest)
    except InputError as error:
        print(f"{Path(script).name}: {error}", file=sys.stderr)
        sys.exit(2)
