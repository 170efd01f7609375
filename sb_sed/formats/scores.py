"""Frame scores as the folders of ``sed_scores_eval``.

Authors
 * sb_sed contributors 2026
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from sb_sed.errors import InputError
from sb_sed.formats.labels import check_columns, same_label
from sb_sed.formats.tsv import (
    LONGEST,
    TIME_NOISE,
    atomic_path,
    bad_row,
    read_lines,
    shortened,
    split_row,
    to_number,
)

# Also what sed_scores_eval computes with; coarser than float noise, far finer
# than a frame.
TIME_DECIMALS = 6
# The characters of rows of numbers.
_NUMBERS = re.compile(r"[-+.0-9eE \t]*")
# Larger values are damage, and overflow in single precision.
_LARGEST = 1e30


def scores_table(
    matrix: np.typing.ArrayLike,
    frame_shift: float,
    classes: Sequence[str],
    duration: float | None = None,
) -> pd.DataFrame:
    """Make the scores table of one recording.

    Arguments
    ---------
    matrix : array_like
        Scores, ``[time, class]``.
    frame_shift : float
        Seconds from one frame to the next.
    classes : sequence of str
        Names of the columns of ``matrix``.
    duration : float, optional
        Length of the recording in seconds: the frame in which it ends is cut
        there, frames that begin later are dropped.

    Returns
    -------
    scores : pandas.DataFrame
        ``onset``, ``offset`` (seconds, to the microsecond) and one column a
        class.

    Raises
    ------
    InputError
        If matrix and classes do not fit or no frame lies in the recording.

    Example
    -------
    >>> scores_table([[0.1], [0.9], [0.2]], 0.5, ["Dog"], duration=0.8)
       onset  offset  Dog
    0    0.0     0.5  0.1
    1    0.5     0.8  0.9
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[1] != len(classes):
        raise InputError(
            f"Scores of shape {matrix.shape} do not fit {len(classes)} "
            "classes: give a matrix [time, class]."
        )
    edges = np.round(np.arange(len(matrix) + 1) * frame_shift, TIME_DECIMALS)
    if duration is not None:
        duration = round(float(duration), TIME_DECIMALS)
        n_frames = int(np.sum(edges[:-1] < duration))
        matrix = matrix[:n_frames]
        edges = np.minimum(edges[: n_frames + 1], duration)
    if not len(matrix):
        raise InputError(
            f"No frame of the scores lies in the recording ({duration} s): "
            "leave out recordings without a sample."
        )
    table = pd.DataFrame(matrix, columns=list(classes))
    table.insert(0, "onset", edges[:-1])
    table.insert(1, "offset", edges[1:])
    return table


def read_scores(folder: str | Path) -> dict[str, pd.DataFrame]:
    """Read a folder of scores in the format of ``sed_scores_eval``.

    ``sed_scores_eval``'s own reader fails on anything else in the folder and
    rounds the last bit of some numbers; this one ignores files that are not
    ``.tsv``, reads each number exactly and compares the classes of the tables.
    A gap or an overlap of two frames that is mere :func:`rounding` is none: the
    frame then ends where the next one begins.

    Arguments
    ---------
    folder : str | Path
        One ``<stem>.tsv`` a recording: ``onset``, ``offset``, then one column
        a class.

    Returns
    -------
    scores : Mapping
        Path of the file inside the folder, without suffix, -> table; sorted.

    Raises
    ------
    InputError
        If the folder holds no table, or a table is malformed, not contiguous
        in time, not finite, or has other classes than the rest.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> table = scores_table([[0.25], [0.75]], 0.5, ["Dog"])
    >>> write_scores({"Y1_0.000_1.000": table}, folder)
    >>> read_scores(folder)["Y1_0.000_1.000"].equals(table)
    True
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give a folder of scores.")
    paths = sorted(folder.rglob("*.tsv"))
    if not paths:
        raise InputError(
            f"{folder} holds no scores: it should have one .tsv per recording."
        )
    scores = {}
    classes = None
    for path in tqdm(
        paths, "reading scores", delay=2, leave=False, disable=None
    ):
        table = _read_scores_file(path)
        classes = classes or (path, list(table.columns[2:]))
        if list(table.columns[2:]) != classes[1]:
            raise InputError(
                f"{path} has other classes than {classes[0].name}: all the "
                "tables of a folder need the same columns in the same order."
            )
        name = path.relative_to(folder).as_posix()
        scores[name.removesuffix(".tsv")] = table
    return scores


def write_scores(
    scores: Mapping[str, pd.DataFrame], folder: str | Path
) -> None:
    """Write a folder of scores in the format of ``sed_scores_eval``.

    Arguments
    ---------
    scores : Mapping
        Stem of the file name -> table as of :func:`scores_table`.
    folder : str | Path
        Where ``<stem>.tsv`` is written for each; created when missing.

    Raises
    ------
    InputError
        If a stem holds a path separator.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tqdm(
        scores.items(), "writing scores", delay=2, leave=False, disable=None
    ):
        if Path(name).name != name:
            raise InputError(
                f"{name!r} cannot name a scores file in {folder}: use the "
                "stem of the file name without its folder."
            )
        with atomic_path(folder / f"{name}.tsv") as temporary:
            table.to_csv(temporary, sep="\t", index=False)


