"""Training batches of several streams: synthetic, unlabelled and weak clips.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from speechbrain.dataio.sampler import (
    ConcatDatasetBatchSampler,
    ReproducibleRandomSampler,
)
from speechbrain.utils.distributed import is_distributed_initialized
from torch.utils.data import ConcatDataset, Dataset

from sb_sed.errors import InputError


class EndlessRandomSampler(ReproducibleRandomSampler):
    """Shuffled passes over a data set, one after another, without end.

    Its length is still that of the data set, which is what SpeechBrain's
    ``ConcatDatasetBatchSampler`` takes it for. The order is a function of the
    seed and the epoch.
    """

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(self.seed + self.epoch)
        while True:
            yield from torch.randperm(
                len(self.data_source), generator=self.generator
            ).tolist()


class StreamBatchSampler(ConcatDatasetBatchSampler):
    """Batches with a fixed number of clips of each stream.

    SpeechBrain's sampler, with one difference: any stream can define the
    epoch. The others are cut, or begin anew in another order.

    Arguments
    ---------
    lengths : Sequence[int]
        Number of clips of each stream.
    batch_sizes : Sequence[int]
        Clips of each stream in a batch.
    epoch_stream : int
        Index of the stream of which an epoch is one pass.
    seed : int
        Of the order.
    on_epoch : Sequence[Callable[[int], None]]
        Called with the number of each epoch before it begins.
    process : tuple[int, int]
        Rank and number of the processes among which each batch is divided.
    least_batches : int
        In an epoch, which is then more than a pass.

    Example
    -------
    >>> sampler = StreamBatchSampler([4, 3], [2, 1], epoch_stream=0, seed=0)
    >>> len(sampler), [len(batch) for batch in sampler]
    (2, [3, 3])
    >>> first = list(sampler)
    >>> sampler.set_epoch(1)
    >>> list(sampler) != first
    True
    >>> second_half = StreamBatchSampler([4, 4], [2, 2], 0, 0, process=(1, 2))
    >>> len(second_half), [len(batch) for batch in second_half]
    (2, [2, 2])
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_sizes: Sequence[int],
        epoch_stream: int,
        seed: int,
        on_epoch: Sequence[Callable[[int], None]] = (),
        process: tuple[int, int] = (0, 1),
        least_batches: int = 0,
    ):
        self.on_epoch = on_epoch
        self.rank, self.n_processes = process
        # Seeds far apart: the sampler adds the epoch to them.
        seeds = np.random.SeedSequence(seed).generate_state(len(lengths))
        super().__init__(
            [
                EndlessRandomSampler(range(length), seed=int(stream_seed))
                for length, stream_seed in zip(lengths, seeds, strict=True)
            ],
            list(batch_sizes),
        )
        in_a_pass = lengths[epoch_stream] // batch_sizes[epoch_stream]
        self.n_batches = max(in_a_pass, least_batches)

    def __iter__(self) -> Iterator[list[int]]:
        # As the sizes divide, this is the same share of each stream.
        for batch in super().__iter__():
            yield batch[self.rank :: self.n_processes]

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch: another order, other mixtures."""
        super().set_epoch(epoch)
        for begin in self.on_epoch:
            begin(epoch)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return self.n_batches


class Streams:
    """The streams of the training set, and the clips of each in a batch.

    Arguments
    ---------
    clips_per_batch : Mapping[str, int]
        Name of the stream and its clips in a batch, in the order in which
        they come; 0 leaves a stream out. Where several processes train
        together (``torchrun``), they divide each batch among them.
    epoch_stream : str
        The stream of which an epoch is one pass; "shortest" for the one that
        gives the fewest batches.
    least_batches : int
        In an epoch; fewer clips than it takes come several times.

    Raises
    ------
    InputError
        If a stream is unknown, empty, or none is left, or the processes cannot
        have equal shares of a batch.

    Example
    -------
    >>> streams = Streams({"synthetic": 2, "weak": 1, "unlabelled": 0})
    >>> clips, batches = streams.build(
    ...     {"synthetic": range(8), "weak": range(3)}, seed=0
    ... )
    >>> len(clips), len(batches)
    (11, 3)
    """

    def __init__(
        self,
        clips_per_batch: Mapping[str, int],
        epoch_stream: str = "shortest",
        least_batches: int = 0,
    ):
        self.clips_per_batch = {
            name: n for name, n in clips_per_batch.items() if n > 0
        }
        self.epoch_stream = epoch_stream
        self.least_batches = least_batches

    def build(
        self, datasets: Mapping[str, Dataset], seed: int
    ) -> tuple[ConcatDataset, StreamBatchSampler]:
        """Concatenate data sets and sample batches from them.

        Arguments
        ---------
        datasets : Mapping[str, Dataset]
            The data set of each stream; others are not used. Where there is
            a method ``set_epoch``, it is called before each epoch.
        seed : int
            Of the order of the clips.

        Returns
        -------
        tuple[ConcatDataset, StreamBatchSampler]
            All clips, and the batches of indices into them; on several
            processes, the share of this one.
        """
        names = list(self.clips_per_batch)
        process = this_process()
        for name in names:
            if name not in datasets:
                raise InputError(
                    f"The data set has no {name!r} clips (it has "
                    f"{sorted(datasets)}): set their number in a batch to 0."
                )
            if len(datasets[name]) < self.clips_per_batch[name]:
                raise InputError(
                    f"A batch takes {self.clips_per_batch[name]} {name!r} "
                    f"clips but there are {len(datasets[name])}: lower their "
                    "number in a batch."
                )
            if self.clips_per_batch[name] % (n_processes := process[1]):
                raise InputError(
                    f"A batch takes {self.clips_per_batch[name]} {name!r} "
                    f"clips, which {n_processes} processes cannot share "
                    f"equally: make it a multiple of {n_processes}."
                )
        if not names:
            raise InputError("A batch takes no clips: set a stream above 0.")
        lengths = [len(datasets[name]) for name in names]
        sizes = list(self.clips_per_batch.values())
        chosen = [datasets[name] for name in names]
        return (
            ConcatDataset(chosen),
            StreamBatchSampler(
                lengths,
                sizes,
                self._epoch(names, lengths),
                seed,
                [d.set_epoch for d in chosen if hasattr(d, "set_epoch")],
                process,
                self.least_batches,
            ),
        )

    def _epoch(self, names: list[str], lengths: list[int]) -> int:
        if self.epoch_stream == "shortest":
            sizes = self.clips_per_batch.values()
            batches = [
                n // size for n, size in zip(lengths, sizes, strict=True)
            ]
            return int(np.argmin(batches))
        if self.epoch_stream not in names:
            raise InputError(
                f"The epoch stream {self.epoch_stream!r} is none of the "
                f"streams {names}: choose one of them or 'shortest'."
            )
        return names.index(self.epoch_stream)


def this_process() -> tuple[int, int]:
    """Return rank and number of the processes that train together."""
    if is_distributed_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
