"""A training that is killed and started again equals one that was not.

Authors
 * sb_sed contributors 2026
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sb_sed.minidesed import make_minidesed

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
EPOCHS = 3


@pytest.fixture(scope="module")
def minidesed(tmp_path_factory):
    """A data set of a few clips, prepared by the first run that comes."""
    return make_minidesed(
        tmp_path_factory.mktemp("data") / "minidesed", scale=0.05
    )


def command(
    data: Path, output: Path, recipe: str, num_workers: int
) -> list[str]:
    """A short training with a checkpoint every few batches."""
    return [
        *(sys.executable, "train.py", f"hparams/{recipe}.yaml"),
        f"--data_folder={data}",
        f"--output_folder={output}",
        "--include=scale/mini.yaml",
        f"--number_of_epochs={EPOCHS}",
        "--batch_synthetic=2",
        "--batch_unlabelled=1",
        "--batch_weak=1",
        f"--num_workers={num_workers}",
        "--ckpt_interval_steps=2",
        "--noprogressbar",
    ]


def kill_when(arguments: list[str], ready) -> None:
    """Start a run and SIGKILL it as soon as ``ready()``."""
    process = subprocess.Popen(
        arguments,
        cwd=RECIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not ready():
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be killed"
    process.kill()
    process.wait()


def outcome(folder: Path) -> tuple[dict, dict]:
    """The latest modules and the scores of all sets and networks."""
    latest = max((folder / "save").glob("CKPT*"))
    scores = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.glob("*/*/scores/*.tsv")
    }
    weights = {
        f"{module} {name}": value
        for module in ("student", "teacher", "discriminator")
        if (latest / f"{module}.ckpt").exists()
        for name, value in torch.load(
            latest / f"{module}.ckpt", weights_only=True
        ).items()
    }
    return weights, scores


@pytest.mark.parametrize(
    "recipe, num_workers", [("baseline", 0), ("ppcen_dat_hmm", 2)]
)
def test_killed_equals_uninterrupted(minidesed, tmp_path, recipe, num_workers):
    """Killed inside an epoch and at its end; all equal to the bit."""
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    subprocess.run(
        command(minidesed, straight, recipe, num_workers),
        cwd=RECIPE,
        check=True,
    )
    log = killed / "train_log.txt"
    # Inside the first epoch: an intra-epoch checkpoint is there.
    kill_when(
        command(minidesed, killed, recipe, num_workers),
        lambda: any(killed.glob("save/CKPT*/contents.txt")),
    )
    # At the end of an epoch: while its checkpoint is being written.
    kill_when(
        command(minidesed, killed, recipe, num_workers),
        lambda: log.exists() and "epoch: 2" in log.read_text(),
    )
    subprocess.run(
        command(minidesed, killed, recipe, num_workers), cwd=RECIPE, check=True
    )
    weights, scores = outcome(straight)
    weights_after, scores_after = outcome(killed)
    assert scores and scores == scores_after
    assert weights.keys() == weights_after.keys()
    for name, value in weights.items():
        assert torch.equal(value, weights_after[name]), name
