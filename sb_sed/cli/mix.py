"""The command ``sb-sed mix``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import json
import os
import textwrap
from pathlib import Path
from typing import Any

from sb_sed.cli.arguments import (
    add_command,
    add_jobs,
    add_path,
    add_rate,
    add_seed,
    class_name,
    number,
    whole,
)
from sb_sed.cli.mix_recipe import (
    add_recipe,
    check_recipe,
    load_recipe,
    prepare_sounds,
)
from sb_sed.cli.outputs import check_writable, write_text
from sb_sed.errors import InputError

_EXAMPLES = """\
examples:
  sb-sed mix mixed/ --foregrounds sounds/ --backgrounds rooms/ --plot 3
  sb-sed mix mixed/ --foregrounds sounds/ --backgrounds rooms/ --rirs rirs/ \\
      --clips 2500 --seed 1 --isolated
  sb-sed mix mixed/ --foregrounds sounds/ --backgrounds rooms/ \\
      --rate 32000 --seconds 5 --events 1 3 --cut Dog 0.25 3
  sb-sed mix DESED/dataset/audio/train/synthetic20 --clips 2500 \\
      --foregrounds DESED/synthetic/audio/train/soundbank/foreground \\
      --backgrounds DESED/synthetic/audio/train/soundbank/background/sins
  sb-sed mix mixed/ --recipe hparams/augm.yaml --clips 20 --plot 3
  sb-sed mix mixed/ --recipe hparams/augm.yaml \\
      --set data_folder=/path/to/DESED --set "mixing={rirs: null}"

