"""The Brain with an adaptation: its steps, its log, its checkpoints."""

import functools
import math

import pytest
import torch
from speechbrain import Stage
from speechbrain.dataio.batch import PaddedBatch
from torch import nn
from torch.nn import functional as F

from sb_sed.training.adaptation import (
    GradientReversal,
    NoAdaptation,
    TwoStep,
)
from sb_sed.training.adversarial import DomainAdversarialBrain

SILENT = {
    "dropout": 0.0,
    "views": dict.fromkeys(("student", "teacher"), nn.Identity()),
}
SGD = functools.partial(torch.optim.SGD, lr=0.1)


def none(*_):
    return NoAdaptation()


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert not [k for k in first if not torch.equal(first[k], second[k])]


def gradients(module):
    return [p.grad.clone() for p in module.parameters()]


def assert_close(found, expected, names):
    for one, other, name in zip(found, expected, names, strict=True):
        if name.endswith(".conv.bias"):  # 0, as a batch norm follows
            assert max(one.abs().max(), other.abs().max()) < 1e-5, name
            continue
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


# Without adaptation


@pytest.mark.parametrize("factor", [1, 2])
def test_no_adaptation_is_mean_teacher(make_run, make_dat, factor):
    options = {"grad_accumulation_factor": factor, "max_grad_norm": 0.5}
    plain, none_ = (
        make_run(**options).fit(2),
        make_dat(method=none, **options).fit(2),
    )
    assert_equal(plain.state(), none_.state())
    assert plain.log.epochs == none_.log.epochs


def test_at_weight_zero_the_student_is_unaffected(make_run, make_dat):
    plain = make_run().fit(2)
    watched = make_dat(adversarial=0.0).fit(2)
    state = watched.state()
    assert_equal(plain.state(), {name: state[name] for name in plain.state()})
    epochs = [stats["train_stats"] for _, stats in watched.log.epochs]
    assert epochs[1]["discriminator"] != epochs[0]["discriminator"]
    assert epochs[1]["adversarial_gradient"] == 0


# One batch


def by_hand(run, main, adversarial):
    """The gradients of one batch of a run, of losses that are written out."""
    run.brain.modules.train()
    batch = run.first_batch()
    outputs = run.brain.compute_forward(batch, Stage.TRAIN)
    terms = super(DomainAdversarialBrain, run.brain).training_terms(
        outputs, batch
    )
    domains = torch.tensor([1.0, 1, 0, 0, 0])  # two synthetic clips first
    logits = run.brain.modules.discriminator(outputs["student"].embedding)
    loss = F.binary_cross_entropy_with_logits(logits, domains)
    of_student = torch.autograd.grad(
        main * sum(terms.values()) - adversarial * loss,
        list(run.student.parameters()),
        retain_graph=True,
    )
    of_discriminator = torch.autograd.grad(
        loss, list(run.brain.modules.discriminator.parameters())
    )
    return of_student, of_discriminator, loss.item()


@pytest.mark.parametrize("method", [TwoStep, GradientReversal])
@pytest.mark.parametrize("main, adversarial", [(1.0, 0.1), (0.1, 0.9)])
def test_the_gradients_of_a_batch(make_dat, method, main, adversarial):
    options = SILENT | {"main": main, "adversarial": adversarial}
    expected = by_hand(make_dat(method=method, **options), main, adversarial)
    run = make_dat(method=method, **options)
    brain, seen = run.brain, {}

    def keep():
        for name in ("student", "discriminator"):
            seen[name] = gradients(brain.modules[name])

    brain.optimizers_step = keep
    brain.init_optimizers()
    brain.modules.train()
    brain.epoch, brain.step = 1, 1
    brain.fit_batch(run.first_batch())
    for name, wanted in zip(
        ("student", "discriminator"), expected, strict=False
    ):
        names = [n for n, _ in brain.modules[name].named_parameters()]
        assert_close(seen[name], wanted, names)
    assert sum(float(g.norm()) for g in seen["discriminator"]) > 0.01
    assert brain.terms.pop()["discriminator"] == pytest.approx(expected[2])
    assert all(p.grad is None for p in run.teacher.parameters())


