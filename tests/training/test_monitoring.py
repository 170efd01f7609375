"""The values that modules show, and that they reach the log."""

import copy

import pytest
import torch
from speechbrain.utils.train_logger import FileTrainLogger
from torch import nn

from sb_sed.features.pcen import ParallelPCEN
from sb_sed.training.monitoring import monitored


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


def test_a_part_speaks_for_its_own_parts():
    outer = Shows()
    outer.inner = Shows()
    assert list(monitored(outer)) == ["shows/count"]


def test_nothing_to_show():
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
