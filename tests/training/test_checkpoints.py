"""Checkpoints of processes that were killed."""

import itertools
import os
import shutil

import pytest
import torch
from speechbrain.utils.checkpoints import (
    DEFAULT_SAVE_HOOKS,
    Checkpointer,
    get_default_hook,
)
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn

from sb_sed.errors import InputError
from sb_sed.training.checkpoints import (
    BEGUN,
    CONTENTS,
    AtomicCheckpointer,
    WholeCheckpoints,
)


class Killed(BaseException):
    """Stands for the end of the process."""


class Run:
    """What a run saves: a network, its optimiser and the epoch."""

    def __init__(self, folder, size=2, filled=0.0):
        self.network = nn.Linear(size, 1)
        nn.init.constant_(self.network.weight, filled)
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.checkpointer = AtomicCheckpointer(
            folder,
            {
                "network": self.network,
                "optimizer": self.optimizer,
                "epoch": EpochCounter(3),
            },
        )

    def weight(self):
        return self.network.weight.mean().item()

    def recover(self):
        return self.checkpointer.recover_if_possible()


@pytest.fixture
def folder(tmp_path):
    """A folder with the checkpoint of a run with weights 1."""
    Run(tmp_path, filled=1.0).checkpointer.save_checkpoint(name="first")
    return tmp_path


