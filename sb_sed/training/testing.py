"""Scoring of a trained Brain on the test sets of a recipe.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Iterable
from typing import Protocol

from speechbrain.utils.distributed import if_main_process

from sb_sed.data.prepared import PreparedData
from sb_sed.training.brains import MeanTeacherBrain


class Scorer(Protocol):
    """Smooths, scores and writes, as ``sb_sed.evaluation.Evaluator`` does."""

    def score(self, name, scores, reference, durations, weak) -> dict:
        """Return the report of each network."""


def score_sets(
    brain: MeanTeacherBrain,
    data: PreparedData,
    evaluator: Scorer,
    names: Iterable[str],
) -> dict[str, dict]:
    """Score the best checkpoint on those test sets that the data has.

    Arguments
    ---------
    brain : MeanTeacherBrain
        Trained; it scores the clips.
    data : PreparedData
        Clips and references.
    evaluator : Scorer
        What is done with the scores, on the main process.
    names : Iterable[str]
        The test sets, in the order in which they are scored.

    Returns
    -------
    dict[str, dict]
        Test set to network to report; empty on other processes.
    """
    reports = {}
    for name in names:
        if name not in data:
            continue
        brain.evaluate(data.test_loader(name), max_key=brain.selection.name)
        if if_main_process():
            reports[name] = evaluator.score(
                name, brain.scores, *data.reference(name), brain.weak_scores
            )
    return reports
