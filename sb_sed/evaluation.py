"""A system on its test sets: smoothed, scored, written down.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sb_sed.scoring.report import write_json
from sb_sed.scoring.systems import score_networks
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.saved import save_smoother
from sb_sed.tuning.crossfit import AsGiven, Smoothed


class TestSets:
    """Smooths and scores one test set after the other.

    What is tuned is tuned on the first set, and used as it is for the others.

    Arguments
    ---------
    smoother : Smoother
        From scores to events.
    tuning : Callable
        ``AsGiven`` or ``CrossFit`` of ``sb_sed.tuning.crossfit``.
    classes : Sequence[str]
        The classes to score.
    folder : str | Path
        The output folder. Each set gets a folder in it, each network one in
        that (see ``score_networks``), with ``tuning.json`` where something was
        tuned. The smoother for other recordings is written to
        ``save/<network>_smoother.json``.
    """

    __test__ = False  # no test of pytest's

    def __init__(
        self,
        smoother: Smoother,
        tuning: Callable[..., Smoothed],
        classes: Sequence[str],
        folder: str | Path,
    ):
        self.smoother = smoother
        self.tuning = tuning
        self.classes = classes
        self.folder = Path(folder)
        self.fitted: dict[str, Smoother] = {}

    def score(
        self,
        name: str,
        scores: Mapping[str, Mapping[str, pd.DataFrame]],
        reference: pd.DataFrame,
        durations: Mapping[str, float],
    ) -> dict[str, dict]:
        """Smooth and score a set.

        Arguments
        ---------
        name : str
            Of the set.
        scores : Mapping[str, Mapping[str, pd.DataFrame]]
            For each network its scores: clip to table.
        reference : pd.DataFrame
            The true events.
        durations : Mapping[str, float]
            File name to seconds.

        Returns
        -------
        dict[str, dict]
            For each network its report.
        """
        smoothed = {
            network: AsGiven()(self.fitted[network], tables, reference)
            if network in self.fitted
            else self.tuning(self.smoother, tables, reference)
            for network, tables in scores.items()
        }
        for network, result in smoothed.items():
            if network not in self.fitted:
                self.fitted[network] = result.smoother
                file = self.folder / "save" / f"{network}_smoother.json"
                file.parent.mkdir(parents=True, exist_ok=True)
                save_smoother(result.smoother, file)
        reports = score_networks(
            scores,
            smoothed,
            reference,
            durations,
            self.classes,
            self.folder / name,
        )
        for network, result in smoothed.items():
            if result.report is not None:
                target = self.folder / name / network / "tuning.json"
                write_json(result.report.as_dict(), target)
        return reports
