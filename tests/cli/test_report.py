"""The command sb-sed report."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.cli.report import add_report
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    scores_table,
    write_events,
    write_scores,
)


def report(*arguments):
    parser = argparse.ArgumentParser()
    add_report(parser.add_subparsers())
    parsed = parser.parse_args(["report", *map(str, arguments)])
    parsed.run(parsed)


def files_of_page():
    text = Path("report.html").read_text()
    start = text.index(">", text.index('id="data"')) + 1
    return json.JSONDecoder().raw_decode(text[start:])[0]["files"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = scores_table([[0.9, 0.1], [0.2, 0.6]], 1.0, ["Cat", "Dog"])
    write_scores({"a": table, "b": table}, "scores")
    rows = [["a.wav", 0, 1, "Cat"], ["b.wav", 1, 2, "Dog"]]
    write_events(pd.DataFrame(rows, columns=EVENT_COLUMNS), "reference.tsv")
    (tmp_path / "audio").mkdir()
    sf.write("audio/a.wav", np.zeros(16000), 8000)
    (tmp_path / "audio" / "b.wav").write_bytes(b"broken")


def test_a_page_and_figures(data, tmp_path, capsys):
    report("scores", "reference.tsv", "--audio", "audio", "--png", "figures")
    assert capsys.readouterr().out == "report.html\n"
    sound = {file["name"]: "audio" in file for file in files_of_page()}
    assert sound == {"a.wav": True, "b.wav": False}  # it cannot be read
    assert [p.name for p in (tmp_path / "figures").iterdir()] == ["a.png"]


def test_no_clips(data):
    report("scores", "reference.tsv", "--audio", "audio", "--clips", "0")
    assert [{*file} & {"audio", "link"} for file in files_of_page()] == [
        {"link"},
        {"link"},
    ]


def test_bad_input(data, capsys):
    with pytest.raises(InputError, match="give REFERENCE.tsv"):
        report("scores")
    with pytest.raises(SystemExit, match="2"):
        report("scores", "reference.tsv", "--clips", "-1")
    assert "not a whole number from 0" in capsys.readouterr().err
