"""Runs every recipe of tests/recipes/*.csv on a tiny data set.

SpeechBrain's recipe tests, written anew: each row's script and YAML run with
its ``test_debug_flags``, then its ``test_debug_checks`` are evaluated:

* ``file_exists=[a,b/c]``: files of the output folder;
* ``performance_check=[file, variable, <=1.5, epoch: 2]``: the value that a log
  gives the variable in the line of that epoch (-1: in its last line).

The runs take place in a temporary folder, with the data sets where the flags
expect them: ``tests/tmp/minidesed`` and ``tests/tmp/minirealdesed``.

Authors
 * sb_sed contributors 2026
"""

import csv
import operator
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_beats import save_beats

from sb_sed.minidesed import make_minidesed, make_minirealdesed

ROOT = Path(__file__).resolve().parents[2]
COMPARISONS = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
NUMBER = r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?"


def rows():
    """The rows of all tables as test parameters."""
    parameters = []
    for table in sorted((ROOT / "tests" / "recipes").glob("*.csv")):
        with open(table, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                name = f"{table.stem}-{Path(row['Hparam_file']).stem}"
                parameters.append(pytest.param(row, id=name))
    return parameters


def failed_checks(checks, folder):
    """What of the checks an output folder does not fulfil.

    Arguments
    ---------
    checks : str
        ``file_exists=[...]`` and ``performance_check=[...]``, any number.
    folder : Path
        The output folder.

    Returns
    -------
    list of str
        One sentence for each failure.
    """
    failures = []
    for names in re.findall(r"file_exists=\[(.*?)\]", checks):
        failures += [
            f"{name.strip()} is not there"
            for name in names.split(",")
            if not (folder / name.strip()).exists()
        ]
    for check in re.findall(r"performance_check=\[(.*?)\]", checks):
        failures += failed_performance(check, folder)
    return failures


def failed_performance(check, folder):
    """The same for the inside of one ``performance_check=[...]``."""
    name, variable, threshold, epoch = map(str.strip, check.split(","))
    if not (folder / name).exists():
        return [f"{name} is not there"]
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    number = int(epoch.removeprefix("epoch:"))
    if number != -1:
        lines = [x for x in lines if re.search(rf"epoch: {number}\b", x)]
    if not lines:
        return [f"{name} has no epoch {number}"]
    value = re.search(rf"{re.escape(variable)}\s*:\s*({NUMBER})", lines[-1])
    if not value:
        return [f"{name} has no {variable!r}"]
    sign, limit = re.fullmatch(rf"([<>=]+)\s*({NUMBER})", threshold).groups()
    if COMPARISONS[sign](float(value[1]), float(limit)):
        return []
    return [f"{variable} is {value[1]}, not {threshold}"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the tiny data set and BEATs where the flags expect them."""
    folder = tmp_path_factory.mktemp("recipes")
    tmp = folder / "tests" / "tmp"
    make_minidesed(tmp / "minidesed", scale=0.02, progress=False)
    make_minirealdesed(tmp / "minirealdesed", scale=0.02, progress=False)
    save_beats(folder / "tests/tmp/beats.pt")
    return folder


@pytest.mark.parametrize("row", rows())
def test_recipe_runs(row, workplace):
    hparams = Path(row["Hparam_file"])
    # Recipes have rows of one name.
    output = workplace / "results" / hparams.parts[1] / hparams.stem
    flags = row["test_debug_flags"]
    command = (
        f'"{sys.executable}" "{ROOT / row["Script_file"]}" '
        f'"{ROOT / row["Hparam_file"]}" {flags} '
        f'--device=cpu --output_folder="{output}"'
    )
    run = subprocess.run(
        command,
        shell=True,
        cwd=workplace,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, f"{command}\n{run.stdout[-5000:]}"
    assert not failed_checks(row["test_debug_checks"], output)


def test_the_checks_themselves(tmp_path):
    (tmp_path / "log.txt").write_text(
        "epoch: 1 - train loss: 3.5e+00, valid f1: 0.25\n"
        "epoch: 10 - train loss: 9.0, valid f1: 1\n"
        "Epoch loaded: 10 - test f1: 0.5\n"
    )
    for checks in (
        "file_exists=[log.txt]",
        "performance_check=[log.txt, train loss, ==3.5, epoch: 1]",
        "performance_check=[log.txt, valid f1, >=1, epoch: 10]",
        "file_exists=[log.txt] "
        "performance_check=[log.txt, test f1, <0.6, epoch: -1]",
    ):
        assert failed_checks(checks, tmp_path) == []
    for checks, failure in {
        "file_exists=[log.txt, a.txt,b]": "a.txt is not there",
        "performance_check=[a.txt, f1, <1, epoch: 1]": "a.txt is not there",
        "performance_check=[log.txt, f1, <1, epoch: 2]": "has no epoch 2",
        "performance_check=[log.txt, f2, <1, epoch: 1]": "has no 'f2'",
        "performance_check=[log.txt, train loss, <3.5, epoch: 1]": (
            "train loss is 3.5e+00, not <3.5"
        ),
    }.items():
        assert failure in " ".join(failed_checks(checks, tmp_path))
