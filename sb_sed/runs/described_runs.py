"""Runs of ``train.py`` described without running their recipe.

The recipe is read by its YAML tags and the weights are loaded as tensors only.
So a run can be of a stranger, as long as its classes are of this package.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.runs.description import Description, checked
from sb_sed.runs.parts import UnknownPart, build, describe
from sb_sed.runs.run import best_checkpoint, load_parts, load_student
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import load_smoother
from sb_sed.training.checkpoints import read_meta
from sb_sed.training.yaml_trees import read_tree

RECIPE = "hyperparams.yaml"
# Where a recipe has each constant: at the top, or in one of its sections.
_SECTIONS = {
    "classes": "dataset",
    "sample_rate": "dataset",
    "clip_seconds": "dataset",
    "smoother": "smoothing",
}


def run_of(folder: str | Path) -> Path | None:
    """The folder of a run, given itself or its ``save``.

    Arguments
    ---------
    folder : str | Path
        Any folder.

    Returns
    -------
    Path | None
        None if it is neither.
    """
    for run in (Path(folder), Path(folder).absolute().parent):
        if (run / RECIPE).is_file() and (run / "save").is_dir():
            return run
    return None


def read_recipe(folder: str | Path) -> Mapping:
    """Reads the YAML of a run as a tree of tagged nodes.

    Arguments
    ---------
    folder : str | Path
        The folder of the run.

    Returns
    -------
    Mapping
        Has ``student``, and each constant either at the top or in its section.

    Raises
    ------
    InputError
        If it is no YAML or lacks one of them.
    """
    file = Path(folder) / RECIPE
    tree = read_tree(file)
    if "student" not in tree:
        raise InputError(
            f"{file} has no key 'student': give the run of a recipe that "
            "names its detector so."
        )
    for name, section in _SECTIONS.items():
        inner = tree.get(section)
        inner = inner if isinstance(inner, Mapping) else {}
        if name not in tree and name not in inner:
            raise InputError(
                f"{file} names no {name}, neither at the top nor in "
                f"{section}: give the run of a recipe that does."
            )
    return tree


def constant(tree: Mapping, name: str) -> object:
    """The node of one of a recipe's constants.

    Arguments
    ---------
    tree : Mapping
        Of ``read_recipe``.
    name : str
        ``classes``, ``sample_rate``, ``clip_seconds`` or ``smoother``.

    Returns
    -------
    object
        The tagged node.
    """
    return tree[name] if name in tree else tree[_SECTIONS[name]][name]


def describe_run(folder: Path, smoother: Smoother | None = None) -> Description:
    """Describes the student of a run's best checkpoint.

    Arguments
    ---------
    folder : Path
        The output folder of ``train.py``.
    smoother : Smoother, optional
        In the place of the run's.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        If it is not of a run, or has no checkpoint yet.
    UnknownPart
        If its recipe has classes that are not of this package.
    """
    tree = read_recipe(folder)
    try:
        detector = describe(tree["student"])
        smoother = smoother or tuned_smoother(folder)
        if smoother is None:
            smoother = build(describe(constant(tree, "smoother")))
    except UnknownPart as error:
        raise UnknownPart(f"{folder / RECIPE}: {error}") from error
    checkpoint = best_checkpoint(folder)
    return Description(
        **constants(tree, folder),
        detector=detector,
        smoother=smoother,
        weights=checkpoint / "student.ckpt",
        about=about_run(tree, checkpoint),
    )


def run_parts(folder: Path) -> tuple[dict, dict]:
    """Builds a run's detector by running its recipe, which is code.

    Arguments
    ---------
    folder : Path
        The output folder of ``train.py``.

    Returns
    -------
    modules, hparams : dict
        For ``SoundEventDetector``.

    Raises
    ------
    InputError
        If it is not of a run, has no checkpoint yet or cannot be built.
    """
    tree, smoother = read_recipe(folder), tuned_smoother(folder)
    if smoother is None:
        key = "smoother" if "smoother" in tree else _SECTIONS["smoother"]
        smoother = load_parts(folder, [key])[key]
        smoother = smoother if key == "smoother" else smoother["smoother"]
    hparams = constants(tree, folder) | {"smoother": smoother}
    return {"detector": load_student(folder)}, hparams


def tuned_smoother(folder: Path) -> Smoother | None:
    """The student's smoother that the run has written for other recordings.

    Arguments
    ---------
    folder : Path
        The output folder of ``train.py``.

    Returns
    -------
    Smoother | None
        None if there is none yet.

    Raises
    ------
    InputError
        If the file is malformed.
    """
    file = folder / "save" / "student_smoother.json"
    return load_smoother(file) if file.is_file() else None


def constants(tree: Mapping, folder: Path) -> dict:
    """Classes, sample rate and clip length of a recipe.

    Arguments
    ---------
    tree : Mapping
        Of ``read_recipe``.
    folder : Path
        The folder of the run.

    Returns
    -------
    dict
        Plain values.
    """
    names = [name for name in _SECTIONS if name != "smoother"]
    try:
        plain = {name: describe(constant(tree, name)) for name in names}
    except UnknownPart as error:
        raise InputError(
            f"{folder / RECIPE} has no plain values for {', '.join(names)}: "
            f"{error}"
        ) from error
    return checked(plain, folder / RECIPE)


def about_run(tree: Mapping, checkpoint: Path) -> dict:
    """Where a run's detector comes from, without paths of this machine.

    Arguments
    ---------
    tree : Mapping
        Of ``read_recipe``.
    checkpoint : Path
        The folder of the checkpoint.

    Returns
    -------
    dict
        Plain values.
    """
    meta = read_meta(checkpoint) or {}
    data = str(tree.get("data_folder") or "")
    about = {
        "recipe": tree.get("name"),
        "seed": tree.get("seed"),
        "data": Path(data).name or None,
        "network": "student",
        "epoch": meta.get("epoch"),
        "event_f1_validation": meta.get("event_f1"),
    }
    return {
        key: value if isinstance(value, (int, float)) else str(value)
        for key, value in about.items()
        if value is not None
    }
