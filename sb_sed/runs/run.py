"""What a run of ``train.py`` left behind, read again.

Nothing is written to the run's folder, so that one can look into a run that is
still going on.

Authors
 * sb_sed contributors 2026
"""

from io import StringIO
from pathlib import Path

import torch
from hyperpyyaml import load_hyperpyyaml
from ruamel.yaml import YAML

from sb_sed.errors import InputError, brief
from sb_sed.models.detector import Detector
from sb_sed.models.weights import load_weights
from sb_sed.training.checkpoints import AtomicCheckpointer
from sb_sed.training.recipe import UNBUILDABLE
from sb_sed.training.yaml_trees import read_tree


def load_student(run_folder: str | Path) -> Detector:
    """Loads the student of a run's best checkpoint.

    Arguments
    ---------
    run_folder : str | Path
        The output folder of a training. Its ``hyperparams.yaml`` is code:
        load no run that you do not trust.

    Returns
    -------
    Detector
        On the CPU, in evaluation mode.

    Raises
    ------
    InputError
        If the folder is not of a run, has no whole checkpoint yet, or its
        recipe does not fit the installed packages.
    """
    student = load_parts(run_folder, ["student"])["student"]
    load_weights(student, best_checkpoint(Path(run_folder)) / "student.ckpt")
    return student.eval()


def load_parts(run_folder: str | Path, keys: list[str]) -> dict[str, object]:
    """Builds some sections of a run's recipe, and nothing else.

    No logger, no checkpointer and no seed: PyTorch's random numbers (on the
    CPU) go on as if nothing had been built.

    Arguments
    ---------
    run_folder : str | Path
        The output folder of a training.
    keys : list[str]
        Top-level keys of its ``hyperparams.yaml``.

    Returns
    -------
    dict[str, object]
        Each key's value; what sections share is one object.

    Raises
    ------
    InputError
        If the file or a key is missing, or the section cannot be built.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "hyperparams.yaml").write_text(
    ...     "size: &id1 [3, 4]\\n"
    ...     "log: !apply:builtins.open [not_written.txt, w]\\n"
    ...     "net: !new:torch.nn.Linear\\n"
    ...     "  in_features: 3\\n"
    ...     "  out_features: 4\\n"
    ...     "shape: *id1\\n"
    ... )
    >>> load_parts(folder, ["net", "shape"])
    {'net': Linear(in_features=3, out_features=4, bias=True), 'shape': [3, 4]}
    """
    file = Path(run_folder) / "hyperparams.yaml"
    if not file.is_file():
        raise InputError(
            f"{run_folder} is not the folder of a run (it has no "
            "hyperparams.yaml): give the output folder of train.py."
        )
    tree = read_tree(file)
    if missing := [key for key in keys if key not in tree]:
        raise InputError(
            f"{file} has no key {missing[0]!r}: give the run of a recipe that "
            "names it."
        )
    # Dumped apart, the sections bring along what they share with others.
    text = StringIO()
    YAML().dump({key: tree[key] for key in keys}, text)
    try:
        with torch.random.fork_rng(devices=[]):
            return load_hyperpyyaml(text.getvalue())
    except UNBUILDABLE as error:
        raise InputError(
            f"{file} cannot be built ({brief(error)}): install what it "
            "names as it was for the training, or add its folder to PYTHONPATH."
        ) from error


class _Checkpoints(AtomicCheckpointer):
    """Finds whole checkpoints; removes none, as the run may be saving one."""

    def __init__(self, folder: Path):
        super(AtomicCheckpointer, self).__init__(folder)


def best_checkpoint(run_folder: Path) -> Path:
    """Finds a run's best checkpoint, by the criterion of the Brain.

    Arguments
    ---------
    run_folder : Path
        The output folder of a training.

    Returns
    -------
    Path
        The checkpoint's folder.

    Raises
    ------
    InputError
        If there is no whole checkpoint yet.
    """
    folder = run_folder / "save"
    best = folder.is_dir() and _Checkpoints(folder).find_checkpoint(
        max_key="event_f1"
    )
    if not best:
        if any(folder.glob("CKPT+*")):
            raise InputError(
                f"{run_folder} has no checkpoint that is whole: wait until it "
                "is saved, or train again if it is damaged."
            )
        raise InputError(
            f"{run_folder} has no checkpoint yet: wait for the end of its "
            "first epoch."
        )
    return best.path
