"""Batch augmentations in a training."""

import pytest
import torch
from small_encoder import Means
from speechbrain import Stage
from speechbrain.dataio.batch import PaddedBatch
from torch import nn

from sb_sed.augment.batch import FrameShift, Mixup, TimeMask

SILENT = {
    "dropout": 0.0,
    "views": dict.fromkeys(("student", "teacher"), nn.Identity()),
}
ALL = [FrameShift(0.3), Mixup(), TimeMask()]


def options(augmentations=ALL):
    return {"brain_options": {"augmentations": augmentations}}


def trained(run, seed=4):
    """Inputs and labels of the first batch in training."""
    torch.manual_seed(seed)
    return run.brain.inputs.training(run.first_batch())


def test_without_augmentations_a_batch_is_left_alone(make_run):
    run = make_run(**SILENT)
    batch = run.first_batch()
    inputs, same = run.brain.inputs.training(batch)
    assert same is batch
    assert torch.equal(
        inputs["student"][0], run.brain.inputs(batch)["student"][0]
    )


def test_one_draw_for_both_networks_and_the_labels(make_run):
    run = make_run(**SILENT, **options())
    batch = run.first_batch()
    inputs, changed = trained(run)
    assert inputs["student"][0] is inputs["teacher"][0]
    clean = run.brain.inputs(batch)["student"][0]
    assert (inputs["student"][0] != clean).any(2).any(1)[:4].all()
    assert changed.strong.data.shape == batch.strong.data.shape
    assert not torch.equal(changed.strong.data, batch.strong.data)
    assert torch.equal(changed.has_strong, batch.has_strong)
    # The batch that was given is as it was.
    assert torch.equal(batch.strong.data, run.first_batch().strong.data)


def test_mel_and_labels_stay_aligned(make_run):
    """A sound that is where its label is, in every clip."""
    run = make_run(**SILENT, **options([FrameShift(0.3)]))
    clips = []
    for number in range(4):
        clip = run.clip(f"c{number}", has_strong=True, has_weak=False)
        clip["strong"] = torch.zeros_like(clip["strong"])
        clip["strong"][6:12] = 1
        hop = 40  # samples of a label frame
        clip["sig"] = torch.zeros(1000)
        clip["sig"][6 * hop : 12 * hop] = torch.randn(6 * hop)
        clips.append(clip)
    for seed in range(5):
        torch.manual_seed(seed)
        inputs, batch = run.brain.inputs.training(PaddedBatch(clips))
        mel = inputs["student"][0]
        n_frames = batch.strong.data.shape[1]
        loud = mel[:, : 2 * n_frames].sum(2)
        loud = loud.unflatten(1, (n_frames, 2)).mean(2)
        active = batch.strong.data[..., 0] > 0
        # The window of a mel frame reaches over one label frame.
        near = active | active.roll(1, 1) | active.roll(-1, 1)
        assert (loud[~near] < 1e-3 * loud.max()).all()
        assert (loud[active] > 0.01 * loud.max()).float().mean() > 0.9


def test_the_teachers_own_waveform_gets_the_same_draw(make_run):
    run = make_run(**SILENT, **options())
    clips = [
        run.clip(f"c{i}") | {"sig_teacher": 2 * run.clip(f"c{i}")["sig"]}
        for i in range(4)
    ]
    inputs, _ = run.brain.inputs.training(PaddedBatch(clips))
    (student,), (teacher,) = inputs["student"], inputs["teacher"]
    assert torch.allclose(teacher, 2 * student, rtol=1e-4, atol=1e-4)


def test_the_losses_have_the_changed_labels(make_run):
    run = make_run(**SILENT, **options())
    brain = run.brain
    brain.init_optimizers()
    brain.modules.train()
    brain.epoch = 1
    brain.step = 0
    seen = []
    brain.losses["strong"] = lambda scores, targets: (
        seen.append(targets)
        or nn.functional.binary_cross_entropy(scores, targets)
    )
    brain.fit_batch(run.first_batch())
    brain.seed_step(1, 0)
    _, batch = brain.inputs.training(run.first_batch())
    assert torch.equal(seen[0], batch.strong.data[:2])


def test_scoring_is_not_augmented(make_run):
    run = make_run(**SILENT, **options())
    plain = make_run(**SILENT)
    batch = run.first_batch()
    run.brain.modules.eval()
    plain.brain.modules.eval()
    for one, other in zip(
        run.brain.compute_forward(batch, Stage.VALID)["student"],
        plain.brain.compute_forward(batch, Stage.VALID)["student"],
        strict=True,
    ):
        assert torch.equal(one, other)


def test_a_resumed_run_equals_an_uninterrupted_one(make_run, tmp_path):
    whole = make_run(folder=tmp_path / "whole", **options()).fit(3)
    make_run(folder=tmp_path / "parts", **options()).fit(1)
    parts = make_run(folder=tmp_path / "parts", **options()).fit(3)
    first, second = whole.state(), parts.state()
    assert first.keys() == second.keys()
    assert not [k for k in first if not torch.equal(first[k], second[k])]
    other = make_run(**options([Mixup()])).fit(3).state()
    assert [k for k in first if not torch.equal(first[k], other[k])]


@pytest.mark.parametrize("trainable", [False, True])
def test_what_an_encoder_processes_is_changed_alike(make_run, trainable):
    """Of an encoder that is trained the waveform, else the embeddings."""
    encoder = Means(trainable=trainable)
    run = make_run(encoder=encoder, **SILENT, **options([FrameShift(0.3)]))
    clips = [run.clip(f"c{i}") for i in range(3)]
    for clip in clips:  # each tenth of a second has a number
        clip["sig"] = torch.arange(10.0).repeat_interleave(100)
    inputs, _ = run.brain.inputs.training(PaddedBatch(clips))
    _, encoded = inputs["student"]
    values = encoded if trainable else encoded[..., 0]
    for row in values:
        steps = row.diff()
        # One jump back at most, where the end is followed by the start.
        assert (steps < -2).sum() <= 1
        assert (steps[steps >= -2] >= 0).all() and steps.max() <= 2
    run.fit(1)


def test_a_mask_of_embeddings_is_those_of_silence(make_run):
    encoder = Means()
    nn.init.constant_(encoder.net.bias, 7.0)
    run = make_run(encoder=encoder, **SILENT, **options([TimeMask((0.5, 0.5))]))
    inputs, _ = trained(run)
    _, encoded = inputs["student"]
    silent = (encoded == 7.0).all(2).sum(1).tolist()
    assert all(4 <= n <= 6 for n in silent[:2]) and not any(silent[2:])


def test_the_adaptation_gets_the_lengths_of_the_mixtures(make_dat):
    run = make_dat(**SILENT, **options([Mixup()]))
    clips = [
        run.clip(f"c{i}", duration=0.4 + 0.2 * (i % 2), has_strong=i < 2)
        for i in range(4)
    ]
    batch = PaddedBatch(clips)
    seen = []
    for seed in range(10):
        torch.manual_seed(seed)
        inputs, changed = run.brain.inputs.training(batch)
        embedding = run.brain.predictions(inputs)["student"].embedding
        lens, domains = run.brain._lens_and_domains(embedding, changed)
        total = embedding.shape[1] * run.encoder.frame_shift
        assert domains.tolist() == [1, 1, 0, 0]
        seen.append((lens * total)[0].item())
    # Alone, or mixed with the longer one.
    assert min(seen) == pytest.approx(0.4) and max(seen) == pytest.approx(0.6)
    run.fit(1)
