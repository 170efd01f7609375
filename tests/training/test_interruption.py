"""Runs that were interrupted equal those that were not."""

import numpy as np
import pytest
import torch
from speechbrain import Stage


def assert_equal(first, second):
    assert set(first) == set(second)
    different = [k for k in first if not torch.equal(first[k], second[k])]
    assert not different


def test_the_best_checkpoint_is_the_students(make_run, tmp_path):
    # Student and teacher in turn; the types are those of numpy.
    figures = iter(np.float32([0.2, 0.9, 0.7, 0.1, 0.4, 0.95]))
    run = make_run(tmp_path, f1=lambda *scores: next(figures))
    after = []
    on_stage_end = run.brain.on_stage_end

    def keep(stage, loss, epoch):
        if stage == Stage.VALID:
            after.append(run.state())
        on_stage_end(stage, loss, epoch)

    run.brain.on_stage_end = keep
    run.fit(3)
    assert len(list(tmp_path.iterdir())) == 2  # the best and the last
    run.brain.evaluate(run.test_loader(), max_key="event_f1")
    assert_equal(run.state(), after[1])
    best = run.brain.checkpointer.find_checkpoint(max_key="event_f1")
    assert best.meta["epoch"] == 2
    assert best.meta["event_f1"] == pytest.approx(0.7)


class Killed(BaseException):
    """Stands for the end of the process."""


def fit_until(run, epoch, step, num_workers):
    """Train until the process ends in the middle of an epoch."""
    fit_batch = run.brain.fit_batch

    def dying(batch):
        if (run.brain.epoch, run.brain.step) == (epoch, step):
            raise Killed
        return fit_batch(batch)

    run.brain.fit_batch = dying
    with pytest.raises(Killed):
        run.fit(4, num_workers)
    if num_workers:  # they end with the process
        loader = run.brain.checkpointer.recoverables["dataloader-TRAIN"]
        loader._speechbrain_iterator._shutdown_workers()


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The end and the log of a run that nobody interrupted."""
    known = []

    def straight(make_run):
        if not known:
            run = make_run(tmp_path_factory.mktemp("straight")).fit(4)
            known.append((run.state(), run.log.epochs))
        return known[0]

    return straight


def test_a_resumed_run_equals_a_straight_one(make_run, straight, tmp_path):
    expected, log = straight(make_run)
    make_run(tmp_path).fit(2)
    torch.manual_seed(99)  # whatever the process did before
    run = make_run(tmp_path).fit(4)
    assert_equal(run.state(), expected)
    assert run.log.epochs == log[2:]
    assert run.brain.optimizer_step == 24


@pytest.mark.parametrize(
    ("interval", "step", "num_workers"),
    [(2, 6, 0), (3, 5, 2), (4, 6, 1), (6, 3, 0)],
)
def test_a_killed_run_equals_a_straight_one(
    make_run, straight, tmp_path, interval, step, num_workers
):
    expected, log = straight(make_run)
    options = {"ckpt_interval_steps": interval}
    fit_until(make_run(tmp_path, **options), 3, step, num_workers)
    torch.manual_seed(99)
    run = make_run(tmp_path, **options)
    seen = run.watch()
    run.fit(4, num_workers)
    # It went on from within the epoch, and the log is of the whole epoch.
    assert len(seen) == 12 - (step - 1) // interval * interval
    assert_equal(run.state(), expected)
    assert run.log.epochs == log[2:]


def test_a_kill_in_validation_loses_nothing(make_run, straight, tmp_path):
    expected, log = straight(make_run)
    options = {"ckpt_interval_steps": 6}
    killed = make_run(tmp_path, **options)

    def die(*scores):
        if killed.brain.optimizer_step == 18:
            raise Killed
        return 0.5

    killed.brain.selection.function = die
    with pytest.raises(Killed):
        killed.fit(4)
    run = make_run(tmp_path, **options).fit(4)
    assert_equal(run.state(), expected)
    assert run.log.epochs == log[2:]


def test_a_finished_run_is_only_scored(make_run, tmp_path):
    run = make_run(tmp_path).fit(2)
    again = make_run(tmp_path)
    seen = again.watch()
    again.fit(2)
    assert not seen
    assert_equal(again.state(), run.state())


def test_the_random_numbers_depend_on_the_seed_alone(make_run):
    runs = []
    for seed, state in [(0, 1), (0, 2), (1, 1)]:
        run = make_run(seed=seed)
        torch.manual_seed(state)
        runs.append(run.fit(1).state())
    assert_equal(runs[0], runs[1])
    name = "student network.strong.weight"
    assert not torch.equal(runs[0][name], runs[2][name])
