"""Label aggregation, annotator quality and the clips with their targets."""

import numpy as np
import pytest
import soundfile as sf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from sklearn.metrics import f1_score

from sb_sed.data.aggregation import (
    Collector,
    Intersection,
    Majority,
    Marked,
    OneAnnotator,
    SoftMean,
    Union,
    WeightedSoft,
)
from sb_sed.data.annotated_clips import AnnotatedClips, encode_marks
from sb_sed.data.annotations import (
    AnnotatedEvent,
    Annotation,
    write_annotations,
)
from sb_sed.data.chunks import OverlappingChunks, RandomChunk
from sb_sed.data.clips import ClipReader
from sb_sed.data.labels import EventEncoder
from sb_sed.data.manifests import manifest_entry, write_manifest
from sb_sed.data.quality import Overlaps, annotator_quality
from sb_sed.errors import InputError
from sb_sed.formats import Event
from sb_sed.minidesed.annotators import draw_annotators

_marks = arrays(
    np.float64,
    st.tuples(*[st.integers(1, 4)] * 3),
    elements=st.sampled_from([0, 1]),
)


def clip(marks, name="a", epoch=0, collector=None):
    who = [Annotation(str(i), [], i == collector) for i in range(len(marks))]
    return Marked(name, who, marks, epoch)


@settings(deadline=None)
@given(_marks)
def test_aggregations_are_ordered(marks):
    """What all mark is in the majority, and that in what any marks."""
    targets = [x()(clip(marks)) for x in (Intersection, Majority, Union)]
    soft = SoftMean()(clip(marks))
    assert (targets[0] <= targets[1]).all() and (targets[1] <= targets[2]).all()
    assert (targets[0] <= soft).all() and (soft <= targets[2]).all()
    assert np.array_equal(soft >= 0.5, targets[1] == 1)


@settings(deadline=None)
@given(_marks)
def test_without_known_quality_weights_are_equal(marks):
    assert np.allclose(WeightedSoft()(clip(marks)), SoftMean()(clip(marks)))


@settings(deadline=None)
@given(_marks, st.integers(0, 9))
def test_one_annotator_is_one_of_them(marks, epoch):
    for each_epoch in (False, True):
        target = OneAnnotator(each_epoch)(clip(marks, epoch=epoch))
        assert any(np.array_equal(target, one) for one in marks)


def test_one_annotator_depends_on_seed_name_and_epoch_alone():
    marks = np.arange(20.0).reshape(20, 1, 1)

    def drawn(seed, each_epoch, name="a", epochs=range(8)):
        one = OneAnnotator(each_epoch, seed)
        return [one(clip(marks, name, epoch)).item() for epoch in epochs]

    assert drawn(1, True) == drawn(1, True) != drawn(2, True)
    assert len(set(drawn(1, False))) == 1 < len(set(drawn(1, True)))
    names = {drawn(1, False, name)[0] for name in "abcdefgh"}
    assert len(names) > 1


def test_the_collector_is_asked_first():
    marks = np.array([[[1.0]], [[0.0]], [[0.0]]])
    assert Collector()(clip(marks, collector=0)) == 1
    assert Collector()(clip(marks)) == 0


def test_two_annotators_are_as_good_as_their_f1():
    """The closed form: of two, each is the reference of the other."""
    rng = np.random.default_rng(0)
    marks = rng.integers(0, 2, (2, 50, 3))
    expected = f1_score(marks[0], marks[1], average="macro")
    for prior in (0.0, 5.0):  # the mean is the same
        found = annotator_quality([Overlaps.of(["a", "b"], marks)], prior=prior)
        assert found == pytest.approx({"a": expected, "b": expected})


def test_who_is_alone_is_as_good_as_the_mean():
    marks = np.ones((2, 4, 1))
    alone = Overlaps.of(["c"], np.zeros((1, 4, 1)))
    found = annotator_quality([Overlaps.of(["a", "b"], marks), alone])
    assert found == {"a": 1.0, "b": 1.0, "c": 1.0}
    assert annotator_quality([alone]) == {"c": 1.0}


def simulated(n_recordings=150, seconds=20.0):
    """Recordings that three of twelve annotators of known faults marked."""
    rng = np.random.default_rng(0)
    classes = [f"class{i}" for i in range(8)]
    team = draw_annotators(rng, 12)
    encoder = EventEncoder(classes, 0.1)
    for number in range(n_recordings):
        onsets = rng.uniform(0, seconds - 4, 5)
        lengths = rng.uniform(0.3, 4, 5)
        events = [
            Event(onset, onset + length, classes[rng.integers(8)])
            for onset, length in zip(onsets, lengths, strict=True)
        ]
        who = rng.choice(12, 3, replace=False)
        marked = [
            Annotation(
                team[i].name, team[i].annotate(rng, events, seconds, classes)
            )
            for i in who
        ]
        marks = encode_marks(encoder, marked, 200)
        truth = encoder.encode_strong(events, 200).numpy()
        yield Marked(str(number), marked, marks), truth, team


