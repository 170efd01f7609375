"""Recipes and fragments that are differences to others.

Authors
 * sb_sed contributors 2026
"""

import pytest

from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe

DIFFERENCE = """\
!include:recipe.yaml
epochs: !ref <scale[size]> / 2
model: !include:model/other.yaml
    extra: 4
views:
    nested: {level: 3}
"""


@pytest.mark.parametrize("overrides", ["", "epochs: 4", "model: {size: 7}"])
def test_a_difference_is_what_the_command_line_does(recipe_folder, overrides):
    (recipe_folder / "row.yaml").write_text(DIFFERENCE)
    given = DIFFERENCE.partition("\n")[2]
    plain = Recipe(recipe_folder / "recipe.yaml", given)
    (recipe_folder / "changed.yaml").write_text(
        f"!include:row.yaml\n{overrides or 'epochs: 64.0'}"
    )
    ours = Recipe(recipe_folder / "changed.yaml").build()
    if overrides:
        assert str(ours) == str(
            Recipe(recipe_folder / "row.yaml", overrides).build()
        )
    else:
        assert str(ours) == str(plain.build())
    assert ours["model"]["extra"] == 4


def test_a_fragment_can_be_a_difference(recipe_folder, load_recipe):
    """Of a fragment in another folder, with references to keys of both."""
    (recipe_folder / "views/deep.yaml").write_text(
        "!include:../model/crnn.yaml\ndepth: 3\nparts: {inner: !ref <size>}"
    )
    loaded = load_recipe("model: !include:views/deep.yaml {size: 6}")
    assert loaded["model"]["network"] == {"size": 6, "depth": 3}
    assert loaded["model"]["parts"] == {"inner": 6, "other": 6}


def test_a_difference_names_keys_that_are_not_there(recipe_folder):
    (recipe_folder / "row.yaml").write_text("!include:recipe.yaml\nepoch: 1")
    with pytest.raises(
        InputError, match="row.yaml has no key 'epoch': did you"
    ):
        Recipe(recipe_folder / "row.yaml")
    (recipe_folder / "row.yaml").write_text("!include:row.yaml\nepoch: 1")
    with pytest.raises(InputError, match="row.yaml includes itself"):
        Recipe(recipe_folder / "row.yaml")


def test_files_that_change_the_whole_recipe(recipe_folder):
    (recipe_folder / "scale/small.yaml").write_text(
        "epochs: 1\nscale: {size: 4}"
    )
    (recipe_folder / "scale/long.yaml").write_text("epochs: 7")
    for overrides, epochs, size in [
        ("include: scale/small.yaml", 1, 4),
        ("include: [scale/small.yaml, scale/long.yaml]", 7, 4),
        ("include: scale/small.yaml\nepochs: 3", 3, 4),
    ]:
        built = Recipe(recipe_folder / "recipe.yaml", overrides).build()
        assert (built["epochs"], built["model"]["size"]) == (epochs, size)
    recipe = Recipe(recipe_folder / "recipe.yaml", "epochs: 3")
    recipe.include("scale/small.yaml")
    assert recipe.build()["epochs"] == 3
    assert recipe.build()["copy"]["size"] == 4
    recipe = Recipe(recipe_folder / "recipe.yaml", "include: scale/long.yaml")
    recipe.include("scale/small.yaml")  # below what the command line includes
    assert recipe.build(["epochs", "copy"])["epochs"] == 7
    assert recipe.build()["copy"]["size"] == 4
    with pytest.raises(InputError, match="missing.yaml cannot be read"):
        recipe.include("scale/missing.yaml")