def folders(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_is_recovered(folder):
    run = Run(folder)
    assert run.recover().path.name == "CKPT+first"
    assert run.weight() == 1
    names = {path.name for path in (folder / "CKPT+first").iterdir()}
    listed = (folder / "CKPT+first" / CONTENTS).read_text().splitlines()
    assert names == {*listed, CONTENTS}
    assert len(listed) == 5


def test_speechbrain_can_read_it(folder):
    run = Run(folder)
    recoverables = run.checkpointer.recoverables
    assert Checkpointer(folder, recoverables).recover_if_possible()
    assert run.weight() == 1


@pytest.mark.parametrize("n_files", range(5))
def test_a_kill_while_saving(folder, monkeypatch, n_files):
    # Killed before each of the files in turn is opened to be written.
    run = Run(folder, filled=2.0)
    left = itertools.count(n_files, -1)

    def dies(write):
        def wrapped(*args, **kwargs):
            if next(left) == 0:
                raise Killed
            return write(*args, **kwargs)

        return wrapped

    run.checkpointer.custom_save_hooks = {
        name: dies(get_default_hook(obj, DEFAULT_SAVE_HOOKS))
        for name, obj in run.checkpointer.recoverables.items()
    }
    monkeypatch.setattr(
        Checkpointer,
        "_save_checkpoint_metafile",
        dies(Checkpointer._save_checkpoint_metafile),
    )
    monkeypatch.setattr(os, "replace", dies(os.replace))
    with pytest.raises(Killed):
        run.checkpointer.save_checkpoint(name="second")
    monkeypatch.undo()
    assert folders(folder) == ["CKPT+first", "CKPT+second"]
    # In the same process and in the next one.
    assert len(run.checkpointer.list_checkpoints()) == 1
    again = Run(folder)
    assert folders(folder) == ["CKPT+first"]
    assert again.recover().path.name == "CKPT+first"
    assert again.weight() == 1


@pytest.mark.parametrize("order", [*itertools.permutations(range(6), 2)])
def test_a_kill_while_deleting(folder, order):
    # Files are deleted one by one, in an order that the disk decides.
    run = Run(folder, filled=2.0)
    second = run.checkpointer.save_checkpoint(name="second").path
    files = sorted(second.iterdir())
    assert len(files) == 6
    for i in order:
        files[i].unlink()
        kept = [c.path.name for c in run.checkpointer.list_checkpoints()]
        assert kept == ["CKPT+first"]
    again = Run(folder)
    if {BEGUN, CONTENTS} == {files[i].name for i in order}:
        # It looks like another program's: it stays, but is not used.
        assert folders(folder) == ["CKPT+first", "CKPT+second"]
    else:
        assert folders(folder) == ["CKPT+first"]
    assert again.recover() and again.weight() == 1


def test_checkpoints_of_speechbrain_are_neither_used_nor_removed(folder):
    plain = Checkpointer(folder, {"network": nn.Linear(2, 1)})
    path = plain.save_checkpoint(name="plain").path
    run = Run(folder)
    assert path.exists()
    assert run.recover().path.name == "CKPT+first"


def test_the_best_and_the_last_are_kept(tmp_path):
    run = Run(tmp_path)
    for filled, f1 in [(1.0, 0.2), (2.0, 0.5), (3.0, 0.4), (4.0, 0.3)]:
        nn.init.constant_(run.network.weight, filled)
        run.checkpointer.save_and_keep_only(
            meta={"event_f1": f1}, max_keys=["event_f1"]
        )
    assert len(folders(tmp_path)) == 2
    again = Run(tmp_path)
    again.checkpointer.recover_if_possible(max_key="event_f1")
    assert again.weight() == 2
    again.recover()
    assert again.weight() == 4


def test_of_equals_the_latest_is_the_best(tmp_path, monkeypatch):
    run = Run(tmp_path)
    for number, figure in enumerate([0.0, 0.5, 0.5, 0.5, 0.2]):
        nn.init.constant_(run.network.weight, number)
        meta = {"event_f1": figure}
        run.checkpointer.save_and_keep_only(meta, max_keys=["event_f1"])
    listed = type(tmp_path).iterdir
    for order in (sorted, lambda x: sorted(x, reverse=True)):
        monkeypatch.setattr(
            type(tmp_path), "iterdir", lambda x, order=order: order(listed(x))
        )
        other = Run(tmp_path)
        other.checkpointer.recover_if_possible(max_key="event_f1")
        assert other.weight() == 3


def test_other_files_in_the_folder_stay(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "figures").mkdir()
    Run(folder)
    assert folders(folder) == ["CKPT+first", "figures", "notes.txt"]


def test_a_new_folder_is_made(tmp_path):
    run = Run(tmp_path / "a" / "b")
    assert run.recover() is None


def test_another_architecture_is_a_clear_error(folder):
    run = Run(folder, size=3)
    with pytest.raises(
        InputError, match=r"CKPT\+first is of another architecture.*folder"
    ) as error:
        run.recover()
    assert "\n" not in str(error.value)


def test_another_optimiser_is_a_clear_error(folder):
    run = Run(folder)
    run.optimizer.add_param_group({"params": [nn.Parameter(torch.ones(1))]})
    with pytest.raises(InputError, match=r"CKPT\+first"):
        run.recover()


def test_another_recoverable_is_a_clear_error(folder):
    run = Run(folder)
    run.checkpointer.add_recoverable("teacher", nn.Linear(2, 1))
    with pytest.raises(InputError, match="teacher"):
        run.recover()


def test_a_moved_folder_is_found(folder, tmp_path_factory):
    moved = tmp_path_factory.mktemp("moved") / "save"
    shutil.move(folder, moved)
    run = Run(moved)
    assert run.recover() and run.weight() == 1


@pytest.mark.parametrize("name", [CONTENTS, "CKPT.yaml"])
@pytest.mark.parametrize("content", [b"", b"\xff", b"a: [", b"x\ny\nz"])
def test_a_damaged_list_is_no_reason_to_delete_weights(folder, name, content):
    (folder / "CKPT+first" / name).write_bytes(content)
    assert Run(folder).recover() is None
    assert (folder / "CKPT+first" / "network.ckpt").is_file()


def test_the_best_is_that_of_the_latest_selection(tmp_path):
    """Also where a run was resumed with another figure to select by."""
    checkpointer = AtomicCheckpointer(tmp_path, {"net": nn.Linear(1, 1)})
    older = {"event_f1": 0.9, "epoch": 1}  # before figures had their names
    checkpointer.save_checkpoint(older, name="older")
    assert WholeCheckpoints(tmp_path).best().path.name == "CKPT+older"
    for name, value in (("high", 0.4), ("low", 0.2)):
        meta = {"psds_1": value, "selected_by": "psds_1"}
        checkpointer.save_checkpoint(meta, name=name)
    assert WholeCheckpoints(tmp_path).best().path.name == "CKPT+high"
