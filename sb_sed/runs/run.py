"""The folder of a training: where everything in it is, and how it is read.

Nothing is written, so that one can look into a training that still goes on.
What is asked of a ``Run`` is read then, and only then.

Authors
 * sb_sed contributors 2026
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

import pandas as pd
import torch
from hyperpyyaml import load_hyperpyyaml
from ruamel.yaml import YAML

from sb_sed.errors import InputError, brief
from sb_sed.models.detector import Detector
from sb_sed.models.weights import load_weights
from sb_sed.runs.description import WEIGHTS_FILE, Description, checked
from sb_sed.runs.parts import UnknownPart, build, describe
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import load_smoother
from sb_sed.training.checkpoints import AtomicCheckpointer, read_meta
from sb_sed.training.recipe import UNBUILDABLE
from sb_sed.training.yaml_trees import read_tree

RECIPE = "hyperparams.yaml"
# Where a recipe has what is not at its top.
_SECTIONS = {
    "classes": "dataset",
    "sample_rate": "dataset",
    "clip_seconds": "dataset",
    "smoother": "smoothing",
}


@dataclass(frozen=True)
class Results:
    """What a network made of a test set, as files that need not exist.

    Arguments
    ---------
    folder : Path
        ``<run>/<test set>/<network>``.
    """

    folder: Path

    @property
    def scores(self) -> Path:
        """The folder of the scores, not smoothed: a TSV a clip."""
        return self.folder / "scores"

    @property
    def events(self) -> Path:
        """The events as a DESED TSV."""
        return self.folder / "events.tsv"

    @property
    def report(self) -> Path:
        """The report as JSON; ``.md`` and ``.png`` of it lie beside it."""
        return self.folder / "report.json"

    @property
    def tuning(self) -> Path:
        """How the smoother was tuned, as JSON."""
        return self.folder / "tuning.json"

    def read_report(self) -> dict | None:
        """Read the report.

        Returns
        -------
        dict | None
            As of ``sb_sed.scoring.report.make_report``; None if there is none.

        Raises
        ------
        InputError
            If the file is not a report: the numbers of files, the macro means
            with their intervals, PSDS and notes have been checked.
        """
        if not self.report.is_file():
            return None
        try:
            report = json.loads(self.report.read_text("utf-8"))
            _check_report(report)
        except (
            AttributeError,
            LookupError,
            OSError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise InputError(
                f"{self.report} is not a report ({brief(error)}): delete it, "
                "or let train.py score the run again."
            ) from error
        return report


@dataclass(frozen=True)
class TestSet:
    """A test set of a run: the reference, and what each network made of it.

    Arguments
    ---------
    folder : Path
        ``<run>/<test set>``.
    prepared_folder : Path | None
        The prepared data, as far as known.
    """

    __test__ = False  # not a test of pytest's
    folder: Path
    prepared_folder: Path | None = None

    @property
    def name(self) -> str:
        """Such as ``validation``."""
        return self.folder.name

    @property
    def reference(self) -> Path | None:
        """TSV of the true events, if it is there."""
        return self._prepared(f"references/{self.name}.tsv")

    @property
    def durations(self) -> Path | None:
        """TSV of the files' durations in seconds, if it is there."""
        return self._prepared(f"references/{self.name}_durations.tsv")

    @property
    def manifest(self) -> Path | None:
        """JSON with the audio file of each clip, if it is there."""
        return self._prepared(f"{self.name}.json")

    def results(self, network: str = "student") -> Results:
        """Where the results of a network are, or will be."""
        return Results(self.folder / network)

    @property
    def networks(self) -> list[str]:
        """The networks that have scored this set."""
        return [
            folder.name
            for folder in sorted(self.folder.glob("*"))
            if (results := self.results(folder.name)).scores.is_dir()
            or results.report.is_file()
        ]

    def _prepared(self, name: str) -> Path | None:
        file = self.prepared_folder and self.prepared_folder / name
        return file if file and file.is_file() else None


