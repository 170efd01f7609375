"""``sb-sed`` as a process."""

import subprocess
import sys

import pandas as pd
import pytest

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