def _read_scores_file(path: Path) -> pd.DataFrame:
    lines = read_lines(path)
    columns = [same_label(label) for label in split_row(lines[0][1])]
    if columns[:2] != ["onset", "offset"] or len(columns) < 3:
        raise InputError(
            f"{path} does not start with the columns onset, offset and a "
            "class: write it in the format of sed_scores_eval."
        )
    check_columns(path, columns)
    rows = lines[1:]
    if not rows:
        raise InputError(
            f"{path} has a header and no frames: write the file anew."
        )
    matrix = _numbers(["\t".join(split_row(row)) for _, row in rows])
    if matrix is None or matrix.shape != (len(rows), len(columns)):
        raise _broken_scores(path, rows, len(columns))
    if np.abs(matrix).max() > _LARGEST:
        raise _broken_scores(path, rows, len(columns))
    onset, offset = matrix[:, 0], matrix[:, 1]
    if -TIME_NOISE < onset[0] < 0:
        onset[0] = 0
    apart = np.abs(onset[1:] - offset[:-1]) > rounding(offset[:-1])
    offset[:-1][~apart] = onset[1:][~apart]
    gap = offset <= onset
    gap[1:] |= apart
    gap[0] |= onset[0] < 0
    gap |= offset >= LONGEST
    if gap.any():
        raise bad_row(
            path,
            rows[int(np.argmax(gap))][0],
            "does not continue in time",
            "each frame must start where the one before ends and end later, "
            f"before {LONGEST:.0f} s",
        )
    return pd.DataFrame(matrix, columns=columns)


def rounding(times: np.ndarray) -> np.ndarray:
    """Return by how much times may differ and be the same, seconds.

    They may be rounded to the microsecond each, or computed in single
    precision.

    Example
    -------
    >>> rounding(np.array([1.0, 1000.0])).round(7).tolist()
    [1.5e-06, 0.0001221]
    """
    single = np.abs(times).astype(np.float32)
    return np.maximum(1.5 * TIME_NOISE, 2 * np.spacing(single).astype(float))


def _numbers(rows: list[str]) -> np.ndarray | None:
    """The rows as a matrix; None if they are not numbers."""
    # NumPy would also take nan, 0x10, and any white space around.
    if not all(map(_NUMBERS.fullmatch, rows)):
        return None
    try:
        return np.loadtxt(rows, delimiter="\t", comments=None, ndmin=2)
    except ValueError:
        return None


def _broken_scores(path: Path, rows, n_columns: int) -> InputError:
    """The error about the line that made the fast reading fail."""
    for line, row in rows:
        cells = split_row(row)
        if len(cells) != n_columns:
            return bad_row(
                path,
                line,
                f"has {len(cells)} cells instead of {n_columns}",
                "write the file anew",
            )
        for cell in cells:
            if not abs(to_number(cell)) <= _LARGEST:
                return bad_row(
                    path,
                    line,
                    f"has {shortened(cell)}, which is neither a time nor a "
                    "score",
                    "write the file anew",
                )
    return InputError(f"{path} is not a table of numbers: write the file anew.")
