"""Damaged recipes and command lines: built, or refused in a sentence."""

import pytest
from damaged_text import as_bytes
from damaged_yaml import LINES, MUTATORS

from sb_sed.errors import InputError
from sb_sed.training.recipe import Recipe

FILES = {
    "recipe.yaml": """\
seed: 1
name: !ref tiny_<seed>
scale: !include:scale.yaml
model: !include:parts/model.yaml
    size: !ref <scale[size]>
rates: [1, 2.5]
object: !new:collections.Counter
    a: 1
    b: !ref <seed> + 1
call: !apply:builtins.len [[1, 2]]
kind: !name:collections.Counter
    a: !ref <scale[epochs]>
""",
    "lone.yaml": "!include:spine.yaml\nseed: 3\nrates: [4]\n",
    "spine.yaml": "seed: 1\nrates: [1, 2]\n",
    "scale.yaml": "# Sizes\nsize: 16\nepochs: 2\nlazy: False\nnone: null\n",
    "parts/model.yaml": """\
size: 1
network: !new:collections.OrderedDict
    width: !ref <size>
    depth: !ref <size> * 2
parts:
    inner: 3
    shared: &shared {x: 1}
    again: *shared
""",
}
GIVEN = [*LINES, "nothing: 1", "seed: a", "seed: [1]", "seed: {a: 1}", "seed: null",
         "scale: {epochs: a}", "scale: {epoch: 1}", "scale: 5", "model: a", "seed",
         "scale: !include:parts/model.yaml", "model: {parts: {inner: {Dog: 1}}}",
         "object: {a: !new:no.such.Class}", "object: {zzz: 1}", "rates: {0: 1}", "",
         "model: !include:scale.yaml", "call: 1", "name: !ref <nothing>", "a: b: c",
         "model: {network: {depth: x}}", "kind: {zzz: 1}", "seed: !ref <scale>",
         "scale: !include:missing.yaml", "include: scale.yaml", "include: lone.yaml",
         "include: []", "include: {a: 1}", "include: [lone.yaml, missing.yaml]", "scale: !include:scale.yaml {zzz: 1}"]  # fmt: skip
KEYS = {
    "include",
    "seed",
    "name",
    "scale",
    "model",
    "rates",
    "object",
    "call",
    "kind",
}


def write(folder, changed=None, content=None):
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content if name == changed else text))


def check(folder, overrides=""):
    """Builds and saves the recipe; whether that is possible."""
    try:
        recipe = Recipe(folder / "recipe.yaml", overrides)
        recipe.build()
        recipe.save(folder / "saved.yaml")
    except InputError as error:
        assert "\n" not in str(error) and 20 < len(str(error)) < 800
        assert str(folder) in str(error) or "overrides" in str(error)
        assert not (folder / "saved.yaml").exists()
        return False
    return (folder / "saved.yaml").exists()


@pytest.mark.filterwarnings("error")
@pytest.mark.fuzz(MUTATORS, 5)
def test_recipes(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = [*FILES][case.number % len(FILES)]
    write(tmp_path, name, case(FILES[name]))
    check(tmp_path)


def overrides(rng):
    """What a command line can say, as YAML."""
    lines = [
        str(GIVEN[n]) for n in rng.integers(0, len(GIVEN), rng.integers(1, 3))
    ]
    return "\n".join(lines)


@pytest.mark.filterwarnings("error")
@pytest.mark.fuzz([overrides], 40)
def test_overrides(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    assert check(tmp_path)
    (tmp_path / "saved.yaml").unlink()
    if check(tmp_path, case()):
        given = {line.partition(":")[0] for line in case().split("\n")}
        assert given - {"", "---", "..."} <= KEYS
