"""SpeechBrain's rules for recipes, applied to ours.

What its own tests/consistency demand of a recipe before it is merged, written
anew: that a YAML declares what its script uses and no more, that everything
public has a docstring, and that tests/recipes/<Dataset>.csv lists what is
there. (The originals are not part of SpeechBrain's package.)

Authors
 * sb_sed contributors 2026
"""

import ast
import csv
import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from small_beats import save_beats
from speechbrain.utils.data_utils import get_list_from_csv
from speechbrain.utils.run_opts import RunOptions

from sb_sed.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
ROWS = sorted(ROOT.glob("recipes/*/hparams/*.yaml"))
FRAGMENTS = [
    path
    for path in sorted(ROOT.glob("recipes/*/hparams/*/*.yaml"))
    if path.parent.name != "scale"
]
TABLES = sorted((ROOT / "tests" / "recipes").glob("*.csv"))
COLUMNS = [
    "Task",
    "Dataset",
    "Script_file",
    "Hparam_file",
    "Data_prep_file",
    "Readme_file",
    "Result_url",
    "HF_repo",
    "test_debug_flags",
    "test_debug_checks",
    "performance",
]


def rows(table):
    """The rows of a recipe table."""
    with open(table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def recipes():
    """Each row of each table as a test parameter."""
    return [
        pytest.param(row, id=Path(row["Hparam_file"]).stem)
        for table in TABLES
        for row in rows(table)
    ]


def declared_but_unused(text):
    """The top-level keys of a YAML to which no later line refers.

    As SpeechBrain, line by line: keys of indented lines, of ``!apply:`` and of
    the pretrainer need no use.
    """
    unused = {}
    for line in text.splitlines():
        if line.startswith("#") or "parameter_transfer.Pretrainer" in line:
            continue
        key = re.match(r"([^\s:#][^:]*):", line)
        if key and "!!" not in line and "!apply" not in line:
            unused[key[1]] = line
        if "!ref" in line:
            for name in re.findall(r"<(\w+)", line):
                unused.pop(name, None)
    return list(unused)


def uses(script, key):
    """Whether a script takes the key of the YAML, in one of the usual ways."""
    patterns = (
        f'["{key}"]',
        f"hparams.{key}",
        f"modules.{key}",
        f'attr(self.hparams, "{key}',
        f'hparams.get("{key}',
    )
    return any(pattern in script for pattern in patterns)


def module_names(text):
    """The keys of the block ``modules:`` of a YAML."""
    block = re.search(r"^modules:.*\n((?:[ \t]+.*\n|\n)*)", text, re.MULTILINE)
    return re.findall(r"^\s+(\w+):", block[1], re.MULTILINE) if block else []


def undocumented(path):
    """Where a file lacks a docstring: its top, public functions, classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    missing = [] if ast.get_docstring(tree) else ["line 1"]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return missing + [
        f"{node.name}, line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, kinds)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]


@pytest.fixture
def flattened(monkeypatch):
    """The YAML of a row with all that it includes, as its script reads it."""

    def text(row, overrides="data_folder: DATA"):
        script = ROOT / row["Script_file"]
        monkeypatch.syspath_prepend(script.parent)
        spec = importlib.util.spec_from_file_location(script.stem, script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        keys = module.KEYS
        recipe = Recipe(ROOT / row["Hparam_file"], overrides)
        return recipe.stream(keys).getvalue()

    return text


@pytest.mark.parametrize("row", recipes())
def test_a_flattened_row_loads_plainly(row, flattened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where its loggers and checkpoints go
    overrides = "data_folder: DATA"
    if "weights: " in row["test_debug_flags"]:
        overrides += "\nencoder: {weights: beats.pt}"
        save_beats("beats.pt")
    text = flattened(row, overrides)
    assert "!include" not in text
    hparams = load_hyperpyyaml(text)
    assert hparams["name"] == Path(row["Hparam_file"]).stem
    student, wavs = hparams["student"], torch.rand(1, 16000)
    student.featurizer.fit([wavs])
    assert student.from_waveforms(wavs).weak.shape == (1, hparams["n_classes"])


@pytest.mark.parametrize("overrides", ["lr: 1e-4", "n_mels: 64", "seed: 3"])
@pytest.mark.parametrize("row", recipes())
def test_what_is_changed_first_is_at_the_top(row, overrides, flattened):
    key, value = overrides.split(": ")
    text = flattened(row, overrides)
    lines = [x for x in text.split("\n") if x.startswith(f"{key}:")]
    assert [float(x.partition(":")[2]) for x in lines] == [float(value)]
    assert f"!ref <{key}>" in text


@pytest.mark.parametrize("file", ROWS, ids=lambda path: path.stem)
def test_a_row_is_a_difference(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    spines = ("baseline", "ensemble_1", "crnn")
    if file.stem in spines:
        assert not lines[0].startswith("!")
        return
    assert len(lines) <= 20
    while lines[0].startswith("!include:"):
        base = file.with_name(lines[0].removeprefix("!include:"))
        lines = base.read_text(encoding="utf-8").splitlines()
    assert base.stem in spines


@pytest.mark.parametrize(
    "file", FRAGMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_fragment_holds_no_value_that_nothing_reads(file):
    """Each key that is no object is referred to, or read by the script."""
    script = (file.parents[2] / "train.py").read_text(encoding="utf-8")
    everything = "".join(
        path.read_text("utf-8") for path in [*ROWS, *FRAGMENTS]
    )
    text = ""
    while True:
        own = file.read_text(encoding="utf-8")
        text = own + text
        if not own.startswith("!include:"):
            break
        file = file.with_name(own.partition("\n")[0].removeprefix("!include:"))
    for key, value in re.findall(r"^(\w+): *(.*)$", text, re.MULTILINE):
        if not value.startswith("!n") and value:
            read = f"<{key}" in text or f'["{key}"]' in script
            assert read or f"[{key}]>" in everything, key


@pytest.mark.parametrize("row", recipes())
def test_yaml_declares_nothing_that_is_not_used(row, flattened):
    text = flattened(row)
    script = (ROOT / row["Script_file"]).read_text(encoding="utf-8")
    unused = [
        key
        for key in declared_but_unused(text)
        if not uses(script, key) and key not in RunOptions().as_dict()
    ]
    assert not unused, f"not used in {row['Script_file']}: {unused}"


@pytest.mark.parametrize("row", recipes())
def test_yaml_declares_all_that_is_used(row, flattened):
    text = flattened(row)
    script = (ROOT / row["Script_file"]).read_text(encoding="utf-8")
    declared = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    used = set(re.findall(r'(?<!\w)hparams\["(\w+)"\]', script))
    assert used <= declared
    modules = set(re.findall(r"self\.modules\.(\w+)", script))
    assert modules - {"parameters", "keys", "eval", "train"} <= set(
        module_names(text)
    )


def test_keys_can_be_given_on_the_command_line():
    """No key abbreviates a run option, which argparse would take it for."""
    options = [f.name for f in dataclasses.fields(RunOptions)]
    for file in sorted((ROOT / "recipes").rglob("hparams/*.yaml")):
        text = file.read_text(encoding="utf-8")
        for key in re.findall(r"^(\w+):", text, re.MULTILINE):
            longer = [o for o in options if o.startswith(key) and o != key]
            assert not longer, f"{file}: --{key} would be taken for {longer}"


@pytest.mark.parametrize(
    "folder", ["recipes", "templates", "sb_sed", "benchmarks", "contrib"]
)
def test_everything_public_has_a_docstring(folder):
    missing = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (names := undocumented(path))
    }
    assert not missing


def test_there_is_a_table():
    names = [table.name for table in TABLES]
    assert names == ["DCASE2020.csv", "RealDESED.csv"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_table_has_speechbrains_columns(table):
    with open(table, newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == COLUMNS
    for row in rows(table):
        assert None not in row, f"too many columns: {row}"
        assert None not in row.values(), f"too few columns: {row}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_every_yaml_is_listed_once(table):
    """Fragments, in sub-folders of hparams/, and ensembles are no trainings."""
    listed = get_list_from_csv(str(table), field="Hparam_file")
    there = (ROOT / "recipes" / table.stem).rglob("hparams/*.yaml")
    assert sorted(listed) == sorted(
        path.relative_to(ROOT).as_posix()
        for path in there
        if not path.stem.startswith("ensemble_")
    )


@pytest.mark.parametrize("row", recipes())
def test_files_of_a_row_exist(row):
    for column in ("Script_file", "Hparam_file", "Readme_file"):
        assert (ROOT / row[column]).is_file(), row[column]
    for path in row["Data_prep_file"].split():
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("row", recipes())
def test_links_of_a_row_are_in_the_readme(row):
    links = f"{row['Result_url']} {row['HF_repo']}".split()
    readme = (ROOT / row["Readme_file"]).read_text(encoding="utf-8")
    assert not [link for link in links if link not in readme]


@pytest.mark.parametrize("row", recipes())
def test_every_row_can_be_tried(row):
    assert row["test_debug_flags"].strip()
    assert "file_exists=[" in row["test_debug_checks"]


YAML = """\
# comment: none
seed: 1
__set_seed: !apply:random.seed [!ref <seed>]
size: 3
net: !new:torch.nn.Linear
    in_features: !ref <size>
path: !ref results/<seed>
modules:
    net: !ref <net[layer]>
    other: null

epochs: 2
"""


def test_the_check_of_keys_itself():
    assert declared_but_unused(YAML) == ["path", "modules", "epochs"]
    script = 'hparams["path"]; self.hparams.modules'
    assert uses(script, "path") and uses(script, "modules")
    assert not uses(script, "epochs")
    assert module_names(YAML) == ["net", "other"]


def test_the_check_of_docstrings_itself(tmp_path):
    file = tmp_path / "code.py"
    file.write_text(
        "def one(): ...\n"
        "def _two(): ...\n"
        "class Three:\n    '''Has one.'''\n    def four(self): ...\n"
    )
    assert undocumented(file) == ["line 1", "one, line 1", "four, line 5"]
