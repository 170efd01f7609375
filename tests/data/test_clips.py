"""Clips of training and testing, as they are read from manifests."""

import json

import numpy as np
import pytest
import soundfile
import torch
from speechbrain.dataio.batch import PaddedBatch
from torch.utils.data import DataLoader

from sb_sed.data.clips import ClipReader, batches_of_one_length, fit_length
from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import Streams
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


def test_what_was_not_judged_has_no_labels(manifests, reader):
    known = {"events": [[0.25, 0.5, "Dog"]], "tags": ["Dog"]}
    parts = [[0.1, 0.6, "Dog"], [0.0, 0.5, "Owl"], [0.0, 1.0, "Cat"]]
    manifest = manifests("a", [1.0, 1.5], **known, judged=parts)
    one, longer = reader.training_clips(manifest, strong=True)
    unknown = [True] + [False] * 5 + [True] * 4
    assert one["strong"][:, 1].isnan().tolist() == unknown
    assert one["strong"][1:6, 1].tolist() == [0, 1, 1, 1, 0]
    assert one["strong"][:, 0].tolist() == [0] * 10
    assert one["weak"].tolist() == [0, 1]  # a dog there is, wherever else
    assert longer["weak"].isnan().tolist() == [True, False]
    with pytest.raises(InputError, match="as the judged of 'b0'"):
        reader.training_clips(manifests("b", [1.0], judged=[1]))


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
        ("stereo", "2 channel.*mono at 1000 Hz"),
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


def test_an_error_in_a_worker_is_one_sentence(manifests, reader):
    clips = reader.training_clips(manifests("a", [1.0]))
    (manifests.folder / "a0.wav").unlink()
    loader = DataLoader(clips, num_workers=1, collate_fn=PaddedBatch)
    with pytest.raises(InputError) as caught:
        next(iter(loader))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(manifests.folder / "a0.wav"))
