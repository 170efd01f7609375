"""Batches of several streams, and test clips."""

import json
from collections import Counter

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.dataio.dataloader import SaveableDataLoader
from speechbrain.dataio.sampler import (
    ConcatDatasetBatchSampler,
    DistributedSamplerWrapper,
    ReproducibleRandomSampler,
)
from speechbrain.utils.checkpoints import Checkpointer
from torch.utils.data import DataLoader

from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import (
    ClipReader,
    StreamBatchSampler,
    Streams,
    batches_of_one_length,
    fit_length,
)
from sb_sed.errors import InputError
from sb_sed.features import get_featurizer
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector

RATE = 1000
CLASSES = ["Cat", "Dog"]


class Manifests:
    """Writes clips (of a ramp that starts at 0.1) and their manifests."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name, durations, rate=RATE, **labels):
        clips = {}
        for i, duration in enumerate(durations):
            wav = self.folder / f"{name}{i}.wav"
            n_samples = round(duration * rate)
            soundfile.write(wav, np.linspace(0.1, 0.9, n_samples), rate)
            clips[f"{name}{i}"] = {
                "wav": str(wav),
                "duration": duration,
                "events": [],
                "tags": [],
            } | labels
        manifest = self.folder / f"{name}.json"
        manifest.write_text(json.dumps(clips))
        return manifest


@pytest.fixture
def manifests(tmp_path):
    return Manifests(tmp_path)


@pytest.fixture
def reader():
    """Clips of 1 s and frames of 0.1 s."""
    return ClipReader(
        encoder=EventEncoder(CLASSES, 0.1),
        sample_rate=RATE,
        n_samples=1000,
        n_frames=lambda n_samples: n_samples // 100,
    )


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


def test_a_stream_shorter_than_the_epoch_begins_anew_in_another_order():
    [batches] = epochs([5, 50], [1, 1], epoch_stream=1, n=1)
    short = [batch[0] for batch in batches]
    passes = [tuple(short[i : i + 5]) for i in range(0, 50, 5)]
    assert all(sorted(clips) == [0, 1, 2, 3, 4] for clips in passes)
    assert len(set(passes)) > 5


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
def test_an_interrupted_epoch_goes_on_where_it_was(tmp_path, num_workers):
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


def test_a_stream_of_no_clips_is_not_looked_at():
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


# The clips


def test_clips_of_training_have_one_length(manifests, reader):
    events = [[0.25, 0.5, "Dog"], [0.9, 1.4, "Cat"]]
    manifest = manifests("a", [0.5, 1.0, 1.5], events=events, tags=["Cat"])
    clips = reader.training_clips(manifest, strong=True)
    for i, duration in enumerate([0.5, 1.0, 1.5]):
        clip = clips[i]
        n_samples = round(duration * RATE)
        expected = np.zeros(1000)
        ramp = np.linspace(0.1, 0.9, n_samples)[:1000]
        expected[: len(ramp)] = ramp
        assert clip["id"] == f"a{i}" and clip["duration"] == duration
        assert clip["sig"].dtype == torch.float32
        np.testing.assert_allclose(clip["sig"], expected, atol=1 / 2**15)
        assert clip["strong"].T.tolist() == [
            [0] * 9 + [1],
            [0, 0, 1, 1, 1, 0, 0, 0, 0, 0],
        ]
        assert clip["weak"].tolist() == [1, 0]


@pytest.mark.parametrize("strong", [True, False])
@pytest.mark.parametrize("weak", [True, False])
def test_a_stream_says_which_labels_it_has(manifests, reader, strong, weak):
    clips = reader.training_clips(manifests("a", [1.0] * 3), strong, weak)
    batch = PaddedBatch([clips[i] for i in range(3)])
    assert batch.has_strong.tolist() == [strong] * 3
    assert batch.has_weak.tolist() == [weak] * 3
    assert batch.has_strong.dtype == torch.bool


def test_a_batch_of_all_streams(manifests, reader):
    datasets = {
        "synthetic": reader.training_clips(
            manifests("s", [1.0] * 4, events=[[0.0, 1.0, "Cat"]], tags=["Cat"]),
            strong=True,
        ),
        "unlabelled": reader.training_clips(manifests("u", [0.7] * 6)),
        "weak": reader.training_clips(
            manifests("w", [1.3] * 2, tags=["Dog"]), weak=True
        ),
    }
    streams = Streams({"synthetic": 2, "unlabelled": 3, "weak": 1})
    clips, batches = streams.build(datasets, seed=0)
    loader = DataLoader(clips, batch_sampler=batches, collate_fn=PaddedBatch)
    seen = []
    for batch in loader:
        assert [clip[0] for clip in batch.id] == list("ssuuuw")
        assert batch.sig.data.shape == (6, 1000)
        assert batch.strong.data.shape == (6, 10, 2)
        assert batch.has_strong.tolist() == [True] * 2 + [False] * 4
        assert batch.has_weak.tolist() == [False] * 5 + [True]
        assert batch.strong.data[:2, :, 0].all()
        assert batch.weak.data[5].tolist() == [0, 1]
        seen += batch.id
    assert len(set(seen)) == len(seen) == 12


def test_test_clips_keep_their_length(manifests, reader):
    events = [[1.2, 1.31, "Dog"]]
    manifest = manifests("a", [0.4, 1.0, 1.5], events=events, tags=["Dog"])
    clips = reader.test_clips(manifest)
    assert [len(clip["sig"]) for clip in clips] == [1000, 1000, 1500]
    assert [len(clip["strong"]) for clip in clips] == [10, 10, 15]
    assert clips[2]["strong"][:, 1].nonzero().flatten().tolist() == [12, 13]
    assert not clips[0]["strong"].any()
    assert not clips[0]["sig"][400:].any()
    assert all(clip["has_strong"] and clip["has_weak"] for clip in clips)


def test_targets_have_the_frames_of_the_detector(manifests):
    detector = Detector(
        get_featurizer("log_mel", n_mels=32),
        CRNN(3, 32, filters=(2, 2), pooling=((2, 4), (2, 4)), rnn_hidden=2),
    )
    detector.featurizer.fit([torch.randn(1, 16000)])
    reader = ClipReader(
        EventEncoder(CLASSES, detector.frame_shift),
        sample_rate=16000,
        n_samples=8000,
        n_frames=detector.n_output_frames,
    )
    manifest = manifests("a", [0.2, 0.5, 0.77, 1.0], rate=16000)
    for clips in (reader.test_clips(manifest), reader.training_clips(manifest)):
        for clip in clips:
            scores = detector.from_waveforms(clip["sig"][None]).strong[0]
            assert len(clip["strong"]) == len(scores)


def test_no_test_clip_is_padded_for_another(manifests, reader):
    durations = [0.4, 1.0, 1.5, 2.0, 0.7, 1.5, 1.0, 1.0]
    clips = reader.test_clips(manifests("a", durations))
    batches = batches_of_one_length(clips, 3, clip_seconds=1.0)
    assert sorted(i for batch in batches for i in batch) == list(range(8))
    assert [len(batch) for batch in batches] == [3, 2, 2, 1]
    loader = DataLoader(clips, batch_sampler=batches, collate_fn=PaddedBatch)
    for batch in loader:
        assert (batch.sig.lengths == 1).all()
        assert (batch.strong.lengths == 1).all()


def test_durations_of_a_batch_are_exact(manifests, reader):
    # JSON has 2 where a clip is of whole seconds.
    clips = reader.training_clips(manifests("a", [2, 9.234567]))
    batch = PaddedBatch([clips[0], clips[1]])
    assert batch.duration.tolist() == pytest.approx([2, 9.234567], abs=5e-7)


def test_fitting_a_length():
    x = torch.arange(1.0, 4.0)
    assert fit_length(x, 5).tolist() == [1, 2, 3, 0, 0]
    assert fit_length(x, 2).tolist() == [1, 2]
    assert fit_length(x, 3).tolist() == [1, 2, 3]
    assert fit_length(torch.zeros(0), 2).tolist() == [0, 0]


# What may be wrong with a recording


@pytest.mark.parametrize("clips", ["training_clips", "test_clips"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("corrupt", "cannot be read"),
        ("missing", "cannot be read"),
        ("empty", "cannot be read"),
        ("rate", "16000 Hz.*mono at 1000 Hz"),
        ("stereo", "2 dimension.*mono at 1000 Hz"),
    ],
)
def test_a_bad_recording_is_named(manifests, reader, damage, message, clips):
    manifest = manifests("a", [1.0])
    wav = manifests.folder / "a0.wav"
    if damage == "corrupt":
        wav.write_bytes(b"RIFF of something else" * 9)
    elif damage == "missing":
        wav.unlink()
    elif damage == "empty":
        wav.write_bytes(b"")
    elif damage == "rate":
        soundfile.write(wav, np.zeros(1000), 16000)
    else:
        soundfile.write(wav, np.zeros((1000, 2)), RATE)
    with pytest.raises(InputError, match=f"a0.wav .*{message}"):
        getattr(reader, clips)(manifest)[0]


def test_an_unknown_label_is_named(manifests, reader):
    manifest = manifests("a", [1.0], events=[[0.0, 1.0, "Cow"]])
    with pytest.raises(InputError, match="'Cow'"):
        reader.training_clips(manifest)[0]
