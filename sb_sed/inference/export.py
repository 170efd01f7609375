"""Exports the detector of a run into a folder of its own.

See ``exported``, which reads it.

Authors
 * sb_sed contributors 2026
"""

import json
import os
import platform
import shutil
import tempfile
from importlib.metadata import distribution, version
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.tag import Tag

import sb_sed
from sb_sed.errors import InputError
from sb_sed.inference.exported import (
    FORMAT,
    JSON_FILE,
    VERSION,
    YAML_FILE,
    checksum,
)
from sb_sed.inference.model_card import model_card
from sb_sed.runs.description import WEIGHTS_FILE, Description
from sb_sed.runs.parts import UnknownPart
from sb_sed.runs.run import Run
from sb_sed.smoothing.base import Smoother

_LIBRARIES = ("numpy", "soundfile", "soxr", "speechbrain", "torch")


def export_run(
    run_folder: str | Path,
    folder: str | Path,
    smoother: Smoother | None = None,
) -> str:
    """Export the student of a run's best checkpoint.

    Arguments
    ---------
    run_folder : str | Path
        The output folder of ``train.py``.
    folder : str | Path
        The folder to make; it appears once all is in it.
    smoother : Smoother, optional
        Instead of the run's, such as one tuned on other data.

    Returns
    -------
    str
        Why there is no ``detector.json``; empty if there is one.

    Raises
    ------
    InputError
        If it is no run, has no checkpoint yet, or the folder exists.
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
    own, reason = smoother or run.tuned_smoother(), ""
    constants, about = run.constants, run.about
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}.", dir=folder.parent
    ) as temporary:
        made = Path(temporary, folder.name)
        made.mkdir()
        shutil.copyfile(run.weights, made / WEIGHTS_FILE)
        try:
            description = run.describe(own)
            description.build()
            _write_json(description, made)
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
        )
        (made / "README.md").write_text(card, "utf-8")
        (made / "LICENSE").write_text(_licence(), "utf-8")
        os.replace(made, folder)
    return reason


def _write_json(description: Description, folder: Path) -> None:
    content = {
        "format": FORMAT,
        "version": VERSION,
        "classes": description.classes,
        "sample_rate": description.sample_rate,
        "clip_seconds": description.clip_seconds,
        "detector": description.detector,
        "smoother": description.smoother.state(),
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
    node = run.constant("smoother")
    if smoother is not None:
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
    """The text of the package's licence, which is the model's, too."""
    own = Path(sb_sed.__file__).parents[1] / "LICENSE"
    if own.is_file():
        return own.read_text("utf-8")
    installed = distribution("sb_sed")
    texts = map(installed.read_text, ("licenses/LICENSE", "LICENSE"))
    return next(filter(None, texts))
