"""Mean teacher, step by step and epoch by epoch."""

import functools
import math

import pytest
import torch
from speechbrain import Stage
from speechbrain.dataio.batch import PaddedBatch
from torch import nn

SILENT = {
    "dropout": 0.0,
    "views": dict.fromkeys(("student", "teacher"), nn.Identity()),
}


def bce(scores, targets):
    """Binary cross-entropy of two tensors, written out."""
    terms = [
        -math.log(p) if y else -math.log(1 - p)
        for p, y in zip(
            scores.flatten().tolist(), targets.flatten().tolist(), strict=True
        )
    ]
    return sum(terms) / len(terms)


def mse(first, second):
    """Mean squared error of two tensors, written out."""
    pairs = zip(
        first.flatten().tolist(), second.flatten().tolist(), strict=True
    )
    terms = [(a - b) ** 2 for a, b in pairs]
    return sum(terms) / len(terms)


def ramp(step, n_steps):
    return math.exp(-5 * (1 - min(step / n_steps, 1)) ** 2)


# One batch


@pytest.mark.parametrize("step", [0, 5, 100])
def test_the_loss_against_one_written_out(make_run, step):
    run = make_run()
    brain = run.brain
    brain.optimizer_step = step
    brain.modules.train()
    batch = run.first_batch()
    predictions = brain.compute_forward(batch, Stage.TRAIN)
    student, teacher = predictions["student"], predictions["teacher"]
    loss = brain.compute_objectives(predictions, batch, Stage.TRAIN)
    # Two synthetic clips, two unlabelled ones, a weak one.
    weight = 2 * ramp(step, 2 * 6)
    expected = {
        "strong": bce(student.strong[:2], batch.strong.data[:2]),
        "weak": bce(student.weak[4:], batch.weak.data[4:]),
        "strong_consistency": weight * mse(student.strong, teacher.strong),
        "weak_consistency": weight * mse(student.weak, teacher.weak),
    }
    assert loss.item() == pytest.approx(sum(expected.values()), rel=1e-5)
    assert expected["strong_consistency"] > 0
    logged = brain.terms.pop()
    assert logged == pytest.approx(
        expected | {"loss": sum(expected.values())}, rel=1e-5
    )


def test_the_masks_follow_the_clip_not_its_position(make_run):
    run = make_run()
    has = [(False, True), (True, False), (True, True), (False, False)]
    batch = PaddedBatch(
        [
            run.clip(f"c{i}", has_strong=strong, has_weak=weak)
            for i, (strong, weak) in enumerate(has)
        ]
    )
    predictions = run.brain.compute_forward(batch, Stage.TRAIN)
    run.brain.compute_objectives(predictions, batch, Stage.TRAIN)
    student, terms = predictions["student"], run.brain.terms.pop()
    assert terms["strong"] == pytest.approx(
        bce(student.strong[1:3], batch.strong.data[1:3]), rel=1e-5
    )
    assert terms["weak"] == pytest.approx(
        bce(student.weak[[0, 2]], batch.weak.data[[0, 2]]), rel=1e-5
    )


def test_labels_of_a_system_have_a_weight_of_their_own(make_run):
    run = make_run(brain_options={"pseudo_weight": 0.7})
    none = {"has_strong": False, "has_weak": False}
    batch = PaddedBatch(
        [
            run.clip("a", has_strong=True, has_weak=False, has_pseudo=False),
            run.clip("b", **none, has_pseudo=True),
            run.clip("c", **none, has_pseudo=False),
            run.clip("d", **none, has_pseudo=True),
        ]
    )
    predictions = run.brain.compute_forward(batch, Stage.TRAIN)
    run.brain.compute_objectives(predictions, batch, Stage.TRAIN)
    student, terms = predictions["student"], run.brain.terms.pop()
    assert terms["strong"] == pytest.approx(
        bce(student.strong[:1], batch.strong.data[:1]), rel=1e-5
    )
    for name in ("strong", "weak"):
        scores, targets = getattr(student, name)[1::2], batch[name].data[1::2]
        assert terms[f"{name}_pseudo"] == pytest.approx(
            0.7 * bce(scores, targets), rel=1e-5
        )
    assert terms["weak"] == 0


@pytest.mark.parametrize(
    "sizes", [{"synthetic": 2}, {"unlabelled": 2}, {"weak": 3, "synthetic": 1}]
)
def test_any_stream_can_be_absent(make_run, sizes):
    run = make_run(sizes=sizes).fit(1)
    terms = run.brain.train_stats
    assert (terms["strong"] > 0) == ("synthetic" in sizes)
    assert (terms["weak"] > 0) == ("weak" in sizes)
    assert all(map(math.isfinite, terms.values()))
    assert all(p.isfinite().all() for p in run.student.parameters())


