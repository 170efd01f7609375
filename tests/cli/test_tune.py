"""``sb-sed tune`` as its user calls it."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from sb_sed.cli.tune import add_tune
from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_events,
    read_scores,
    scores_table,
    write_events,
    write_scores,
    write_weak_scores,
)
from sb_sed.smoothing import SMOOTHERS
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.saved import load_smoother
from sb_sed.tuning.learned import BaumWelch, Durations
from sb_sed.tuning.tune import fit, tune

CLASSES = ["Cat", "Dog"]


def run(*arguments):
    parser = argparse.ArgumentParser()
    add_tune(parser.add_subparsers())
    parsed = parser.parse_args(["tune", *map(str, arguments)])
    parsed.run(parsed)


@pytest.fixture
def folder(tmp_path):
    """Scores, a reference and durations of twelve clips."""
    generator = np.random.default_rng(0)
    rows, scores = [], {}
    for clip in range(12):
        matrix = generator.uniform(0, 0.6, (40, 2))
        for column, label in enumerate(CLASSES):
            first = generator.integers(1, 25)
            matrix[first : first + 10, column] += 0.4
            rows.append((f"{clip}.wav", first * 0.1, first * 0.1 + 1, label))
        scores[str(clip)] = scores_table(matrix, 0.1, CLASSES)
    write_scores(scores, tmp_path / "scores")
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    write_events(events, tmp_path / "reference.tsv")
    (tmp_path / "durations.tsv").write_text(
        "filename\tduration\n"
        + "".join(f"{clip}.wav\t4.0\n" for clip in range(12))
    )
    return tmp_path


@pytest.mark.parametrize("name", SMOOTHERS)
def test_every_smoother(name, folder, capsys):
    run(
        *(folder / "scores", folder / "reference.tsv", "--smoother", name),
        *("--json", folder / "out.json", "--save", folder / "smoother.json"),
        *("--splits", 2),
    )
    text = capsys.readouterr().out
    assert text.startswith(f"{name} tuned on 12 files")
    record = json.loads((folder / "out.json").read_text())
    for part in ("tuned", "held_out", "whole"):
        low, high = record[part]["interval"]
        assert 0 <= low <= record[part]["mean"] <= high <= 1
        assert f"{100 * record[part]['mean']:.2f} [" in text
    assert record["seconds"] > 0
    assert (record["folds"], record["splits"]) == (2, 2)
    assert "psds" not in record
    smoother = load_smoother(folder / "smoother.json")
    assert smoother.name == name
    assert smoother.parameters == record["parameters"]
    assert list(record["parameters"]) == CLASSES


def test_the_figures_are_those_of_the_library(folder):
    run(
        *(folder / "scores", folder / "reference.tsv"),
        *("--smoother", "threshold", "--regularise", "flattest"),
        *("--folds", 3, "--seed", 5, "--json", folder / "out.json"),
        *("--save", folder / "smoother.json"),
    )
    from sb_sed.smoothing.threshold import ThresholdSmoother
    from sb_sed.tuning.regularise import Flattest
    from sb_sed.tuning.search import ExactSearch

    report = tune(
        ThresholdSmoother(),
        read_scores(folder / "scores"),
        read_events(folder / "reference.tsv"),
        ExactSearch(Flattest()),
        folds=3,
        seed=5,
    ).as_dict()
    record = json.loads((folder / "out.json").read_text())
    assert record.pop("seconds") > 0 and report.pop("seconds") > 0
    assert record == report


def test_psds_where_durations_are_given(folder, capsys):
    run(
        *(folder / "scores", folder / "reference.tsv"),
        *("--smoother", "median", "--json", folder / "out.json"),
        *("--durations", folder / "durations.tsv"),
    )
    psds = json.loads((folder / "out.json").read_text())["psds"]
    assert 0 < psds["1"] <= psds["2"] <= 1
    assert f"PSDS 1 {psds['1']:.4f}" in capsys.readouterr().out


def test_psds_of_events_that_overlap(folder, capsys):
    rows = (folder / "reference.tsv").read_text().splitlines()
    (folder / "twice.tsv").write_text("\n".join([*rows, rows[1]]) + "\n")
    psds = []
    for name in ("reference", "twice"):
        run(
            *(folder / "scores", folder / f"{name}.tsv", "--smoother"),
            *("median", "--splits", "1", "--json", folder / "out.json"),
            *("--durations", folder / "durations.tsv"),
        )
        psds.append(json.loads((folder / "out.json").read_text())["psds"])
    assert "1 events of the reference overlap" in capsys.readouterr().out
    assert psds[1] is not None


def test_forest(folder, capsys, monkeypatch):
    skopt = pytest.importorskip("skopt")
    calls = []

    def _few(function, space, n_calls, random_state):
        calls.append((n_calls, random_state))
        point = [low for low, _ in space]
        assert 0 <= function(point) <= 1
        return argparse.Namespace(x=point)

    monkeypatch.setattr(skopt, "forest_minimize", _few)
    run(
        *(folder / "scores", folder / "reference.tsv"),
        *("--smoother", "threshold", "--search", "forest"),
        *("--splits", 1, "--seed", 3),
    )
    assert calls == [(200, 3)] * 3
    assert "threshold tuned on 12 files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "search"),
    [("durations", Durations()), ("baum-welch", BaumWelch())],
)
def test_learned_transitions(name, search, folder, capsys):
    arguments = folder / "scores", folder / "reference.tsv", "--search", name
    run(*arguments, "--save", folder / "smoother.json")
    assert "hmm tuned on 12 files" in capsys.readouterr().out
    smoother = fit(
        HMMSmoother(),
        read_scores(folder / "scores"),
        read_events(folder / "reference.tsv"),
        search,
    )
    saved = load_smoother(folder / "smoother.json")
    assert saved.parameters == smoother.parameters
    with pytest.raises(InputError, match="only p_sil and p_event of an HMM"):
        run(*arguments, "--smoother", "median")


def test_regularising_the_forest(folder):
    with pytest.raises(InputError, match="--regularise is for the exact"):
        run(
            *(folder / "scores", folder / "reference.tsv"),
            *("--search", "forest", "--regularise", "shrink"),
            *("--smoother", "threshold"),
        )


def test_nothing_is_written_where_input_is_bad(folder):
    other = folder / "other.tsv"
    other.write_text("filename\tonset\toffset\tevent_label\nx.wav\t0\t1\tDog\n")
    with pytest.raises(InputError, match="No file of the reference"):
        run(
            *(folder / "scores", other, "--smoother", "threshold"),
            *("--json", folder / "out.json", "--save", folder / "s.json"),
        )
    assert not (folder / "out.json").exists()
    assert not (folder / "s.json").exists()


def test_a_clip_gate_is_tuned_with_and_remembered(folder, capsys):
    weak = {str(i): {"Cat": 0.1, "Dog": 1.0} for i in range(12)}
    write_weak_scores(weak, folder / "weak_scores.tsv")
    own = {str(i): dict.fromkeys(CLASSES, 1.0) for i in range(12)}
    write_weak_scores(own, folder / "other.tsv")
    arguments = [folder / "scores", folder / "reference.tsv"]
    arguments += ["--smoother", "threshold", "--save", folder / "s.json"]
    figures = {}
    for name, options in {
        "none": [],
        "beside": ["--clip-gate"],
        "other": ["--clip-gate", folder / "other.tsv"],
        "gated": ["--gated"],
    }.items():
        run(*arguments, "--json", folder / "t.json", *options)
        assert load_smoother(folder / "s.json").clip_gate == (name != "none")
        report = json.loads((folder / "t.json").read_text())
        figures[name] = report["per_class"]
    # A gate that is open all the time, or closed for one class.
    assert figures["none"] == figures["other"] == figures["gated"]
    assert figures["beside"]["Dog"] == figures["none"]["Dog"]
    assert figures["beside"]["Cat"] < figures["none"]["Cat"]


def test_a_clip_gate_needs_weak_scores(folder):
    arguments = [folder / "scores", folder / "reference.tsv", "--clip-gate"]
    with pytest.raises(InputError, match=r"\(weak_scores.tsv beside their"):
        run(*arguments)
    with pytest.raises(InputError, match=r"none.tsv does not exist"):
        run(*arguments, folder / "none.tsv")
