"""Weak scores: one of each class for a whole recording.

A tab-separated table beside a folder of scores, not in it, where every table
is taken for the frames of a recording: ``filename`` and one column a class.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from pathlib import Path

from sb_sed.errors import InputError
from sb_sed.formats.labels import check_columns, same_label
from sb_sed.formats.names import audio_names, same_name
from sb_sed.formats.tsv import (
    atomic_path,
    bad_row,
    join_row,
    read_lines,
    read_rows,
    shortened,
    split_row,
    to_number,
)

# Name of the recording -> class -> score.
WeakScores = Mapping[str, Mapping[str, float]]
WEAK_SCORES = "weak_scores.tsv"


def write_weak_scores(weak: WeakScores, path: str | Path) -> None:
    """Write the weak scores of a data set.

    Arguments
    ---------
    weak : Mapping[str, Mapping[str, float]]
        For each clip, named as in its scores, the score of each class.
    path : str | Path
        The TSV.

    Example
    -------
    >>> path = getfixture("tmp_path") / "weak_scores.tsv"
    >>> write_weak_scores({"a": {"Cat": 0.25, "Dog": 0.5}}, path)
    >>> read_weak_scores(path)
    {'a.wav': {'Cat': 0.25, 'Dog': 0.5}}
    """
    classes = list(next(iter(weak.values()), {}))
    names = audio_names(weak)
    lines = [join_row(["filename", *classes])] + [
        join_row(
            [names[clip], *(repr(float(scores[label])) for label in classes)]
        )
        for clip, scores in weak.items()
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_weak_scores(path: str | Path) -> dict[str, dict[str, float]]:
    """Read what ``write_weak_scores`` or another tool wrote.

    Arguments
    ---------
    path : str | Path
        TSV with the columns ``filename`` and one a class.

    Returns
    -------
    dict[str, dict[str, float]]
        File name -> class -> score.

    Raises
    ------
    InputError
        If the header is wrong, a score is not a number from 0 to 1, a file is
        listed twice, or there is no row.
    """
    header = split_row(read_lines(path)[0][1])
    columns = [same_label(label) for label in header]
    classes = columns[1:]
    if columns[0] != "filename" or not classes:
        raise InputError(
            f"{path} does not start with the columns filename and a class: "
            "give a table of weak scores."
        )
    check_columns(path, columns)
    weak, known = {}, set()
    for line, (filename, *cells) in read_rows(path, header):
        if same_name(filename) in known:
            raise bad_row(
                path, line, f"lists {filename} again", "keep one row a file"
            )
        known.add(same_name(filename))
        scores = [to_number(cell) for cell in cells]
        for cell, score in zip(cells, scores, strict=True):
            if not 0 <= score <= 1:
                raise bad_row(
                    path,
                    line,
                    f"has {shortened(cell)}, which is not a weak score",
                    "give numbers from 0 to 1",
                )
        weak[filename] = dict(zip(classes, scores, strict=True))
    return weak


def read_weak_scores_beside(
    folder: str | Path,
) -> dict[str, dict[str, float]] | None:
    """Read the ``weak_scores.tsv`` beside a folder of scores, if there is one.

    Example
    -------
    >>> read_weak_scores_beside("results/scores")
    """
    file = Path(folder).absolute().parent / WEAK_SCORES
    return read_weak_scores(file) if file.is_file() else None
