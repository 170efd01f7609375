"""The commands that draw: ``plot-features``, ``-curves`` and ``-embeddings``.

Authors
 * sb_sed contributors 2026
"""

import argparse
import os
import re
import sys
from pathlib import Path

from sb_sed.cli.arguments import add_command, add_path, whole
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError, printable

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
_EMBEDDINGS_EXAMPLES = """\
example:
  sb-sed mix domain/ --recipe hparams/dat.yaml --clips 200 --seed 1
  sb-sed plot-embeddings results/augm/2020 results/dat/2020 \\
    --synthetic domain/soundscapes \\
    --recorded DESED/dataset/audio/validation --output domains.png

Synthetic clips that are mixed as those of the training show what is left of the
domains that the training had; others may differ from recordings in more.

A run's hyperparams.yaml is code, which is executed in part: give runs that you
trust.
"""
_SYMBOLS = {"alpha": "α", "delta": "δ"}
_DOMAINS = ("synthetic", "recorded")


def add_plot_features(commands) -> None:
    """Add the command that draws the output of a front-end."""
    parser = add_command(
        commands,
        "plot-features",
        _plot_features,
        "draw the features of recordings",
        "Draw the log-mel of each recording beside the output of each layer "
        "of a front-end.",
        _FEATURES_EXAMPLES,
    )
    add_path(
        parser,
        "audio",
        "AUDIO",
        "recordings of any rate and number of channels",
        nargs="+",
    )
    front_end = parser.add_mutually_exclusive_group()
    front_end.add_argument(
        "--features",
        default="ppcen",
        metavar="NAME",
        help="a front-end as it is before training (default: ppcen)",
    )
    add_path(
        front_end,
        "--run",
        "RUN_FOLDER",
        "the trained front-end: that of the student of the best checkpoint in "
        "this output folder of train.py",
        dest="run_folder",
    )
    add_path(
        parser,
        "--events",
        "EVENTS.tsv",
        "show the events of the recordings (DESED TSV)",
    )
    add_path(
        parser,
        "--output",
        "FILE|FOLDER",
        "the figure (.png, .svg or .pdf), or for several recordings the folder "
        "of the figures (default: NAME_features.png, here)",
    )


def add_plot_curves(commands) -> None:
    """Add the command that draws the curves of a training."""
    parser = add_command(
        commands,
        "plot-curves",
        _plot_curves,
        "draw the curves of a training",
        "Draw what a training logged over its epochs: losses, F1, rates and "
        "the parameters of the front-end.",
        _CURVES_EXAMPLES,
    )
    add_path(
        parser, "run_folder", "RUN_FOLDER", "the output folder of train.py"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PATTERN",
        help="the curves with this in their name; * and ? stand for any text "
        "and any letter (default: all)",
    )
    add_path(
        parser,
        "--output",
        "FILE",
        "the figure: .png, .svg or .pdf (default: RUN_FOLDER/curves.png)",
    )


def add_plot_embeddings(commands) -> None:
    """Add the command that draws the embeddings of two domains."""
    parser = add_command(
        commands,
        "plot-embeddings",
        _plot_embeddings,
        "draw the embeddings of synthetic and recorded clips",
        "Draw the embeddings (means over time) of synthetic and recorded clips "
        "by the students of one or several runs, side by side, and how well a "
        "linear probe, fitted to other clips, separates the domains: accuracy "
        "and AUC with 95 % intervals.",
        _EMBEDDINGS_EXAMPLES,
    )
    add_path(
        parser,
        "run_folders",
        "RUN_FOLDER",
        "output folders of train.py",
        nargs="+",
    )
    for domain in _DOMAINS:
        add_path(
            parser,
            f"--{domain}",
            "FOLDER",
            f"folder that the {domain} clips are in",
            required=True,
        )
    parser.add_argument(
        "--clips",
        type=whole(1, 10**6),
        default=200,
        metavar="N",
        help="clips of each domain, drawn at random (default: 200)",
    )
    add_path(
        parser,
        "--output",
        "FILE",
        "the figure: .png, .svg or .pdf (default: embeddings.png, here)",
        default=Path("embeddings.png"),
    )


