"""Exported detectors: folders that need neither the recipe nor the data.

``detector.json`` describes everything in plain values and is what is read by
default; ``hyperparams.yaml`` is the same for SpeechBrain's ``Pretrained``,
and is code. Both go with the weights in ``detector.ckpt`` and a model card.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from dataclasses import replace
from importlib.metadata import distribution, version
from pathlib import Path

import sb_sed
from sb_sed.errors import InputError
from sb_sed.formats.tsv import shortened
from sb_sed.inference.hub import hub_options, is_offline, not_found
from sb_sed.inference.model_card import model_card
from sb_sed.runs.description import WEIGHTS_FILE, Description, checked
from sb_sed.runs.parts import UnknownPart
from sb_sed.runs.run import Run
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import smoother_of

FORMAT, VERSION = "sb_sed detector", 1
JSON_FILE, YAML_FILE = "detector.json", "hyperparams.yaml"
_OWN_LICENCE = "apache-2.0"
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{1,60}")
_LIBRARIES = ("numpy", "soundfile", "soxr", "speechbrain", "torch")


def export_run(
    run_folder: str | Path,
    folder: str | Path,
    smoother: Smoother | None = None,
    licence: str | None = None,
) -> str:
    """Export the student of a run's best checkpoint.

    Arguments
    ---------
    run_folder : str | Path
        The output folder of ``train.py``.
    folder : str | Path
        The folder to make; it appears once it is complete.
    smoother : Smoother, optional
        Instead of the run's, such as one tuned on other data.
    licence : str, optional
        Of the model, for its card: a name of the Hugging Face hub, such as
        ``cc-by-4.0``. It is for whoever trained it to choose.

    Returns
    -------
    str
        Why there is no ``detector.json``; empty if there is one.

    Raises
    ------
    InputError
        If it is not a run, has no checkpoint yet, or the folder exists.
    """
    run, folder = Run.find(run_folder), Path(folder)
    if run is None:
        raise InputError(
            f"{run_folder} is not the folder of a run: give the output folder "
            "of train.py."
        )
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(
            f"{folder} exists: choose another folder or delete it."
        )
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise InputError(
            f"The licence {shortened(licence)} is not a name of the Hugging "
            f"Face hub: give one, such as cc-by-4.0 or {_OWN_LICENCE}."
        )
    constants, about, reason = run.constants, run.about, ""
    own = smoother or run.tuned_smoother()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}.", dir=folder.parent
    ) as temporary:
        made = Path(temporary, folder.name)
        made.mkdir()
        shutil.copyfile(run.weights, made / WEIGHTS_FILE)
        try:
            description = run.describe(own)
            encoder = description.build().encoder
            key = None if encoder is None else encoder.key
            _write_json(replace(description, encoder_key=key), made)
        except UnknownPart as error:
            reason = (
                f"{folder} has no {JSON_FILE}, only {YAML_FILE}, which loads "
                f"only where it is asked for and its classes are installed: "
                f"{error}"
            )
        _write_yaml(run, constants, own, made)
        card = model_card(
            constants,
            about,
            {name: x.results() for name, x in run.test_sets.items()},
            tuned=smoother is not None,
            safe=not reason,
            licence=licence,
        )
        (made / "README.md").write_text(card, "utf-8")
        if licence == _OWN_LICENCE:
            (made / "LICENSE").write_text(_licence(), "utf-8")
        os.replace(made, folder)
    return reason


def _write_json(description: Description, folder: Path) -> None:
    """Write what ``_read_json`` reads."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "classes": description.classes,
        "sample_rate": description.sample_rate,
        "clip_seconds": description.clip_seconds,
        "detector": description.detector,
        "smoother": description.smoother.state(),
        "encoder": description.encoder_key,
        "sha256": checksum(folder / WEIGHTS_FILE),
        "made_with": {
            "sb_sed": sb_sed.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "about": description.about,
    }
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    (folder / JSON_FILE).write_text(text + "\n", "utf-8")


def _write_yaml(
    run: Run, constants: dict, smoother: Smoother | None, folder: Path
) -> None:
    """Write what SpeechBrain's ``Pretrained`` asks for."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.tag import Tag

    if smoother is None:
        node = run.constant("smoother")
    else:
        node = CommentedMap(state=smoother.state(), origin=YAML_FILE)
        node.yaml_set_ctag(
            Tag(suffix="!apply:sb_sed.smoothing.saved.smoother_of")
        )
    detector = {"detector": run.recipe["student"]}
    pretrainer = CommentedMap(loadables=detector)
    pretrainer.yaml_set_ctag(
        Tag(suffix="!new:speechbrain.utils.parameter_transfer.Pretrainer")
    )
    content = constants | {
        "smoother": node,
        "modules": detector,
        "pretrainer": pretrainer,
    }
    with open(folder / YAML_FILE, "w", encoding="utf-8") as file:
        file.write(
            "# For SpeechBrain's Pretrained. This is code: detector.json is "
            "not.\n# yamllint disable\n"
        )
        YAML().dump(content, file)


def _licence() -> str:
    """Return the text of the package's licence."""
    own = Path(sb_sed.__file__).parents[1] / "LICENSE"
    if own.is_file():
        return own.read_text("utf-8")
    installed = distribution("sb_sed")
    texts = map(installed.read_text, ("licenses/LICENSE", "LICENSE"))
    return next(filter(None, texts))


def _read_json(folder: Path) -> Description:
    """Read ``detector.json``; make sure that it is of these weights."""
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
            f"{file} has the version {shortened(content.get('version'))}, this "
            f"sb_sed reads {VERSION}: install the version that exported it."
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
        encoder_key=content.get("encoder"),
    )


def read_detector(folder: str | Path) -> tuple[dict, dict]:
    """Build the detector of an exported folder or a run; execute none of it.

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
        As ``read_description``.
    """
    description = read_description(folder)
    hparams = {
        name: getattr(description, name)
        for name in ("classes", "sample_rate", "clip_seconds", "smoother")
    }
    return {"detector": description.build()}, hparams


def read_description(folder: str | Path) -> Description:
    """Read what an exported folder or a run says of its detector.

    Arguments
    ---------
    folder : str | Path
        As of ``read_detector``.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        If it is neither or damaged.
    UnknownPart
        If it has classes that are not of this package.
    """
    folder = Path(folder)
    if (folder / JSON_FILE).is_file():
        return _read_json(folder)
    if (folder / WEIGHTS_FILE).is_file():
        raise InputError(
            f"{folder} has no {JSON_FILE}, as some of its classes are not of "
            f"sb_sed: if you trust it, ask for {YAML_FILE}, which is code."
        )
    if run := Run.find(folder):
        return run.describe()
    raise InputError(
        f"{folder} is neither an exported detector (it has no {JSON_FILE}) "
        f"nor the folder of a run (with {YAML_FILE}): give one."
    )


def fetched(source: str | Path, **options) -> Path:
    """Return the folder of a source; fetch it from the hub if necessary.

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
    from speechbrain.utils.fetching import fetch

    options = hub_options(source, options)
    try:
        fetch(WEIGHTS_FILE, str(source), **options)
        return fetch(JSON_FILE, str(source), **options).parent
    except (OSError, ValueError) as error:
        reason = "the hub does not answer"
        if not is_offline(options):
            reason = " ".join(str(error).split()[:30])
        raise not_found(source, reason) from error


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): fetch or export the "
            "detector again."
        ) from error