def test_both_optimisers_step_once_together(make_dat):
    run = make_dat()
    seen = run.watch()
    run.fit(2)
    assert [batch["step"] for batch in seen] == list(range(1, 13))
    optimizers = run.brain.optimizers_dict
    assert list(optimizers) == ["student", "discriminator"]
    for optimizer in optimizers.values():
        assert {s["step"].item() for s in optimizer.state.values()} == {12}
    of_both = [
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in optimizers.values()
    ]
    assert of_both == [
        {id(p) for p in run.brain.modules[name].parameters()}
        for name in optimizers
    ]
    for one, other in zip(
        seen[0]["discriminator"], seen[1]["discriminator"], strict=True
    ):
        assert not torch.equal(one, other)


def test_both_rates_ramp_up(make_dat):
    run = make_dat().fit(1)
    ramp = math.exp(-5 * (1 - 5 / 12) ** 2)
    meta, _ = run.log.epochs[0]
    assert meta["lr_student"] == pytest.approx(0.01 * ramp)
    assert meta["lr_discriminator"] == pytest.approx(0.004 * ramp)


def test_gradients_accumulate(make_dat):
    options = SILENT | {"ramp_up_epochs": 0, "opt_class": SGD}
    options["discriminator_opt"] = SGD
    run = make_dat(**options, grad_accumulation_factor=2, max_grad_norm=1e9)
    seen = run.watch()
    run.fit(1)
    plain = make_dat(**options)
    brain = plain.brain
    brain.modules.train()
    plain.batches.set_epoch(1)
    for indices in list(plain.batches)[:2]:
        batch = PaddedBatch([plain.clips[i] for i in indices])
        outputs = brain.compute_forward(batch, Stage.TRAIN)
        for loss in brain.training_losses(outputs, batch):
            (loss / 2).backward()
    for name in ("student", "discriminator"):
        for parameter, found in zip(
            brain.modules[name].parameters(), seen[1][name], strict=True
        ):
            expected = parameter - 0.1 * parameter.grad
            torch.testing.assert_close(found, expected)


def test_each_optimiser_is_clipped_by_itself(make_dat):
    options = SILENT | {"ramp_up_epochs": 0, "opt_class": SGD}
    options["discriminator_opt"] = SGD
    run = make_dat(**options, max_grad_norm=1e-3)
    seen = run.watch()
    run.fit(1)
    for name in ("student", "discriminator"):
        step = [
            after - before
            for before, after in zip(seen[0][name], seen[1][name], strict=True)
        ]
        norm = nn.utils.get_total_norm(step).item()
        assert norm == pytest.approx(0.1 * 1e-3, rel=0.01)


def test_the_padding_of_a_clip_is_left_out(make_dat):
    run = make_dat(**SILENT)
    processed = []
    run.brain.modules.discriminator.register_forward_hook(
        lambda _, arguments, __: processed.append(arguments)
    )
    clips = [
        run.clip("whole", has_strong=True),
        run.clip("short", duration=0.4, has_strong=False),
    ]
    batch = PaddedBatch(clips)
    outputs = run.brain.compute_forward(batch, Stage.TRAIN)
    run.brain.compute_objectives(outputs, batch, Stage.TRAIN)
    embedding, lens = processed[0]
    # 25 frames of 40 ms.
    assert embedding.shape == (2, 25, 8)
    assert (lens * 25).round().tolist() == [25, 10]


@pytest.mark.parametrize("where", ["adversarial", "discriminator"])
def test_a_loss_that_is_not_finite_ends_the_run(make_dat, where):
    run = make_dat(nonfinite_patience=2)
    adaptation = run.brain.adaptation
    bad = torch.tensor(math.nan)
    plain, calls = adaptation.objectives, []

    def broken(*arguments):
        calls.append(1)
        terms, loss = plain(*arguments)
        if where == "adversarial":
            return terms | {"adversarial": bad}, loss
        return terms, 0 * loss + bad

    adaptation.objectives = broken
    with pytest.raises(ValueError, match="not finite and patience"):
        run.fit(1)
    assert len(calls) == 3


