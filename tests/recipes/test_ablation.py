"""The tables of the paper: what is trained, what is kept, what is printed.

Most runs here are of a stand-in for the training script, which writes made-up
reports; one test trains for real.

Authors
 * sb_sed contributors 2026
"""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import kendalltau, spearmanr

from sb_sed.data.minidesed import make_minidesed
from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS
from sb_sed.scoring.report import make_report, write_json

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
PAPER = {"one": 30.0, "two": 35.5, "three": 20.0, "four": None}
TABLE = {
    "title": "Systems",
    "metric": "event F1",
    "rows": [
        {"name": name, "recipe": f"hparams/{name}.yaml", "paper": paper}
        for name, paper in PAPER.items()
    ],
}
# Counts its calls; does as the word in <output folder>/../will says.
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


def fake_report(event=0.5, segment=0.75, psds=0.25, **changes):
    """A report in the shape of ours with macro means of one's own."""
    reference = pd.DataFrame(
        [["a.wav", 0.0, 2.0, "Dog"]], columns=EVENT_COLUMNS
    )
    report = make_report(reference, reference, n_draws=2)
    report["event_f1"]["macro"] = event
    report["segment_f1"]["macro"] = segment
    report["psds"] = psds and dict.fromkeys(("2020", "1", "2"), psds)
    return report | changes


def put(folder, row, seed, test_set="validation", network="student", **report):
    """A finished run's report where the training script puts it."""
    path = folder / row / str(seed) / test_set / network / "report.json"
    write_json(fake_report(**report), path)


@pytest.fixture
def recipe(monkeypatch):
    """The recipe's folder on the path, as when its scripts run."""
    monkeypatch.syspath_prepend(RECIPE)


@pytest.fixture
def table(recipe):
    """The class of the table."""
    from ablation_table import AblationTable

    return AblationTable


@pytest.fixture
def workplace(recipe, tmp_path, monkeypatch):
    """A folder with a tables file, a stand-in and data for it."""
    import ablation_runs

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / "train.py").write_text(STAND_IN)
    monkeypatch.setattr(ablation_runs, "TRAIN", tmp_path / "train.py")
    # JSON is YAML.
    (tmp_path / "tables.yaml").write_text(json.dumps({"1": TABLE}))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "will.txt").write_text("work")
    write_json(fake_report(), tmp_path / "data" / "report.json")
    return tmp_path


COMMAND = ["--table", "1", "--tables", "tables.yaml", "--data_folder=data"]


def call(*arguments, command=COMMAND):
    """The command with arguments of its user; its exit status."""
    from ablation import main

    return main([*command, *map(str, arguments)])


def calls(workplace):
    """Recipe and seed of all calls of the stand-in."""
    return (workplace / "data" / "calls.txt").read_text().split("\n")[:-1]


