"""The commands ``sb-sed plot-features`` and ``sb-sed plot-curves``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import re
from pathlib import Path

from sb_sed.errors import InputError

_FEATURES_EXAMPLES = """\
examples:
  sb-sed plot-features clip.wav
  sb-sed plot-features clip.wav --run results/ppcen/2020 --events events.tsv
  sb-sed plot-features audio/*.wav --output figures/

A run's hyperparams.yaml is code, which --run executes in part: give runs that
you trust.
"""
_CURVES_EXAMPLES = """\
examples:
  sb-sed plot-curves results/ppcen/2020
  sb-sed plot-curves results/ppcen/2020 --only pcen --output pcen.pdf
"""
_SYMBOLS = {"alpha": "α", "delta": "δ"}


def add_plot_features(commands) -> None:
    """Adds the command that draws what a front-end makes of recordings.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "plot-features",
        help="draw the features of recordings",
        description="Draw the log-mel of each recording beside the output of "
        "each layer of a front-end.",
        epilog=_FEATURES_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "audio",
        nargs="+",
        type=Path,
        metavar="AUDIO",
        help="recordings of any rate and number of channels",
    )
    front_end = parser.add_mutually_exclusive_group()
    front_end.add_argument(
        "--features",
        default="ppcen",
        metavar="NAME",
        help="a front-end as it is before training (default: ppcen)",
    )
    front_end.add_argument(
        "--run",
        type=Path,
        metavar="RUN_FOLDER",
        dest="run_folder",
        help="the trained front-end: that of the student of the best "
        "checkpoint in this output folder of train.py",
    )
    parser.add_argument(
        "--events",
        type=Path,
        metavar="EVENTS.tsv",
        help="show the events of the recordings (DESED TSV)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE|FOLDER",
        help="the figure (.png, .svg or .pdf), or for several recordings the "
        "folder of the figures (default: NAME_features.png, here)",
    )
    parser.set_defaults(run=_plot_features)


def add_plot_curves(commands) -> None:
    """Adds the command that draws the curves of a training.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "plot-curves",
        help="draw the curves of a training",
        description="Draw what a training logged over its epochs: losses, F1, "
        "rates and the parameters of the front-end.",
        epilog=_CURVES_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run_folder",
        type=Path,
        metavar="RUN_FOLDER",
        help="the output folder of train.py",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PATTERN",
        help="the curves with this in their name; * and ? stand for any text "
        "and any letter (default: all)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the figure: .png, .svg or .pdf (default: RUN_FOLDER/curves.png)",
    )
    parser.set_defaults(run=_plot_curves)


def _plot_features(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from sb_sed.features import get_featurizer
    from sb_sed.formats import stem
    from sb_sed.runs.run import Run

    figures = _figures(arguments.audio, arguments.output)
    events, classes = {}, []
    if arguments.events:
        events, classes = _events(arguments.events, figures)
    if arguments.run_folder:
        featurizer = Run(arguments.run_folder).student().featurizer
    else:
        featurizer = get_featurizer(arguments.features).eval()
    for audio, figure in tqdm(figures.items(), unit="file", disable=None):
        table = events.get(stem(audio.name))
        _draw_features(audio, figure, featurizer, table, classes)
        tqdm.write(f"{figure}")


def _figures(audio: list[Path], output: Path | None) -> dict[Path, Path]:
    """Which figure each recording gets."""
    from sb_sed.formats import stem
    from sb_sed.plots.files import KINDS, figure_kind

    if output and len(audio) == 1 and not output.is_dir():
        figure_kind(output)
        return {audio[0]: output}
    folder = output or Path()
    if folder.suffix.lower().removeprefix(".") in KINDS:
        raise InputError(
            f"{folder} is one figure for {len(audio)} recordings: give a "
            "folder as --output."
        )
    figures = {}
    for path in dict.fromkeys(audio):
        figure = folder / f"{stem(path.name)}_features.png"
        if figure in figures.values():
            raise InputError(
                f"{path} would get the figure {figure}, as another recording "
                "of that name: draw them one by one."
            )
        figures[path] = figure
    return figures


def _events(tsv: Path, recordings) -> tuple[dict, list[str]]:
    """The events of each recording by its stem, and all classes."""
    from sb_sed.formats import read_events, stem

    events = read_events(tsv)
    tables = dict(list(events.groupby(events["filename"].map(stem))))
    for path in recordings:
        if stem(path.name) not in tables:
            raise InputError(
                f"{tsv} does not list {path.name}: give the events of the "
                "recordings that are drawn, or leave out --events."
            )
    return tables, sorted(events["event_label"].dropna().unique())


def _draw_features(audio, figure, featurizer, events, classes) -> None:
    import torch

    from sb_sed.features import AmplitudeToDB
    from sb_sed.plots import plot_features
    from sb_sed.training.logging import monitored

    wav = torch.from_numpy(_read(audio, featurizer.mel.sample_rate))
    with torch.no_grad():
        mel = featurizer.mel(wav[None])
        log_mel = AmplitudeToDB()(mel)[0]
        layers = featurizer.from_mel(mel)[0]
        shown = monitored(featurizer)
    if layers.dim() == 2:  # a front-end without the axis of the channels
        layers = layers[..., None]
    plot_features(
        log_mel.numpy(),
        layers.numpy(),
        featurizer.frame_shift,
        figure,
        centres_hz=_centres_hz(featurizer.mel),
        events=events,
        classes=classes,
        layer_titles=_layer_titles(layers.shape[-1], shown),
        title="   ".join([audio.name, *_shared(shown)]),
    )


def _read(path: Path, sample_rate: int):
    """A recording at the rate of the features, mono."""
    from sb_sed.audio.store import UnusableAudio, read_mono, resample

    try:
        samples, rate = read_mono(path)
    except UnusableAudio as reason:
        raise InputError(
            f"{path} cannot be drawn ({reason}): give another recording."
        ) from reason
    return resample(samples, rate, sample_rate)


def _centres_hz(mel):
    """The bands' centres of gravity [F], where a mel shows its filters."""
    import torch

    if not hasattr(mel, "filters"):
        return None
    filters = mel.filters.double()
    bins = torch.linspace(0, mel.sample_rate / 2, len(filters)).double()
    return (bins @ filters / filters.sum(0)).numpy()


def _layer_titles(n_layers: int, shown: dict[str, float]) -> list[str]:
    """Such as ``layer 1``, under it ``α 0.80, δ 10, r 0.50``."""
    titles = []
    for layer in range(1, 1 + n_layers):
        values = [
            f"{_SYMBOLS.get(match[1], match[1])} {value:.3g}"
            for name, value in shown.items()
            if (match := re.fullmatch(rf".*/(.+)_{layer}", name))
        ]
        lines = [values[i : i + 3] for i in range(0, len(values), 3)]
        head = f"layer {layer}" if n_layers > 1 else "front-end"
        titles.append("\n".join([head, *map(", ".join, lines)]))
    return titles