class Run:
    """The output folder of a training, read when it is asked for.

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
        run = cls(path)
        if not run._is_one():
            absolute = run.folder.absolute()
            if run.folder.name == "save":
                run = cls(absolute.parent)
            elif Results(run.folder).scores.is_dir():
                run = cls(absolute.parent.parent)
        return run if run._is_one() else None

    def _is_one(self) -> bool:
        """Whether it has a recipe and is not an exported detector."""
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

    def build(self, keys: Sequence[str]) -> dict[str, object]:
        """Build some sections of the recipe, and nothing else.

        No logger, no checkpointer and no seed: PyTorch's random numbers (on
        the CPU) go on as if nothing had been built.

        Arguments
        ---------
        keys : Sequence[str]
            Top-level keys of the recipe.

        Returns
        -------
        dict[str, object]
            Each key's value; what sections share is one object.

        Raises
        ------
        InputError
            If the file or a key is missing, or the section cannot be built.
        """
        file = self.folder / RECIPE
        if missing := [key for key in keys if key not in self.recipe]:
            raise InputError(
                f"{file} has no key {missing[0]!r}: give the run of a recipe "
                "that names it."
            )
        # Dumped apart, the sections bring along what they share with others.
        text = StringIO()
        YAML().dump({key: self.recipe[key] for key in keys}, text)
        try:
            with torch.random.fork_rng(devices=[]):
                return load_hyperpyyaml(text.getvalue())
        except UNBUILDABLE as error:
            raise InputError(
                f"{file} cannot be built ({brief(error)}): install what it "
                "names as it was for the training, or add its folder to "
                "PYTHONPATH."
            ) from error

    def constant(self, name: str) -> object:
        """The node of a constant of the recipe.

        Arguments
        ---------
        name : str
            ``classes``, ``sample_rate``, ``clip_seconds`` or ``smoother``: at
            the top of the recipe, or in its section.

        Returns
        -------
        object
            The tagged node.

        Raises
        ------
        InputError
            If the recipe names none.
        """
        section = self.recipe.get(_SECTIONS[name])
        for part in (self.recipe, section):
            if isinstance(part, Mapping) and name in part:
                return part[name]
        raise InputError(
            f"{self.folder / RECIPE} names no {name}, neither at the top nor "
            f"in {_SECTIONS[name]}: give the run of a recipe that does."
        )

    @property
    def constants(self) -> dict[str, object]:
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
    def about(self) -> dict[str, object]:
        """Where the student comes from, without paths of this machine."""
        meta = read_meta(self.checkpoint) or {}
        about = {
            "recipe": self.recipe.get("name"),
            "seed": self.recipe.get("seed"),
            "data": Path(str(self.recipe.get("data_folder") or "")).name,
            "network": "student",
            "epoch": meta.get("epoch"),
            "event_f1_validation": meta.get("event_f1"),
        }
        return {
            key: value if isinstance(value, (int, float)) else str(value)
            for key, value in about.items()
            if value not in (None, "")
        }

    @cached_property
    def checkpoint(self) -> Path:
        """The folder of the best checkpoint, by the Brain's criterion."""
        folder = self.folder / "save"
        best = folder.is_dir() and _Checkpoints(folder).find_checkpoint(
            max_key="event_f1"
        )
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
        constants = self.constants
        node = self.constant("smoother")
        try:
            detector = describe(self.recipe["student"])
            smoother = smoother or self.tuned_smoother()
            smoother = smoother or build(describe(node))
        except UnknownPart as error:
            raise UnknownPart(f"{self.folder / RECIPE}: {error}") from error
        return Description(
            **constants,
            detector=detector,
            smoother=smoother,
            weights=self.weights,
            about=self.about,
        )

    def smoother_file(self, network: str = "student") -> Path:
        """Where a network's tuned smoother is, or will be, as JSON."""
        return self.folder / "save" / f"{network}_smoother.json"

    def tuned_smoother(self, network: str = "student") -> Smoother | None:
        """Read the smoother that was tuned for other recordings.

        Arguments
        ---------
        network : str
            ``student`` or ``teacher``.

        Returns
        -------
        Smoother | None
            None if there is none.

        Raises
        ------
        InputError
            If the file is malformed.
        """
        file = self.smoother_file(network)
        return load_smoother(file) if file.is_file() else None

    def smoother(self, network: str = "student") -> Smoother:
        """The tuned smoother, or else that of the recipe; executes nothing.

        Arguments
        ---------
        network : str
            ``student`` or ``teacher``.

        Returns
        -------
        Smoother

        Raises
        ------
        InputError
            If there is neither, or the file is malformed.
        UnknownPart
            If that of the recipe is not of this package.
        """
        tuned = self.tuned_smoother(network)
        return tuned or build(describe(self.constant("smoother")))

    def build_smoother(self, network: str = "student") -> Smoother:
        """As ``smoother``, by executing the recipe: it may be of any class."""
        if tuned := self.tuned_smoother(network):
            return tuned
        self.constant("smoother")  # complains if there is none
        if "smoother" in self.recipe:
            return self.build(["smoother"])["smoother"]
        section = _SECTIONS["smoother"]
        return self.build([section])[section]["smoother"]

    @property
    def prepared_folder(self) -> Path | None:
        """Of the data that it was trained on, if the recipe names it."""
        folder = (self._is_one() and self.recipe.get("prepared_folder")) or None
        return folder and Path(str(folder))

    def test_set(self, name: str) -> TestSet:
        """A test set, whether or not it has been scored."""
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
        """What the training logged, a line an epoch."""
        return self.folder / "train_log.txt"

    @property
    def has_begun(self) -> bool:
        """Whether there is something to resume: an epoch or a checkpoint."""
        return self.log.is_file() or any(self.folder.glob("save/CKPT*"))

    def logged(self, name: str) -> list[float]:
        """All values of one statistic in the log, in its order."""
        if not self.log.is_file():
            return []
        text = self.log.read_text("utf-8")
        return [
            float(x)
            for x in re.findall(rf"\b{re.escape(name)}: ([^\s,]+)", text)
        ]

    def curves(self) -> dict[str, pd.Series]:
        """What was logged for TensorBoard, see ``runs.curves.read_curves``."""
        # TensorBoard takes a while to import.
        from sb_sed.runs.curves import read_curves

        return read_curves(self.folder)


class _Checkpoints(AtomicCheckpointer):
    """Finds whole checkpoints; removes none, as the run may be saving one."""

    def __init__(self, folder: Path):
        super(AtomicCheckpointer, self).__init__(folder)


def _check_report(report: Mapping) -> None:
    """Fail, in any way, if what is read of reports is not there."""
    for metric in ("event_f1", "segment_f1"):
        interval = report["confidence_intervals"][metric]["macro"]
        low, high = (0.0, 1.0) if interval is None else interval
        macro = report[metric]["macro"]
        _check_share(0.0 if macro is None else macro, low, high)
    psds = report["psds"]
    if psds is not None:
        _check_share(psds["2020"], psds["1"], psds["2"], *psds.values())
    for name in ("n_files", "n_reference"):
        if type(report[name]) is not int:
            raise TypeError(f"{name} is no number")
    if not all(isinstance(note, str) for note in report["notes"]):
        raise TypeError("a note is no text")


def _check_share(*values: float) -> None:
    if not all(0 <= value <= 1 for value in values):  # NaN is caught, too
        raise ValueError("a score is not from 0 to 1")
