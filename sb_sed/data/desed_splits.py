"""Which recordings of a DESED copy are in which split.

Authors
 * sb_sed contributors 2026
"""

from pathlib import Path

import numpy as np

from sb_sed.data.desed_layout import SOURCES
from sb_sed.data.preparation import Split
from sb_sed.errors import InputError


def find_splits(
    root: Path, valid_fraction: float, seed: int
) -> dict[str, Split]:
    """Find the splits of a copy; of its synthetic set, one is held out.

    Arguments
    ---------
    root : Path
        As of ``find_root``.
    valid_fraction, seed
        As of ``prepare_desed``.

    Returns
    -------
    dict[str, Split]
        By name; those that the copy does not have are left out.

    Raises
    ------
    InputError
        If a set has annotations without any audio, or there is no set.
    """
    found = {}
    for source in SOURCES:
        source = source.find(root)
        if source:
            labels = source.read()
            paths = source.locate(list(labels))
            if not paths:
                raise InputError(
                    f"{source.folder} has none of the {len(labels)} files of "
                    f"the DESED set {source.name!r}: fetch the audio, or move "
                    f"its annotations {source.table} away to leave it out."
                )
            found[source.name] = Split(source, labels, paths)
    if not found.keys() & {"synthetic", "weak", "validation"}:
        raise InputError(
            f"{root} has no synthetic, weak or validation set of DESED: check "
            "that metadata/ and audio/ are those of a DESED copy."
        )
    synthetic = found.get("synthetic")
    held_out = found.get("synthetic_validation")
    if synthetic and not held_out:
        synthetic, held_out = hold_out_files(synthetic, valid_fraction, seed)
    splits = {
        "train_synthetic": synthetic,
        "valid_synthetic": held_out,
        "train_weak": found.get("weak"),
        "train_unlabelled": found.get("unlabelled"),
        "validation": found.get("validation"),
        "public": found.get("public"),
    }
    return {name: split for name, split in splits.items() if split}


def hold_out_files(
    split: Split, fraction: float, seed: int
) -> tuple[Split, Split | None]:
    """Divide the annotated files, whether their audio is there or not.

    The division does not change when missing audio is added, and depends
    neither on the order of the annotations nor on that of the file system.
    """
    filenames = sorted(split.labels)
    if fraction == 0 or len(filenames) == 1:
        return split, None
    n_kept = round((1 - fraction) * len(filenames))
    n_kept = min(max(1, n_kept), len(filenames) - 1)
    # As pandas samples: the first are those to train on. RandomState: its
    # draws are the same in every version of numpy.
    order = np.random.RandomState(seed).permutation(len(filenames))
    chosen = {filenames[index] for index in order[n_kept:]}

    def _part(is_chosen: bool) -> Split:
        labels = {
            filename: labels
            for filename, labels in split.labels.items()
            if (filename in chosen) == is_chosen
        }
        return Split(split.source, labels, split.paths)

    return _part(False), _part(True)
