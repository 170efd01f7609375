"""The recipe for SpeechBrain: what is written, and that its checks are run.

The checks themselves need SpeechBrain's repository; here are stand-ins.

Authors
 * sb_sed contributors 2026
"""

import csv
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import speechbrain as sb
import yaml
from hyperpyyaml import load_hyperpyyaml
from packaging.version import Version
from speechbrain.utils.run_opts import RunOptions

from sb_sed.errors import InputError

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "contrib" / "patches").glob("*.patch"))
RECIPE_TESTS = """\
import speechbrain

def load_yaml_test(**filters):
    assert filters == {"filters_fields": ["Dataset"], "filters": ["DESED"]}
    return speechbrain.OF_THE_TREE

def run_recipe_tests(**filters):
    import os
    code = "import speechbrain, sb_sed; assert speechbrain.OF_THE_TREE"
    assert os.system(f"PYTHONPATH=/nowhere python -c '{code}'") == 0
    return False
"""


@pytest.fixture(scope="module")
def tree(upstream, tmp_path_factory):
    """A work tree with the recipe in it and stand-ins for the checks."""
    import writing

    tree = tmp_path_factory.mktemp("speechbrain")
    for path, text in {
        "speechbrain/__init__.py": "OF_THE_TREE = True\n",
        "tests/__init__.py": "",
        "tests/utils/__init__.py": "",
        "tests/utils/recipe_tests.py": RECIPE_TESTS,
        "tests/utils/check_docstrings.py": "def check_docstrings(**_): return 1",
        "tests/consistency/test_recipe.py": "def test(): assert False",
        "tests/recipes/ESC50.csv": "",
        "tests/tmp/DESED_row_02/old.txt": "",
        "pyproject.toml": "[tool.ruff]\nline-length = 80\n",
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    writing.write(tree)
    return tree


@pytest.fixture(scope="module")
def table(tree):
    """The rows of the table."""
    with open(tree / "tests/recipes/DESED.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tree):
    """The recipe's."""
    return tree / "recipes" / "DESED" / "sound_event_detection"


def test_the_table_names_what_is_there(tree, table, folder):
    assert [*table[0]][-2:] == ["test_download", "performance"]
    listed = [tree / row["Hparam_file"] for row in table]
    assert sorted(listed) == sorted(folder.rglob("*.yaml"))
    for row in table:
        for column in ("Script_file", "Data_prep_file", "Readme_file"):
            assert (tree / row[column]).is_file()
        assert row["Dataset"] == "DESED" and row["test_debug_flags"]
        assert ";" not in row["test_download"]
        compile(row["test_download"], "test_download", "eval")
        # What only a training on DESED can give.
        assert row["Result_url"] == row["HF_repo"] == row["performance"] == ""
        name = Path(row["Hparam_file"]).name
        readme = (folder / "README.md").read_text()
        assert f"\n| {name} |  |" in readme and f"\n| `{name}` | " in readme


def test_flags_change_a_row_by_plain_hyperpyyaml(
    tree, table, tmp_path, monkeypatch
):
    for row in table:
        monkeypatch.chdir(tmp_path)
        flags = shlex.split(row["test_debug_flags"])
        file, _, overrides = sb.parse_arguments([row["Hparam_file"], *flags])
        text = (tree / file).read_text()
        # Nothing but what is at the top: HyperPyYAML would add other keys.
        assert {*yaml.safe_load(overrides)} <= {
            *re.findall(r"^\w+", text, re.M)
        }
    hparams = load_hyperpyyaml(text, overrides)
    assert hparams["filters"] == [16, 32, 64, 128]
    assert hparams["epoch_counter"].limit == 2


def test_the_script_reads_each_key(tree, table):
    """As SpeechBrain's check: it reads a key or the YAML refers to it."""
    for row in table:
        text = (tree / row["Hparam_file"]).read_text()
        script = (tree / row["Script_file"]).read_text()
        for line in re.findall(r"^\w+:.*", text, re.M):
            key = line.partition(":")[0]
            known = f'["{key}"]' in script or key in RunOptions().as_dict()
            assert known or "!apply" in line or re.search(rf"<{key}\b", text), (
                key
            )


def test_the_script_is_laid_out_and_reads_plain_hyperpyyaml(
    folder, monkeypatch, tmp_path
):
    script = (folder / "train.py").read_text()
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", folder], check=True)
    subprocess.run(
        [*ruff, "format", "--check", folder / "train.py"], check=True
    )
    for word in ("minidesed", "Miniature", "KEYS", "start(", "FOLDER"):
        assert word not in script
    monkeypatch.syspath_prepend(folder)
    spec = importlib.util.spec_from_file_location(
        "upstream", folder / "train.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made, prepared = {}, []
    monkeypatch.setattr(module, "prepare", prepared.append)
    monkeypatch.setattr(
        sb, "create_experiment_directory", lambda **given: made.update(given)
    )
    monkeypatch.chdir(tmp_path)
    arguments = [str(folder / "hparams/baseline.yaml"), "--data_folder=D"]
    hparams, run_opts = module.load_recipe([*arguments, "--seed=7"])
    assert hparams["seed"] == 7 and run_opts["max_grad_norm"] == 5.0
    assert prepared == [hparams]
    assert made["experiment_directory"] == "results/baseline/7"
    assert made["hyperparams_to_save"] == arguments[0]
    assert "seed: 7" in made["overrides"]


def test_requirements(upstream, folder):
    import writing

    text = (folder / "extra_requirements.txt").read_text()
    assert text.startswith("# Blank") and text.endswith("\nsb_sed[recipe]\n")
    address = "https://example.org/sb_sed"
    expected = f"sb_sed[recipe] @ git+{address}\n"
    assert writing._requirements(address) == expected


@pytest.fixture
def command(upstream):
    """The module of the command."""
    file = upstream / "__main__.py"
    spec = importlib.util.spec_from_file_location("upstream_main", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_checks_take_the_tree_and_say_what_fails(
    command, tree, capfd, monkeypatch
):
    monkeypatch.setattr(command, "write", lambda *_: [])
    with pytest.raises(SystemExit) as stopped:
        command.main([str(tree)])
    assert stopped.value.code == 1
    assert not (tree / "tests/tmp/DESED_row_02").exists()
    summary = capfd.readouterr().out.split("checks of the recipe:\n")[1]
    outcomes = dict(re.findall(r"^  (\w.*\S) +[\d.]+ s  (\w+)", summary, re.M))
    failed = {"tests/consistency", "run_recipe_tests"}
    assert {name for name, x in outcomes.items() if x == "failed"} == failed
    for name in ("check_HF_repo", "check_url"):
        assert outcomes.pop(f"tests/utils/{name}") == "not"
    assert {*outcomes.values()} == {"passed", "failed"} and len(outcomes) == 8


def test_other_folders_and_other_recipes_stay_as_they_are(
    command, tree, folder, tmp_path
):
    readme = (folder / "README.md").read_text()
    with pytest.raises(InputError, match="is there already: move it away"):
        command.main([str(tree)])
    assert (folder / "README.md").read_text() == readme
    with pytest.raises(InputError, match="no work tree of SpeechBrain"):
        command.main([str(tmp_path)])


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_patch_fits_speechbrain_and_has_a_test(patch):
    text = patch.read_text()
    assert re.search(r"^\+\+\+ b/tests/unittests/", text, re.M)
    assert re.search(r"^\+def test_", text, re.M)
    if Version(sb.__version__) >= Version("1.2"):
        pytest.skip("may be repaired in this SpeechBrain")
    packages = Path(sb.__file__).parents[1]
    run = subprocess.run(
        ["git", "apply", "--check", "-v", "--include=speechbrain/*", patch],
        cwd=packages,
        # Inside a repository git would pass over what is not at its top.
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(packages.parent)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "Checking patch speechbrain/" in run.stderr
