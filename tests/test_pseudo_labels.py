"""Labels that trained systems give."""

import json

import numpy as np
import pandas as pd
import pytest

from sb_sed import pseudo_labels
from sb_sed.data.manifests import (
    manifest_entry,
    read_manifest,
    write_manifest,
)
from sb_sed.errors import InputError
from sb_sed.evaluation import average_scores
from sb_sed.formats import scores_table
from sb_sed.pseudo_labels import PseudoLabeller, TrainedSystems, label_clips
from sb_sed.runs.run import Run
from sb_sed.smoothing.threshold import ThresholdSmoother

CLASSES = ["Cat", "Dog"]


def table(cat, dog):
    return scores_table(np.transpose([cat, dog]), 1.0, CLASSES)


def labels(cat, dog, tags=None, weak=None, floor=0.0, **options):
    """The events of one clip as onset, offset and the first letter."""
    labeller = PseudoLabeller(ThresholdSmoother(0.5, **options), floor)
    found = labeller({"a": table(cat, dog)}, weak, {"a": tags})
    if "a" not in found:
        return None
    return [(int(on), int(off), label[0]) for on, off, label in found["a"]]


def test_an_unlabelled_clip_has_the_smoothers_events():
    assert labels([0.9, 0.9, 0.1], [0.1, 0.6, 0.7]) == [
        (0, 2, "C"),
        (1, 3, "D"),
    ]
    assert labels([0.4, 0.4], [0.1, 0.1]) is None


def test_the_floor_is_a_classs_own():
    cat, dog = [0.9, 0.1, 0.6], [0.7, 0.7, 0.1]
    everything = [(0, 1, "C"), (0, 2, "D"), (2, 3, "C")]
    assert labels(cat, dog) == everything
    assert labels(cat, dog, floor={"Cat": 0.8}) == everything[:2]
    assert labels(cat, dog, floor=0.8) == everything[:1]
    assert labels(cat, dog, floor=0.95) is None


def test_weak_labels_forbid_and_demand():
    cat, dog = [0.9, 0.1, 0.1], [0.1, 0.2, 0.4]
    assert labels(cat, dog, tags=["Cat"]) == [(0, 1, "C")]
    # Over its maximum of 0.4, the second class has 0.25, 0.5 and 1.
    demanded = [(0, 1, "C"), (1, 3, "D")]
    assert labels(cat, [0.1, 0.21, 0.4], tags=["Cat", "Dog"]) == demanded
    assert labels(cat, dog, tags=["Dog"], floor=0.99) in (
        [(1, 3, "D")],
        [(2, 3, "D")],
    )
    assert labels(cat, [0.0] * 3, tags=["Cat", "Dog"]) is None
    assert labels(cat, dog, tags=[]) is None


def test_a_clip_gate_is_for_clips_whose_classes_are_not_known():
    cat, dog = [0.9, 0.1], [0.1, 0.8]
    weak = {"a": {"Cat": 0.2, "Dog": 0.9}}
    assert labels(cat, dog, None, weak, clip_gate=True) == [(1, 2, "D")]
    both = [(0, 1, "C"), (1, 2, "D")]
    assert labels(cat, dog, CLASSES, weak, clip_gate=True) == both