def test_the_estimated_quality_ranks_as_the_true_one():
    recordings = list(simulated())
    soft = WeightedSoft()
    soft.fit([marked for marked, *_ in recordings])
    team = recordings[0][2]
    true = [annotator.quality for annotator in team]
    found = [soft.quality[annotator.name] for annotator in team]
    assert spearmanr(true, found)[0] >= 0.8

    def error(aggregation):
        return np.mean(
            [
                np.square(aggregation(marked) - truth).mean()
                for marked, truth, _ in recordings
            ]
        )

    assert error(soft) < error(SoftMean())
    assert error(soft) < error(Majority())


def test_chunks_are_in_the_recording():
    rng = np.random.default_rng(0)
    for chunks in (RandomChunk(0.5), OverlappingChunks(5.0, 0.5)):
        for duration in (3.0, 10.0, 10.4, 31.7):
            count = chunks.count(duration, 10.0)
            starts = [
                [chunks.start(rng, k, duration, 10.0) for k in range(count)]
                for _ in range(50)
            ]
            flat = np.ravel(starts)
            assert (flat >= 0).all()
            assert (flat <= max(0.0, duration - 10.0)).all()
            assert np.allclose(flat % 0.5, 0)
    assert OverlappingChunks(5.0).count(31.7, 10.0) == 6


@pytest.fixture
def prepared(tmp_path):
    """Two recordings: a long one that two annotated, a short one by one."""
    ramp = np.arange(24000) / 24000
    entries, marked = {}, {}
    for name, seconds in {"long": 24, "short": 4}.items():
        path = tmp_path / f"{name}.wav"
        sf.write(path, ramp[: seconds * 1000], 1000, "FLOAT")
        entries[name] = manifest_entry(path, float(seconds))
    for who in ("ann", "bob"):
        event = Event(6.0, 18.0 if who == "ann" else 12.0, "Dog")
        marked.setdefault("long.wav", []).append(
            AnnotatedEvent(event, who, False, "unreviewed")
        )
    event = AnnotatedEvent(Event(1.0, 2.0, "Cat"), "ann", True, "unreviewed")
    marked["short.wav"] = [event]
    write_manifest(entries, tmp_path / "train_annotated.json")
    write_annotations(marked, tmp_path / "annotations.tsv")
    return tmp_path


def clips_of(folder, chunks, aggregation=None, reviews=("unreviewed",)):
    encoder = EventEncoder(["Cat", "Dog"], 0.5)
    reader = ClipReader(encoder, 1000, 10000, lambda n: n // 500)
    return AnnotatedClips(
        folder / "train_annotated.json",
        folder / "annotations.tsv",
        reader,
        aggregation or SoftMean(),
        chunks,
        reviews,
        (3,),
    )


def test_clips_are_cut_with_their_targets(prepared):
    clips = clips_of(prepared, RandomChunk(0.5))
    assert len(clips) == 2
    starts = set()
    for epoch in range(20):
        clips.set_epoch(epoch)
        item = clips[0]
        assert item["sig"].shape == (10000,) and item["strong"].shape == (20, 2)
        start = round(item["sig"][0].item() * 24, 3)
        starts.add(start)
        times = start + 0.5 * np.arange(20)
        expected = 0.5 * ((times >= 6) & (times < 18))
        expected += 0.5 * ((times >= 6) & (times < 12))
        assert np.allclose(item["strong"][:, 1], expected)
        assert torch.equal(item["weak"], item["strong"].amax(0))
        assert torch.equal(clips[0]["sig"], item["sig"])  # of the epoch alone
    assert len(starts) > 5
    short = clips[1]
    assert short["duration"] == 4.0 and not short["sig"][4000:].any()
    assert short["strong"].sum() == 2


def test_all_of_a_recording_in_overlapping_chunks(prepared):
    clips = clips_of(prepared, OverlappingChunks(5.0, 0.5))
    assert len(clips) == 4 + 1
    covered = np.zeros(24000, dtype=bool)
    for index in range(4):
        start = round(clips[index]["sig"][0].item() * 24000)
        covered[start : start + 10000] = True
    assert covered[5000:19000].all()


def test_labels_that_are_not_there_are_missed(prepared):
    with pytest.raises(InputError, match="no accepted annotation"):
        clips_of(prepared, RandomChunk(), reviews=["accepted"])


def test_soft_targets_in_the_losses():
    """The recipe's loss is least where scores equal soft targets."""
    soft = torch.tensor([0.0, 0.25, 0.5, 1.0])
    scores = soft.clamp(0.01, 0.99).requires_grad_()
    torch.nn.BCELoss()(scores, soft).backward()
    assert scores.grad[1:3].abs().max() < 1e-6


def test_embeddings_are_cut_as_the_audio_is(prepared):
    """Of a recording that was encoded whole, those of the chunk."""

    class Encoder:
        frame_shift = 0.5

    class Cache:
        encoder = Encoder()

        def nothing(self, n_samples):
            return torch.zeros(n_samples // 500, 1)

        def read(self, wav, n_samples):
            return torch.arange(n_samples // 500).float()[:, None]

    clips = clips_of(prepared, RandomChunk(0.5))
    clips.reader.embeddings = Cache()
    for epoch in range(5):
        clips.set_epoch(epoch)
        item = clips[0]
        start = item["sig"][0].item() * 24
        assert item["has_encoded"] and len(item["encoded"]) == 20
        assert np.allclose(
            item["encoded"][:, 0] * 0.5, start + 0.5 * np.arange(20)
        )
    short = clips[1]["encoded"]
    assert short[:, 0].tolist() == list(range(20))
