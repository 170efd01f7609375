"""``sb-sed`` as a process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

import sb_sed
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


def test_detect_imports_what_it_uses(tmp_path):
    """Also with all that PyTorch and others import of themselves."""
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 8000)
    sf.write(tmp_path / "a.wav", noise, 16000)
    heavy = {
        *("torchaudio", "speechbrain", "asteroid", "hyperpyyaml", "sympy"),
        *("scipy", "sklearn", "hmmlearn", "sed_eval", "ruamel", "requests"),
        *("matplotlib", "onnx", "torch._dynamo", "torch._inductor"),
    }
    script = (
        "import sys\n"
        "from sb_sed.cli.main import main\n"
        "assert main() == 0\n"
        f"found = {heavy} & sys.modules.keys()\n"
        "assert not found, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "detect", "a.wav"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(sb_sed.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("filename\tonset\toffset\tevent_label\t")
