"""Recipes and fragments that are differences to others.

Authors
 * sb_sed contributors 2026
"""

import pytest
from hyperpyyaml import load_hyperpyyaml

from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe


@pytest.fixture
def folder(recipe_folder):
    return recipe_folder


@pytest.fixture
def load(folder):
    def load(overrides=""):
        recipe = Recipe(folder / "recipe.yaml", overrides)
        return load_hyperpyyaml(recipe.stream())

    return load


DIFFERENCE = """\
!include:recipe.yaml
epochs: !ref <scale[size]> / 2
model: !include:model/other.yaml
    extra: 4
views:
    nested: {level: 3}
"""


@pytest.mark.parametrize("overrides", ["", "epochs: 4", "model: {size: 7}"])
def test_a_difference_is_what_the_command_line_does(folder, overrides):
    (folder / "row.yaml").write_text(DIFFERENCE)
    given = DIFFERENCE.partition("\n")[2]
    plain = Recipe(folder / "recipe.yaml", given)
    (folder / "changed.yaml").write_text(
        f"!include:row.yaml\n{overrides or 'epochs: 64.0'}"
    )
    ours = Recipe(folder / "changed.yaml").build()
    if overrides:
        assert str(ours) == str(Recipe(folder / "row.yaml", overrides).build())
    else:
        assert str(ours) == str(plain.build())
    assert ours["model"]["extra"] == 4


def test_a_fragment_can_be_a_difference(folder, load):
    """Of a fragment in another folder, with references to keys of both."""
    (folder / "views/deep.yaml").write_text(
        "!include:../model/crnn.yaml\ndepth: 3\nparts: {inner: !ref <size>}"
    )
    loaded = load("model: !include:views/deep.yaml {size: 6}")
    assert loaded["model"]["network"] == {"size": 6, "depth": 3}
    assert loaded["model"]["parts"] == {"inner": 6, "other": 6}


def test_a_difference_names_keys_that_are_not_there(folder):
    (folder / "row.yaml").write_text("!include:recipe.yaml\nepoch: 1")
    with pytest.raises(
        InputError, match="row.yaml has no key 'epoch': did you"
    ):
        Recipe(folder / "row.yaml")
    (folder / "row.yaml").write_text("!include:row.yaml\nepoch: 1")
    with pytest.raises(InputError, match="row.yaml includes itself"):
        Recipe(folder / "row.yaml")


def test_files_that_change_the_whole_recipe(folder):
    (folder / "scale/small.yaml").write_text("epochs: 1\nscale: {size: 4}")
    (folder / "scale/long.yaml").write_text("epochs: 7")
    for overrides, epochs, size in [
        ("include: scale/small.yaml", 1, 4),
        ("include: [scale/small.yaml, scale/long.yaml]", 7, 4),
        ("include: scale/small.yaml\nepochs: 3", 3, 4),
    ]:
        built = Recipe(folder / "recipe.yaml", overrides).build()
        assert (built["epochs"], built["model"]["size"]) == (epochs, size)
    recipe = Recipe(folder / "recipe.yaml", "epochs: 3")
    recipe.include("scale/small.yaml")
    assert recipe.build()["epochs"] == 3
    assert recipe.build()["copy"]["size"] == 4
    recipe = Recipe(folder / "recipe.yaml", "include: scale/long.yaml")
    recipe.include("scale/small.yaml")  # below what the command line includes
    assert recipe.build(["epochs", "copy"])["epochs"] == 7
    assert recipe.build()["copy"]["size"] == 4
    with pytest.raises(InputError, match="missing.yaml cannot be read"):
        recipe.include("scale/missing.yaml")
