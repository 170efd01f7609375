"""Means over an epoch that survive an interruption."""

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

from sb_sed.training.averages import RunningMeans


def values(*numbers):
    return [
        {"strong": torch.tensor(x), "weak": torch.tensor(2 * x)}
        for x in numbers
    ]


def test_means_of_each_name():
    means = RunningMeans()
    for value in values(1.0, 2.0, 6.0):
        means.add(value)
    assert means.pop() == {"strong": 3.0, "weak": 6.0}
    assert means.pop() == {}
    for value in values(5.0):
        means.add(value)
    assert means.pop() == {"strong": 5.0, "weak": 10.0}


def test_no_graph_is_kept_and_small_values_count():
    means = RunningMeans()
    x = torch.ones((), requires_grad=True)
    means.add({"loss": x * 1e8})
    for _ in range(1000):
        means.add({"loss": x * 0.25})
    assert not means.sums["loss"].requires_grad
    assert means.pop()["loss"] == pytest.approx((1e8 + 250) / 1001, rel=1e-15)


@pytest.mark.parametrize("end_of_epoch", [True, False])
def test_an_interruption_changes_nothing(tmp_path, end_of_epoch):
    whole, first, second = (RunningMeans() for _ in range(3))
    numbers = torch.rand(9).tolist()
    for value in values(*numbers):
        whole.add(value)
    for value in values(*numbers[:4]):
        first.add(value)
    Checkpointer(tmp_path, {"terms": first}).save_checkpoint(
        end_of_epoch=end_of_epoch
    )
    Checkpointer(tmp_path, {"terms": second}).recover_if_possible()
    for value in values(*numbers[4:]):
        second.add(value)
    assert second.pop() == whole.pop()


def test_an_empty_one_survives_too(tmp_path):
    Checkpointer(tmp_path, {"terms": RunningMeans()}).save_checkpoint()
    means = RunningMeans()
    means.add({"loss": torch.tensor(1.0)})
    Checkpointer(tmp_path, {"terms": means}).recover_if_possible()
    assert means.pop() == {}
