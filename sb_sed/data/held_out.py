"""Clips that are kept out of the training.

Authors
 * sb_sed contributors 2026
"""

from math import ceil

import numpy as np
from speechbrain.dataio.dataset import DynamicItemDataset


def hold_out(
    clips: DynamicItemDataset, most: int, seed: int
) -> tuple[DynamicItemDataset, DynamicItemDataset]:
    """Divides clips at random into those to train on and those held out.

    Arguments
    ---------
    clips : DynamicItemDataset
        Any; both parts keep their order.
    most : int
        How many to hold out; a tenth of them (rounded up) if that is less.
    seed : int
        Of the choice, which is a function of it and of the clips' names.

    Returns
    -------
    tuple[DynamicItemDataset, DynamicItemDataset]
        What remains, and what is held out.

    Example
    -------
    >>> clips = DynamicItemDataset({f"clip{i}": {} for i in range(15)})
    >>> [len(part) for part in hold_out(clips, 100, seed=0)]
    [13, 2]
    """
    names = np.array(sorted(clips.data_ids))
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = set(names[order[: min(most, ceil(len(names) / 10))]])
    return (
        clips.filtered_sorted(key_test={"id": lambda i: i not in chosen}),
        clips.filtered_sorted(key_test={"id": lambda i: i in chosen}),
    )
