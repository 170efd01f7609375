"""The clips of a report as figures, one file each.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

from tqdm import tqdm

from sb_sed.plots.detection import plot_detection
from sb_sed.plots.recording import log_mel
from sb_sed.report.choice import choose_clips
from sb_sed.report.contents import Contents
from sb_sed.report.inputs import Inputs
from sb_sed.report.media import read_clip


def write_figures(
    contents: Contents, inputs: Inputs, n_clips: int, folder: str | Path
) -> list[Path]:
    """Draws the clips that a page holds with their sound.

    Arguments
    ---------
    contents : Contents
        Of :func:`sb_sed.report.page.write_page`.
    inputs : Inputs
        What it was made of.
    n_clips : int
        At most this many; clips without readable audio are left out.
    folder : str or Path
        Where ``<stem>.png`` is written for each.

    Returns
    -------
    figures : list of Path
    """
    figures = []
    chosen = choose_clips(contents.files, n_clips)
    for name in tqdm(
        chosen, "figures", unit="file", delay=1, leave=False, disable=None
    ):
        path = inputs.audio.get(name)
        clip = path and read_clip(path)
        if clip is None:
            continue
        samples, rate = clip
        decibels, centres = log_mel(samples, rate)
        file = contents.files[name]
        sides = (
            [(event.onset, event.offset, event.label) for event in side]
            for side in (file.reference, file.detected)
        )
        figures.append(Path(folder) / f"{name}.png")
        plot_detection(
            decibels,
            len(samples) / rate,
            inputs.scores[name],
            *sides,
            figures[-1],
            centres_hz=centres,
            classes=contents.labels,
            thresholds=contents.thresholds,
            title=file.name,
        )
    return figures
