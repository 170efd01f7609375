"""Preparation of DESED: manifests, references and 16 kHz mono audio.

Authors
 * sb_sed contributors 2026
"""

import json
import os
from pathlib import Path
from typing import Any

from sb_sed.data.desed_layout import DESED_CLASSES, find_root
from sb_sed.data.desed_splits import Split, find_splits
from sb_sed.data.held_out import write_held_out_sounds
from sb_sed.data.preparation import (
    describe_lists,
    describe_splits,
    list_missing,
    list_notes,
    make_audio_ready,
    refuse_empty_splits,
    remove_splits,
    write_split,
)
from sb_sed.errors import InputError
from sb_sed.formats import atomic_path, stem

__all__ = ["DESED_CLASSES", "describe_summary", "prepare_desed"]

SPLITS = (
    "train_synthetic",
    "valid_synthetic",
    "train_weak",
    "train_unlabelled",
    "validation",
    "public",
)
_WITH_REFERENCE = ("valid_synthetic", "validation", "public")


def prepare_desed(
    data_folder: str | Path,
    prepared_folder: str | Path,
    sample_rate: int = 16000,
    valid_fraction: float = 0.2,
    seed: int = 26,
    n_jobs: int | None = None,
) -> dict:
    """Prepare a copy of DESED for training and scoring.

    It can be called again at any time: audio that was converted before is kept,
    new and changed audio is added, and everything else is written again from
    the annotations and the arguments.

    Below ``prepared_folder`` it writes

    - ``<split>.json`` for each split that the copy has, with the path
      (``wav``), the ``duration`` in seconds, ``events`` (onset, offset, class)
      and ``tags`` (classes) of each recording,
    - ``references/<split>.tsv`` and ``references/<split>_durations.tsv`` for
      the strongly labelled splits that are scored,
    - ``audio/`` with converted copies of the files that are not mono at that
      rate,
    - ``missing.tsv`` with each annotated file without usable audio, and the
      reason; ``notes.tsv`` with what there is to know of usable files, such as
      that they are silent,
    - ``held_out_sounds.json`` with the files of the sound bank that the JAMS of
      the held-out soundscapes name, which mixing leaves out,
    - ``summary.json`` with the returned dict.

    Manifests and references hold recordings with usable audio only. References
    keep every time as annotated, in manifests events end with their recording
    at the latest.

    Arguments
    ---------
    data_folder : str | Path
        The official tree (that of DCASE 2020 or that of the later DESED tool):
        the folder with ``audio/`` and ``metadata/``, or the one that contains
        it as ``dataset/``.
    prepared_folder : str | Path
        Where to write.
    sample_rate : int
        Samples per second of the prepared audio.
    valid_fraction : float
        Share of the synthetic soundscapes that is held out for validation, by
        file. With 0.2 and the seed 26 they are those of the challenge's
        baseline (``filename.drop_duplicates().sample(frac=0.8,
        random_state=26)`` of its table, which is sorted). A copy that has a
        synthetic validation set of its own uses that, and trains on all others.
    seed : int
        Which soundscapes are held out.
    n_jobs : int, optional
        Number of processes; default: one for each processor allowed.

    Returns
    -------
    dict
        ``settings``; ``splits``: for each its counts (``annotated``,
        ``present``, ``missing``, ``noted``, ``converted``, ``events``,
        ``events_past_end``), ``hours`` and paths (``manifest``; ``reference``
        and ``durations`` where there are any); ``left_out``: splits that the
        copy does not have; ``missing_file``, ``notes_file``;
        ``held_out_sounds``: how many files the held-out soundscapes name.

    Raises
    ------
    InputError
        If there is no DESED copy, an annotation is wrong, or all the audio of
        an annotated split is missing.

    Example
    -------
    >>> import numpy as np, soundfile
    >>> folder = getfixture("tmp_path")
    >>> table = folder / "dataset" / "metadata" / "train" / "weak.tsv"
    >>> table.parent.mkdir(parents=True)
    >>> _ = table.write_text("filename\\tevent_labels\\na.wav\\tCat,Dog\\n")
    >>> audio = folder / "dataset" / "audio" / "train" / "weak"
    >>> audio.mkdir(parents=True)
    >>> soundfile.write(audio / "a.wav", np.zeros((44100, 2)), 44100)
    >>> summary = prepare_desed(folder, folder / "prepared", n_jobs=1)
    >>> print((folder / "prepared" / "train_weak.json").read_text().strip())
    {
    "a": {"wav": "...", "duration": 1.0, "events": [], "tags": ["Cat", "Dog"]}
    }
    """
    if not 0 <= valid_fraction < 1:
        raise InputError(
            f"valid_fraction is {valid_fraction}: give a share from 0 to below 1."
        )
    root = find_root(data_folder)
    prepared = Path(os.path.abspath(prepared_folder))
    splits = find_splits(root, valid_fraction, seed)
    ready = make_audio_ready(splits, prepared, sample_rate, n_jobs)
    missing = list_missing(splits, ready, prepared / "missing.tsv")
    list_notes(ready, prepared / "notes.tsv")
    refuse_empty_splits(splits, missing)
    summary: dict[str, Any] = {
        "settings": {
            "data_folder": str(root),
            "sample_rate": sample_rate,
            "valid_fraction": valid_fraction,
            "seed": seed,
        },
        "splits": {
            name: write_split(
                name, split, ready[name], prepared, name in _WITH_REFERENCE
            )
            for name, split in splits.items()
        },
        "left_out": [name for name in SPLITS if name not in splits],
        "missing_file": str(prepared / "missing.tsv"),
        "notes_file": str(prepared / "notes.tsv"),
        "held_out_sounds": write_held_out_sounds(
            _jams(splits.get("valid_synthetic")),
            _jams(splits.get("train_synthetic")),
            prepared,
        ),
    }
    remove_splits(summary["left_out"], prepared)
    with atomic_path(prepared / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2), "utf-8")
    return summary


def describe_summary(summary: dict) -> str:
    """Return the result of :func:`prepare_desed` as a short table.

    Example
    -------
    >>> split = {"annotated": 3, "present": 2, "missing": 1, "hours": 0.0056}
    >>> split |= {"events_past_end": 0, "noted": 0}
    >>> summary = {"splits": {"train_weak": split}, "left_out": ["public"]}
    >>> print(describe_summary(summary | {"missing_file": "missing.tsv"}))
    split             annotated  present  missing   hours
    train_weak                3        2        1    0.01
    left out, since the copy does not have it: public
    missing files and the reasons: missing.tsv
    """
    lines = describe_splits(summary)
    if summary["left_out"]:
        names = ", ".join(summary["left_out"])
        lines.append(f"left out, since the copy does not have it: {names}")
    n_past_end = sum(
        split["events_past_end"] for split in summary["splits"].values()
    )
    if n_past_end:
        lines.append(
            f"{n_past_end} events begin after the end of their recording and "
            "are left out of the manifests"
        )
    if n_sounds := summary.get("held_out_sounds"):
        lines.append(
            f"{n_sounds} files of the sound bank are in held-out soundscapes, "
            "and left out of mixing"
        )
    lines += describe_lists(summary)
    return "\n".join(lines)


def _jams(split: Split | None) -> list[Path]:
    """The JAMS files beside the soundscapes of a split."""
    if split is None:
        return []
    return [split.source.folder / f"{stem(x)}.jams" for x in split.labels]