def _plot_features(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from sb_sed.features import get_featurizer
    from sb_sed.runs.run import Run

    figures = _figures(arguments.audio, arguments.output)
    check_writable(
        [("--output", figure) for figure in figures.values()],
        inputs=[*figures, arguments.events],
    )
    events, classes = {}, []
    if arguments.events:
        events, classes = _events(arguments.events, figures)
    if arguments.run_folder:
        featurizer = Run(arguments.run_folder).student().featurizer
    else:
        featurizer = get_featurizer(arguments.features).eval()
    for audio, figure in tqdm(figures.items(), unit="file", disable=None):
        _draw_features(audio, figure, featurizer, events.get(audio), classes)
        tqdm.write(f"{figure}")


def _figures(audio: list[Path], output: Path | None) -> dict[Path, Path]:
    """The figure of each recording."""
    from sb_sed.formats import short_names
    from sb_sed.plots.canvas import KINDS, figure_kind

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
    short = short_names(path.name for path in audio)
    for path in dict.fromkeys(audio):
        figure = folder / f"{short[path.name]}_features.png"
        if figure in figures.values():
            raise InputError(
                f"{path} would get the figure {figure}, as another recording "
                "of that name: draw them one by one."
            )
        figures[path] = figure
    return figures


def _events(tsv: Path, recordings) -> tuple[dict, list[str]]:
    """The events of each recording, and all classes."""
    from sb_sed.audio.search import plain_name
    from sb_sed.formats import match_names, read_events, same_name

    events = read_events(tsv)
    files = events["filename"].map(same_name)
    tables = dict(list(events.groupby(files)))
    # Their whole paths, as a table may name any part of them.
    names = {path: plain_name(os.path.abspath(path)) for path in recordings}
    listed = match_names(names.values(), tables, ("recordings", str(tsv)))
    for path, name in names.items():
        if name not in listed:
            raise InputError(
                f"{tsv} does not list {path.name}: give the events of the "
                "recordings that are drawn, or leave out --events."
            )
    found = {path: tables[listed[name]] for path, name in names.items()}
    return found, sorted(events["event_label"].dropna().unique())


def _draw_features(audio, figure, featurizer, events, classes) -> None:
    import torch

    from sb_sed.features import AmplitudeToDB
    from sb_sed.plots import plot_features
    from sb_sed.plots.spectrogram import band_centres
    from sb_sed.training.logging import monitored

    centres = band_centres(featurizer.mel)
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
        centres_hz=centres,
        events=events,
        classes=classes,
        layer_titles=_layer_titles(layers.shape[-1], shown),
        title="   ".join([audio.name, *_shared(shown)]),
    )


def _read(path: Path, sample_rate: int):
    """A recording at this rate, mono; print what its user should know."""
    from sb_sed.audio.reading import UnusableAudio, read_mono

    def _say(note: str) -> None:
        print(f"sb-sed: {printable(str(path))} {note}.", file=sys.stderr)

    try:
        return read_mono(path, sample_rate, _say)[0]
    except UnusableAudio as reason:
        raise InputError(
            f"{path} cannot be used ({reason}): leave it out."
        ) from reason


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
    from sb_sed.plots import plot_training
    from sb_sed.plots.canvas import figure_kind
    from sb_sed.runs.run import Run

    folder = arguments.run_folder
    figure = arguments.output or folder / "curves.png"
    figure_kind(figure)
    curves = Run(folder).curves()
    check_writable([("--output", figure)])
    if arguments.only:
        curves = _matching(curves, arguments.only)
    plot_training(curves, figure, title=str(folder))
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


def _plot_embeddings(arguments: argparse.Namespace) -> None:
    from sb_sed.plots.canvas import figure_kind
    from sb_sed.plots.embeddings import plot_embeddings, probe
    from sb_sed.runs.run import Run

    figure_kind(arguments.output)
    check_writable([("--output", arguments.output)])
    clips = {
        domain: _clips(getattr(arguments, domain), arguments.clips)
        for domain in _DOMAINS
    }
    panels = {}
    for folder in dict.fromkeys(arguments.run_folders):
        student = Run(folder).student()
        panels[str(folder)] = {
            domain: _embeddings(student, paths, f"{folder} {domain}")
            for domain, paths in clips.items()
        }
    plot_embeddings(panels, arguments.output)
    for name, groups in panels.items():
        print(f"{printable(name)}: linear probe: {probe(groups)}")
    print(arguments.output)


def _clips(folder: Path, most: int) -> list[Path]:
    """Clips of a folder, at random but always the same."""
    import random

    from sb_sed.audio.search import list_names

    clips = [folder / name for name in list_names(folder)]
    clips = random.Random(0).sample(clips, max(0, min(most, len(clips))))
    if len(clips) < 2:
        raise InputError(
            f"{folder} gives {len(clips)} clip(s) where two are "
            "needed at least: give the folder that the clips are in."
        )
    return clips


def _embeddings(student, clips: list[Path], name: str):
    """The mean over time of each clip's embedding, [n, D]."""
    import numpy as np
    import torch
    from tqdm import tqdm

    rate = student.featurizer.mel.sample_rate
    means = []
    for path in tqdm(clips, desc=name, unit="clip", disable=None):
        samples = _read(path, rate)
        with torch.no_grad():
            predictions = student.from_waveforms(
                torch.from_numpy(samples[None])
            )
        means.append(predictions.embedding[0].mean(0).numpy())
    return np.stack(means)
