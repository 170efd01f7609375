"""The output folder of a training: where everything is, and how to read it.

Nothing is written, so that one can look into a training that still goes on.

Authors
 * sb_sed contributors 2026
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from ruamel.yaml import YAML

from sb_sed.errors import UNBUILDABLE, InputError, brief
from sb_sed.models.detector import Detector
from sb_sed.models.weights import load_weights
from sb_sed.runs.description import WEIGHTS_FILE, Description, checked
from sb_sed.runs.parts import UnknownPart, build, describe
from sb_sed.runs.results import Results, TestSet
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import load_smoother
from sb_sed.training.yaml_trees import read_tree

RECIPE = "hyperparams.yaml"
# Where a recipe has what is not at its top.
_SECTIONS = {
    "classes": "dataset",
    "sample_rate": "dataset",
    "clip_seconds": "dataset",
    "smoother": "smoothing",
}


class Run:
    """The output folder of a training; each part is read when asked for.

    ``build``, ``build_smoother`` and ``student`` execute the recipe, which is
    code: use them for runs that you trust. Nothing else does.

    Arguments
    ---------
    folder : str | Path
        The output folder of ``train.py``. Whether it is one is found out
        when the recipe is needed.

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
    >>> Run(folder).build(["net", "shape"])
    {'net': Linear(in_features=3, out_features=4, bias=True), 'shape': [3, 4]}
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def __repr__(self) -> str:
        """The folder."""
        return f"Run({str(self.folder)!r})"

    @classmethod
    def find(cls, path: str | Path) -> "Run | None":
        """Find the run that a folder is or belongs to.

        Arguments
        ---------
        path : str | Path
            The output folder of a training, its ``save``, or the folder of a
            network's results in it.

        Returns
        -------
        Run | None
            None if it is none of them.
        """
        runs, absolute = [cls(path)], Path(path).absolute()
        if absolute.name == "save":
            runs.append(cls(absolute.parent))
        elif Results(absolute).scores.is_dir():
            runs.append(cls(absolute.parent.parent))
        return next((run for run in runs if run.has_recipe), None)

    @property
    def has_recipe(self) -> bool:
        """Whether there is a recipe, and not that of an exported detector."""
        is_exported = (self.folder / WEIGHTS_FILE).is_file()
        return (self.folder / RECIPE).is_file() and not is_exported

    @cached_property
    def recipe(self) -> Mapping:
        """The recipe with all references resolved, as tagged YAML nodes."""
        file = self.folder / RECIPE
        if not file.is_file():
            raise InputError(
                f"{self.folder} is not the folder of a run (it has no "
                f"{RECIPE}): give the output folder of train.py."
            )
        return read_tree(file)

    def build(self, keys: Sequence[str]) -> dict[str, Any]:
        """Build some sections of the recipe, and nothing else.

        No logger, no checkpointer and no seed: PyTorch's random numbers (on
        the CPU) go on as if nothing had been built.

        Arguments
        ---------
        keys : Sequence[str]
            Top-level keys of the recipe.

        Returns
        -------
        dict[str, Any]
            Each key's value; what sections share is one object.

        Raises
        ------
        InputError
            If the file or a key is missing, or the section cannot be built.
        """
        # Whoever only reads a run does not need HyperPyYAML and SpeechBrain.
        from hyperpyyaml import load_hyperpyyaml

        from sb_sed.training.recipe import YAML_ERRORS

        file = self.folder / RECIPE
        if missing := [key for key in keys if key not in self.recipe]:
            raise InputError(
                f"{file} has no key {missing[0]!r}: give the run of a recipe "
                "that names it."
            )
        # Dumping the sections writes out what they share with others.
        text = StringIO()
        YAML().dump({key: self.recipe[key] for key in keys}, text)
        try:
            with torch.random.fork_rng(devices=[]):
                return load_hyperpyyaml(text.getvalue())
        except (*UNBUILDABLE, *YAML_ERRORS) as error:
            raise InputError(
                f"{file} cannot be built ({brief(error)}): install what it "
                "names as it was for the training, or add its folder to "
                "PYTHONPATH."
            ) from error

    def constant(self, name: str) -> Any:
        """Return a tagged node, at the top of the recipe or in its section.

        ``name`` is ``classes``, ``sample_rate``, ``clip_seconds`` or
        ``smoother``.
        """
        node = self._node(name)
        if node is None:
            raise InputError(
                f"{self.folder / RECIPE} names no {name}, neither at the top "
                f"nor in {_SECTIONS[name]}: give the run of a recipe that does."
            )
        return node

    def _node(self, name: str) -> Any:
        for part in (self.recipe, self.recipe.get(_SECTIONS[name])):
            if isinstance(part, Mapping) and name in part:
                return part[name]
        return None

    @property
    def constants(self) -> dict[str, Any]:
        """Classes, sample rate (Hz) and clip length (seconds), checked."""
        names = ("classes", "sample_rate", "clip_seconds")
        try:
            plain = {name: describe(self.constant(name)) for name in names}
        except UnknownPart as error:
            raise InputError(
                f"{self.folder / RECIPE} has no plain values for "
                f"{', '.join(names)}: {error}"
            ) from error
        return checked(plain, self.folder / RECIPE)

    @property
    def about(self) -> dict[str, Any]:
        """Where the student comes from, without paths of this machine."""
        from sb_sed.training.checkpoints import read_meta, selected_by

        meta = read_meta(self.checkpoint) or {}
        figure = selected_by(meta)
        about = {
            "recipe": self.recipe.get("name"),
            "seed": self.recipe.get("seed"),
            "data": Path(str(self.recipe.get("data_folder") or "")).name,
            "network": "student",
            "epoch": meta.get("epoch"),
            f"{figure}_validation": meta.get(figure),
        }
        return {
            key: value if isinstance(value, (int, float)) else str(value)
            for key, value in about.items()
            if value not in (None, "")
        }

    @cached_property
    def checkpoint(self) -> Path:
        """The folder of the best checkpoint, by the Brain's criterion."""
        from sb_sed.training.checkpoints import WholeCheckpoints

        folder = self.folder / "save"
        best = folder.is_dir() and WholeCheckpoints(folder).best()
        if best:
            return best.path
        if any(folder.glob("CKPT+*")):
            raise InputError(
                f"{self.folder} has no checkpoint that is whole: wait until "
                "it is saved, or train again if it is damaged."
            )
        raise InputError(
            f"{self.folder} has no checkpoint yet: wait for the end of its "
            "first epoch."
        )

    @property
    def weights(self) -> Path:
        """The student's weights in the best checkpoint."""
        return self.checkpoint / "student.ckpt"

    def student(self) -> Detector:
        """Build the student with its weights, by executing the recipe.

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
        student = self.build(["student"])["student"]
        load_weights(student, self.weights)
        return student.eval()

    def describe(self, smoother: Smoother | None = None) -> Description:
        """Describe the student; nothing of the recipe is executed.

        Arguments
        ---------
        smoother : Smoother, optional
            Instead of the run's.

        Returns
        -------
        Description

        Raises
        ------
        InputError
            If the folder is not of a run, or has no whole checkpoint yet.
        UnknownPart
            If the recipe has classes that are not of this package.
        """
        if "student" not in self.recipe:
            raise InputError(
                f"{self.folder / RECIPE} has no key 'student': give the run of "
                "a recipe that names its detector so."
            )
        try:
            detector = describe(self.recipe["student"])
        except UnknownPart as error:
            raise self._with_file(error) from error
        smoother = smoother or self.smoother()
        if smoother is None:
            self.constant("smoother")  # raises
        return Description(
            **self.constants,
            detector=detector,
            smoother=smoother,
            weights=self.weights,
            about=self.about,
        )

    def _with_file(self, error: UnknownPart) -> UnknownPart:
        return UnknownPart(f"{self.folder / RECIPE}: {error}")

    def smoother_file(self, network: str = "student") -> Path:
        """Where a network's tuned smoother is, or will be, as JSON."""
        return self.folder / "save" / f"{network}_smoother.json"

    def tuned_smoother(self, network: str = "student") -> Smoother | None:
        """Read the smoother that was tuned for other recordings, if any."""
        file = self.smoother_file(network)
        return load_smoother(file) if file.is_file() else None

    def smoother(self, network: str = "student") -> Smoother | None:
        """Return the tuned smoother or that of the recipe; execute nothing.

        Arguments
        ---------
        network : str
            ``student`` or ``teacher``.

        Returns
        -------
        Smoother | None
            None if there is neither.

        Raises
        ------
        InputError
            If the file is malformed.
        UnknownPart
            If that of the recipe is not of this package.
        """
        if tuned := self.tuned_smoother(network):
            return tuned
        node = self._node("smoother")
        try:
            return None if node is None else build(describe(node))
        except UnknownPart as error:
            raise self._with_file(error) from error

    def build_smoother(self, network: str = "student") -> Smoother:
        """Do as ``smoother``, by executing the recipe: any class will do."""
        if tuned := self.tuned_smoother(network):
            return tuned
        self.constant("smoother")  # raises if there is none
        if "smoother" in self.recipe:
            return self.build(["smoother"])["smoother"]
        section = _SECTIONS["smoother"]
        return self.build([section])[section]["smoother"]

    @property
    def prepared_folder(self) -> Path | None:
        """Of the data that it was trained on, if the recipe names it."""
        named = self.has_recipe and self.recipe.get("prepared_folder")
        return Path(str(named)) if named else None

    def test_set(self, name: str) -> TestSet:
        """Return a test set, whether or not it has been scored."""
        return TestSet(self.folder / name, self.prepared_folder)

    @property
    def test_sets(self) -> dict[str, TestSet]:
        """The test sets that have been scored, by their names."""
        sets = {
            folder.name: self.test_set(folder.name)
            for folder in sorted(self.folder.glob("*"))
            if folder.is_dir()
        }
        return {name: found for name, found in sets.items() if found.networks}

    @property
    def log(self) -> Path:
        """The log of the training, a line an epoch."""
        return self.folder / "train_log.txt"

    @property
    def has_begun(self) -> bool:
        """Whether there is something to resume: an epoch or a checkpoint."""
        return self.log.is_file() or any(self.folder.glob("save/CKPT*"))

    def logged(self, name: str) -> list[float]:
        """Return all values of one statistic in the log, in its order."""
        text = self.log.read_text("utf-8") if self.log.is_file() else ""
        values = re.findall(rf"\b{re.escape(name)}: ([^\s,]+)", text)
        return [float(value) for value in values]

    def curves(self) -> dict[str, pd.Series]:
        """Read the TensorBoard files: see ``sb_sed.runs.curves``."""
        # TensorBoard takes a while to import.
        from sb_sed.runs.curves import read_curves

        return read_curves(self.folder)
