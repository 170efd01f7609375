"""The training script as its users call it: bad input, several processes.

Authors
 * sb_sed contributors 2026
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sb_sed.formats import read_events
from sb_sed.minidesed import make_minidesed

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
MINI = ["--include=scale/mini.yaml", "--number_of_epochs=1"] + [
    "--batch_synthetic=2"
]


def run(command, *arguments, recipe="baseline"):
    """Call a command in the recipe's folder."""
    train = ["train.py", f"hparams/{recipe}.yaml", "--noprogressbar"]
    return subprocess.run(
        [*command, *train, *map(str, arguments)],
        cwd=RECIPE,
        capture_output=True,
        text=True,
    )


def run_two(*arguments):
    """Call the recipe's script on two processes on the CPU."""
    return run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        + ["--nproc_per_node=2"],
        *arguments,
        "--device=cpu",
        "--distributed_backend=gloo",
    )


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--sed=3"], "no key 'sed': did you mean 'seed'?"),
        (["--data_folder=/nowhere"], "/nowhere is not a DESED copy"),
        (["--device=foo"], "--device=foo cannot be used here"),
        (["--jit"], "--jit: TorchScript cannot compile the detectors"),
        (["--device=cpu", "--precision=fp16"], "fp16 needs a GPU"),
        (["--prepared_folder=train.py"], "a folder as --prepared_folder."),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, arguments, sentence):
    """One line on stderr, exit status 2, no traceback; a run stays as it is."""
    recipe = tmp_path / "out" / "hyperparams.yaml"
    recipe.parent.mkdir()
    recipe.write_text("seed: 1\n")
    process = run(
        [sys.executable], f"--output_folder={recipe.parent}", *arguments
    )
    assert process.returncode == 2 and recipe.read_text() == "seed: 1\n"
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("train.py: ") and sentence in last
    assert "Traceback" not in process.stderr
    assert "using MiniDESED" not in process.stdout  # nor is it made first


@pytest.mark.parametrize("place", ["train.py", "train.py/out"])
def test_an_output_folder_that_cannot_be(tmp_path, place):
    """It is noticed before the data are prepared."""
    prepared = tmp_path / "prepared"
    process = run(
        [sys.executable],
        *(f"--output_folder={place}", f"--prepared_folder={prepared}"),
    )
    assert process.returncode == 2 and "Traceback" not in process.stderr
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("train.py: hparams/baseline.yaml cannot be built")
    assert f"Not a directory: '{place}" in last
    assert not prepared.exists()


def test_two_processes_train_and_score_all_clips(tmp_path):
    """torchrun on the CPU: one set of files, every clip scored."""
    data = make_minidesed(tmp_path / "data", scale=0.05, progress=False)
    output = tmp_path / "out"
    process = run_two(
        f"--data_folder={data}",
        f"--output_folder={output}",
        *MINI,
        "--batch_unlabelled=2",
        "--batch_weak=2",
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert process.stdout.count("| validation | student |") == 1
    reference = read_events(
        data / "dataset" / "metadata" / "validation" / "validation.tsv"
    )
    for network in ("student", "teacher"):
        folder = output / "validation" / network
        report = json.loads((folder / "report.json").read_text())
        assert report["n_files"] == reference["filename"].nunique()
        assert len([*folder.glob("scores/*.tsv")]) == report["n_files"]
    assert len([*output.glob("save/CKPT*")]) == 1


def test_two_processes_share_a_lone_batch(tmp_path):
    """An epoch of one batch; a batch that does not divide is one sentence."""
    data = make_minidesed(tmp_path / "data", scale=0.02, progress=False)
    manifests = tmp_path / "prepared"
    folders = [f"--data_folder={data}", f"--prepared_folder={manifests}"]
    folders += [f"--output_folder={tmp_path / 'out'}", *MINI]
    refused = run_two(*folders, "--batch_weak=3", "--batch_unlabelled=2")
    assert refused.returncode != 0
    assert "'weak' clips, which 2 processes cannot share" in refused.stderr
    assert 'train.py", line' not in refused.stderr
    n_weak = len(json.loads((manifests / "train_weak.json").read_text()))
    assert n_weak % 2 == 0
    process = run_two(
        *folders, f"--batch_weak={n_weak}", "--batch_unlabelled=2"
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert "| validation | student |" in process.stdout


def test_a_waveform_for_each_network(tmp_path):
    """The released code's way of mixing trains and scores."""
    data = make_minidesed(tmp_path / "data", scale=0.02, progress=False)
    output = tmp_path / "out"
    process = run(
        [sys.executable],
        f"--data_folder={data}",
        f"--output_folder={output}",
        "--mixing=!include:mixing/released.yaml",
        *MINI,
        "--batch_unlabelled=2",
        "--batch_weak=2",
        "--device=cpu",
        recipe="augm",
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert (output / "validation" / "teacher" / "report.json").exists()
    said = process.stdout.strip().splitlines()[-1]
    assert re.fullmatch(
        r"Trained in (bf16|fp32), scored in fp32, on cpu.", said
    )
