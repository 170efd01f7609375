"""The recipes of Table 1: the baseline with another front-end, nothing else.

Authors
 * sb_sed contributors 2026
"""

import runpy
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sed.features import PCEN, ParallelPCEN, get_featurizer
from sb_sed.features.ema import forward_backward
from sb_sed.training.recipe import Recipe

HPARAMS = Path(__file__).parents[2] / "recipes" / "DCASE2020" / "hparams"
TABLE = sorted(HPARAMS.glob("table1_*.yaml"))


def load(recipe, tmp_path, overrides=""):
    """The hyperparameters of a recipe at full scale."""
    folders = f"data_folder: {tmp_path}\noutput_folder: {tmp_path}\n"
    recipe = Recipe(HPARAMS / f"{recipe}.yaml", folders + overrides)
    return load_hyperpyyaml(recipe.stream())


def front_end(recipe, tmp_path, overrides=""):
    """Its last stage."""
    student = load(recipe, tmp_path, overrides)["student"]
    return student.featurizer.stages[-1]


def test_there_are_seven():
    assert len(TABLE) == 7


@pytest.mark.parametrize(
    "recipe", [*TABLE, HPARAMS / "ppcen.yaml"], ids=lambda path: path.stem
)
def test_differs_from_the_baseline_in_the_front_end_alone(recipe, changed_keys):
    changed = changed_keys(HPARAMS / "baseline.yaml", recipe)
    assert {"name", "features"} <= changed <= {"name", "features", "views"}


@pytest.mark.parametrize(
    "recipe, alpha, s",
    [
        ("table1_fixed_pcen_1", 0.98, 0.03906),
        ("table1_fixed_pcen_2", 0.8, 0.03906),
        ("table1_fixed_pcen_3", 0.8, 0.23268),
    ],
)
def test_fixed_pcen_is_that_of_the_paper(recipe, alpha, s, tmp_path):
    layer = front_end(recipe, tmp_path)
    assert type(layer) is PCEN
    assert not list(layer.parameters())
    for value, expected in (
        (layer.alpha, alpha),
        (layer.delta, 2.0),
        (layer.r, 0.5),
        (layer.s, s),
    ):
        assert value.item() == pytest.approx(expected, rel=2e-4)
    assert layer.eps == 1e-6


@pytest.mark.parametrize(
    "recipe, n_layers, n_stages",
    [
        ("table1_trainable_pcen", 1, 2),
        ("table1_ppcen_on_mel", 2, 2),
        ("table1_ppcen_on_log_mel", 2, 3),
        ("ppcen", 2, 3),
    ],
)
def test_trained_pcen_is_that_of_the_paper(
    recipe, n_layers, n_stages, tmp_path
):
    student = load(recipe, tmp_path)["student"]
    layers = student.featurizer.stages[-1]
    assert len(student.featurizer.stages) == n_stages
    assert sum(p.numel() for p in layers.parameters()) == 259 * n_layers
    assert student.network.n_channels == n_layers
    torch.testing.assert_close(
        layers.s.flatten(),
        torch.tensor([0.015, 0.25]),
        rtol=3e-5,
        atol=0,
    )


def test_the_teacher_has_its_own_front_end(tmp_path):
    hparams = load("ppcen", tmp_path)
    student, teacher = (
        dict(hparams[name].named_parameters())
        for name in ("student", "teacher")
    )
    names = [name for name in student if name.startswith("featurizer")]
    assert len(names) == 4
    for name in names:
        assert student[name] is not teacher[name]
        torch.testing.assert_close(student[name], teacher[name])


def test_the_released_settings_are_a_fragment(tmp_path):
    overrides = "features: !include:features/ppcen_released.yaml\n"
    layers = front_end("ppcen", tmp_path, overrides)
    assert isinstance(layers, ParallelPCEN)
    assert layers.ema is forward_backward
    torch.testing.assert_close(
        layers.s.flatten(),
        torch.tensor([0.015, 0.08]),
        rtol=3e-5,
        atol=0,
    )
    assert layers.alpha[1].item() == pytest.approx(0.39384758)


def test_layers_are_added_by_their_values(tmp_path):
    overrides = "features: {alpha: [0.9, 0.5, 0.1], delta: [2.0], r: [0.5]}"
    student = load("ppcen", tmp_path, overrides)["student"]
    assert student.network.n_channels == 3
    assert student(torch.rand(1, 60, 128)).strong.shape == (1, 15, 10)


@pytest.mark.parametrize("recipe", ["ppcen", "table1_ppcen_on_mel"])
def test_one_list_alone_gives_the_number_of_layers(recipe, tmp_path):
    overrides = "features: {alpha: [0.9, 0.5, 0.1]}"
    check_three_layers(load(recipe, tmp_path, overrides)["student"])


def check_three_layers(student):
    """PPCEN has the values of three layers, and the network as many inputs."""
    layers = student.featurizer.stages[-1]
    assert layers.alpha.flatten().tolist() == pytest.approx([0.9, 0.5, 0.1])
    assert student.network.n_channels == 3
    assert student(torch.rand(1, 60, 128)).strong.shape == (1, 15, 10)


@pytest.mark.parametrize(
    "recipe, name",
    [("ppcen", "ppcen"), ("table1_trainable_pcen", "pcen")],
)
def test_the_fragment_is_the_registered_front_end(recipe, name, tmp_path):
    wavs = torch.randn(8, 8000)
    features = load(recipe, tmp_path)["features"]
    torch.testing.assert_close(
        features["featurizer"](wavs), get_featurizer(name)(wavs)
    )
    assert features["n_channels"] == features["featurizer"].n_channels


def documented(language):
    """The first block of the documentation's chapter on front-ends."""
    page = (HPARAMS.parents[2] / "docs/parts.md").read_text(encoding="utf-8")
    chapter = page.split("\n## Front-ends\n")[1]
    return chapter.split(f"```{language}\n")[1].split("```")[0]


def test_the_yaml_of_the_documentation_runs_as_printed(tmp_path):
    of_the_recipe, rest = documented("yaml").split("pcen:", 1)
    student = load("ppcen", tmp_path, of_the_recipe)["student"]
    check_three_layers(student)
    others = load_hyperpyyaml(f"pcen:{rest}")
    assert {name for name, _ in others["pcen"].named_parameters()} == {
        "alpha_logit",
        "weight_logits",
    }
    wavs = torch.randn(2, 16000)
    assert others["compute_features"](wavs).shape == (2, 63, 80)


def test_the_python_of_the_documentation_runs_as_printed(tmp_path):
    script = tmp_path / "documented.py"
    script.write_text(documented("python"), encoding="utf-8")
    names = runpy.run_path(str(script))
    assert names["featurizer"](torch.randn(2, 16000)).shape == (2, 63, 128, 2)
    assert names["stream"](torch.rand(1, 7, 128)).shape == (1, 7, 128)