@pytest.fixture
def prepared(tmp_path, make_wav):
    """Five unlabelled and three weak clips, one of each in a silent file."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    for split, tags in {"unlabelled": [], "weak": ["Dog"]}.items():
        entries = {}
        for number in range(5 if tags == [] else 3):
            seconds = [2.0, 1.5, 3.0][number % 3]
            path = make_wav(
                f"{split}{number}.wav", seconds, seed=number, subtype="FLOAT"
            )
            entries[f"{split}{number}"] = manifest_entry(
                path, seconds, tags=tags
            )
        write_manifest(entries, folder / f"train_{split}.json")
    return folder


@pytest.fixture
def systems(run_folder):
    return TrainedSystems([Run(run_folder)], batch_size=2)


@pytest.fixture
def labeller(systems):
    return PseudoLabeller(ThresholdSmoother(0.48))


def test_scores_are_the_students(systems, prepared, run_folder):
    clips = read_manifest(prepared / "train_unlabelled.json")
    scores, weak = systems(clips)
    assert list(scores) == list(clips)
    student = Run(run_folder).student()
    from soundfile import read

    from sb_sed.data.clips import fit_length

    for name, clip in clips.items():
        samples, _ = read(clip["wav"], dtype="float32")
        length = max(2000, len(samples))
        import torch

        with torch.no_grad():
            found = student.from_waveforms(
                fit_length(torch.from_numpy(samples), length)[None]
            )
        n_frames = len(scores[name])
        assert np.allclose(
            scores[name][CLASSES], found.strong[0, :n_frames], atol=1e-5
        )
        assert scores[name]["offset"].iloc[-1] == pytest.approx(
            clip["duration"], abs=0.04
        )
        assert [weak[name][c] for c in CLASSES] == pytest.approx(
            found.weak[0].tolist(), abs=1e-5
        )


def test_several_systems_are_averaged(run_folder, prepared):
    clips = read_manifest(prepared / "train_weak.json")
    run = Run(run_folder)
    one, _ = TrainedSystems([run])(clips)
    twice, _ = TrainedSystems([run, run])(clips)
    for name, wanted in average_scores([one, one]).items():
        pd.testing.assert_frame_equal(twice[name], wanted, atol=1e-6)


def test_the_manifest_is_for_training(systems, labeller, prepared, tmp_path):
    manifest = label_clips(systems, labeller, prepared, tmp_path / "labels")
    found = read_manifest(manifest)
    assert found and manifest == tmp_path / "labels" / "train_pseudo.json"
    for name, clip in found.items():
        there = {label for *_, label in clip["events"]}
        assert clip["tags"] == sorted(there) and there
        if name.startswith("weak"):
            assert there == {"Dog"}
        for onset, offset, _ in clip["events"]:
            assert 0 <= onset < offset <= clip["duration"]
    assert sorted(p.name for p in manifest.parent.iterdir()) == [
        "settings.json",
        "train_pseudo.json",
    ]


def test_labelling_resumes_and_repeats_nothing(
    systems, labeller, prepared, tmp_path, monkeypatch
):
    wanted = label_clips(systems, labeller, prepared, tmp_path / "whole")
    monkeypatch.setattr(pseudo_labels, "_PART", 3)
    calls = []

    def interrupted(clips):
        calls.append(list(clips))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return systems(clips)

    interrupted.runs = systems.runs
    folder = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        label_clips(interrupted, labeller, prepared, folder)
    assert not (folder / "train_pseudo.json").exists()
    manifest = label_clips(interrupted, labeller, prepared, folder)
    assert [len(names) for names in calls] == [3, 3, 3, 2]
    assert calls[1] == calls[2]
    assert json.loads(manifest.read_text()) == json.loads(wanted.read_text())
    label_clips(interrupted, labeller, prepared, folder)
    assert len(calls) == 4


def test_labels_of_other_settings_are_refused(
    systems, labeller, prepared, tmp_path
):
    label_clips(systems, labeller, prepared, tmp_path / "labels")
    labeller.floor = 0.3
    with pytest.raises(InputError, match="other systems or settings"):
        label_clips(systems, labeller, prepared, tmp_path / "labels")


def test_what_cannot_be_labelled_is_said(systems, labeller, prepared, tmp_path):
    with pytest.raises(InputError, match="there are no clips to label"):
        label_clips(systems, labeller, tmp_path, tmp_path / "labels")
    (prepared / "train_weak.json").unlink()
    labeller.floor = 1.0
    with pytest.raises(InputError, match="No event was found"):
        label_clips(systems, labeller, prepared, tmp_path / "labels")


def test_systems_of_several_kinds_are_refused(run_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    text = (run_folder / "hyperparams.yaml").read_text()
    (other / "hyperparams.yaml").write_text(
        text.replace("[Cat, Dog]", "[A, B]")
    )
    with pytest.raises(InputError, match="other classes"):
        TrainedSystems([Run(run_folder), Run(other)])
