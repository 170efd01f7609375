"""Which of a command's arguments is the detector, and which are recordings.

Authors
 * sb_sed contributors 2026
"""

import os
from collections.abc import Sequence

from sb_sed.errors import InputError

_PARTS = ("detector.json", "detector.ckpt", "hyperparams.yaml")


def split_model(inputs: Sequence[str]) -> tuple[str | None, list[str]]:
    """Divide ``[MODEL] AUDIO...`` into the model, if named, and the rest.

    The first one is the model if it is ``yamnet``, the folder of a detector or
    a run, a file in ONNX, or, where others follow, no audio file by its name
    and not there (a name on the hub). Whatever else exists is a recording or a
    folder of them.

    Arguments
    ---------
    inputs : Sequence[str]
        At least one.

    Returns
    -------
    model : str | None
        None if all are recordings.
    audio : list[str]

    Raises
    ------
    InputError
        If that cannot be decided, or the recordings are missing.

    Example
    -------
    >>> split_model(["yamnet", "a.wav"]), split_model(["a.wav", "b.wav"])
    (('yamnet', ['a.wav']), (None, ['a.wav', 'b.wav']))
    >>> split_model(["owner/name", "a.wav"])
    ('owner/name', ['a.wav'])
    """
    from sb_sed.audio.search import AUDIO_SUFFIXES, find_audio
    from sb_sed.inference.names import ONNX_SUFFIX, YAMNET

    first, *rest = inputs
    if first == YAMNET:
        if os.path.lexists(first):
            raise InputError(
                f"{first} is the detector that ships with sb_sed, and a file or "
                f"folder here: write ./{first} for the latter."
            )
        return first, _recordings(first, rest)
    if first == "-" or not (rest or os.path.isdir(first)):
        return None, [*inputs]
    if os.path.isdir(first):
        if _is_model(first):
            return first, _recordings(first, rest)
        if rest and not find_audio(first):
            raise InputError(
                f"{first} is neither a detector (an exported one, or the output "
                "folder of train.py) nor a folder of recordings: give one."
            )
        return None, [*inputs]
    if os.path.basename(first) in _PARTS and os.path.isfile(first):
        raise InputError(
            f"{first} is a part of a detector: give the folder that it is in."
        )
    if first.lower().endswith(ONNX_SUFFIX) and os.path.isfile(first):
        return first, _recordings(first, rest)
    is_audio = first.lower().endswith(AUDIO_SUFFIXES)
    if os.path.lexists(first) or is_audio:
        return None, [*inputs]
    return first, rest


def _recordings(model: str, rest: list[str]) -> list[str]:
    if not rest:
        raise InputError(
            f"{model} is a detector, and no recording is named: write "
            f"sb-sed detect {model} clip.wav."
        )
    return rest


def _is_model(folder: str) -> bool:
    """Whether a folder is that of a detector or of a run."""
    from sb_sed.runs.run import Run

    named = any(os.path.isfile(os.path.join(folder, part)) for part in _PARTS)
    return named or Run.find(folder) is not None
