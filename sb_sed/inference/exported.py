"""Folders that hold a trained detector, and need neither recipe nor data.

``detector.json`` describes everything in plain values and is what is read by
default; ``hyperparams.yaml`` says the same for SpeechBrain's ``Pretrained``,
and is code. Both go with the weights in ``detector.ckpt``, beside a licence
and a model card.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import json
import logging
import re
from pathlib import Path

from speechbrain.utils.fetching import fetch
from speechbrain.utils.logger import get_logger

from sb_sed.errors import InputError
from sb_sed.formats.tsv import shortened
from sb_sed.runs.description import WEIGHTS_FILE, Description, checked
from sb_sed.runs.run import Run
from sb_sed.smoothing.saved import smoother_of

FORMAT, VERSION = "sb_sed detector", 1
JSON_FILE, YAML_FILE = "detector.json", "hyperparams.yaml"
_ON_HUB = re.compile(r"[\w.-]+/[\w.-]+")
# It warns of each of its attempts.
logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
logger = get_logger(__name__)


def read_export(folder: Path) -> Description:
    """Reads ``detector.json``.

    Arguments
    ---------
    folder : Path
        Of ``export_run``.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        If it is malformed, of another version, or not of these weights.
    """
    file = folder / JSON_FILE
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{file} is not JSON ({error}): fetch or export it again."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(
            f"{file} is not the description of a detector: give a folder that "
            "sb-sed export wrote."
        )
    if content.get("version") != VERSION:
        raise InputError(
            f"{file} has the version {shortened(content.get('version'))}, this sb_sed "
            f"reads {VERSION}: install the version that exported it."
        )
    weights = folder / WEIGHTS_FILE
    if checksum(weights) != content.get("sha256"):
        raise InputError(
            f"{weights} is not the file that was exported with {JSON_FILE}: "
            "fetch or export both again."
        )
    return Description(
        **checked(content, file),
        detector=content.get("detector"),
        smoother=smoother_of(content.get("smoother"), file),
        weights=weights,
        about=content.get("about"),
    )


def read_detector(folder: str | Path) -> tuple[dict, dict]:
    """Builds the detector of an exported folder or a run; runs none of it.

    Arguments
    ---------
    folder : str | Path
        Either, or the ``save`` of a run.

    Returns
    -------
    modules, hparams : dict
        For ``SoundEventDetector``.

    Raises
    ------
    InputError
        If it is neither or damaged.
    UnknownPart
        If it has classes that are not of this package.
    """
    folder = Path(folder)
    if (folder / JSON_FILE).is_file():
        description = read_export(folder)
    elif (folder / WEIGHTS_FILE).is_file():
        raise InputError(
            f"{folder} has no {JSON_FILE}, as some of its classes are not of "
            f"sb_sed: if you trust it, ask for {YAML_FILE}, which is code."
        )
    elif run := Run.find(folder):
        description = run.describe()
    else:
        raise InputError(
            f"{folder} is neither an exported detector (it has no {JSON_FILE}) "
            f"nor the folder of a run (with {YAML_FILE} and save): give one."
        )
    hparams = {
        name: getattr(description, name)
        for name in ("classes", "sample_rate", "clip_seconds", "smoother")
    }
    return {"detector": description.build()}, hparams


def fetched(source: str | Path, **options) -> Path:
    """The folder of a source, fetched from the hub if it is none already.

    Arguments
    ---------
    source : str | Path
        A folder, or ``owner/name`` on the Hugging Face hub.
    **options
        Of ``speechbrain.utils.fetching.fetch``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is neither.
    """
    if Path(source).is_dir():
        return Path(source)
    if Path(source).exists():
        raise InputError(
            f"{source} is a file: give the folder of a detector or of a run."
        )
    reason = "no such folder"
    # A name in a folder that is here is no name on the hub.
    if _ON_HUB.fullmatch(str(source)) and not Path(source).parent.is_dir():
        logger.warning(f"{source} is no folder: asking the Hugging Face hub.")
        try:
            fetch(WEIGHTS_FILE, str(source), **options)
            return fetch(JSON_FILE, str(source), **options).parent
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split()[:30])
    raise InputError(
        f"{source} is neither a folder nor a detector on the hub ({reason}): "
        "check the name and the connection."
    )


def checksum(path: Path) -> str:
    """The SHA-256 of a file.

    Arguments
    ---------
    path : Path
        The file.

    Returns
    -------
    str
        Hexadecimal.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): fetch or export the "
            "detector again."
        ) from error
