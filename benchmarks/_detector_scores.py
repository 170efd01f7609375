"""A detector's scores on a data set, given on the command line.

Authors
 * sb_sed contributors 2026
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.formats import read_durations, scores_table, stem


class ScoresParser(argparse.ArgumentParser):
    """A parser for benchmarks that need the scores of a real detector.

    Its first arguments are SCORES.npz (see :func:`load_scores`), REFERENCE.tsv
    and DURATIONS.tsv. Without them, a benchmark ends at once and says why.

    Arguments
    ---------
    doc : str
        The benchmark's docstring; its first line is the description.
    """

    def __init__(self, doc: str):
        super().__init__(description=doc.split("\n")[0])
        for name in ("scores", "reference", "durations"):
            self.add_argument(name, type=Path, nargs="?")

    def parse(self) -> argparse.Namespace:
        """The arguments of the process, if there are any."""
        if len(sys.argv) == 1:
            self.print_usage()
            self.exit(0, "Left out: it needs the scores of a detector.\n")
        options = self.parse_args()
        if options.durations is None:
            self.error("give SCORES.npz, REFERENCE.tsv and DURATIONS.tsv")
        return options


def load_scores(path: Path, durations: Path) -> dict[str, pd.DataFrame]:
    """Make the tables that smoothers take.

    Arguments
    ---------
    path : Path
        Arrays ``scores`` ``[file, frame, class]``, ``files``, ``classes`` and
        ``hop`` (seconds).
    durations : Path
        TSV of the files' durations, where the tables end.

    Returns
    -------
    dict[str, pd.DataFrame]
        Name without extension -> table.
    """
    arrays = np.load(path)
    ends = {stem(k): v for k, v in read_durations(durations).items()}
    classes = [str(label) for label in arrays["classes"]]
    return {
        clip: scores_table(
            matrix.astype(np.float32),
            float(arrays["hop"]),
            classes,
            ends.get(clip),
        )
        for clip, matrix in zip(
            (stem(str(name)) for name in arrays["files"]),
            arrays["scores"],
            strict=True,
        )
    }
