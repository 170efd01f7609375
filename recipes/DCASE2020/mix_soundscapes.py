#!/usr/bin/env python3
"""Writes soundscapes as dynamic mixing makes them: a generator without Scaper.

To hear what a recipe trains on, here from the sounds of MiniDESED:
> python mix_soundscapes.py hparams/augm.yaml --n_clips 20 --output mixed --plot 3

To make a synthetic set for a copy of DESED from its sound bank:
> python mix_soundscapes.py hparams/augm.yaml --data_folder=/path/to/DESED \
    --n_clips 2500 --output new/dataset/audio/train/synthetic20

Every key of the recipe can be given as for train.py. The same command goes on
where it was stopped. Without a recipe, ``sb-sed mix`` does the same.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import speechbrain as sb

from sb_sed.cli.mix import write_set
from sb_sed.errors import InputError
from sb_sed.minidesed import make_minidesed
from sb_sed.mixing.mixer import Mixer
from sb_sed.runs.run import Run
from sb_sed.training.recipe import Recipe

MINIDESED = Path(__file__).resolve().parent / "data" / "minidesed"


def load_recipe(hparams_file: str, others: list[str]) -> tuple[Recipe, dict]:
    """Read the recipe; build what mixing needs and nothing else.

    Arguments
    ---------
    hparams_file : str
        The YAML.
    others : list[str]
        The arguments that change its keys.

    Returns
    -------
    tuple[Recipe, dict]
        The recipe, and its parts by key.
    """
    _, _, overrides = sb.parse_arguments([hparams_file, *others])
    recipe = Recipe(hparams_file, overrides)
    if "data_folder" not in recipe.given:
        print(f"No --data_folder: using MiniDESED in {MINIDESED}.")
        make_minidesed(MINIDESED)
        recipe.set_default("data_folder", str(MINIDESED))
    keys = "seed data_folder prepared_folder skip_prep dataset mixing"
    with TemporaryDirectory() as folder:
        recipe.save(Path(folder) / "hyperparams.yaml")
        return recipe, Run(folder).build(keys.split())


def make_mixer(recipe: Recipe, parts: dict) -> Mixer:
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
    if not parts["skip_prep"]:
        soundbank.prepare(parts["data_folder"], folder, rate)
    sources = soundbank.load(folder, rate)
    return mixer(
        foregrounds=sources.foregrounds,
        backgrounds=sources.backgrounds,
        rirs=sources.rirs,
        cache=sources.cache,
        seconds=dataset["clip_seconds"],
        sample_rate=rate,
        classes=dataset["classes"],
    )


def main(arguments: list[str]) -> None:
    """Mix, write, draw."""
    parser = argparse.ArgumentParser(
        description="Write soundscapes as dynamic mixing makes them.",
        epilog="Any key of the recipe can be given, too, such as --seed=1 or "
        '--mixing "{rirs: null}".',
        allow_abbrev=False,
    )
    parser.add_argument(
        "hparams", help="a recipe that mixes, such as hparams/augm.yaml"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="the folder to write"
    )
    parser.add_argument("--n_clips", type=int, default=100)
    parser.add_argument(
        "--isolated",
        action="store_true",
        help="write the audio of each sound, too",
    )
    parser.add_argument(
        "--plot",
        type=int,
        nargs="?",
        const=1,
        default=0,
        metavar="N",
        help="draw the first N clips (default of N: 1)",
    )
    options, others = parser.parse_known_args(arguments)
    recipe, parts = load_recipe(options.hparams, others)
    mixer, seed = make_mixer(recipe, parts), parts["seed"]
    write_set(
        mixer,
        options.output,
        options.n_clips,
        seed,
        options.isolated,
        options.plot,
    )
    recipe.save(options.output / "hyperparams.yaml")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        print(f"mix_soundscapes.py: {error}", file=sys.stderr)
        sys.exit(2)
