"""Training on two processes: the batches and networks of one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from sb_sed.data import streams
from sb_sed.data.streams import Streams
from sb_sed.errors import InputError
from sb_sed.training.processes import SharedBatchNorm, share_statistics

TRAINING = """\
import os
import sys
from functools import partial

import torch
from conftest import Run
from torch import nn
from speechbrain.utils.distributed import ddp_init_group, if_main_process

ddp_init_group({"distributed_backend": "gloo"})
torch.set_num_threads(1)
run = Run(
    sizes={"synthetic": 4, "unlabelled": 2, "weak": 2},
    dropout=0.0,
    views={"student": nn.Identity(), "teacher": nn.Identity()},
    opt_class=partial(torch.optim.SGD, lr=0.2),
)
seen = run.watch()
run.fit(2)
if if_main_process():
    state = {k.replace("module.", ""): v for k, v in run.state().items()}
    ids = [moment["ids"] for moment in seen]
    steps = run.brain.optimizer_step
    torch.save({"state": state, "ids": ids, "steps": steps}, sys.argv[1])
sys.stdout.flush()
os._exit(0)
"""
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]


def python(script, *arguments, launch=()):
    """Run a script that finds this folder's conftest."""
    process = subprocess.run(
        [sys.executable, *launch, script, *map(str, arguments)],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parent), *filter(None, sys.path)]
            ),
        },
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert process.returncode == 0, process.stderr[-2000:]


def test_two_processes_train_as_one(tmp_path):
    """The same steps on the same clips; weights and statistics agree."""
    script = tmp_path / "script.py"
    script.write_text(TRAINING)
    python(script, tmp_path / "one.pt")
    python(script, tmp_path / "two.pt", launch=TWO)
    one, two = (torch.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    assert one["steps"] == two["steps"] == 12
    for all_clips, share in zip(one["ids"], two["ids"], strict=True):
        assert share == all_clips[::2]
    assert one["state"].keys() == two["state"].keys()
    for name, value in one["state"].items():
        torch.testing.assert_close(
            two["state"][name], value, rtol=1e-3, atol=1e-5, msg=name
        )


BATCH_NORM = """\
import copy
import os
import sys

import torch
from torch import distributed, nn
from sb_sed.training.processes import share_statistics

distributed.init_process_group("gloo")
rank = distributed.get_rank()
torch.manual_seed(0)
for momentum in (0.1, None):
    for norm, shape in (
        (nn.BatchNorm2d(3, momentum=momentum), (4, 3, 5, 2)),
        (nn.BatchNorm1d(3, momentum=momentum, affine=False), (4, 3)),
        (nn.BatchNorm1d(3, track_running_stats=False), (4, 3, 7)),
    ):
        shared = share_statistics(copy.deepcopy(norm), "cpu")
        for _ in range(2):
            x = (7 + torch.randn(shape)).requires_grad_()
            own = x.detach()[rank::2].clone().requires_grad_()
            norm.zero_grad(), shared.zero_grad()
            direction = torch.randn(shape)
            (norm(x) * direction).sum().backward()
            (shared(own) * direction[rank::2]).sum().backward()
            torch.testing.assert_close(own.grad, x.grad[rank::2], rtol=1e-3, atol=1e-4)
            for p, q in zip(shared.parameters(), norm.parameters(), strict=True):
                total = p.grad.clone()
                distributed.all_reduce(total)
                torch.testing.assert_close(total, q.grad, rtol=1e-3, atol=1e-4)
        theirs = norm.state_dict()
        for name, value in shared.state_dict().items():
            torch.testing.assert_close(value, theirs[name])
        assert shared(own.detach().bfloat16()).dtype == torch.bfloat16
        norm.eval(), shared.eval()
        norm.load_state_dict(shared.state_dict())
        if norm.track_running_stats:
            torch.testing.assert_close(shared(x), norm(x))
distributed.barrier()
os._exit(0)
"""


def test_shared_batch_norms_are_those_of_all_clips(tmp_path):
    """Output, gradients and running statistics, in all of PyTorch's forms."""
    script = tmp_path / "script.py"
    script.write_text(BATCH_NORM)
    python(script, launch=TWO)


def test_batch_norms_keep_their_parameters():
    norm = nn.BatchNorm2d(3)
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.Sequential(norm)).eval()
    shared = share_statistics(network, "cpu")[1][0]
    assert type(shared) is SharedBatchNorm and not shared.training
    assert shared.weight is norm.weight
    assert shared.running_var is norm.running_var
    norm = nn.BatchNorm2d(3)
    on_gpu = share_statistics(nn.Sequential(norm), "cuda")[0]
    assert type(on_gpu) is nn.SyncBatchNorm and on_gpu.weight is norm.weight


@pytest.fixture
def processes(monkeypatch):
    """Pretend to be one of several processes."""

    def pretend(rank, n):
        monkeypatch.setattr(streams, "this_process", lambda: (rank, n))

    return pretend


SIZES = {"synthetic": 4, "weak": 2}
CLIPS = {"synthetic": range(9), "weak": range(7)}


def test_each_process_has_an_equal_share_of_each_stream(processes):
    _, alone = Streams(SIZES).build(CLIPS, seed=3)
    shares = []
    for rank in range(2):
        processes(rank, 2)
        _, share = Streams(SIZES).build(CLIPS, seed=3)
        share.set_epoch(5)
        assert len(share) == len(alone)
        shares.append([*share])
    alone.set_epoch(5)
    for batch, *parts in zip(alone, *shares, strict=True):
        assert sorted(sum(parts, [])) == sorted(batch)
        for part in parts:
            assert [index < 9 for index in part] == [True, True, False]


def test_a_lone_batch_is_shared(processes):
    processes(1, 2)
    _, share = Streams(SIZES).build(
        {"synthetic": range(4), "weak": range(2)}, seed=0
    )
    assert [len(batch) for batch in share] == [3]


def test_a_batch_that_does_not_divide_is_refused(processes):
    processes(0, 4)
    with pytest.raises(InputError, match="'weak' clips, which 4 processes"):
        Streams(SIZES).build(CLIPS, seed=0)
