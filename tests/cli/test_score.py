"""``sb-sed score`` as its user calls it."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from sb_sed.cli.main import main
from sb_sed.formats import (
    EVENT_COLUMNS,
    scores_table,
    write_events,
    write_scores,
)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with scores, events, a reference and durations."""
    monkeypatch.chdir(tmp_path)
    table = scores_table([[0.9, 0.1], [0.2, 0.6]], 1.0, ["Cat", "Dog"])
    write_scores({"a": table, "b": table}, "scores")
    events = pd.DataFrame(
        [
            ["a.wav", 0, 1, "Cat"],
            ["a.wav", 1, 2, "Dog"],
            ["b.wav", 1, 2, "Dog"],
        ],
        columns=EVENT_COLUMNS,
    )
    write_events(events, "reference.tsv")
    write_events(events, "events.tsv")
    (tmp_path / "durations.tsv").write_text(
        "filename\tduration\na.wav\t2\nb.wav\t2\n"
    )
    (tmp_path / "one.tsv").write_text("filename\tduration\na.wav\t2\n")
    return tmp_path


def test_scores_against_a_reference(data, capsys):
    status = main(
        "score scores reference.tsv --durations durations.tsv --threshold 0.7 "
        "--json out/report.json --markdown out/report.md "
        "--plot out/report.png".split()
    )
    assert status == 0
    text = capsys.readouterr().out
    assert "2 of 2 reference files scored at threshold 0.7" in text
    assert "PSDS 1 " in text
    report = json.loads((data / "out" / "report.json").read_text())
    # Above 0.7 there is Cat only: one hit, one false alarm; no Dog.
    assert report["event_f1"]["per_class"]["Cat"] == pytest.approx(2 / 3)
    assert report["event_f1"]["per_class"]["Dog"] == 0
    assert sorted(path.name for path in (data / "out").iterdir()) == [
        "report.json",
        "report.md",
        "report.png",
    ]


def test_the_threshold_is_half_by_default(data):
    main(["score", "scores", "reference.tsv", "--json", "report.json"])
    report = json.loads((data / "report.json").read_text())
    assert report["threshold"] == 0.5
    assert report["event_f1"]["per_class"]["Dog"] == 1


def test_events_against_a_reference(data, capsys):
    assert main(["score", "events.tsv", "reference.tsv"]) == 0
    text = capsys.readouterr().out
    assert "100.00 [100.00, 100.00]" in text
    assert "PSDS needs scores" in text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("none.tsv reference.tsv", "none.tsv does not exist"),
        ("scores none.tsv", "none.tsv does not exist"),
        ("scores reference.tsv --durations none.tsv", "none.tsv"),
        ("scores reference.tsv --durations one.tsv", "durations lack b"),
        ("scores reference.tsv --classes Cat", "unknown class 'Dog'"),
        ("events.tsv reference.tsv --threshold 0.4", "--threshold"),
        ("events.tsv reference.tsv --json scores", "scores"),
        ("scores durations.tsv", "durations.tsv has the header"),
    ],
)
def test_bad_input_gets_one_sentence(data, capsys, arguments, word):
    assert main(["score", *arguments.split()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("sb-sed: ")
    assert error.count("\n") == 1
    assert word in error


@pytest.mark.parametrize(
    "option", ["--threshold nan", "--threshold half", "--plot report.txt"]
)
def test_bad_options_get_the_usage(data, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        main(["score", "scores", "reference.tsv", *option.split()])
    assert option.split()[1] in capsys.readouterr().err


def test_overlapping_events_are_merged_for_psds_only(data, capsys):
    rows = (data / "reference.tsv").read_text() + "b.wav\t1.5\t3\tDog\n"
    (data / "overlapping.tsv").write_text(rows)
    assert main("score scores overlapping.tsv --json out.json".split()) == 0
    assert "PSDS is that of the merged events" in capsys.readouterr().out
    report = json.loads((data / "out.json").read_text())
    assert 0 < report["psds"]["2020"] <= 1
    # All three events count: two are found.
    assert report["event_f1"]["per_class"]["Dog"] == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    "name", ["Dog\\bark", "\\", "Dog|bark", "Hund_ä", "tps", "offset.", "0"]
)
@pytest.mark.parametrize("command", ["score", "report"])
def test_classes_of_any_name(command, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = scores_table([[0.9, 0.1], [0.2, 0.6]], 1.0, [name, "Cat"])
    write_scores({"a": table}, "scores")
    rows = [["a.wav", 0, 1, name], ["a.wav", 1, 2, "Cat"]]
    write_events(pd.DataFrame(rows, columns=EVENT_COLUMNS), "reference.tsv")
    option = {"score": "--json", "report": "--output"}[command]
    line = f"{command} scores reference.tsv {option} out"
    assert main(line.split()) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    if command == "score":
        report = json.loads((tmp_path / "out").read_text())
        assert report["event_f1"]["per_class"] == {name: 1, "Cat": 1}
        assert report["psds"] == dict.fromkeys(report["psds"], 1)
        assert report["notes"] == []


def test_a_hundred_classes_within_seconds(tmp_path, monkeypatch, capsys):
    """Of each pair of classes in each file they were minutes."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    classes = [f"/m/{i}" for i in range(100)]
    rows = []
    for i in range(10):
        matrix = random.random((100, 100)) / 2
        matrix[20:40] += 0.5
        write_scores({f"f{i}": scores_table(matrix, 0.1, classes)}, "scores")
        rows += [[f"f{i}.wav", 2, 4, label] for label in classes]
    write_events(pd.DataFrame(rows, columns=EVENT_COLUMNS), "reference.tsv")
    begin = time.process_time()
    assert main("score scores reference.tsv --json out".split()) == 0
    assert time.process_time() - begin < 20
    report = json.loads((tmp_path / "out").read_text())
    assert report["event_f1"]["macro"] == 1
    assert report["psds"] == pytest.approx(dict.fromkeys(report["psds"], 1))
