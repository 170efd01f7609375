"""A recipe's YAML and what the command line changes in it."""

import functools
from collections import ChainMap, Counter, OrderedDict
from pathlib import Path

import pytest
from hyperpyyaml import load_hyperpyyaml
from speechbrain.utils.checkpoints import Checkpointer

from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe


@pytest.fixture
def error(recipe_folder):
    def error(overrides):
        with pytest.raises(InputError) as caught:
            Recipe(recipe_folder / "recipe.yaml", overrides)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return error


def test_without_overrides_it_is_hyperpyyamls(recipe_folder, load_recipe):
    plain = load_hyperpyyaml(open(recipe_folder / "recipe.yaml"))
    ours = load_recipe()
    assert str(plain) == str(ours)
    assert ours["model"]["network"] == {"size": 128, "depth": 7}
    assert ours["copy"] is ours["model"]["network"]
    assert ours["model"]["twice"] == [ours["copy"], 14]
    assert ours["views"]["nested"] == {"level": 1, "sum": 2}


def test_values_and_lists_are_replaced(load_recipe):
    loaded = load_recipe("epochs: 3\nrates: [5]")
    assert (loaded["epochs"], loaded["rates"]) == (3, [5])
    assert load_recipe("epochs: null")["epochs"] is None
    assert load_recipe("epochs: !ref <scale[size]>")["epochs"] == 128


def test_a_value_of_a_fragment(load_recipe):
    loaded = load_recipe("scale: {size: 32}")
    assert loaded["scale"]["size"] == loaded["model"]["size"] == 32
    assert loaded["copy"]["size"] == 32
    loaded = load_recipe("model: {depth: 2}")
    assert loaded["copy"] == {"size": 128, "depth": 2}
    assert loaded["model"]["twice"][1] == 4


def test_a_value_deep_in_a_fragment(load_recipe):
    assert load_recipe("model: {parts: {inner: 8}}")["model"]["parts"] == {
        "inner": 8,
        "other": 8,
    }
    loaded = load_recipe("views: {nested: {level: 5}}")
    assert loaded["views"]["nested"] == {"level": 5, "sum": 6}


def test_values_of_classes_in_place_of_one_value(load_recipe):
    parts = load_recipe("model: {parts: {inner: {Dog: 1}}}")["model"]["parts"]
    assert parts["inner"] == {"Dog": 1}


def test_an_argument_of_an_object(load_recipe):
    assert load_recipe("object: {a: 2}")["object"] == Counter(a=2)
    assert load_recipe("object: {b: 2}")["object"] == Counter(a=1, b=2)
    assert load_recipe("bare: {b: 2}")["bare"] == Counter(b=2)
    name = load_recipe("name: {b: 2}")["name"]
    assert isinstance(name, functools.partial)
    assert name.keywords == {"a": 1, "b": 2}


def test_an_argument_of_an_object_of_a_fragment(load_recipe):
    network = load_recipe("model: {network: {depth: 2, width: 3}}")["model"][
        "network"
    ]
    assert network == Counter(size=128, depth=2, width=3)


def test_an_object_is_replaced_whole(load_recipe):
    for overrides, expected in [
        ("!new:collections.OrderedDict {z: 2}", OrderedDict(z=2)),
        ("!new:collections.OrderedDict", OrderedDict()),
        ("!new:collections.ChainMap", ChainMap()),
    ]:
        found = load_recipe(f"object: {overrides}")["object"]
        assert type(found) is type(expected) and found == expected


def test_an_object_of_a_fragment_is_replaced_whole(load_recipe):
    loaded = load_recipe(
        "model: {network: !new:collections.OrderedDict {z: 2}}"
    )
    found = loaded["model"]["network"]
    assert type(found) is OrderedDict and found == {"z": 2}
    assert loaded["copy"] is found


def test_another_fragment_comes_as_it_is(load_recipe):
    loaded = load_recipe("model: !include:model/other.yaml")
    assert loaded["model"] == {
        "size": 2,
        "network": OrderedDict(width=2),
        "extra": 0,
    }
    assert type(loaded["copy"]) is OrderedDict


def test_another_fragment_by_its_name(load_recipe, error):
    """Of the folder that the one in its place is in."""
    written = load_recipe("model: !include:model/other.yaml")
    assert str(load_recipe("model: other")) == str(written)
    nested = load_recipe("views: {nested: deep}")["views"]["nested"]
    assert nested == {"level": 0, "sum": 1}  # without the other's arguments
    for name in ("others", "../model/other", "3"):
        message = error(f"model: '{name}'")
        assert "give {key: value} or one of its fragments (" in message
        assert "other" in message.split("fragments")[1]


