"""The sounds of the soundscapes that are held out for validation.

A soundscape's JAMS names the files of the sound bank that are in it. What a
detector is trained on should not be mixed from the same files: the checkpoint
would be chosen by sounds that the detector has learned.

Authors
 * sb_sed contributors 2026
"""

import json
import logging
from collections.abc import Collection, Iterable
from pathlib import Path

from sb_sed.data.jams import read_sounds
from sb_sed.errors import InputError, brief
from sb_sed.formats import atomic_path

logger = logging.getLogger(__name__)

_FILE = "held_out_sounds.json"


def write_held_out_sounds(
    held_out: Iterable[Path], others: Iterable[Path], prepared_folder: Path
) -> int:
    """List the sounds of held-out soundscapes in a prepared folder.

    Arguments
    ---------
    held_out, others : iterable of Path
        The JAMS files of soundscapes for validation and for training; those
        that do not exist or are not Scaper's are passed over, the latter with
        a warning.
    prepared_folder : Path
        Where to write.

    Returns
    -------
    int
        How many files of the sound bank the held-out soundscapes name.
    """
    sounds, isolated = set(), set()
    for path in held_out:
        for sound, event in _sounds(path):
            sounds.add(sound)
            isolated.add(event)
    if sounds:  # isolated events of others are other copies of these
        for path in others:
            isolated.update(
                event for sound, event in _sounds(path) if sound in sounds
            )
    names = sorted(sounds | isolated - {""})
    with atomic_path(prepared_folder / _FILE) as temporary:
        temporary.write_text(json.dumps(names, indent=0) + "\n", "utf-8")
    return len(sounds)


def read_held_out_sounds(prepared_folder: str | Path) -> Collection[str]:
    """Read the sounds of held-out soundscapes.

    Returns
    -------
    collection of str
        ``<label>/<file>`` of a sound bank, ``<soundscape>_events/<file>`` of
        isolated events; empty if the folder has no such list.

    Raises
    ------
    InputError
        If the list is damaged.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "held_out_sounds.json").write_text('["Cat/1.wav"]')
    >>> read_held_out_sounds(folder)
    {'Cat/1.wav'}
    """
    path = Path(prepared_folder) / _FILE
    try:
        names = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, brief(error)) from error
    if not isinstance(names, list) or not all(
        isinstance(name, str) for name in names
    ):
        raise _damaged(path, "it is no list of names")
    return set(names)


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is damaged ({reason}): prepare the data again.")


def _sounds(path: Path) -> list[tuple[str, str]]:
    if not path.exists():
        return []
    try:
        return read_sounds(path)
    except InputError as error:
        logger.warning("%s Its sounds are not left out of mixing.", error)
        return []