def _shared(shown: dict[str, float]) -> list[str]:
    """What all layers have in common."""
    return [
        f"{name.partition('/')[2]} {value:.3g}"
        for name, value in shown.items()
        if not re.fullmatch(r".*_\d+", name)
    ]


def _plot_curves(arguments: argparse.Namespace) -> None:
    from sb_sed.plots import plot_curves
    from sb_sed.runs.run import Run

    folder = arguments.run_folder
    figure = arguments.output or folder / "curves.png"
    curves = Run(folder).curves()
    if arguments.only:
        curves = _matching(curves, arguments.only)
    plot_curves(curves, figure, title=str(folder))
    print(figure)


def _matching(curves: dict, patterns: list[str]) -> dict:
    """The curves that at least one pattern fits; each must fit one."""
    from fnmatch import fnmatchcase

    found = {
        pattern: [
            name
            for name in curves
            if fnmatchcase(name.lower(), f"*{pattern.lower()}*")
        ]
        for pattern in patterns
    }
    if nothing := [pattern for pattern, names in found.items() if not names]:
        raise InputError(
            f"--only {nothing[0]} fits no curve: there are {', '.join(curves)}."
        )
    wanted = {name for names in found.values() for name in names}
    return {name: curves[name] for name in curves if name in wanted}
