"""TensorBoard curves that go on where they were."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

from sb_sed.training.logs import EpochTensorboardLogger


def test_a_resumed_run_goes_on_at_its_epoch(tmp_path):
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