@pytest.mark.parametrize("method", [TwoStep, GradientReversal])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precisions(make_dat, method, precision):
    stats = make_dat(method=method, precision=precision).fit(1).brain
    plain = make_dat(method=method).fit(1).brain
    for name, value in stats.train_stats.items():
        assert value == pytest.approx(plain.train_stats[name], rel=0.1)


@pytest.mark.parametrize("method", [TwoStep, GradientReversal])
@pytest.mark.parametrize("factor", [1, 2])
def test_one_scaler_for_both_losses(make_dat, method, factor):
    """Scaled by a power of two, single precision has the same numbers."""
    options = {"method": method, "grad_accumulation_factor": factor}
    plain, scaled = make_dat(**options), make_dat(**options)
    scaler = torch.GradScaler("cpu", init_scale=256.0, growth_interval=4)
    scaled.brain.scaler = scaler
    assert_equal(plain.fit(1).state(), scaled.fit(1).state())
    assert plain.log.epochs == scaled.log.epochs
    # It was updated once a step.
    assert scaler.get_scale() == (512.0 if factor == 1 else 256.0)


# An epoch


def test_the_log(make_dat):
    run = make_dat()
    batches = [
        PaddedBatch(
            [
                run.clip("synthetic", has_strong=True),
                run.clip("recorded1", has_strong=False),
                run.clip("recorded2", has_strong=False, duration=0.3),
            ]
        )
        for _ in range(2)
    ]
    run.brain.held_out = batches
    run.fit(2)
    for _, stats in run.log.epochs:
        terms = stats["train_stats"]
        assert terms["adversarial"] == pytest.approx(
            -0.1 * terms["discriminator"], rel=1e-5
        )
        assert terms["loss"] == pytest.approx(
            sum(
                terms[name]
                for name in (
                    "strong",
                    "weak",
                    "strong_consistency",
                    "weak_consistency",
                    "adversarial",
                )
            ),
            rel=1e-5,
        )
        assert terms["discriminator_gradient"] > 0
        assert terms["adversarial_gradient"] > 0
        valid = stats["valid_stats"]
        shares = [
            valid[f"domain_accuracy_{domain}"]
            for domain in ("recorded", "synthetic")
        ]
        assert valid["domain_accuracy_mean"] == sum(shares) / 2
        assert 0 <= valid["domain_auc"] <= 1


@pytest.mark.parametrize("method", [TwoStep, GradientReversal])
def test_a_resumed_run_equals_a_straight_one(make_dat, method, tmp_path):
    straight = make_dat(tmp_path / "a", method=method).fit(4)
    make_dat(tmp_path / "b", method=method).fit(2)
    torch.manual_seed(99)
    run = make_dat(tmp_path / "b", method=method).fit(4)
    assert any(name.startswith("discriminator") for name in run.state())
    assert any("of discriminator" in name for name in run.state())
    assert_equal(run.state(), straight.state())
    assert run.log.epochs == straight.log.epochs[2:]


def test_a_killed_run_equals_a_straight_one(make_dat, tmp_path):
    class Killed(BaseException):
        """Stands for the end of the process."""

    straight = make_dat(tmp_path / "a").fit(2)
    options = {"ckpt_interval_steps": 2}
    killed = make_dat(tmp_path / "b", **options)
    fit_batch = killed.brain.fit_batch

    def dying(batch):
        if (killed.brain.epoch, killed.brain.step) == (2, 4):
            raise Killed
        return fit_batch(batch)

    killed.brain.fit_batch = dying
    with pytest.raises(Killed):
        killed.fit(2)
    run = make_dat(tmp_path / "b", **options).fit(2)
    assert_equal(run.state(), straight.state())
    assert run.log.epochs == straight.log.epochs[1:]


def test_a_ramp_weighs_the_adversarial_gradient(make_dat):
    """A constant factor is a smaller weight, for the student alone."""
    ramped = make_dat(adversarial=0.2)
    ramped.brain.adversarial_ramp_up = lambda step: 0.5
    weighed = make_dat(adversarial=0.1)
    states = [run.fit(1).state() for run in (ramped, weighed)]
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], msg=name)
    strong = make_dat(adversarial=0.2).fit(1).state()
    assert any(
        not torch.equal(value, states[0][name])
        for name, value in strong.items()
        if name.startswith("student ")
    )
