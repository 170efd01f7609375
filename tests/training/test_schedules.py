"""The ramp-up and the teacher's average against their closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sb_sed.training.schedules import (
    CosineRampDown,
    EMATeacher,
    ExponentialRampUp,
)

# Ramp-up


@given(st.integers(1, 100), st.integers(1, 1000), st.integers(-10, 200_000))
def test_against_the_closed_form(n_epochs, steps_per_epoch, step):
    length = n_epochs * steps_per_epoch
    clipped = min(max(step, 0), length)
    expected = math.exp(-5 * (1 - clipped / length) ** 2)
    ramp_up = ExponentialRampUp(n_epochs, steps_per_epoch)
    assert ramp_up(step) == pytest.approx(expected, rel=1e-12)


def test_the_baselines_figures():
    ramp_up = ExponentialRampUp(50, 263)
    assert ramp_up(0) == pytest.approx(0.0067, abs=5e-5)
    assert ramp_up(13_150 // 2) == pytest.approx(0.2865, abs=5e-5)
    assert ramp_up(13_149) < 1 == ramp_up(13_150) == ramp_up(10**9)


def test_it_only_rises():
    ramp_up = ExponentialRampUp(3, 7)
    factors = [ramp_up(step) for step in range(30)]
    assert factors == sorted(factors)
    assert len(set(factors)) == 3 * 7 + 1


def test_no_ramp_and_half_an_epoch():
    assert ExponentialRampUp(0, 263)(0) == 1.0
    ramp_up = ExponentialRampUp(0.5, 10)
    assert ramp_up(4) < 1.0 == ramp_up(5)


# Ramp-down


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 300))
def test_the_ramp_down_is_that_of_pytorch(falling, before, steps_per_epoch):
    n_epochs = before + falling
    ramp_down = CosineRampDown(falling / n_epochs, n_epochs, steps_per_epoch)
    n_steps, start = falling * steps_per_epoch, before * steps_per_epoch
    weight = nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    optimizer.step()  # PyTorch's schedule warns without
    for step in range(min(n_steps, 50)):
        rate = optimizer.param_groups[0]["lr"]
        assert ramp_down(start + step) == pytest.approx(rate, abs=1e-9)
        cosine.step()
    assert {ramp_down(step) for step in range(start)} <= {1.0}
    assert ramp_down(start) == pytest.approx(1.0, abs=1e-9)
    assert ramp_down(10**9) == 0.0


def test_no_ramp_down():
    ramp_down = CosineRampDown(0.0, 10, 5)
    assert ramp_down(0) == ramp_down(49) == ramp_down(99) == 1.0


# The teacher


def closed_form(teacher, students, decay):
    """The weighted sum over all values of the student."""
    weights = [min(1 - 1 / (k + 1), decay) for k in range(1, len(students) + 1)]
    total = teacher * torch.tensor(weights).double().prod()
    for k, student in enumerate(students):
        later = torch.tensor(weights[k + 1 :]).double().prod()
        total = total + (1 - weights[k]) * later * student
    return total


def test_weights_of_the_baseline():
    ema = EMATeacher(0.999)
    assert [ema.weight(k) for k in (1, 2, 3)] == pytest.approx(
        [1 / 2, 2 / 3, 3 / 4]
    )
    assert ema.weight(998) == pytest.approx(998 / 999)
    assert ema.weight(999) == ema.weight(100_000) == 0.999


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_many_steps_against_the_closed_form(decay):
    torch.manual_seed(0)
    student, teacher = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    before = teacher.weight.detach().clone()
    ema, students = EMATeacher(decay), []
    for step in range(1, 41):
        nn.init.normal_(student.weight)
        students.append(student.weight.detach().clone())
        ema.update(student, teacher, step)
    torch.testing.assert_close(
        teacher.weight, closed_form(before, students, decay)
    )


def test_at_first_it_is_the_mean_of_all():
    torch.manual_seed(0)
    student, teacher = nn.Linear(3, 2).double(), nn.Linear(3, 2).double()
    seen = [teacher.bias.detach().clone()]
    for step in range(1, 6):
        nn.init.normal_(student.bias)
        seen.append(student.bias.detach().clone())
        EMATeacher(0.999).update(student, teacher, step)
    torch.testing.assert_close(teacher.bias, torch.stack(seen).mean(0))


def test_buffers_and_the_student_are_unchanged():
    torch.manual_seed(0)
    student, teacher = nn.BatchNorm1d(4), nn.BatchNorm1d(4)
    student(torch.randn(8, 4) + 3), teacher(torch.randn(8, 4) - 3)
    nn.init.constant_(student.weight, 3.0)
    students = {k: v.clone() for k, v in student.state_dict().items()}
    buffers = {k: v.clone() for k, v in teacher.named_buffers()}
    EMATeacher().update(student, teacher, step=1)
    for name, value in student.state_dict().items():
        assert torch.equal(value, students[name])
    for name, value in teacher.named_buffers():
        assert torch.equal(value, buffers[name])
    assert teacher.weight.tolist() == [2.0] * 4


def test_no_graph_is_built_and_storage_stays():
    student, teacher = nn.Linear(3, 2), nn.Linear(3, 2)
    place = teacher.weight.data_ptr()
    EMATeacher().update(student, teacher, step=1)
    assert teacher.weight.grad_fn is None
    assert teacher.weight.data_ptr() == place
    teacher.requires_grad_(False)
    EMATeacher().update(student, teacher, step=2)
    assert not teacher.weight.requires_grad


def test_a_wrapped_student_is_the_same():
    torch.manual_seed(0)
    student, teacher, other = (nn.Linear(3, 2) for _ in range(3))
    other.load_state_dict(teacher.state_dict())
    EMATeacher().update(student, teacher, step=1)
    EMATeacher().update(nn.DataParallel(student), other, step=1)
    assert torch.equal(teacher.weight, other.weight)
