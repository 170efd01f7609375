"""The command ``sb-sed plot-embeddings``.

Authors
 * sb_sed contributors 2026
"""

import argparse
from pathlib import Path

from sb_sed.cli.arguments import whole
from sb_sed.errors import InputError

_EXAMPLES = """\
example:
  sb-sed plot-embeddings results/augm/2020 results/dat/2020 \\
    --synthetic DESED/dataset/audio/train/synthetic20/soundscapes \\
    --recorded DESED/dataset/audio/validation --output domains.png

A run's hyperparams.yaml is code, which is executed in part: give runs that you
trust.
"""


def add_plot_embeddings(commands) -> None:
    """Adds the command that draws how detectors see two domains.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        The commands of the parser.
    """
    parser = commands.add_parser(
        "plot-embeddings",
        help="draw synthetic and recorded clips as detectors see them",
        description="Draw the embeddings (means over time) of synthetic and "
        "recorded clips by the students of one or several runs, side by side, "
        "and how well a linear probe tells the domains apart.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run_folders",
        nargs="+",
        type=Path,
        metavar="RUN_FOLDER",
        help="output folders of train.py",
    )
    for domain in ("synthetic", "recorded"):
        parser.add_argument(
            f"--{domain}",
            required=True,
            type=Path,
            metavar="FOLDER",
            help=f"folder of the {domain} clips (.wav, .flac)",
        )
    parser.add_argument(
        "--clips",
        type=whole(1, 10**6),
        default=200,
        metavar="N",
        help="clips of each domain, drawn at random (default: 200)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("embeddings.png"),
        metavar="FILE",
        help="the figure: .png, .svg or .pdf (default: embeddings.png, here)",
    )
    parser.set_defaults(run=_plot_embeddings)


def _plot_embeddings(arguments: argparse.Namespace) -> None:
    from sb_sed.plots.embeddings import plot_embeddings
    from sb_sed.plots.files import figure_kind
    from sb_sed.runs.run import Run

    figure_kind(arguments.output)
    clips = {
        domain: _clips(getattr(arguments, domain), arguments.clips)
        for domain in ("synthetic", "recorded")
    }
    panels = {}
    for folder in dict.fromkeys(arguments.run_folders):
        student = Run(folder).student()
        panels[str(folder)] = {
            domain: _embeddings(student, paths, f"{folder} {domain}")
            for domain, paths in clips.items()
        }
    plot_embeddings(panels, arguments.output)
    print(arguments.output)


def _clips(folder: Path, most: int) -> list[Path]:
    """Clips of a folder, at random but always the same."""
    import random

    clips = sorted(
        path
        for path in folder.glob("*")
        if path.suffix.lower() in (".wav", ".flac")
    )
    clips = random.Random(0).sample(clips, max(0, min(most, len(clips))))
    if len(clips) < 2:
        raise InputError(
            f"{folder} gives {len(clips)} clip(s) (.wav, .flac) where two are "
            "needed at least: give the folder that the clips are in."
        )
    return clips


def _embeddings(student, clips: list[Path], name: str):
    """The mean over time of each clip's embedding, [n, D]."""
    import numpy as np
    import torch
    from tqdm import tqdm

    from sb_sed.audio.store import UnusableAudio, read_mono, resample

    rate = student.featurizer.mel.sample_rate
    means = []
    for path in tqdm(clips, desc=name, unit="clip", disable=None):
        try:
            samples = resample(*read_mono(path), rate)
        except UnusableAudio as reason:
            raise InputError(
                f"{path} cannot be read ({reason}): take it out of its folder."
            ) from reason
        with torch.no_grad():
            predictions = student.from_waveforms(
                torch.from_numpy(samples[None])
            )
        means.append(predictions.embedding[0].mean(0).numpy())
    return np.stack(means)
