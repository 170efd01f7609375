"""Adaptation on several processes: the gradients of one with all clips."""

import os
import subprocess
import sys

import pytest

SCRIPT = """\
import os
import sys
from functools import partial

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from sb_sed.models.discriminator import TCNDiscriminator
from sb_sed.training import adaptation

distributed.init_process_group("gloo")
rank = distributed.get_rank()
torch.manual_seed(0)
student = nn.Linear(3, 4)
discriminator = TCNDiscriminator(4, 4, 6, n_blocks=2, n_repeats=1)
method = getattr(adaptation, sys.argv[1])(discriminator, None)
clips, domains = torch.randn(2, 6, 9, 3), torch.tensor([1.0, 1, 0, 0, 0, 0])


def gradients(modules, own, accumulate=1):
    for module in (student, discriminator):
        module.zero_grad()
    for part in own:
        h = modules["student"](part)
        given = modules, h, torch.ones(6), domains
        terms, second = method.objectives({"task": h.square().mean()}, *given)
        (sum(terms.values()) / accumulate).backward()
        if second is not None:
            (second / accumulate).backward()
    return [
        p.grad.clone()
        for module in (student, discriminator)
        for p in module.parameters()
    ]


plain = {"student": student, "discriminator": discriminator}
alone = gradients(plain, clips, accumulate=2)
wrapped = {name: DistributedDataParallel(m) for name, m in plain.items()}
for _ in range(3):
    together = gradients(wrapped, clips[rank : rank + 1])
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
distributed.barrier()
distributed.destroy_process_group()
# All is compared: leave before PyTorch's threads, which now and then abort the
# end of an interpreter, can make a failure of it.
os._exit(0)
"""


@pytest.mark.parametrize("method", ["TwoStep", "GradientReversal"])
def test_two_processes_have_the_gradients_of_one(method, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        + ["--nproc_per_node=2", str(script), method],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr[-2000:]
