"""What a training writes down: means, learned values, TensorBoard."""

import copy

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.train_logger import FileTrainLogger
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from torch import nn

from sb_sed.features.pcen import ParallelPCEN
from sb_sed.training.logging import (
    EpochTensorboardLogger,
    RunningMeans,
    monitored,
)

# Means of an epoch


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


def test_an_empty_one_is_saved_too(tmp_path):
    Checkpointer(tmp_path, {"terms": RunningMeans()}).save_checkpoint()
    means = RunningMeans()
    means.add({"loss": torch.tensor(1.0)})
    Checkpointer(tmp_path, {"terms": means}).recover_if_possible()
    assert means.pop() == {}


# Learned values


class Shows(nn.Module):
    """Shows how often it was used in training."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.tensor(0))

    def forward(self, features):
        self.count += self.training
        return features

    def monitored(self):
        """A tensor on purpose."""
        return {"count": self.count}


class Wrapper(nn.Module):
    """As ``DistributedDataParallel`` keeps its module."""

    def __init__(self, module):
        super().__init__()
        self.module = module


def test_the_parts_are_found_wherever_they_are():
    shared = Shows()
    module = nn.ModuleDict(
        {
            "a": nn.Sequential(nn.Linear(1, 1), Wrapper(shared)),
            "b": shared,
            "c": copy.deepcopy(shared),
            "d": ParallelPCEN(8, alpha=[0.5, 0.25]),
        }
    )
    shared.count.fill_(3)
    values = monitored(Wrapper(module))
    assert values["shows/count"] == 3.0 and values["shows2/count"] == 0.0
    assert values["parallelpcen/alpha_1"] == pytest.approx(0.5)
    assert values["parallelpcen/alpha_2"] == pytest.approx(0.25)
    assert "shows3/count" not in values
    assert {type(value) for value in values.values()} == {float}


def test_a_part_covers_its_own_parts():
    outer = Shows()
    outer.inner = Shows()
    assert list(monitored(outer)) == ["shows/count"]


def test_nothing_to_report():
    assert monitored(nn.Linear(1, 1)) == {}


def test_the_students_values_are_in_the_log(make_run, tmp_path):
    run = make_run()
    for network in (run.student, run.teacher):
        network.featurizer.stages.append(Shows())
    file = tmp_path / "train_log.txt"
    run.brain.train_loggers.append(FileTrainLogger(str(file), precision=4))
    run.fit(2)
    counts = [meta["shows/count"] for meta, _ in run.log.epochs]
    assert counts == [6.0, 12.0]  # six batches an epoch
    lines = file.read_text().splitlines()
    assert ["shows/count: 6.0000" in lines[0], len(lines)] == [True, 2]
    assert "shows/count: 12.0000" in lines[1]


# TensorBoard


def test_a_resumed_run_continues_at_its_epoch(tmp_path):
    for epochs in ([1, 2], [3]):  # two processes
        logger = EpochTensorboardLogger(str(tmp_path))
        for epoch in epochs:
            logger.log_stats(
                {"epoch": epoch, "lr": 0.1 * epoch},
                train_stats={"loss": 3.0 / epoch},
                valid_stats={"loss": 4.0 / epoch, "f1": 0.5},
            )
    read = EventAccumulator(str(tmp_path)).Reload()
    assert set(read.Tags()["scalars"]) == {
        "lr",
        "loss/train",
        "loss/valid",
        "f1/valid",
    }
    curve = read.Scalars("loss/valid")
    assert [point.step for point in curve] == [1, 2, 3]
    assert [point.value for point in curve] == pytest.approx([4, 2, 4 / 3])


def test_each_stage_can_be_absent(tmp_path):
    logger = EpochTensorboardLogger(str(tmp_path))
    logger.log_stats({"epoch": 7}, test_stats={"f1": 0.25})
    [point] = EventAccumulator(str(tmp_path)).Reload().Scalars("f1/test")
    assert (point.step, point.value) == (7, 0.25)
