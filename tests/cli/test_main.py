"""``sb-sed`` as a process."""

import subprocess
import sys

import pandas as pd
import pytest

from sb_sed.cli.main import main
from sb_sed.formats import EVENT_COLUMNS, write_events


def test_a_reader_that_stops_early(tmp_path):
    events = pd.DataFrame([["a.wav", 0, 1, "Cat"]], columns=EVENT_COLUMNS)
    write_events(events, tmp_path / "events.tsv")
    command = "sb_sed.cli.main score events.tsv events.tsv"
    done = subprocess.run(
        f"{sys.executable} -m {command} --json report.json | true",
        shell=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    assert (tmp_path / "report.json").exists()


@pytest.mark.parametrize(
    "command",
    ["detect", "score", "plot-features", "plot-curves", "mix", "prepare"],
)
def test_help_needs_nothing_heavy(command):
    script = (
        "import sys\n"
        "from sb_sed.cli.main import main\n"
        "try:\n"
        f"    main(['{command}', '--help'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'torch', 'speechbrain', 'pandas', 'sed_eval', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout


@pytest.mark.parametrize(
    "line, name",
    [
        ("detect exported -abc.wav", "-abc.wav"),
        ("detect exported -hXyZ_10.000_20.000.wav --format json", "-hXyZ_10."),
        ("detect exported a.wav --output -e.tsv", "-e.tsv"),
        ("detect exported -x", "-x"),
        ("plot-features --plot.flac", "--plot.flac"),
        ("score -e.tsv reference.tsv", "-e.tsv"),
    ],
)
def test_names_that_look_like_options(
    tmp_path, monkeypatch, capsys, line, name
):
    """``-hXyZ.wav`` would show the help and end with 0."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x").touch()
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"sb-sed: {name}") and f": write ./{name}" in err


def test_what_only_looks_like_such_a_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--rate").touch()
    for line in (
        "mix out --foregrounds a --backgrounds b --levels -30.5 -6 --rate 1000",
        "score a.tsv b.tsv --json=-x.json",
        "detect exported -- -abc.wav",
    ):
        assert main(line.split()) == 2
        assert "begins with a dash" not in capsys.readouterr().err
