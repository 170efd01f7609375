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
import re
from pathlib import Path

import pytest
from speechbrain.utils.data_utils import get_list_from_csv
from speechbrain.utils.run_opts import RunOptions

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.parametrize("row", recipes())
def test_yaml_declares_nothing_that_is_not_used(row):
    text = (ROOT / row["Hparam_file"]).read_text(encoding="utf-8")
    script = (ROOT / row["Script_file"]).read_text(encoding="utf-8")
    unused = [
        key
        for key in declared_but_unused(text)
        if not uses(script, key) and key not in RunOptions().as_dict()
    ]
    assert not unused, f"not used in {row['Script_file']}: {unused}"


@pytest.mark.parametrize("row", recipes())
def test_yaml_declares_all_that_is_used(row):
    text = (ROOT / row["Hparam_file"]).read_text(encoding="utf-8")
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
    "folder", ["recipes", "templates", "sb_sed", "benchmarks"]
)
def test_everything_public_has_a_docstring(folder):
    missing = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (names := undocumented(path))
    }
    assert not missing


def test_there_is_a_table():
    assert [table.name for table in TABLES] == ["DCASE2020.csv"]


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
