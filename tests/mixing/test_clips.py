"""Clips mixed again in every epoch: a function of seed, epoch and index."""

import json
import pickle
from collections import Counter
from functools import partial

import numpy as np
import pytest
import soundfile as sf
import torch
from scipy import stats
from speechbrain.dataio.batch import PaddedBatch
from torch.utils.data import DataLoader

from sb_sed.audio.search import find_audio
from sb_sed.data.clips import ClipReader
from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import Streams
from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache
from sb_sed.mixing.clips import (
    MixedClips,
    TwoMixes,
    WithExtraBackground,
    recorded_clips,
    shared_clips,
)
from sb_sed.mixing.mixer import Mixer
from sb_sed.mixing.sampling import UniformFiles
from sb_sed.mixing.soundbank import (
    Foreground,
    Sources,
    find_foregrounds,
)

RATE, SECONDS, SHIFT = 16000, 2.0, 0.1


def n_frames(n_samples):
    return -(-n_samples // round(SHIFT * RATE))


@pytest.fixture
def reader():
    return ClipReader(
        EventEncoder(["Cat", "Dog", "Frying"], SHIFT),
        RATE,
        round(SECONDS * RATE),
        n_frames,
    )


@pytest.fixture
def sources(soundbank_folder):
    return Sources(
        find_foregrounds(soundbank_folder / "foreground"),
        find_audio(soundbank_folder / "background"),
        find_audio(soundbank_folder / "rirs"),
        AudioCache(1),
    )


@pytest.fixture
def manifest(tmp_path):
    """Eight recordings, three of them shorter than a clip, one silent."""
    entries = {}
    for index in range(8):
        seconds = 1.5 if index < 3 else 2.5
        times = np.arange(round(seconds * RATE)) / RATE
        tone = 0.2 * (index != 7) * np.sin(2 * np.pi * 440 * times)
        sf.write(tmp_path / f"{index}.wav", tone, RATE)
        entries[f"clip{index}"] = {
            "wav": str(tmp_path / f"{index}.wav"),
            "duration": seconds,
            "events": [[0.5, 1.0, "Dog"]],
            "tags": ["Dog"],
        }
    (tmp_path / "clips.json").write_text(json.dumps(entries))
    return tmp_path / "clips.json"


@pytest.fixture(params=[MixedClips, TwoMixes, WithExtraBackground])
def clips(request, reader, sources, manifest):
    """Eight clips that are mixed again in every epoch."""
    recorded = reader.training_clips(manifest, weak=True)
    return request.param(recorded, reader, sources, (3, 1))


def waveforms(clips, epoch=None, key="sig"):
    if epoch is not None:
        clips.set_epoch(epoch)
    return torch.stack([clips[index][key] for index in range(len(clips))])


def test_a_function_of_seed_epoch_and_index(reader, sources, manifest, clips):
    first, second = waveforms(clips, 1), waveforms(clips, 2)
    assert not torch.equal(first, second)
    # In another order, and after another epoch.
    clips.set_epoch(1)
    for index in reversed(range(8)):
        assert torch.equal(clips[index]["sig"], first[index])
    recorded = reader.training_clips(manifest)
    for seed, same in (((3, 1), True), ((3, 2), False), ((4, 1), False)):
        other = type(clips)(recorded, reader, sources, seed)
        assert torch.equal(waveforms(other, 1), first) == same


def test_clips_of_an_epoch_differ(reader, sources, manifest):
    recorded = reader.training_clips(manifest)
    mixed = waveforms(MixedClips(recorded, reader, sources, (3, 1)), 1)
    assert len({sig.numpy().tobytes() for sig in mixed}) == 8


def test_copies_are_the_same(reader, sources, manifest):
    recorded = reader.training_clips(manifest)
    mixed = MixedClips(recorded, reader, sources, (3, 1))
    first = waveforms(mixed, 5)
    assert torch.equal(waveforms(pickle.loads(pickle.dumps(mixed))), first)


@pytest.mark.parametrize("num_workers", [0, 1, 2])
@pytest.mark.parametrize("persistent", [False, True])
def test_same_whatever_the_workers(clips, num_workers, persistent):
    expected = {epoch: waveforms(clips, epoch) for epoch in (1, 2, 3)}
    loader = DataLoader(
        clips,
        batch_size=3,
        num_workers=num_workers,
        persistent_workers=persistent and num_workers > 0,
        collate_fn=PaddedBatch,
    )
    for epoch in (1, 2, 3):
        clips.set_epoch(epoch)
        signals = torch.cat([batch.sig.data for batch in loader])
        assert torch.equal(signals, expected[epoch])


def test_streams_set_the_epoch(reader, sources, manifest):
    recorded = reader.training_clips(manifest)
    mixed = MixedClips(recorded, reader, sources, (3, 0))
    sixth = waveforms(mixed, 6)
    _, batches = Streams({"synthetic": 2, "weak": 2}).build(
        {"synthetic": mixed, "weak": recorded}, seed=0
    )
    assert not torch.equal(waveforms(mixed), sixth)
    batches.set_epoch(6)
    assert torch.equal(waveforms(mixed), sixth)


def test_items_are_those_of_a_recorded_stream(reader, sources, manifest):
    recorded = reader.training_clips(manifest, strong=True)
    assert recorded_clips(recorded, reader, Sources(), (0,)) is recorded
    mixed = MixedClips(recorded, reader, sources, (0, 0))
    assert len(mixed) == len(recorded)
    for item in (
        mixed[0],
        WithExtraBackground(recorded, reader, sources, (0,))[0],
    ):
        assert item.keys() == recorded[0].keys()
        for key, value in recorded[0].items():
            assert isinstance(item[key], type(value)), key
            if isinstance(value, torch.Tensor):
                assert item[key].shape == value.shape
                assert item[key].dtype == value.dtype


def test_labels_of_mixed_clips(reader, sources, manifest):
    recorded = reader.training_clips(manifest)
    mixed = MixedClips(recorded, reader, sources, (0, 0))
    for index in range(8):
        item = mixed[index]
        scene = mixed.mixer.draw(mixed.generator(index))
        events = mixed.mixer.render(scene).events
        strong = reader.encoder.encode_strong(events, 20)
        assert torch.equal(item["strong"], strong) and strong.any()
        assert torch.equal(item["weak"], strong.amax(dim=0))
        assert item["has_strong"] and not item["has_weak"]
        assert item["duration"] == SECONDS


def test_the_teachers_mix_has_the_same_events(
    reader, sources, manifest, monkeypatch
):
    recorded = reader.training_clips(manifest)
    one = MixedClips(recorded, reader, sources, (0, 0))
    two = TwoMixes(recorded, reader, sources, (0, 0))
    redraw, scenes = two.mixer.redraw, []

    def note(rng, scene):
        scenes[:] = scene, redraw(rng, scene)
        return scenes[1]

    monkeypatch.setattr(two.mixer, "redraw", note)
    for index in range(8):
        item = two[index]
        for key, scene in zip(("sig", "sig_teacher"), scenes, strict=True):
            np.testing.assert_array_equal(
                item.pop(key), two.mixer.render(scene).samples
            )
        student, teacher = scenes
        assert student.background != teacher.background
        for ours, theirs in zip(
            student.foregrounds, teacher.foregrounds, strict=True
        ):
            assert (ours.path, ours.onset) == (theirs.path, theirs.onset)
            assert ours.level != theirs.level
        # The labels are those of the student's mix, as without a teacher's.
        for key, value in item.items():
            np.testing.assert_array_equal(value, one[index][key])


def test_the_teachers_mix_is_a_function_of_seed_epoch_and_index(
    reader, sources, manifest
):
    recorded = reader.training_clips(manifest)
    two = TwoMixes(recorded, reader, sources, (3, 1))
    first = waveforms(two, 1, "sig_teacher")
    assert not torch.equal(waveforms(two, 2, "sig_teacher"), first)
    copy = TwoMixes(recorded, reader, sources, (3, 1))
    copy.set_epoch(1)
    for index in reversed(range(8)):
        assert torch.equal(copy[index]["sig_teacher"], first[index])
        assert not torch.equal(copy[index]["sig"], first[index])


def test_clips_of_one_and_of_two_mixes_share_batches(reader, sources, manifest):
    shared = shared_clips(
        reader.training_clips(manifest, weak=True), reader, Sources(), (0,)
    )
    two = TwoMixes(reader.training_clips(manifest), reader, sources, (0,))
    clips, batches = Streams({"synthetic": 2, "weak": 2}).build(
        {"synthetic": two, "weak": shared}, seed=0
    )
    for batch in DataLoader(
        clips, batch_sampler=batches, collate_fn=PaddedBatch
    ):
        same = (batch.sig.data == batch.sig_teacher.data).all(dim=1)
        assert same.tolist() == [False, False, True, True]


def test_events_of_soundscapes_held_out_are_not_used(reader, sources, manifest):
    path = sources.foregrounds[0].path
    isolated = Sources(
        [Foreground(path, "Cat", f"clip{i}") for i in (0, 5, 99)],
        sources.backgrounds,
    )
    recorded = reader.training_clips(manifest)
    uniform = partial(Mixer, choice=UniformFiles())
    mixed = MixedClips(recorded, reader, isolated, (0,), uniform)
    used = [event.soundscape for event in mixed.mixer.by_class["Cat"]]
    assert used == ["clip0", "clip5"]


def test_background_is_added_to_the_recorded_part(reader, sources, manifest):
    recorded = reader.training_clips(manifest)
    extra = WithExtraBackground(
        recorded, reader, sources, (0,), probability=1.0
    )
    levels = []
    for epoch in range(40):
        extra.set_epoch(epoch)
        for index in range(7):
            before, after = recorded[index]["sig"], extra[index]["sig"]
            added = (after - before).numpy()
            loudest = np.abs(added).max() / np.abs(before.numpy()).max()
            levels.append(20 * np.log10(loudest))
            if index < 3:
                assert not added[24000:].any()
                assert added[23000:24000].any()
    # In the levels a few are alike, since the samples are of 16 bits.
    assert stats.kstest(levels, stats.uniform(-30, 30).cdf).pvalue > 1e-3


def test_background_of_a_silent_recording(reader, sources, manifest):
    recorded = reader.training_clips(manifest)
    extra = WithExtraBackground(
        recorded, reader, sources, (0,), probability=1.0
    )
    for epoch in range(20):
        extra.set_epoch(epoch)
        level = 20 * np.log10(np.abs(extra[7]["sig"].numpy()).max())
        assert -45 <= level <= 0


def test_half_of_the_clips_get_a_background(reader, sources, manifest):
    recorded = reader.training_clips(manifest, weak=True)
    extra = WithExtraBackground(recorded, reader, sources, (0,))
    counts = Counter()
    for epoch in range(60):
        extra.set_epoch(epoch)
        for index in range(8):
            item = extra[index]
            counts[torch.equal(item["sig"], recorded[index]["sig"])] += 1
            assert item["weak"].tolist() == [0, 1, 0]
    assert stats.binomtest(counts[True], 480, 0.5).pvalue > 1e-3


def test_a_loud_recording_is_not_clipped(reader, sources, manifest, tmp_path):
    sf.write(tmp_path / "5.wav", np.full(RATE * 2, 0.999), RATE)
    recorded = reader.training_clips(manifest)
    extra = WithExtraBackground(
        recorded, reader, sources, (0,), 1.0, low=-3.0, high=0.0
    )
    assert extra[5]["sig"].abs().max() <= 1


def test_no_backgrounds(reader, manifest):
    recorded = reader.training_clips(manifest)
    with pytest.raises(InputError, match="no backgrounds"):
        WithExtraBackground(recorded, reader, Sources(), (0,))
