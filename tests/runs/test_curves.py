"""The curves of a run, also of one that was resumed."""

import pytest

from sb_sed.errors import InputError
from sb_sed.runs.curves import read_curves
from sb_sed.training.logging import EpochTensorboardLogger


def log(folder, *epochs):
    """One process that logs ``(epoch, loss)``."""
    logger = EpochTensorboardLogger(str(folder / "tensorboard"))
    for epoch, loss in epochs:
        logger.log_stats({"epoch": epoch}, valid_stats={"loss": loss})
    logger.writer.close()


def test_all_that_was_logged(run_folder):
    curves = read_curves(run_folder)
    assert curves["loss/train"].to_dict() == pytest.approx(
        {1: 1.0, 2: 1 / 2, 3: 1 / 3}
    )
    for layer in (1, 2):
        alpha = curves[f"parallelpcen/alpha_{layer}"]
        assert alpha.to_dict() == pytest.approx({1: 0.25, 2: 0.5, 3: 0.75})
    assert curves["student_event_f1/valid"].index.name == "epoch"


def test_a_repeated_epoch_counts_once(tmp_path):
    log(tmp_path, (1, 1.0), (2, 2.0), (3, 3.0))
    log(tmp_path, (3, 3.5), (4, 4.0))
    curve = read_curves(tmp_path)["loss/valid"]
    assert curve.to_dict() == {1: 1.0, 2: 2.0, 3: 3.5, 4: 4.0}


def test_what_was_overtaken_does_not_count(tmp_path):
    log(tmp_path, *((epoch, 1.0) for epoch in range(1, 9)))
    log(tmp_path, (1, 5.0), (2, 6.0))
    assert read_curves(tmp_path)["loss/valid"].to_dict() == {1: 5.0, 2: 6.0}


def test_a_long_run_is_read_whole(tmp_path):
    n = 12_000  # TensorBoard itself shows a sample of 10 000
    log(tmp_path, *((epoch, float(epoch)) for epoch in range(n)))
    curve = read_curves(tmp_path)["loss/valid"]
    assert len(curve) == n and (curve.index == curve).all()


@pytest.mark.parametrize("kind", ["none", "empty", "header"])
def test_no_curves(tmp_path, kind):
    folder = tmp_path / "run"
    if kind != "none":
        folder.mkdir()
    if kind == "header":
        log(folder)
    with pytest.raises(InputError, match="run (is not a folder|has no curves)"):
        read_curves(folder)
    assert kind == "none" or (kind == "header") == any(folder.iterdir())