def test_each_network_has_its_view(make_run):
    run = make_run()
    inputs = {}
    for name in ("student", "teacher"):
        run.brain.modules[name].register_forward_hook(
            lambda _, args, __, name=name: inputs.update({name: args[0]})
        )
    batch = run.first_batch()
    mel = run.brain.modules.spectrogram(batch.sig.data)
    run.brain.compute_forward(batch, Stage.TRAIN)
    assert torch.equal(inputs["student"], mel)
    noise = inputs["teacher"] - mel
    ratio = mel.square().mean() / noise.square().mean()
    assert 10 * ratio.log10() == pytest.approx(30, abs=1)
    run.brain.compute_forward(batch, Stage.VALID)
    assert torch.equal(inputs["student"], mel)
    assert torch.equal(inputs["teacher"], mel)


@pytest.mark.parametrize("keys", [["sig"], ["sig", "sig_teacher"]])
def test_each_network_processes_its_waveform(make_run, keys):
    run = make_run(**SILENT)
    processed, inputs = [], {}
    run.brain.modules.spectrogram.register_forward_hook(
        lambda _, args, mel: processed.append((args[0], mel))
    )
    for name in ("student", "teacher"):
        run.brain.modules[name].register_forward_hook(
            lambda _, args, __, name=name: inputs.update({name: args[0]})
        )
    clips = [
        run.clip(f"a{i}") | {keys[-1]: run.clip(f"b{i}")["sig"]}
        for i in range(2)
    ]
    batch = PaddedBatch(clips)
    run.brain.compute_forward(batch, Stage.TRAIN)
    # One mel for each waveform, the student's first.
    assert len(processed) == len(keys)
    for key, (waveforms, _) in zip(keys, processed, strict=True):
        assert torch.equal(waveforms, batch[key].data)
    assert torch.equal(inputs["student"], processed[0][1])
    assert torch.equal(inputs["teacher"], processed[-1][1])


def test_only_the_student_has_gradients(make_run):
    run = make_run()
    run.brain.init_optimizers()
    batch = run.first_batch()
    predictions = run.brain.compute_forward(batch, Stage.TRAIN)
    assert not predictions["teacher"].strong.requires_grad
    run.brain.compute_objectives(predictions, batch, Stage.TRAIN).backward()
    assert all(p.grad is None for p in run.teacher.parameters())
    assert all(p.grad is not None for p in run.student.parameters())
    optimised = run.brain.optimizer.param_groups[0]["params"]
    assert {id(p) for p in optimised} == {
        id(p) for p in run.student.parameters()
    }


# An epoch


def test_the_teacher_against_the_closed_form(make_run):
    run = make_run()
    mean = [p.detach().clone().double() for p in run.teacher.parameters()]
    seen = run.watch()
    run.fit(2)
    for k, batch in enumerate(seen, 1):
        weight = min(1 - 1 / (k + 1), 0.9)
        mean = [
            weight * old + (1 - weight) * new
            for old, new in zip(mean, batch["student"], strict=True)
        ]
        for expected, found in zip(mean, batch["teacher"], strict=True):
            torch.testing.assert_close(
                found.double(), expected, rtol=1e-5, atol=1e-7
            )
    assert len(seen) == 12


def test_the_teachers_batch_norms_are_its_own(make_run):
    run = make_run()
    run.brain.modules.train()
    run.brain.compute_forward(run.first_batch(), Stage.TRAIN)
    student, teacher = (
        network.network.cnn[0].norm for network in (run.student, run.teacher)
    )
    assert teacher.num_batches_tracked == student.num_batches_tracked == 1
    assert not torch.equal(teacher.running_mean, student.running_mean)


def test_without_consistency_the_teacher_is_an_average_alone(make_run):
    """It is not computed in training; the student is what it would be."""
    run = make_run(consistency_weight=0.0)
    teacher, mode = run.teacher.forward, []
    run.teacher.forward = lambda *x: (
        mode.append(run.teacher.training) or (teacher(*x))
    )
    run.fit(2)
    assert mode and not any(mode)  # on validation clips
    for name, value in run.student.named_buffers():
        assert torch.equal(run.teacher.get_buffer(name), value), name
    assert not any("consistency" in key for key in run.brain.train_stats)
    other = make_run(consistency_weight=1e-30).fit(2)
    for name, value in other.student.state_dict().items():
        assert torch.equal(run.student.state_dict()[name], value), name
    for (name, value), mine in zip(
        other.teacher.named_parameters(), run.teacher.parameters(), strict=True
    ):
        assert torch.equal(mine, value), name


