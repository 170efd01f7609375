"""The recipes of domain-adversarial training.

Authors
 * sb_sed contributors 2026
"""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sed.minidesed import make_minidesed
from sb_sed.models.discriminator import (
    SpeechBrainTCNDiscriminator,
    TCNDiscriminator,
)
from sb_sed.training.adaptation import (
    GradientReversal,
    NoAdaptation,
    TwoStep,
)
from sb_sed.training.recipe import Recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
HPARAMS = RECIPE / "hparams"
MINI = "include: scale/mini.yaml\n"


def load(recipe, tmp_path, overrides=""):
    """The hyperparameters of a recipe."""
    folders = f"data_folder: {tmp_path}\noutput_folder: {tmp_path}\n"
    recipe = Recipe(HPARAMS / f"{recipe}.yaml", folders + overrides)
    return load_hyperpyyaml(recipe.stream())


def rate(opt_class):
    """The learning rate of an optimiser's maker."""
    return opt_class([torch.nn.Parameter(torch.zeros(1))]).defaults["lr"]


@pytest.mark.parametrize(
    "recipe, other", [("dat", "augm"), ("ppcen_dat", "ppcen_augm")]
)
def test_it_differs_in_the_adaptation_and_its_rate_alone(
    recipe, other, changed_keys
):
    changed = changed_keys(
        HPARAMS / f"{other}.yaml", HPARAMS / f"{recipe}.yaml"
    )
    assert changed == {"name", "lr", "adaptation"}


@pytest.mark.parametrize("recipe", ["dat", "ppcen_dat"])
@pytest.mark.parametrize(
    "scale, student, discriminator",
    [("", 5e-4, 2e-4), (MINI, 2e-3, 8e-4)],
)
def test_rates(recipe, scale, student, discriminator, tmp_path):
    hparams = load(recipe, tmp_path, scale)
    adaptation = hparams["adaptation"]["method"]
    assert type(adaptation) is TwoStep
    assert (adaptation.main, adaptation.adversarial) == (1.0, 0.1)
    assert rate(hparams["training"]["opt_class"]) == student
    opt_class = adaptation.opt_classes["discriminator"]
    assert rate(opt_class) == discriminator


def test_the_discriminator_is_that_of_the_released_code(tmp_path):
    hparams = load("dat", tmp_path)
    discriminator = hparams["adaptation"]["method"].modules["discriminator"]
    assert type(discriminator) is TCNDiscriminator
    assert sum(p.numel() for p in discriminator.parameters()) == 149_394


@pytest.mark.parametrize("scale", ["", MINI])
@pytest.mark.parametrize("recipe", ["baseline", "dat", "ppcen"])
@pytest.mark.parametrize(
    "fragment, method, discriminator, weights",
    [
        ("two_step", TwoStep, TCNDiscriminator, (1.0, 0.1)),
        ("gradient_reversal", GradientReversal, TCNDiscriminator, (1.0, 0.1)),
        ("speechbrain_tcn", TwoStep, SpeechBrainTCNDiscriminator, (1.0, 0.1)),
        ("paper_eq1", TwoStep, TCNDiscriminator, (0.1, 0.9)),
    ],
)
def test_any_recipe_takes_any_adaptation(
    recipe, scale, fragment, method, discriminator, weights, tmp_path
):
    chosen = f"adaptation: !include:adaptation/{fragment}.yaml\n"
    hparams = load(recipe, tmp_path, scale + chosen)
    adaptation = hparams["adaptation"]["method"]
    assert type(adaptation) is method
    assert (adaptation.main, adaptation.adversarial) == weights
    network = adaptation.modules["discriminator"]
    assert type(network) is discriminator
    size = hparams["student"].network.embedding_size
    assert network(torch.randn(2, 20, size)).shape == (2,)
    expected = 8e-4 if scale else 2e-4
    assert rate(adaptation.opt_classes["discriminator"]) == expected


def test_a_recipe_without_holds_nothing_out():
    for path in HPARAMS.glob("*.yaml"):
        if not {"dat", "ensemble"} & {*path.stem.split("_")}:
            adaptation = Recipe(path).build(["adaptation"])["adaptation"]
            assert type(adaptation["method"]) is NoAdaptation
            assert adaptation["held_out"] == 0


def test_the_student_begins_as_without(tmp_path):
    students = [
        load(recipe, tmp_path)["student"].state_dict()
        for recipe in ("augm", "dat")
    ]
    for name, value in students[0].items():
        assert torch.equal(value, students[1][name]), name