def test_a_fragment_refers_to_the_recipe(load_recipe, recipe_folder):
    """To its own keys first, then to those at the top of the recipe."""
    (recipe_folder / "model/wide.yaml").write_text(
        "size: !ref <epochs> * 2\n"
        "network: !new:collections.Counter\n    a: !ref <size> + <scale[size]>\n"
    )
    loaded = load_recipe("model: !include:model/wide.yaml")
    assert loaded["model"] == {"size": 18, "network": {"a": 146}}


def test_another_fragment_can_have_arguments(load_recipe):
    loaded = load_recipe("model: !include:model/other.yaml {size: 4, extra: 1}")
    assert loaded["model"]["size"] == loaded["copy"]["width"] == 4
    assert loaded["model"]["extra"] == 1


def test_another_fragment_in_a_fragment(load_recipe, recipe_folder):
    (recipe_folder / "views/nested/flat.yaml").write_text(
        "flat: True\nlevel: 9"
    )
    loaded = load_recipe("views: {nested: !include:views/nested/flat.yaml {}}")
    assert loaded["views"] == {
        "depth": 1,
        "nested": {"flat": True, "level": 9},
    }


def test_the_arguments_of_what_is_replaced_go_too(load_recipe, caplog):
    with caplog.at_level("WARNING"):
        load_recipe("object: !new:collections.OrderedDict {z: 2}")
        assert not caplog.messages
        load_recipe("object: !new:collections.OrderedDict")
    assert "object: the arguments of what was there (a) go" in caplog.text


def test_a_fragment_in_place_of_a_value(load_recipe):
    assert load_recipe("epochs: !include:scale/mini.yaml")["epochs"] == {
        "size": 16
    }


@pytest.mark.parametrize(
    ("overrides", "key", "hint"),
    [
        ("epoch: 1", "epoch", "did you mean 'epochs'"),
        ("zzz: 1", "zzz", "it has ['scale', 'epochs'"),
        ("inner: 1", "inner", "did you mean 'model: parts: inner'"),
        ("inners: 1", "inners", "did you mean 'model: parts: inner'"),
        ("model: {epochs: 1}", "model: epochs", "did you mean 'epochs'"),
        ("scale: {sizes: 1}", "scale: sizes", "did you mean 'scale: size'"),
        ("model: {sise: 1}", "model: sise", "did you mean 'model: size'"),
        ("model: {parts: {iner: 1}}", "model: parts: iner", "parts: inner'"),
        ("views: {nested: {lvel: 1}}", "views: nested: lvel", "nested: level'"),
        (
            "model: !include:model/other.yaml {sizze: 3}",
            "model: sizze",
            "did you mean 'model: size'",
        ),
    ],
)
def test_an_unknown_key_is_named(error, overrides, key, hint):
    message = error(overrides)
    assert f"recipe.yaml has no key '{key}': " in message
    assert hint in message


def test_a_missing_fragment_is_named(error, recipe_folder):
    message = error("scale: !include:scale/tiny.yaml")
    assert str(recipe_folder / "scale/tiny.yaml") in message
    assert "cannot be read" in message


