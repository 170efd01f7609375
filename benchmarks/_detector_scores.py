"""Reads a detector's scores on a data set from one ``.npz``.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sb_sed.formats import read_durations, scores_table, stem


def load_scores(
    path: Path, durations: Path | None = None
) -> dict[str, pd.DataFrame]:
    """Makes the tables that smoothers take.

    Arguments
    ---------
    path : Path
        Arrays ``scores`` ``[file, frame, class]``, ``files``, ``classes`` and
        ``hop`` (seconds).
    durations : Path, optional
        TSV of the files' durations, where the tables then end.

    Returns
    -------
    dict[str, pd.DataFrame]
        Name without extension -> table.
    """
    arrays = np.load(path)
    ends = {}
    if durations:
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
