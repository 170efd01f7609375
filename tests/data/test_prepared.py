"""A prepared folder as the training and the scoring read it."""

import numpy as np
import pytest
import soundfile
import torch

from sb_sed.data.clips import ClipReader
from sb_sed.data.labels import EventEncoder
from sb_sed.data.manifests import (
    manifest_entry,
    write_manifest,
    write_references,
)
from sb_sed.data.prepared import PreparedData
from sb_sed.errors import InputError

RATE = 1000
# Seconds of the clips of each split; a training clip has one second.
SPLITS = {
    "train_weak": [0.5, 1.0],
    "train_unlabelled": [1.0, 1.5, 1.0],
    "validation": [1.0, 2.0, 0.5, 2.0],
}
STREAMS = {"synthetic": ["strong"], "weak": ["weak"], "unlabelled": []}


@pytest.fixture
def folder(tmp_path):
    """A prepared folder; a clip's samples are 0.1 times its number from 1."""
    for split, durations in SPLITS.items():
        clips = {}
        for i, duration in enumerate(durations):
            wav = tmp_path / f"{split}{i}.wav"
            samples = np.full(round(duration * RATE), 0.1 * (i + 1))
            soundfile.write(wav, samples, RATE, "FLOAT")
            events = [(0.0, 0.25, "Cat")]
            clips[f"{split}{i}"] = manifest_entry(
                wav, duration, events, ["Cat"]
            )
        write_manifest(clips, tmp_path / f"{split}.json")
    write_references(
        {name + ".wav": clip["events"] for name, clip in clips.items()},
        {name + ".wav": clip["duration"] for name, clip in clips.items()},
        tmp_path,
        "validation",
    )
    return tmp_path


@pytest.fixture
def read(folder):
    """Reads the folder with clips of 1 s and frames of 0.1 s."""

    def prepared(classes=("Cat", "Dog"), **options):
        encoder = EventEncoder(classes, 0.1)
        reader = ClipReader(encoder, RATE, RATE, lambda n: n // 100)
        return PreparedData(folder, reader, batch_size=2, **options)

    return prepared


def test_streams_that_are_there_with_their_labels(read):
    clips = read().training_clips(STREAMS)
    assert list(clips) == ["weak", "unlabelled"]
    flags = {
        name: (of_stream[0]["has_strong"], of_stream[0]["has_weak"])
        for name, of_stream in clips.items()
    }
    assert flags == {"weak": (False, True), "unlabelled": (False, False)}
    assert [len(clip["sig"]) for clip in clips["unlabelled"]] == [RATE] * 3
    both = read().training_clips({"weak": ["strong", "weak"]})["weak"][0]
    assert both["has_strong"] and both["has_weak"]


def test_test_clips_are_whole_and_those_of_validation_cut(read):
    data = read()
    assert "validation" in data and "public" not in data
    batches = list(data.test_loader("validation"))
    assert [batch.id for batch in batches] == [
        ["validation0", "validation2"],
        ["validation1", "validation3"],
    ]
    assert [batch.sig.data.shape[1] for batch in batches] == [RATE, 2 * RATE]
    cut = list(data.loader(data.validation_clips("validation")))
    assert [batch.sig.data.shape for batch in cut] == [(2, RATE)] * 2
    assert all(batch.has_strong.all() for batch in cut)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_waveforms_for_the_normalisation(read, num_workers):
    data = read(num_workers=num_workers)
    clips = data.training_clips(STREAMS)["unlabelled"]
    batches = list(data.waveforms(clips))
    assert [batch.shape for batch in batches] == [(2, RATE), (1, RATE)]
    firsts = torch.cat(batches)[:, 0].tolist()
    assert firsts == pytest.approx([0.1, 0.2, 0.3])


def test_reference_and_durations(read):
    events, durations = read().reference("validation")
    assert events["event_label"].tolist() == ["Cat"] * 4
    assert durations["validation1.wav"] == 2
    with pytest.raises(InputError, match="unknown class 'Cat'"):
        read(classes=["Dog"]).reference("validation")


class Cache:
    """Keeps the mean of a recording as its embedding, in memory."""

    def __init__(self):
        self.kept = {}
        self.batches = []

    def has(self, wav, n_samples):
        return (wav, n_samples) in self.kept

    def read(self, wav, n_samples):
        return self.kept.get((wav, n_samples))

    def nothing(self, n_samples):
        return torch.zeros(1, 1)

    def fill(self, batches, n_recordings, n_samples, device):
        for wavs, waveforms in batches:
            self.batches.append(len(wavs))
            for wav, samples in zip(wavs, waveforms, strict=True):
                key = wav, len(samples)
                self.kept[key] = samples.mean().reshape(1, 1)
        assert sum(self.batches) >= n_recordings


def test_clips_are_encoded_once_in_the_length_that_is_read(read):
    data = read()
    data.reader.embeddings = cache = Cache()
    clips = data.training_clips(STREAMS)
    data.encode([*clips.values(), data.test_clips("validation")])
    # Of one length each: 2 weak, 3 unlabelled, 2 and 2 of the validation.
    assert sorted(cache.batches) == [1, 2, 2, 2, 2]
    for item in [*clips["weak"], *clips["unlabelled"]]:
        assert item["has_encoded"]
        assert float(item["encoded"]) == pytest.approx(
            float(item["sig"].mean())
        )
    for batch in data.test_loader("validation"):
        assert batch.has_encoded.all()
        means = batch.sig.data.mean(1)
        torch.testing.assert_close(batch.encoded.data.flatten(), means)
    data.encode([*clips.values()])
    assert len(cache.batches) == 5


def test_what_was_made_from_clips_is_encoded_as_they_are(read):
    data = read()
    data.reader.embeddings = cache = Cache()
    clips = data.training_clips(STREAMS)
    made, mixed = (
        type("Made", (), {"recorded": x}) for x in (clips["weak"], None)
    )
    data.encode([made, mixed])
    assert len(cache.kept) == 2


def test_clips_without_embeddings_say_so(read):
    data = read()
    data.reader.embeddings = Cache()
    item = data.training_clips(STREAMS)["weak"][0]
    assert not item["has_encoded"] and not item["encoded"].any()


def test_without_an_encoder_there_are_no_embeddings(read):
    assert "encoded" not in read().training_clips(STREAMS)["weak"][0]