def test_a_fragment_that_is_not_yaml_is_named(recipe_folder):
    (recipe_folder / "scale/broken.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(InputError, match="broken.yaml is not valid YAML"):
        Recipe(
            recipe_folder / "recipe.yaml", "scale: !include:scale/broken.yaml"
        )


@pytest.mark.parametrize(
    "text, words",
    [
        ("size: !include:broken.yaml", "includes itself"),
        ("size: !include:../recipe.yaml", "includes itself"),
        ("&a {b: *a}", "a part of it contains itself"),
        ("- a", "has no keys at its top"),
        ("a: 1\na: 2", "duplicate key"),
        ("a: 2001-99-99", "not valid YAML"),
        (
            "a: &a [1, 2]\n"
            + "".join(f"{x}: &{x} [{10 * f'*{y}, '}]\n" for x, y in
                      zip("bcdefgh", "abcdefg", strict=True)),
            "aliases stand for too much",
        ),
    ],
)  # fmt: skip
def test_a_fragment_that_would_never_end(recipe_folder, text, words):
    (recipe_folder / "scale/broken.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        Recipe(
            recipe_folder / "recipe.yaml", "scale: !include:scale/broken.yaml"
        )


def test_a_fragment_that_is_no_text(recipe_folder):
    (recipe_folder / "scale/broken.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InputError, match="no UTF-8 text"):
        Recipe(
            recipe_folder / "recipe.yaml", "scale: !include:scale/broken.yaml"
        )


def test_a_number_stays_one(error):
    assert "has a number as 'scale: size'" in error("scale: {size: large}")


@pytest.mark.parametrize(
    "overrides, words",
    [
        ("object: !new:no.such.Class", "no such class as no.such.Class"),
        ("epochs: !ref <nothing>", "reference .* is not valid"),
        ("epochs: !ref <rates[0]> / 0", "cannot be built"),
        ("object: {a: !apply:builtins.open [nowhere]}", "No such file"),
    ],
)
def test_what_cannot_be_built_is_told(recipe_folder, overrides, words):
    with pytest.raises(InputError, match=words):
        Recipe(recipe_folder / "recipe.yaml", overrides).build()


def test_keys_that_are_missing_are_named(recipe_folder):
    recipe = Recipe(recipe_folder / "recipe.yaml")
    built = recipe.build()
    assert str(built) == str(load_hyperpyyaml(recipe.stream()))
    with pytest.raises(InputError, match="has no key 'scale: epochs'"):
        built["scale"]["epochs"]
    with pytest.raises(InputError, match="no key .modl.: did you mean 'model"):
        recipe.build(["epochs", "modl"])


def test_parts_are_built_with_what_they_need(recipe_folder):
    """In the recipe's order, and nothing else."""
    recipe = Recipe(recipe_folder / "recipe.yaml")
    assert [*recipe.build(["copy"])] == ["scale", "model", "copy"]
    assert recipe.build(["rates"]) == {"rates": [1, 2]}
    assert "object" not in recipe.stream(["views"]).getvalue()


def test_what_nothing_reads_is_an_error(recipe_folder):
    recipe = Recipe(recipe_folder / "recipe.yaml", "epochs: 3\nrates: [4]")
    assert recipe.build(["epochs", "rates"]) == {"epochs": 3, "rates": [4]}
    with pytest.raises(InputError, match="Nothing reads 'rates' in .*recipe"):
        recipe.build(["epochs", "copy"])


@pytest.mark.parametrize("value", ["5", "null", "[1]", "a"])
def test_a_section_stays_one(error, value):
    assert "has keys below 'scale'" in error(f"scale: {value}")


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(InputError, match="none.yaml cannot be read.*check"):
        Recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("overrides", ["epochs: [", "a: b: c", "x: {"])
def test_overrides_that_are_not_yaml(error, overrides):
    assert "are not YAML: write --key value" in error(overrides)


@pytest.mark.parametrize("overrides", ["epochs", "- epochs", "3"])
def test_overrides_without_keys(error, overrides):
    assert "have no keys: write --key value" in error(overrides)


def test_a_default_gives_way_to_the_command_line(recipe_folder):
    for overrides, size, epochs in [
        ("", 16, 2),
        ("scale: !include:scale/full.yaml", 128, 2),
        ("epochs: 5", 16, 5),
    ]:
        recipe = Recipe(recipe_folder / "recipe.yaml", overrides)
        recipe.set_default("scale", "!include:scale/mini.yaml")
        recipe.set_default("epochs", "2")
        loaded = load_hyperpyyaml(recipe.stream())
        assert loaded["model"]["size"] == size
        assert loaded["epochs"] == epochs


def test_a_default_is_checked_too(recipe_folder):
    recipe = Recipe(recipe_folder / "recipe.yaml")
    with pytest.raises(InputError, match="did you mean 'epochs'"):
        recipe.set_default("epoch", "1")


@pytest.mark.parametrize(
    "overrides",
    [
        "",
        "model: !include:model/other.yaml",
        "model: {parts: {inner: 8}}\nepochs: 2",
        "object: !new:collections.OrderedDict {z: 2}",
    ],
)
def test_what_is_saved_loads_back(
    recipe_folder, load_recipe, overrides, tmp_path_factory
):
    saved = tmp_path_factory.mktemp("results") / "run" / "hyperparams.yaml"
    Recipe(recipe_folder / "recipe.yaml", overrides).save(saved)
    text = saved.read_text()
    assert "!include" not in text and "!ref" not in text
    assert text.startswith(
        f"# Generated from {recipe_folder / 'recipe.yaml'}\n"
    )
    with open(saved) as stream:
        loaded = load_hyperpyyaml(stream)
    assert str(loaded) == str(load_recipe(overrides))
    assert loaded["copy"] is loaded["model"]["network"]


def test_saving_and_loading_change_nothing(recipe_folder, tmp_path):
    before = {p: p.read_bytes() for p in recipe_folder.rglob("*.yaml")}
    recipe = Recipe(recipe_folder / "recipe.yaml", "model: {depth: 2}")
    first = recipe.stream().read()
    recipe.save(recipe_folder / "out.txt")
    assert recipe.stream().read() == first
    assert {p: p.read_bytes() for p in recipe_folder.rglob("*.yaml")} == before


def test_the_recipes_of_this_repository_load(monkeypatch):
    recipes = Path(__file__).parents[2] / "recipes"
    monkeypatch.setattr(Checkpointer, "__init__", lambda *args, **kwargs: None)
    files = sorted(recipes.glob("*/hparams/*.yaml"))
    assert files
    for file in files:
        if file.stem.startswith("ensemble_"):  # no training
            assert load_hyperpyyaml(Recipe(file).stream())["systems"]
            continue
        recipe = Recipe(file, "data_folder: x\ntrain_loggers: []")
        recipe.include("scale/mini.yaml")
