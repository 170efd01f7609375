"""A set of mixed soundscapes: the files, figures of some, where all of it is.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.mixing.mixer import Mixer
from sb_sed.mixing.writing import draw_scene, write_soundscapes
from sb_sed.plots import plot_soundscape


def write_set(
    mixer: Mixer,
    folder: str | Path,
    n_clips: int,
    seed: int = 0,
    isolated: bool = False,
    n_figures: int = 0,
) -> None:
    """Writes soundscapes, draws the first of them and prints what there is.

    The soundscapes are those of ``write_soundscapes``, the figures
    ``figures/<n>.png``. The same call goes on where it was stopped.

    Arguments
    ---------
    mixer : Mixer
        Draws and mixes.
    folder : str or Path
        Where to write.
    n_clips : int
        Number of soundscapes.
    seed : int
        The same seed gives the same soundscapes.
    isolated : bool
        Whether to write the audio of each sound, too.
    n_figures : int
        How many are drawn, at most all.

    Raises
    ------
    InputError
        If the folder holds other soundscapes, or cannot be written.

    Example
    -------
    >>> import numpy as np, soundfile
    >>> from sb_sed.mixing.soundbank import Foreground
    >>> tmp = getfixture("tmp_path")
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    >>> for name in ("dog.wav", "kitchen.wav"):
    ...     soundfile.write(tmp / name, noise, 16000)
    >>> mixer = Mixer(
    ...     [Foreground(str(tmp / "dog.wav"), "Dog")],
    ...     [str(tmp / "kitchen.wav")],
    ...     n_foregrounds=(1, 1),
    ... )
    >>> write_set(mixer, tmp / "new", 2)
    2 soundscapes in ...new/soundscapes, 2 events in ...new/soundscapes.tsv
    """
    folder = Path(folder)
    try:
        events = write_soundscapes(mixer, folder, n_clips, seed, isolated)
        for index in range(min(n_figures, n_clips)):
            print(_draw(mixer, folder, seed, index))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot write the soundscapes ({error.strerror}): free "
            "space or give another folder; what is done is kept."
        ) from error
    print(
        f"{n_clips} soundscapes in {folder / 'soundscapes'}, "
        f"{len(events)} events in {folder / 'soundscapes.tsv'}"
    )


def _draw(mixer: Mixer, folder: Path, seed: int, index: int) -> Path:
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
    return figure