def test_learning_rate_and_consistency_ramp_up(make_run):
    run = make_run()
    seen = run.watch()
    run.fit(3)
    rates = [batch["lr"] for batch in seen]
    assert rates == pytest.approx([0.01 * ramp(k, 12) for k in range(18)])
    for epoch, (meta, _) in enumerate(run.log.epochs, 1):
        assert meta["epoch"] == epoch
        assert meta["lr_student"] == rates[6 * epoch - 1]
        assert meta["consistency_weight"] == pytest.approx(
            2 * ramp(6 * epoch, 12)
        )


def test_the_learning_rate_alone_ramps_down(make_run):
    run = make_run(ramp_up_epochs=0, ramp_down=lambda step: 1 / (1 + step))
    seen = run.watch()
    run.fit(2)
    rates = [batch["lr"] for batch in seen]
    assert rates == pytest.approx([0.01 / (1 + k) for k in range(12)])
    assert [meta["consistency_weight"] for meta, _ in run.log.epochs] == [2, 2]


def test_the_log_has_the_means_of_the_epoch(make_run):
    run = make_run()
    seen = run.watch()
    run.fit(2)
    for epoch, (_, stats) in enumerate(run.log.epochs):
        losses = [batch["loss"] for batch in seen[6 * epoch : 6 * epoch + 6]]
        assert stats["train_stats"]["loss"] == pytest.approx(
            sum(losses) / 6, rel=1e-5
        )
        assert set(stats["train_stats"]) == {
            "strong",
            "weak",
            "strong_consistency",
            "weak_consistency",
            "loss",
        }
        assert set(stats["valid_stats"]) == {
            "loss",
            "student_event_f1",
            "teacher_event_f1",
        }


def test_every_epoch_has_its_order_and_its_noise(make_run):
    run = make_run()
    seen = run.watch()
    run.fit(2)
    orders = [[b["ids"] for b in seen[:6]], [b["ids"] for b in seen[6:]]]
    assert orders[0] != orders[1]
    first = make_run(sizes={"synthetic": 2})
    draws = []
    for position in [(1,), (2,), (1, 1), (1, 2), (2, 1)]:
        first.brain.seed_step(*position)
        draws.append(torch.rand(1).item())
    assert len(set(draws)) == 5


def test_gradients_accumulate(make_run):
    # Plain gradient descent on the mean of two batches' losses.
    options = SILENT | {"ramp_up_epochs": 0}
    options["opt_class"] = functools.partial(torch.optim.SGD, lr=0.1)
    run = make_run(**options, grad_accumulation_factor=2, max_grad_norm=1e9)
    updates = []
    update = run.brain.ema.update
    run.brain.ema.update = lambda student, teacher, step: (
        updates.append(step),
        update(student, teacher, step),
    )
    seen = run.watch()
    run.fit(2)
    assert [batch["should_step"] for batch in seen] == [False, True] * 6
    assert [batch["step"] for batch in seen] == [0, 1, 1, 2, 2, 3] + [
        3, 4, 4, 5, 5, 6,
    ]  # fmt: skip
    assert updates == [1, 2, 3, 4, 5, 6]

    plain = make_run(**options)
    plain.brain.modules.train()
    plain.batches.set_epoch(1)
    for indices in list(plain.batches)[:2]:
        batch = PaddedBatch([plain.clips[i] for i in indices])
        predictions = plain.brain.compute_forward(batch, Stage.TRAIN)
        loss = plain.brain.compute_objectives(predictions, batch, Stage.TRAIN)
        (loss / 2).backward()
    for parameter, found in zip(
        plain.student.parameters(), seen[1]["student"], strict=True
    ):
        torch.testing.assert_close(found, parameter - 0.1 * parameter.grad)


def test_the_ramp_goes_by_the_optimisers_step(make_run):
    run = make_run(grad_accumulation_factor=2)
    seen = run.watch()
    run.fit(1)
    assert [batch["lr"] for batch in seen] == pytest.approx(
        [0.01 * ramp(k, 12) for k in (0, 0, 1, 1, 2, 2)]
    )


def test_a_loss_that_is_not_finite_ends_the_run(make_run):
    run = make_run(nonfinite_patience=2)
    losses = iter([1.0, math.nan, 1.0, math.inf, 1.0, math.nan])
    run.brain.losses["strong"] = lambda scores, targets: (
        scores.mean() * 0 + next(losses)
    )
    with pytest.raises(ValueError, match="not finite and patience"):
        run.fit(1)
    assert next(losses, None) is None


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precisions(make_run, precision):
    run = make_run(precision=precision).fit(1)
    assert all(math.isfinite(x) for x in run.brain.train_stats.values())
    assert run.brain.train_stats["loss"] == pytest.approx(
        make_run().fit(1).brain.train_stats["loss"], rel=0.02
    )


def test_precision_and_device_as_a_sentence(make_run):
    brain = make_run(precision="bf16").brain
    assert brain.computation == "Trained in bf16, scored in fp32, on cpu."