@pytest.fixture(scope="module")
def minidesed(tmp_path_factory):
    """A data set of a few clips."""
    folder = tmp_path_factory.mktemp("data") / "minidesed"
    return make_minidesed(folder, scale=0.05, progress=False)


SCALE = ["--include=scale/mini.yaml", "--number_of_epochs=1"] + [
    "--batch_synthetic=2"
]
RECORDED = ["--batch_unlabelled=2", "--batch_weak=2"]


def train(minidesed, output, *arguments, recipe="dat", launch=()):
    """Train for an epoch on next to nothing."""
    return subprocess.run(
        [sys.executable, *launch, "train.py", f"hparams/{recipe}.yaml"]
        + [f"--data_folder={minidesed}", f"--output_folder={output}"]
        + [*SCALE, "--device=cpu", "--noprogressbar", *arguments],
        cwd=RECIPE,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def train_script(monkeypatch):
    """train.py as a module."""
    monkeypatch.syspath_prepend(RECIPE)
    return importlib.import_module("train")


@pytest.mark.parametrize("recipe", ["dat", "baseline"])
def test_held_out_clips_are_mixed_as_those_of_the_training(
    minidesed, tmp_path, train_script, recipe
):
    """The synthetic ones of sounds that are held out, both at fixed numbers."""
    hparams, _ = train_script.load_recipe(
        [str(HPARAMS / f"{recipe}.yaml"), f"--data_folder={minidesed}"]
        + [f"--output_folder={tmp_path}/out", "--device=cpu", *SCALE]
        + [f"--prepared_folder={tmp_path}/prepared", *RECORDED]
        + ["--adaptation=!include:adaptation/two_step.yaml"]
    )
    data, clips, _, held_out = train_script.dataio_prep(hparams)
    parts = dict(zip(("synthetic", "unlabelled"), clips.datasets, strict=False))
    measured = dict(
        zip(("synthetic", "unlabelled"), held_out.dataset.datasets, strict=True)
    )
    for name, part in measured.items():
        assert type(part) is type(parts[name])
    assert len(measured["synthetic"]) == len(
        data.validation_clips("valid_synthetic")
    )
    batches = [[*held_out], [*held_out]]
    for first, second in zip(*batches, strict=True):
        assert torch.equal(first.sig.data, second.sig.data)
    strong = torch.cat([batch.has_strong for batch in batches[0]])
    assert strong.tolist() == [True] * len(measured["synthetic"]) + [
        False
    ] * len(measured["unlabelled"])
    if recipe == "baseline":
        return  # static: the validation clips as they are
    used, kept = (
        {
            event.path
            for events in of[name].mixer.by_class.values()
            for event in events
        }
        for of, name in ((measured, "synthetic"), (parts, "synthetic"))
    )
    named = set(
        json.loads((tmp_path / "prepared/held_out_sounds.json").read_text())
    )
    assert used - kept
    for path in used ^ kept:
        is_named = "/".join(Path(path).parts[-2:]) in named
        assert is_named == (path in used)


@pytest.mark.parametrize("fragment", ["two_step", "gradient_reversal"])
def test_two_processes(minidesed, tmp_path, fragment):
    """torchrun on the CPU: the discriminator is wrapped, and learns."""
    process = train(
        minidesed,
        tmp_path / "out",
        *RECORDED,
        f"--adaptation=!include:adaptation/{fragment}.yaml",
        "--distributed_backend=gloo",
        launch=["-m", "torch.distributed.run", "--standalone"]
        + ["--nproc_per_node=2"],
    )
    assert process.returncode == 0, process.stderr[-2000:]
    log = (tmp_path / "out" / "train_log.txt").read_text()
    for name in ("discriminator", "discriminator_gradient"):
        assert float(re.search(rf"train {name}: ([\d.e+-]+)", log)[1]) > 0
    for stage in ("train", "valid"):
        assert f"{stage} domain_accuracy_mean: " in log
    [state] = tmp_path.glob("out/save/CKPT*/discriminator.ckpt")
    names = torch.load(state, weights_only=True)
    assert not [name for name in names if name.startswith("module.")]


def test_speechbrains_blocks_train(minidesed, tmp_path):
    process = train(
        minidesed,
        tmp_path / "out",
        *RECORDED,
        "--adaptation=!include:adaptation/speechbrain_tcn.yaml",
    )
    assert process.returncode == 0, process.stderr[-2000:]


def test_an_adaptation_wants_unlabelled_clips(minidesed, tmp_path):
    process = train(
        minidesed,
        tmp_path / "out",
        "--adaptation=!include:adaptation/two_step.yaml",
        recipe="supervised",
    )
    assert process.returncode == 2
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("train.py: ") and "both domains" in last
