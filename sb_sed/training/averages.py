"""Means over an epoch that survive an interruption.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)


@register_checkpoint_hooks
class RunningMeans:
    """Running means of named values, for a log of each term of a loss.

    The values stay on their device until they are asked for, so that adding
    one does not wait for it. Saved with a checkpoint, the means of an epoch
    that was interrupted are those of the whole epoch.

    Example
    -------
    >>> means = RunningMeans()
    >>> means.add({"loss": torch.tensor(1.0)})
    >>> means.add({"loss": torch.tensor(2.0), "once": torch.tensor(5.0)})
    >>> means.pop(), means.pop()
    ({'loss': 1.5, 'once': 5.0}, {})
    """

    def __init__(self):
        self.sums: dict[str, torch.Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, values: Mapping[str, torch.Tensor]) -> None:
        """Add one value, a scalar tensor, for each name."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach().double()
            self.counts[name] = self.counts.get(name, 0) + 1

    def pop(self) -> dict[str, float]:
        """The mean for each name, as floats; begins anew."""
        means = {
            name: float(total) / self.counts[name]
            for name, total in self.sums.items()
        }
        self.sums, self.counts = {}, {}
        return means

    @mark_as_saver
    def save(self, path: Path) -> None:
        """Write the sums as JSON."""
        sums = {name: float(total) for name, total in self.sums.items()}
        Path(path).write_text(json.dumps({"sums": sums, "counts": self.counts}))

    @mark_as_loader
    def load(self, path: Path, end_of_epoch: bool) -> None:
        """Read the sums back."""
        saved = json.loads(Path(path).read_text())
        self.sums = {
            name: torch.tensor(total, dtype=torch.float64)
            for name, total in saved["sums"].items()
        }
        self.counts = saved["counts"]
