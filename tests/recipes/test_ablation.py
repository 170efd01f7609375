"""The runs of an ablation: what is trained, what is kept.

Most tests run stand-ins for the scripts, which write made-up reports; one runs
those of the recipe. Rows that average others are tested in
test_ablation_averages.py, what is printed and drawn in test_ablation_table.py.

Authors
 * sb_sed contributors 2026
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sb_sed.errors import InputError
from sb_sed.minidesed import make_minidesed

RECIPE = Path(__file__).parents[2] / "recipes" / "DCASE2020"
COMMAND = ["--table", "1", "--tables", "tables.yaml"]


def test_trains_what_is_missing_and_keeps_the_rest(
    workplace, capsys, cells, call, calls
):
    folder = workplace / "results" / "ablation"
    assert call("--rows", "two", "one", "--seeds", 5, 5) == 0
    assert calls() == ["two.yaml 5", "one.yaml 5"]
    # Other seeds and rows are added, in whatever way the same is written.
    other = ["--data_folder", workplace / "data"]
    assert call("--seeds", 5, 6, "--rows", "one", *other, data=None) == 0
    assert calls()[2:] == ["one.yaml 6"]
    text = (folder / "table1.md").read_text()
    assert capsys.readouterr().out.endswith(text)
    assert cells(text, "one")[-1] == "5, 6" and cells(text, "two")[-1] == "5"
    assert json.loads((folder / "table1.json").read_text())["rows"][1]["runs"]
    # A run without its report, or that has not come to its end, is resumed.
    (folder / "one/5/validation/student/report.json").unlink()
    (folder / "one/6/finished").unlink()
    assert call("--rows", "one", "two", "--seeds", 5, 6) == 0
    assert calls()[3:] == ["one.yaml 5", "one.yaml 6", "two.yaml 6"]
    assert (folder / "one/5/stdout.txt").read_text().count("threads") == 2


def test_report_trains_nothing(workplace, capsys, call, calls):
    with pytest.raises(InputError, match="results/ablation has no runs"):
        call("--report")
    assert not (workplace / "results").exists()
    call("--rows", "two")
    first = capsys.readouterr().out

    def times():
        paths = (workplace / "results").rglob("*")
        return {path: path.stat().st_mtime_ns for path in paths}

    written = times()
    assert call("--report", data=None) == 0
    assert capsys.readouterr().out == first
    assert times() == written
    assert len(calls()) == 1


def test_folder_is_for_one_set_of_arguments(workplace, call, calls):
    call("--rows", "two", "--precision=fp32")
    for others in (
        [],
        ["--precision", "bf16"],
        ["--precision=fp32", "--debug"],
        ["--report"],
    ):
        with pytest.raises(InputError, match="--precision=fp32': give the sam"):
            call(*others)
    assert len(calls()) == 1
    # As earlier versions wrote it
    file = workplace / "results" / "ablation" / "arguments.json"
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({"table": "1", **kept}))
    with pytest.raises(InputError, match="holds runs with the arguments"):
        call()
    call("--rows", "two", "--precision=fp32")
    assert json.loads(file.read_text()) == kept


def test_tables_share_their_rows(workplace, rows, call, calls, tables):
    two = {"two": rows["two"], "three": rows["three"]}
    (workplace / "tables.yaml").write_text(tables(_1=rows, _2=two))
    call("--rows", "one", "two")
    call(table="2")
    assert calls() == ["one.yaml 2020", "two.yaml 2020", "three.yaml 2020"]
    folder = workplace / "results" / "ablation"
    assert sorted(path.name for path in folder.glob("table*")) == [
        f"table{key}.{kind}" for key in "12" for kind in ("json", "md", "png")
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_failures_do_not_stop_the_others(workplace, capsys, cells, jobs, call):
    (workplace / "data" / "will.txt").write_text("fail 1")
    options = ["--rows", "one", "two", "--seeds", 1, 2, "--jobs", jobs]
    assert call(*options) == 1
    said = capsys.readouterr()
    log = Path("results/ablation/one/1/stdout.txt")
    sentence = f"ablation: one/1 failed with exit status 1 (see {log}): "
    assert f"{sentence}train.py: the disk is full.\n" in said.err
    assert "Some output" in log.read_text()
    assert cells(said.out, "one")[-1] == "2"
    # The processors are shared.
    threads = (workplace / "results/ablation/two/2/stdout.txt").read_text()
    assert ("threads None" in threads) == (jobs == 1)
    (workplace / "data" / "will.txt").write_text("work")
    assert call(*options) == 0
    assert cells(capsys.readouterr().out, "one")[-1] == "1, 2"


def test_arguments_with_which_nothing_was_trained_can_be_corrected(
    workplace, call
):
    (workplace / "data" / "will.txt").write_text("fail 2020")
    assert call("--rows", "one", "--precision=fp23") == 1
    (workplace / "data" / "will.txt").write_text("work")
    assert call("--rows", "one", "--precision=fp32") == 0
    with pytest.raises(InputError, match="holds runs"):
        call("--rows", "one", "--precision=fp23")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_the_trainings(workplace, sent, call):
    data = workplace / "data"
    (data / "will.txt").write_text("sleep")
    script = (
        "import runpy, sys; from pathlib import Path; "
        f"sys.path.insert(0, {str(RECIPE / 'ablation')!r}); import runs; "
        "runs.TRAIN = Path('TRAIN.py'); "
        "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, RECIPE / "ablation", *COMMAND]
        + ["--data_folder=data"],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (data / "pid.txt").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(sent)
    _, said = process.communicate(timeout=120)
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
        (["--tables", "TRAIN.py"], "TRAIN.py does not hold tables"),
    ],
)
def test_bad_input_is_one_sentence(workplace, arguments, sentence, call):
    with pytest.raises(InputError, match=sentence):
        call(*arguments)
    assert not (workplace / "results").exists()


def test_tables_of_the_recipe(ablation):
    """Each recipe has a row; the gains are those of the paper."""
    read = ablation.read_tables(RECIPE / "tables.yaml")
    paper = {
        key: [row["paper"] for row in table["rows"]]
        for key, table in read.items()
    }
    assert paper["1"][-1] - paper["1"][0] == pytest.approx(3.41)
    # What the HMM alone brings to three systems
    of_hmm = [
        after["paper"] - before["paper"]
        for before in read["2"]["rows"]
        for after in read["2"]["rows"]
        if after.get("of") == [before["name"]] and before["paper"]
    ]
    assert of_hmm == pytest.approx([2.33, 3.76, 4.29])
    assert paper["3"] == [34.80, 43.69, 45.20, 46.17, 47.44]
    rows = [row for table in read.values() for row in table["rows"]]
    jobs = ablation.plan(read, rows, [1, 2], Path("results"))
    assert {job.recipe for job in jobs} == {
        path.relative_to(RECIPE).as_posix()
        for path in RECIPE.glob("hparams/*.yaml")
        if path.stem not in ("supervised", "beats")  # its weights are fetched
    }
    systems = next(j for j in jobs if str(j) == "ensemble_1/2").systems
    assert " ".join(map(str, systems)) == "ppcen/2 dat/2 dat/1"


def test_for_real(tmp_path, cells, tables):
    """Two trainings; nothing to do; one to do again. From another folder."""
    make_minidesed(tmp_path / "mini", scale=0.02, progress=False)
    rows = {
        "baseline": {"paper": 30.0},
        "again": {"recipe": "hparams/baseline.yaml", "of": ["baseline"]},
        "supervised": {"paper": 30.0},
    }
    (tmp_path / "tables.yaml").write_text(tables(_1=rows))
    folder = tmp_path / "results" / "ablation"

    def run():
        process = subprocess.run(
            [
                *(sys.executable, RECIPE / "ablation", *COMMAND),
                *("--data_folder=mini", "--device=cpu"),
                *("--include=scale/mini.yaml", "--batch_synthetic=2"),
                *("--number_of_epochs=1", "--ramp_up_epochs=1"),
            ],
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        logs = [folder / name / "2020" / "stdout.txt" for name in rows]
        return process.stdout, [x.read_text().count("$ ") for x in logs]

    output, starts = run()
    assert starts == [1, 1, 1]
    assert cells(output, "supervised")[-1] == "2020"
    # Of one system smoothed alike: the same but for what a teacher has
    same = [cells(output, name) for name in ("baseline", "again")]
    assert [x[2] for x in same] == [same[0][2]] * 2
    assert [x[4:] for x in same] == [same[0][4:]] * 2
    assert (folder / "table1.png").stat().st_size > 10_000
    assert run() == (output, [1, 1, 1])
    (folder / "baseline/2020/validation/student/report.json").unlink()
    assert run() == (output, [2, 2, 1])
