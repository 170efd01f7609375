"""What the tests of the ablation share.

Authors
 * sb_sed contributors 2026
"""

import importlib.util
import json
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from sb_sed.formats import EVENT_COLUMNS
from sb_sed.scoring.report import make_report, write_json
from sb_sed.training.recipe import Recipe
from sb_sed.training.yaml_trees import uncommented

# Lists its calls; does what will.txt in the data folder says.
STAND_IN = """\
import os, shutil, sys, time
from pathlib import Path

options = dict(a[2:].split("=", 1) for a in sys.argv[2:] if "=" in a)
folder, data = Path(options["output_folder"]), Path(options["data_folder"])
with open(data / "calls.txt", "a") as calls:
    print(Path(sys.argv[1]).name, options["seed"], file=calls)
print("threads", os.environ.get("OMP_NUM_THREADS"))
will = (data / "will.txt").read_text()
if will == f"fail {options['seed']}":
    print("Some output", file=sys.stderr)
    sys.exit("train.py: the disk is full.")
if will == "sleep":
    (data / "pid.txt").write_text(str(os.getpid()))
    time.sleep(60)
(folder / "train_log.txt").touch()
for network in ("student", "teacher"):
    target = folder / "validation" / network
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(data / "report.json", target)
"""
# Lists its calls, too. Takes no more arguments than these.
AVERAGING = """\
import shutil, sys
from pathlib import Path

recipe, word, *systems, output = sys.argv[1:]
folder = Path(output.removeprefix("--output_folder="))
assert word == "--systems" and str(folder) != output
for system in map(Path, systems):
    assert (system / "finished").exists()
names = ["/".join(Path(s).parts[-2:]) for s in systems]
with open("data/calls.txt", "a") as calls:
    print(Path(recipe).name, folder.name, "of", *names, file=calls)
target = folder / "validation" / "student"
target.mkdir(parents=True, exist_ok=True)
shutil.copy("data/report.json", target)
"""


RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"


@pytest.fixture
def changed_keys():
    """Lists the top-level keys in which two recipes differ."""

    def find(one, other):
        trees = [Recipe(file).tree for file in (one, other)]
        assert [*trees[0]] == [*trees[1]]
        texts = [{k: dumped({k: v}) for k, v in tree.items()} for tree in trees]
        return {key for key in texts[0] if texts[0][key] != texts[1][key]}

    def dumped(tree):
        text = StringIO()
        YAML().dump(uncommented(tree), text)
        return text.getvalue()

    return find


@pytest.fixture
def ablation(monkeypatch):
    """The ablation's module, its folder on the path as when it runs."""
    monkeypatch.syspath_prepend(RECIPE / "ablation")
    file = RECIPE / "ablation" / "__main__.py"
    spec = importlib.util.spec_from_file_location("ablation", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def put():
    """Writes a report of given figures."""

    def write(path, event=0.5, segment=0.75, psds=0.25, bounds=None, **changes):
        reference = pd.DataFrame(
            [["a.wav", 0.0, 2.0, "Dog"]], columns=EVENT_COLUMNS
        )
        report = make_report(reference, reference, n_draws=2)
        report["event_f1"]["macro"] = event
        report["segment_f1"]["macro"] = segment
        report["psds"] = psds and dict.fromkeys(("2020", "1", "2"), psds)
        report["confidence_intervals"]["event_f1"]["macro"] = bounds
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(report | changes, path)

    return write


@pytest.fixture
def cells():
    """Returns the cells of the first line of a system in a Markdown table."""

    def split(markdown, system):
        line = next(
            x for x in markdown.split("\n") if x.startswith(f"| {system} ")
        )
        return [cell.strip() for cell in line.strip("|").split("|")]

    return split


@pytest.fixture
def tables():
    """Writes tables: for each key its rows, without their recipes."""

    def text(**rows):
        return json.dumps(  # JSON is YAML
            {
                key.strip("_"): {
                    "title": "Systems",
                    "metric": "event F1",
                    "rows": [
                        {"name": name, "recipe": f"hparams/{name}.yaml"} | more
                        for name, more in table.items()
                    ],
                }
                for key, table in rows.items()
            }
        )

    return text


@pytest.fixture
def rows():
    """The rows of table 1."""
    return {name: {"paper": 30.0} for name in ("one", "two", "three", "four")}


@pytest.fixture
def workplace(ablation, put, tables, rows, tmp_path, monkeypatch):
    """A folder with a table, stand-ins for the scripts, and data for them."""
    import runs

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name, text in {"TRAIN": STAND_IN, "ENSEMBLE": AVERAGING}.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setattr(runs, name, tmp_path / f"{name}.py")
    # Drawing takes longer than all else here.
    monkeypatch.setattr(ablation, "plot_table", lambda _, path: path.touch())
    (tmp_path / "tables.yaml").write_text(tables(_1=rows))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "will.txt").write_text("work")
    put(tmp_path / "data" / "report.json")
    return tmp_path


@pytest.fixture
def call(workplace, ablation):
    """Calls the command with arguments of its user; returns its exit status."""

    def run(*arguments, table="1", data="--data_folder=data"):
        command = ["--table", table, "--tables", "tables.yaml"]
        return ablation.main(
            [*command, *([data] if data else []), *map(str, arguments)]
        )

    return run


@pytest.fixture
def calls(workplace):
    """Lists what the stand-ins were called for."""
    file = workplace / "data" / "calls.txt"
    return lambda: file.read_text().split("\n")[:-1]
