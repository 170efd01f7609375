"""Clips that are drawn anew in every epoch.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from speechbrain.dataio.dataset import DynamicItemDataset
from torch.utils.data import Dataset


class EpochClips(Dataset):
    """Clips that depend on the seed, the epoch and their index alone.

    They are the same with any number of worker processes, on any rank, and when
    a training is resumed. The epoch is in shared memory, for workers that live
    longer than an epoch.

    Arguments
    ---------
    length : int
        Number of clips.
    seed : Sequence[int]
        Non-negative.

    Attributes
    ----------
    recorded : DynamicItemDataset | None
        The recorded clips that they are made from.
    """

    recorded: DynamicItemDataset | None = None

    def __init__(self, length: int, seed: Sequence[int]):
        self.length = length
        self.seed = tuple(seed)
        self._epoch = torch.zeros((), dtype=torch.long).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, in all processes that have these clips."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self.length

    def generator(self, index: int) -> Generator:
        """Return the random generator of a clip in this epoch."""
        return np.random.default_rng([*self.seed, int(self._epoch), index])
