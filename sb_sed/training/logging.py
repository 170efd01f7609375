"""What a training writes down: means of an epoch, learned values, TensorBoard.

Authors
 * sb_sed contributors 2026
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.distributed import main_process_only
from speechbrain.utils.train_logger import TensorboardLogger
from torch import nn

from sb_sed.errors import InputError


@register_checkpoint_hooks
class RunningMeans:
    """Running means of named values, such as the terms of a loss.

    The values stay on their device until they are asked for, so that adding
    one does not wait for it. They are saved with a checkpoint, so that the
    means of an epoch that was interrupted are those of the whole epoch.

    Example
    -------
    >>> means = RunningMeans()
    >>> means.add({"loss": torch.tensor(1.0)})
    >>> means.add({"loss": torch.tensor(2.0), "once": torch.tensor(5.0)})
    >>> means.pop(), means.pop()
    ({'loss': 1.5, 'once': 5.0}, {})
    """

    def __init__(self):
        # Tensors on the device of the values; numbers after a restart.
        self.sums: dict[str, torch.Tensor | float] = {}
        self.counts: dict[str, int] = {}

    def add(self, values: Mapping[str, torch.Tensor]) -> None:
        """Add one value, a scalar tensor, for each name."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach().double()
            self.counts[name] = self.counts.get(name, 0) + 1

    def pop(self) -> dict[str, float]:
        """Return the mean for each name and start again."""
        means = {
            name: float(total) / self.counts[name]
            for name, total in self.sums.items()
        }
        self.sums, self.counts = {}, {}
        return means

    @mark_as_saver
    def save(self, path: str | Path) -> None:
        """Write the sums as JSON."""
        sums = {name: float(total) for name, total in self.sums.items()}
        Path(path).write_text(json.dumps({"sums": sums, "counts": self.counts}))

    @mark_as_loader
    def load(self, path: str | Path, end_of_epoch: bool) -> None:
        """Read the sums back."""
        saved = json.loads(Path(path).read_text())
        self.sums = saved["sums"]
        self.counts = saved["counts"]


@torch.no_grad()
def monitored(module: nn.Module) -> dict[str, float]:
    """Collect the values that the parts of a module report while they learn.

    A part with learned values worth reading (such as the exponents of PCEN) has
    a method ``monitored() -> dict[str, float]``, which covers its children too.
    A name that ends in ``_2`` (``alpha_2``) belongs to the second of several
    parallel layers; plots put the layers together.

    Arguments
    ---------
    module : nn.Module
        Any module, also in a wrapper such as ``DistributedDataParallel``.

    Returns
    -------
    dict[str, float]
        The names start with the class of the part, ``pcen/alpha_1``;
        another part of the same class is ``pcen2``.

    Example
    -------
    >>> class Gain(nn.Linear):
    ...     def monitored(self):
    ...         return {"gain": self.weight.norm()}
    >>> part = Gain(1, 1, bias=False)
    >>> _ = nn.init.constant_(part.weight, 0.5)
    >>> monitored(nn.Sequential(part, nn.Sequential(part, Gain(1, 1)))).keys()
    dict_keys(['gain/gain', 'gain2/gain'])
    >>> monitored(part)
    {'gain/gain': 0.5}
    """
    values, numbers = {}, {}
    for part in dict.fromkeys(_parts(module)):  # once where it is shared
        name = type(part).__name__.lower()
        numbers[name] = number = numbers.get(name, 0) + 1
        prefix = name if number == 1 else f"{name}{number}"
        for key, value in part.monitored().items():
            values[f"{prefix}/{key}"] = float(value)
    return values


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost modules that report values."""
    if hasattr(module, "monitored"):
        yield module
    else:
        for child in module.children():
            yield from _parts(child)


class EpochTensorboardLogger(TensorboardLogger):
    """SpeechBrain's TensorBoard logger with the epoch as its step.

    SpeechBrain counts the calls, so that the curves of a resumed run would
    start at 0 again.

    Arguments
    ---------
    save_dir : str
        Folder of the event files.

    Raises
    ------
    InputError
        If TensorBoard is not installed.
    """

    def __init__(self, save_dir: str):
        try:
            super().__init__(save_dir)
        except ImportError:
            raise InputError(
                "The curves of a training need TensorBoard: pip install "
                "tensorboard, or leave EpochTensorboardLogger out of "
                "train_loggers."
            ) from None

    @main_process_only
    def log_stats(
        self,
        stats_meta: dict,
        train_stats: dict | None = None,
        valid_stats: dict | None = None,
        test_stats: dict | None = None,
        verbose: bool = False,
    ) -> None:
        """Write each value at ``stats_meta["epoch"]``."""
        epoch = stats_meta["epoch"]
        values = {k: v for k, v in stats_meta.items() if k != "epoch"}
        for stage, stats in (
            ("train", train_stats),
            ("valid", valid_stats),
            ("test", test_stats),
        ):
            for name, value in (stats or {}).items():
                values[f"{name}/{stage}"] = value
        for name, value in values.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()
