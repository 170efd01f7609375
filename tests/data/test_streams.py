"""Batches of several streams."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speechbrain.dataio.dataloader import SaveableDataLoader
from speechbrain.dataio.sampler import (
    ConcatDatasetBatchSampler,
    DistributedSamplerWrapper,
    ReproducibleRandomSampler,
)
from speechbrain.utils.checkpoints import Checkpointer

from sb_sed.data.streams import StreamBatchSampler, Streams
from sb_sed.errors import InputError

RATE = 1000
CLASSES = ["Cat", "Dog"]


def stream_of(index, lengths):
    """The stream that an index of the concatenated data set belongs to."""
    return int(np.searchsorted(np.cumsum(lengths), index, side="right"))


def epochs(lengths, sizes, epoch_stream, n=3, seed=0):
    sampler = StreamBatchSampler(lengths, sizes, epoch_stream, seed)
    found = []
    for epoch in range(1, n + 1):
        sampler.set_epoch(epoch)
        found.append(list(sampler))
        assert len(found[-1]) == len(sampler)
    return found


streams = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 20)).map(
        lambda pair: (pair[0] + pair[1], pair[0])
    ),
    min_size=1,
    max_size=4,
)


# The batches


@given(streams, st.data())
def test_every_batch_has_its_proportions_in_order(streams, data):
    lengths, sizes = zip(*streams, strict=True)
    epoch_stream = data.draw(st.integers(0, len(streams) - 1))
    expected = np.repeat(np.arange(len(sizes)), sizes).tolist()
    for batches in epochs(lengths, sizes, epoch_stream):
        assert len(batches) == lengths[epoch_stream] // sizes[epoch_stream]
        for batch in batches:
            assert [stream_of(i, lengths) for i in batch] == expected


@given(streams, st.data())
def test_an_epoch_is_one_pass_over_its_stream(streams, data):
    lengths, sizes = zip(*streams, strict=True)
    epoch_stream = data.draw(st.integers(0, len(streams) - 1))
    for batches in epochs(lengths, sizes, epoch_stream):
        seen = Counter(i for batch in batches for i in batch)
        for stream, (length, size) in enumerate(streams):
            counts = Counter(
                {
                    i: n
                    for i, n in seen.items()
                    if stream_of(i, lengths) == stream
                }
            )
            # Passes over a stream follow one another; each is complete.
            drawn = len(batches) * size
            full, rest = divmod(drawn, length)
            assert sum(counts.values()) == drawn
            assert max(counts.values()) <= full + (rest > 0)
            assert full == 0 or (
                len(counts) == length and min(counts.values()) >= full
            )


def test_a_stream_longer_than_the_epoch_gives_other_clips_each_epoch():
    found = epochs([8, 1000], [2, 4], epoch_stream=0)
    long = [{i for b in batches for i in b[2:]} for batches in found]
    assert all(len(clips) == 16 for clips in long)
    assert len(long[0] | long[1] | long[2]) > 40


def test_a_stream_shorter_than_the_epoch_is_repeated_in_another_order():
    [batches] = epochs([5, 50], [1, 1], epoch_stream=1, n=1)
    short = [batch[0] for batch in batches]
    passes = [tuple(short[i : i + 5]) for i in range(0, 50, 5)]
    assert all(sorted(clips) == [0, 1, 2, 3, 4] for clips in passes)
    assert len(set(passes)) > 5


@pytest.mark.parametrize("least, n_batches", [(2, 3), (3, 3), (7, 7)])
def test_few_clips_come_several_times_in_an_epoch(least, n_batches):
    streams = Streams({"a": 2, "b": 1}, "a", least_batches=least)
    clips, batches = streams.build({"a": range(7), "b": range(2)}, seed=0)
    drawn = [i for batch in batches for i in batch[:2]]
    assert len(batches) == n_batches == len(drawn) / 2
    counts = Counter(drawn)
    assert max(counts.values()) - min(counts[i] for i in range(7)) <= 1


def test_the_order_is_a_function_of_seed_and_epoch():
    options = {"lengths": [20, 30, 40], "sizes": [2, 3, 4], "epoch_stream": 0}
    found, again = epochs(**options, seed=7), epochs(**options, seed=7)
    assert found == again
    assert found[0] != found[1] != found[2] != found[0]
    assert epochs(**options, seed=8)[0] != found[0]
    # Neighbouring seeds do not share orders at neighbouring epochs.
    assert epochs(**options, seed=8)[0] != found[1]
    sampler = StreamBatchSampler([20, 30, 40], [2, 3, 4], 0, seed=7)
    sampler.set_epoch(2)
    assert list(sampler) == list(sampler) == found[1]


def test_streams_of_one_length_are_not_in_step():
    [batches] = epochs([30, 30], [1, 1], epoch_stream=0, n=1)
    assert any(first != second - 30 for first, second in batches)


def test_the_shortest_stream_against_speechbrains_sampler():
    lengths, sizes = [20, 33, 14], [2, 3, 2]
    ours = StreamBatchSampler(lengths, sizes, epoch_stream=2, seed=0)
    theirs = ConcatDatasetBatchSampler(
        [ReproducibleRandomSampler(range(length)) for length in lengths], sizes
    )
    assert len(ours) == len(theirs) == 7
    for sampler in (ours, theirs):
        seen = [i for batch in sampler for i in batch]
        assert len(set(seen)) == len(seen) == 7 * 7  # none comes twice
        assert [stream_of(i, lengths) for i in seen] == [
            0,
            0,
            1,
            1,
            1,
            2,
            2,
        ] * 7
    # Nothing but the order: with its samplers in place of ours, all is equal.
    ours.samplers = theirs.samplers
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("n_batches", [8, 9])
def test_two_processes_share_the_batches(n_batches):
    ranks = []
    for rank in range(2):
        sampler = DistributedSamplerWrapper(
            StreamBatchSampler([2 * n_batches, 60], [2, 3], 0, seed=0),
            num_replicas=2,
            rank=rank,
            drop_last=True,
        )
        sampler.set_epoch(3)
        ranks.append([tuple(batch) for batch in sampler])
    assert len(ranks[0]) == len(ranks[1]) == n_batches // 2
    whole = StreamBatchSampler([2 * n_batches, 60], [2, 3], 0, seed=0)
    whole.set_epoch(3)
    both = set(ranks[0]) | set(ranks[1])
    assert len(both) == 2 * (n_batches // 2)
    assert both <= {tuple(batch) for batch in whole}


def loader(sampler, num_workers):
    return SaveableDataLoader(
        range(47), batch_sampler=sampler, num_workers=num_workers
    )


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_interrupted_epoch_is_resumed(tmp_path, num_workers):
    def start():
        sampler = StreamBatchSampler([20, 27], [2, 3], 0, seed=0)
        sampler.set_epoch(4)
        batches = loader(sampler, num_workers)
        return sampler, batches, Checkpointer(tmp_path, {"loader": batches})

    sampler, batches, checkpointer = start()
    rest = []
    for i, batch in enumerate(batches):
        if i == 3:
            checkpointer.save_checkpoint(end_of_epoch=False)
        if i > 3:
            rest.append(batch.tolist())
    sampler, batches, checkpointer = start()
    checkpointer.recover_if_possible()
    assert [batch.tolist() for batch in batches] == rest
    assert len(rest) == 6
    sampler.set_epoch(5)
    after = [batch.tolist() for batch in batches]
    assert after == list(sampler) and len(after) == 10


# The choice of streams


@pytest.mark.parametrize("absent", ["synthetic", "weak", "unlabelled", None])
def test_any_stream_can_be_absent(absent):
    sizes = {"synthetic": 2, "unlabelled": 4, "weak": 1}
    datasets = {
        name: [f"{name}{i}" for i in range(10 * size)]
        for name, size in sizes.items()
        if name != absent
    }
    if absent:
        sizes[absent] = 0
    clips, batches = Streams(sizes).build(datasets, seed=0)
    assert len(clips) == sum(10 * size for size in sizes.values())
    for batch in batches:
        found = Counter(clips[i].rstrip("0123456789") for i in batch)
        assert dict(found) == {k: n for k, n in sizes.items() if n}


def test_a_stream_of_no_clips_is_not_read():
    streams = Streams({"weak": 2, "unlabelled": 0}, epoch_stream="weak")
    clips, batches = streams.build(
        {"weak": range(4), "unlabelled": range(9), "other": range(3)}, seed=0
    )
    assert len(clips) == 4 and len(batches) == 2


@pytest.mark.parametrize(
    ("epoch_stream", "n_batches"),
    [("synthetic", 10), ("weak", 4), ("unlabelled", 30), ("shortest", 4)],
)
def test_any_stream_defines_the_epoch(epoch_stream, n_batches):
    streams = Streams(
        {"synthetic": 2, "unlabelled": 1, "weak": 5}, epoch_stream
    )
    _, batches = streams.build(
        {"weak": range(24), "unlabelled": range(30), "synthetic": range(20)},
        seed=0,
    )
    assert len(batches) == len(list(batches)) == n_batches


def test_the_order_of_the_streams_is_that_of_the_batch():
    streams = Streams({"weak": 1, "synthetic": 2})
    clips, batches = streams.build({"synthetic": "ssss", "weak": "ww"}, seed=0)
    assert [[clips[i] for i in batch] for batch in batches] == [
        ["w", "s", "s"]
    ] * 2


@pytest.mark.parametrize(
    ("sizes", "epoch_stream", "message"),
    [
        ({"strong": 1}, "shortest", "no 'strong' clips.*'weak'.*to 0"),
        ({"weak": 4}, "shortest", "4 'weak' clips but there are 3"),
        ({"weak": 0}, "shortest", "no clips: set a stream above 0"),
        ({"weak": 1}, "synthetic", "'synthetic' is none of.*'weak'"),
        ({"weak": 1, "unlabelled": 0}, "unlabelled", "is none of"),
    ],
)
def test_impossible_streams(sizes, epoch_stream, message):
    datasets = {"weak": range(3), "unlabelled": range(3)}
    with pytest.raises(InputError, match=message):
        Streams(sizes, epoch_stream).build(datasets, seed=0)