def cells(markdown, system):
    """The cells of the first line of a system."""
    line = next(x for x in markdown.split("\n") if x.startswith(f"| {system} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_means_and_dashes(table, tmp_path):
    put(tmp_path, "one", 2020, event=0.3)
    put(tmp_path, "one", 1, event=0.4, segment=None, psds=None)
    put(tmp_path, "one", 1, network="teacher", event=0.2)
    put(tmp_path, "two", 7, event=0.451, n_files=3, n_reference=4)
    put(tmp_path, "two", 7, test_set="public", event=0.123)
    (tmp_path / "two" / "not_a_seed").mkdir()
    broken = tmp_path / "three" / "1" / "validation" / "student"
    broken.mkdir(parents=True)
    (broken / "report.json").write_text("{")
    result = table(TABLE, tmp_path, ["--data_folder=/d", "--precision=fp32"])
    text = result.markdown()
    head = (
        "system|paper|event F1|teacher event F1|segment F1|PSDS 2020|PSDS 1|"
        "PSDS 2|public event F1|seeds"
    ).split("|")
    assert cells(text, "system") == head
    assert dict(zip(head, cells(text, "one"), strict=True)) == {
        "system": "one",
        "paper": "30.00",
        "event F1": "35.00 (40.00, 30.00)",
        "teacher event F1": "20.00",
        "segment F1": "75.00",
        "PSDS 2020": "0.250",
        "PSDS 1": "0.250",
        "PSDS 2": "0.250",
        "public event F1": "–",
        "seeds": "1, 2020",
    }
    assert cells(text, "two")[2] == "45.10"
    assert cells(text, "two")[-2:] == ["12.30", "7"]
    assert cells(text, "three")[1:] == ["20.00", *["–"] * 8]
    assert cells(text, "four")[1] == "–"
    assert "validation set of 1, 3 of 4 files" in text
    assert "`--data_folder=/d` `--precision=fp32`" in text
    plain = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert plain["rows"][0]["mean"]["event F1"] == pytest.approx(35)
    assert [run["seed"] for run in plain["rows"][0]["runs"]] == [1, 2020]
    assert plain["rows"][0]["runs"][0]["segment F1"] is None
    assert plain["rows"][2]["runs"] == []


def test_nothing_finished(table, tmp_path):
    result = table(TABLE, tmp_path, [])
    assert "No run is finished." in result.markdown()
    assert cells(result.markdown(), "one") == ["one", "30.00", "–", "–"]
    assert result.as_dict()["agreement"] is None


def test_differences_with_their_error(table, tmp_path):
    for seed, f1 in enumerate((0.30, 0.32, 0.34)):
        put(tmp_path, "one", seed, event=f1)
    for seed, f1 in enumerate((0.40, 0.44)):
        put(tmp_path, "two", seed, event=f1)
    put(tmp_path, "four", 0, event=0.31)
    _, differences = (
        table(TABLE, tmp_path, []).markdown().split("difference")[:2]
    )
    # Variances 4 and 8 over 3 and 2 seeds.
    error = f"{math.sqrt(4 / 3 + 8 / 2):.2f}"
    assert cells(differences, "two")[1:] == ["+5.50", f"+10.00 ± {error}"]
    assert cells(differences, "four")[1:] == ["–", "-1.00"]
    assert "three" not in differences


def test_order(table, tmp_path):
    ours = {"one": 0.3, "two": 0.2, "three": 0.1}
    for row, f1 in ours.items():
        assert table(TABLE, tmp_path, []).agreement() is None
        put(tmp_path, row, 1, event=f1)
    put(tmp_path, "four", 1, event=0.9)  # which the paper does not have
    agreement = table(TABLE, tmp_path, []).agreement()
    paper = [PAPER[row] for row in ours]
    assert agreement == {
        "rows": 3,
        "spearman": pytest.approx(spearmanr(paper, [3, 2, 1]).statistic),
        "kendall": pytest.approx(kendalltau(paper, [3, 2, 1]).statistic),
        # Of the 6 orders 3 have as many pairs right or more.
        "p": pytest.approx(1 / 2),
    }
    for row in ours:
        put(tmp_path, row, 1, event=0.0)
    assert table(TABLE, tmp_path, []).agreement() is None


def test_trains_what_is_missing_and_keeps_the_rest(workplace, capsys):
    folder = workplace / "results" / "table1"
    assert call("--rows", "two", "one", "--seeds", 5, 5) == 0
    assert calls(workplace) == ["two.yaml 5", "one.yaml 5"]
    # Other seeds and rows are added, in whatever way the same is written.
    other = ["--data_folder", str(workplace / "data"), *COMMAND[:4]]
    assert call("--seeds", 5, 6, "--rows", "one", command=other) == 0
    assert calls(workplace)[2:] == ["one.yaml 6"]
    text = (folder / "table.md").read_text()
    assert capsys.readouterr().out.endswith(text)
    assert cells(text, "one")[-1] == "5, 6" and cells(text, "two")[-1] == "5"
    assert json.loads((folder / "table.json").read_text())["rows"][1]["runs"]
    # A run without its report, or that has not come to its end, is resumed.
    (folder / "one/5/validation/student/report.json").unlink()
    (folder / "one/6/finished").unlink()
    assert call("--rows", "one", "two", "--seeds", 5, 6) == 0
    assert calls(workplace)[3:] == ["one.yaml 5", "one.yaml 6", "two.yaml 6"]
    assert (folder / "one/5/stdout.txt").read_text().count("threads") == 2


def test_report_trains_nothing(workplace, capsys):
    with pytest.raises(InputError, match="results/table1 has no runs"):
        call("--report")
    assert not (workplace / "results").exists()
    call("--rows", "two")
    first = capsys.readouterr().out

    def times():
        paths = (workplace / "results").rglob("*")
        return {path: path.stat().st_mtime_ns for path in paths}

    written = times()
    assert call("--report", command=COMMAND[:4]) == 0
    assert capsys.readouterr().out == first
    assert times() == written
    assert len(calls(workplace)) == 1


def test_folder_is_for_one_table_and_one_set_of_arguments(workplace):
    call("--rows", "two", "--precision=fp32")
    for command in (
        COMMAND,
        [*COMMAND, "--precision", "bf16"],
        [*COMMAND, "--precision=fp32", "--debug"],
        [*COMMAND, "--report"],
    ):
        with pytest.raises(InputError, match="--precision=fp32': give the sam"):
            call(command=command)
    (workplace / "tables.yaml").write_text(json.dumps({"2": TABLE}))
    with pytest.raises(InputError, match="holds runs of table 1 with"):
        command = ["--table", "2", *COMMAND[2:], "--precision=fp32"]
        call("--output_folder", "results/table1", command=command)
    assert len(calls(workplace)) == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_failures_do_not_stop_the_others(workplace, capsys, jobs):
    (workplace / "data" / "will.txt").write_text("fail 1")
    options = ["--rows", "one", "two", "--seeds", 1, 2, "--jobs", jobs]
    assert call(*options) == 1
    said = capsys.readouterr()
    log = Path("results/table1/one/1/stdout.txt")
    sentence = f"ablation.py: one/1 failed with exit status 1 (see {log}): "
    assert f"{sentence}train.py: the disk is full.\n" in said.err
    assert "Some output" in log.read_text()
    assert cells(said.out, "one")[-1] == "2"
    # The processors are shared.
    threads = (workplace / "results/table1/two/2/stdout.txt").read_text()
    assert ("threads None" in threads) == (jobs == 1)
    (workplace / "data" / "will.txt").write_text("work")
    assert call(*options) == 0
    assert cells(capsys.readouterr().out, "one")[-1] == "1, 2"


def test_arguments_with_which_nothing_was_trained_can_be_mended(workplace):
    (workplace / "data" / "will.txt").write_text("fail 2020")
    assert call("--rows", "one", "--precision=fp23") == 1
    (workplace / "data" / "will.txt").write_text("work")
    assert call("--rows", "one", "--precision=fp32") == 0
    with pytest.raises(InputError, match="holds runs"):
        call("--rows", "one", "--precision=fp23")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_the_trainings(workplace, sent):
    data = workplace / "data"
    (data / "will.txt").write_text("sleep")
    script = (
        "import runpy, sys; from pathlib import Path; "
        f"sys.path.insert(0, {str(RECIPE)!r}); import ablation_runs; "
        "ablation_runs.TRAIN = Path('train.py'); "
        "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, RECIPE / "ablation.py", *COMMAND],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (data / "pid.txt").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(sent)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.endswith("interrupted; the same command resumes.\n")
    pid = (data / "pid.txt").read_text()
    assert not Path(f"/proc/{pid}").exists()
    (data / "will.txt").write_text("work")
    assert call() == 0


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--rows", "five"], "no row 'five': choose from one, two"),
        (["--seed=3"], "give --seeds"),
        (["--debug", "--precision=fp32", "5"], "'5' belongs to no option"),
        (["--table", "3"], "tables.yaml has no table 3: choose from 1."),
        (["--tables", "none.yaml"], "none.yaml cannot be read"),
        (["--tables", "train.py"], "train.py does not hold tables"),
    ],
)
def test_bad_input_is_one_sentence(workplace, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        call(*arguments)
    assert not (workplace / "results").exists()


def test_tables_of_the_recipe(recipe):
    """Each recipe of a table has a row; the gain is that of the paper."""
    from ablation import read_table

    rows = read_table(RECIPE / "tables.yaml", "1")["rows"]
    assert sorted(row["recipe"] for row in rows) == sorted(
        path.relative_to(RECIPE).as_posix()
        for path in RECIPE.glob("hparams/table1_*.yaml")
    )
    assert rows[-1]["paper"] - rows[0]["paper"] == pytest.approx(3.41)


def test_for_real(tmp_path):
    """Two trainings; nothing to do; one to do again. From another folder."""
    make_minidesed(tmp_path / "mini", scale=0.02, progress=False)
    tables = {"1": {"title": "Systems", "metric": "event F1", "rows": []}}
    tables["1"]["rows"] = [
        {"name": name, "recipe": f"hparams/{name}.yaml", "paper": 30.0}
        for name in ("baseline", "supervised")
    ]
    (tmp_path / "tables.yaml").write_text(json.dumps(tables))
    folder = tmp_path / "results" / "table1"

    def run():
        process = subprocess.run(
            [
                *(sys.executable, RECIPE / "ablation.py", *COMMAND[:4]),
                *("--data_folder=mini", "--device=cpu", "--scale"),
                "!include:scale/mini.yaml {synthetic: 2, unlabelled: 2, "
                "weak: 2, epochs: 1, ramp_up_epochs: 1}",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        logs = sorted(folder.glob("*/2020/stdout.txt"))
        return process.stdout, [x.read_text().count("$ ") for x in logs]

    output, starts = run()
    assert starts == [1, 1]
    assert cells(output, "supervised")[-1] == "2020"
    assert run() == (output, [1, 1])
    (folder / "baseline/2020/validation/student/report.json").unlink()
    assert run() == (output, [2, 1])