OUTPUT gets soundscapes/<n>.wav and .jams, soundscapes.tsv (DESED's table),
settings.json (hyperparams.yaml with --recipe, whose sounds are prepared as
train.py does) and, with --plot, figures/<n>.png. Sounds that are mono WAV or
FLAC at the rate are used where they are, all others are converted once, into
OUTPUT/prepared. The JAMS name these files: keep both.

If it was stopped, the same command continues; with more --clips it adds to
what is there. The same seed and sounds give the same soundscapes. Sounds that
cannot be used are listed on the standard error with the reason.
exit status: 0 all soundscapes are there, 2 bad input
"""
_ROLES = ("foregrounds", "backgrounds", "rirs")
# Unless a recipe says otherwise.
_DEFAULTS = {
    "seed": 0,
    "events": (1, 5),
    "levels": (-35.0, 0.0),
    "max_effects": 2,
    "cut": [],
    "seconds": 10.0,
    "rate": 16000,
}


def add_mix(commands) -> None:
    """Add the command that mixes soundscapes from folders of sounds."""
    parser = add_command(
        commands,
        "mix",
        _mix,
        "mix soundscapes with labels from folders of sounds",
        "Mix soundscapes from folders of sounds, as dynamic mixing does in a "
        "training: audio, DESED's table of the audible events, and Scaper's "
        "JAMS.",
        _EXAMPLES,
    )
    add_path(parser, "folder", "OUTPUT", "the folder to write")
    _add_sounds(parser.add_argument_group("what is mixed"))
    _add_draws(parser.add_argument_group("what is drawn"))
    _add_outputs(parser.add_argument_group("what is written"))
    # So that one sees what was given.
    parser.set_defaults(**dict.fromkeys(_DEFAULTS))


def _add_sounds(group) -> None:
    add_path(
        group,
        "--foregrounds",
        "FOLDER",
        "events: a folder of audio for each class, such as sounds/Dog "
        "(Dog_nOn, Dog_nOff: without their start or end), or soundscapes with "
        "their isolated events",
    )
    add_path(
        group,
        "--backgrounds",
        "FOLDER",
        "recordings of places, at any depth; short ones are looped",
    )
    add_path(
        group,
        "--rirs",
        "FOLDER",
        "room impulse responses, at any depth (default: dry events)",
    )
    group.add_argument(
        "--classes",
        type=class_name,
        nargs="+",
        metavar="CLASS",
        help="the classes to take (default: all)",
    )
    add_path(
        group,
        "--prepared",
        "FOLDER",
        "where converted sounds are kept, which several sets can share "
        "(default: OUTPUT/prepared)",
    )
    add_jobs(group)
    add_recipe(group)


def _add_draws(group) -> None:
    add_seed(group)
    group.add_argument(
        "--events",
        type=whole(1, 100),
        nargs=2,
        metavar=("FEWEST", "MOST"),
        help="events of a soundscape (default: 1 5)",
    )
    group.add_argument(
        "--levels",
        type=number(-90, 0),
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="peak of an event, dB of full scale (default: -35 0)",
    )
    group.add_argument(
        "--max-effects",
        type=whole(0, 7),
        metavar="N",
        help="most effects of an event, of seven (default: 2)",
    )
    group.add_argument(
        "--cut",
        type=class_name,
        action="append",
        nargs=3,
        metavar=("CLASS", "SHORTEST", "LONGEST"),
        help="take parts of this length, in seconds, around something loud, "
        "where files of this class hold more than one event; can be given for "
        "several classes (default: a file is an event)",
    )


def _add_outputs(group) -> None:
    group.add_argument(
        "--clips",
        type=whole(1, 10**6),
        default=100,
        metavar="N",
        help="soundscapes (default: 100)",
    )
    group.add_argument(
        "--seconds",
        type=number(1, 3600),
        help="length of a soundscape (default: 10)",
    )
    add_rate(group)
    group.add_argument(
        "--isolated",
        action="store_true",
        help="write the audio of each sound, too; it adds up to the mixture",
    )
    group.add_argument(
        "--plot",
        type=whole(0, 10**6),
        default=0,
        metavar="N",
        help="draw the first N soundscapes (default: none)",
    )


def _mix(arguments: argparse.Namespace) -> None:
    check_recipe(arguments)
    check_writable(folders=[("OUTPUT", arguments.folder)])
    if arguments.recipe:
        recipe, mixer, seed = load_recipe(arguments)
        _write_set(mixer, seed, arguments)
        recipe.save(arguments.folder / "hyperparams.yaml")
        return
    for name, value in _DEFAULTS.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    _check_ranges(arguments)
    _check_folders(arguments)
    _write_set(_make_mixer(arguments), arguments.seed, arguments)
    _write_settings(arguments)


def _write_set(mixer, seed: int, arguments: argparse.Namespace) -> None:
    """Write soundscapes, draw the first of them and print what there is.

    Soundscapes that are there already are kept.
    """
    from sb_sed.mixing.writing import draw_scene, write_soundscapes
    from sb_sed.plots import plot_soundscape

    folder, n_clips = arguments.folder, arguments.clips
    try:
        events = write_soundscapes(
            mixer, folder, n_clips, seed, arguments.isolated
        )
        for index in range(min(arguments.plot, n_clips)):
            scene = draw_scene(mixer, seed, index)
            figure = folder / "figures" / f"{index}.png"
            plot_soundscape(
                scene,
                mixer.render(scene),
                mixer.sample_rate,
                figure,
                classes=list(mixer.by_class),
                title=f"{index}.wav",
            )
            print(figure)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot write the soundscapes ({error.strerror}): free "
            "space or give another folder; what is done is kept."
        ) from error
    print(
        f"{n_clips} soundscapes in {folder / 'soundscapes'}, "
        f"{len(events)} events in {folder / 'soundscapes.tsv'}"
    )


def _check_ranges(arguments: argparse.Namespace) -> None:
    for option in ("events", "levels"):
        low, high = getattr(arguments, option)
        if low > high:
            raise InputError(
                f"--{option} {low:g} {high:g} is no range: give the lower end "
                "first."
            )


def _check_folders(arguments: argparse.Namespace) -> None:
    """Make sure that what is written is not taken for sounds, now or later."""
    written = [arguments.folder / "soundscapes", _prepared(arguments)]
    for role in _ROLES:
        sounds = getattr(arguments, role)
        for folder in written if sounds else ():
            inner, outer = folder.resolve(), sounds.resolve()
            if inner.is_relative_to(outer) or outer.is_relative_to(inner):
                raise InputError(
                    f"--{role} {sounds} and {folder}, where files are written, "
                    "are one inside the other: give another folder to write."
                )


def _prepared(arguments: argparse.Namespace) -> Path:
    """One folder for each rate, as JAMS of another rate may name its files."""
    folder = arguments.prepared or arguments.folder / "prepared"
    return folder / str(arguments.rate)


def _make_mixer(arguments: argparse.Namespace):
    """Prepare the sounds; print what there is of them."""
    from sb_sed.mixing.effects import EffectChain, paper_effects
    from sb_sed.mixing.levels import UniformLevels
    from sb_sed.mixing.mixer import Mixer

    lengths = _lengths(arguments)
    sources = _load_sounds(arguments)
    _check_classes(arguments, sources.foregrounds)
    mixer = Mixer(
        sources.foregrounds,
        sources.backgrounds,
        sources.rirs,
        EffectChain(paper_effects(), arguments.max_effects),
        UniformLevels(*arguments.levels),
        lengths=lengths,
        n_foregrounds=arguments.events,
        seconds=arguments.seconds,
        sample_rate=arguments.rate,
        cache=sources.cache,
        classes=arguments.classes,
    )
    print(_describe(mixer), flush=True)
    return mixer


def _lengths(arguments: argparse.Namespace):
    from sb_sed.mixing.sampling import EventLengths

    seconds = {}
    for label, *limits in arguments.cut:
        try:
            seconds[label] = tuple(map(number(0.01, 3600), limits))
        except argparse.ArgumentTypeError as error:
            raise InputError(f"--cut {label}: {error}.") from None
    return EventLengths(seconds)


def _load_sounds(arguments: argparse.Namespace):
    """Convert the sounds where necessary; list those that cannot be used."""
    from sb_sed.mixing.soundbank import Soundbank

    given = {role: getattr(arguments, role) for role in _ROLES}
    folders: dict[str, Any]
    folders = {role: str(folder) for role, folder in given.items() if folder}
    soundbank = Soundbank(**folders)
    return prepare_sounds(
        soundbank,
        os.curdir,
        _prepared(arguments),
        arguments.rate,
        arguments.jobs,
    )


def _check_classes(arguments: argparse.Namespace, foregrounds) -> None:
    """Make sure that there are sounds of the classes that are named."""
    classes = sorted({source.event_label for source in foregrounds})
    for option, labels in (
        ("--classes", arguments.classes or ()),
        ("--cut", [label for label, *_ in arguments.cut]),
    ):
        for label in labels:
            if label not in classes:
                raise InputError(
                    f"{option} {label}: {arguments.foregrounds} has no usable "
                    f"sounds of it, but of {', '.join(classes)}."
                )


def _describe(mixer) -> str:
    n_events = sum(map(len, mixer.by_class.values()))
    names = textwrap.shorten(", ".join(mixer.by_class), 60, placeholder=" …")
    return (
        f"{n_events} events of {len(mixer.by_class)} classes ({names}), "
        f"backgrounds: {len(mixer.backgrounds)}, "
        f"room impulse responses: {len(mixer.rirs)}"
    )


def _write_settings(arguments: argparse.Namespace) -> None:
    from sb_sed import __version__

    settings = {"sb_sed": __version__} | {
        name: value for name, value in vars(arguments).items() if name != "run"
    }
    text = json.dumps(settings, indent=2, default=str) + "\n"
    write_text(text, arguments.folder / "settings.json")
