#!/usr/bin/env python3
"""Averages the scores of trained systems, smooths and scores them.

To score an ensemble of the paper, after training its systems:
> python ensemble.py hparams/ensemble_1.yaml

Of any runs of train.py, or of folders of scores of any toolkit:
> python ensemble.py hparams/ensemble_1.yaml \\
>     --systems results/ppcen/2020 results/dat/2020 results/dat/1
> python ensemble.py hparams/ensemble_1.yaml --systems mine/scores \\
>     theirs/scores --reference validation.tsv --durations durations.tsv

One system is an ensemble too. So a run is smoothed in another way, without
training it again:
> python ensemble.py hparams/baseline_hmm.yaml \\
>     --systems results/baseline/2020 \\
>     --output_folder=results/baseline_hmm/2020

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path

import speechbrain as sb

from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError
from sb_sed.evaluation import (
    Evaluator,
    average_scores,
    average_weak_scores,
    summary_table,
)
from sb_sed.formats import (
    read_durations,
    read_events,
    read_scores,
    read_weak_scores,
    read_weak_scores_beside,
)
from sb_sed.runs.run import Run
from sb_sed.training.recipe import Recipe

TEST_SETS = ("validation", "public")


class Systems:
    """Runs of ``train.py`` and folders of scores, to be averaged.

    Arguments
    ---------
    folders : list[Path]
        Each the output folder of a run, or a folder of scores (of the set
        ``validation``).
    network : str
        Whose scores of a run are taken.
    reference, durations : Path | None
        TSV of the true events and of the durations; without them, those of the
        first run.

    Raises
    ------
    InputError
        If a folder is neither, or there is no reference.
    """

    def __init__(
        self,
        folders: list[Path],
        network: str,
        reference: Path | None,
        durations: Path | None,
    ):
        self.folders = folders
        self.network = network
        self.tables = reference, durations
        for folder in folders:
            if not folder.is_dir():
                raise InputError(
                    f"{folder} is not a folder: train the system first, or "
                    "name others with --systems."
                )
        found = {folder: Run.find(folder) for folder in folders}
        self.runs = {
            folder: run
            for folder, run in found.items()
            if run and run.folder == folder
        }
        if not self.runs and None in self.tables:
            raise InputError(
                "None of the systems is a run of train.py: give --reference "
                "and --durations."
            )

    def sets(self) -> list[str]:
        """Return the test sets that all of the systems have scored."""
        found = [
            name
            for name in TEST_SETS
            if all(self._scores(f, name).is_dir() for f in self.folders)
        ]
        if self.tables != (None, None):
            found = found[:1]  # the reference is of one set
        if not found:
            lacking = next(
                f
                for f in self.folders
                if not self._scores(f, "validation").is_dir()
            )
            raise InputError(
                f"{lacking} has no scores of the {self.network} on the "
                "validation set: let its training come to its end."
            )
        return found

    def scores(self, name: str) -> dict:
        """Return the mean of the systems' scores of a set."""
        return average_scores(
            [read_scores(self._scores(f, name)) for f in self.folders]
        )

    def weak_scores(self, name: str) -> dict | None:
        """Return the mean of the weak scores; None if one has none."""
        found = [
            read_weak_scores_beside(self._scores(f, name)) for f in self.folders
        ]
        return None if None in found else average_weak_scores(found)

    def reference(self, name: str) -> tuple:
        """Read the events (a table) and the durations (seconds) of a set."""
        events, durations = self.tables
        if None in self.tables:
            run = next(iter(self.runs.values()))
            test_set = run.test_set(name)
            events = events or test_set.reference
            durations = durations or test_set.durations
            if events is None or durations is None:
                raise InputError(
                    f"The reference of {run.folder} is no longer in "
                    f"{run.prepared_folder}: give --reference and --durations."
                )
        return read_events(events), read_durations(durations)

    def computation(self, name: str) -> str:
        """Say in which precision the systems' scores of a set were computed."""
        reports = [
            run.test_set(name).results(self.network).read_report() or {}
            for run in self.runs.values()
        ]
        found = [report.get("computation", "") for report in reports]
        return " ".join(
            dict.fromkeys(sentence for sentence in found if sentence)
        )

    def _scores(self, folder: Path, name: str) -> Path:
        """Return where a system's scores of a set are, if there are any."""
        if run := self.runs.get(folder):
            return run.test_set(name).results(self.network).scores
        return folder if name == "validation" else folder / "none"


def parse(arguments: list[str]) -> tuple[argparse.Namespace, dict]:
    """Read the command line and what the recipe says on smoothing."""
    parser = argparse.ArgumentParser(
        description="Average the scores of systems, smooth and score them.",
        epilog="Any key of the recipe can be given, too, such as "
        "--output_folder=results/mine.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "hparams", help="a recipe with a smoothing: hparams/ensemble_1.yaml"
    )
    parser.add_argument(
        "--systems",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="runs of train.py or folders of scores (default: the recipe's)",
    )
    parser.add_argument(
        "--network", choices=("student", "teacher"), default="student"
    )
    parser.add_argument(
        "--weak-scores",
        type=Path,
        metavar="TSV",
        help="for smoothers with clip_gate: of one other system, on all sets "
        "(default: the mean of the systems' own)",
    )
    parser.add_argument("--reference", type=Path, metavar="TSV")
    parser.add_argument("--durations", type=Path, metavar="TSV")
    options, others = parser.parse_known_args(arguments)
    _, _, overrides = sb.parse_arguments([options.hparams, *others])
    recipe = Recipe(options.hparams, overrides)
    keys = [key for key in ("systems",) if key in recipe.tree]
    parts = recipe.build(["output_folder", "smoothing", *keys])
    if options.systems is None:
        if "systems" not in parts:
            raise InputError(
                f"{options.hparams} names no systems: give --systems."
            )
        options.systems = [Path(system) for system in parts["systems"]]
    return options, parts


def main(arguments: list[str]) -> None:
    """Average, smooth, score."""
    options, parts = parse(arguments)
    output = Path(parts["output_folder"])
    check_writable(folders=[("--output_folder", output)])
    systems = Systems(
        options.systems, options.network, options.reference, options.durations
    )
    reports, evaluator = {}, None
    for name in systems.sets():
        scores = systems.scores(name)
        classes = list(next(iter(scores.values())).columns[2:])
        evaluator = evaluator or Evaluator(
            parts["smoothing"]["smoother"],
            parts["smoothing"]["tuning"],
            classes,
            parts["output_folder"],
            systems.computation(name),
        )
        if options.weak_scores:
            weak = read_weak_scores(options.weak_scores)
        else:
            weak = systems.weak_scores(name)
        reports[name] = evaluator.score(
            name,
            {options.network: scores},
            *systems.reference(name),
            None if weak is None else {options.network: weak},
        )
    print(summary_table(reports, evaluator.computation))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except InputError as error:
        print(f"ensemble.py: {error}", file=sys.stderr)
        sys.exit(2)
