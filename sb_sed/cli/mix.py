"""The command ``sb-sed mix``.

Authors
 * sb_sed contributors 2026
"""

import argparse
from pathlib import Path

from sb_sed.cli.arguments import number, whole
from sb_sed.cli.sounds import add_sounds, check_folders, load_sounds
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

OUTPUT gets soundscapes/<n>.wav and .jams, soundscapes.tsv (DESED's table),
settings.json and, with --plot, figures/<n>.png. Sounds that are mono WAV or
FLAC at the rate are used where they are, all others are converted once, into
OUTPUT/prepared. The JAMS name these files: keep both.

The same command goes on where it was stopped, and with more --clips adds to
what is there. The same seed and sounds give the same soundscapes. Sounds that
cannot be used are listed on the standard error with the reason.
exit status: 0 all soundscapes are there, 2 bad input
"""


def add_mix(commands) -> None:
    """Adds the command that mixes soundscapes from folders of sounds.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "mix",
        help="mix soundscapes with labels from folders of sounds",
        description="Mix soundscapes from folders of sounds, as dynamic mixing "
        "does in a training: audio, DESED's table of the events that can be "
        "heard, and Scaper's JAMS.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", type=Path, metavar="OUTPUT", help="the folder to write"
    )
    add_sounds(parser)
    _add_draws(parser.add_argument_group("what is drawn"))
    _add_outputs(parser.add_argument_group("what is written"))
    parser.set_defaults(run=_mix)


def _add_draws(group) -> None:
    group.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        default=0,
        help="of all that is random (default: 0)",
    )
    group.add_argument(
        "--events",
        type=whole(1, 100),
        nargs=2,
        default=(1, 5),
        metavar=("FEWEST", "MOST"),
        help="events of a soundscape (default: 1 5)",
    )
    group.add_argument(
        "--levels",
        type=number(-90, 0),
        nargs=2,
        default=(-35.0, 0.0),
        metavar=("LOW", "HIGH"),
        help="peak of an event, dB of full scale (default: -35 0)",
    )
    group.add_argument(
        "--max-effects",
        type=whole(0, 7),
        default=2,
        metavar="N",
        help="most effects of an event, of seven (default: 2)",
    )
    group.add_argument(
        "--cut",
        action="append",
        nargs=3,
        default=[],
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
        default=10.0,
        help="length of a soundscape (default: 10)",
    )
    group.add_argument(
        "--rate",
        type=whole(1000, 96000),
        default=16000,
        metavar="HZ",
        help="samples per second (default: 16000)",
    )
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
    from sb_sed.cli.soundscape_sets import write_set

    _check_ranges(arguments)
    check_folders(arguments)
    mixer = _make_mixer(arguments)
    write_set(
        mixer,
        arguments.folder,
        arguments.clips,
        arguments.seed,
        arguments.isolated,
        arguments.plot,
    )
    _write_settings(arguments)


def _check_ranges(arguments: argparse.Namespace) -> None:
    for option in ("events", "levels"):
        low, high = getattr(arguments, option)
        if low > high:
            raise InputError(
                f"--{option} {low:g} {high:g} is no range: give the lower end "
                "first."
            )


def _make_mixer(arguments: argparse.Namespace):
    """Make the sounds ready, say what there is."""
    from sb_sed.mixing.effects import EffectChain, usual_effects
    from sb_sed.mixing.levels import UniformLevels
    from sb_sed.mixing.mixer import Mixer

    lengths = _lengths(arguments)
    sources = load_sounds(arguments)
    _check_classes(arguments, sources.foregrounds)
    mixer = Mixer(
        sources.foregrounds,
        sources.backgrounds,
        sources.rirs,
        EffectChain(usual_effects(), arguments.max_effects),
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
    from sb_sed.mixing.lengths import EventLengths

    seconds = {}
    for label, *limits in arguments.cut:
        try:
            seconds[label] = tuple(map(number(0.01, 3600), limits))
        except argparse.ArgumentTypeError as error:
            raise InputError(f"--cut {label}: {error}.") from None
    return EventLengths(seconds)


def _check_classes(arguments: argparse.Namespace, foregrounds) -> None:
    """Those that are named must be there."""
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
    import textwrap

    n_events = sum(map(len, mixer.by_class.values()))
    names = textwrap.shorten(", ".join(mixer.by_class), 60, placeholder=" …")
    return (
        f"{n_events} events of {len(mixer.by_class)} classes ({names}), "
        f"backgrounds: {len(mixer.backgrounds)}, "
        f"room impulse responses: {len(mixer.rirs)}"
    )


def _write_settings(arguments: argparse.Namespace) -> None:
    import json

    from sb_sed import __version__
    from sb_sed.formats import atomic_path

    settings = {"sb_sed": __version__} | {
        name: value for name, value in vars(arguments).items() if name != "run"
    }
    text = json.dumps(settings, indent=2, default=str) + "\n"
    with atomic_path(arguments.folder / "settings.json") as temporary:
        temporary.write_text(text, "utf-8")
