"""The report: its figures, and its notes on all that is left out."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_durations,
    read_events,
    scores_table,
    stem,
)
from sb_sed.scoring.report import make_report, write_json
from sb_sed.scoring.written import PSDS_NAMES, format_report, write_markdown
from sb_sed.smoothing.median import MedianSmoother

SHARED_DATA = os.environ.get("SB_SED_SHARED_DATA")


def _events(*rows):
    padded = [[*row, *[math.nan] * (4 - len(row))] for row in rows]
    return pd.DataFrame(padded, columns=EVENT_COLUMNS)


REFERENCE = _events(
    ["a.wav", 0, 1, "Cat"], ["a.wav", 1, 2, "Dog"], ["b.wav", 0, 2, "Dog"]
)
TABLE = scores_table([[1, 0], [0, 1]], 1.0, ["Cat", "Dog"])
SCORES = {"a": TABLE, "b": TABLE}


def _report(reference=REFERENCE, scores=SCORES, **kwargs):
    events = MedianSmoother(threshold=0.5, window=None)(scores)
    return make_report(
        reference, events, scores, threshold=0.5, n_draws=50, **kwargs
    )


def test_the_figures_of_a_small_case():
    report = _report()
    # Cat: 1 hit, 1 false alarm; Dog: 1 hit of 2, 1 false alarm.
    assert report["event_f1"]["macro"] == pytest.approx(7 / 12)
    assert report["event_f1"]["micro"] == pytest.approx(4 / 7)
    assert report["event_f1"]["per_class"] == pytest.approx(
        {"Cat": 2 / 3, "Dog": 1 / 2}
    )
    # Dog: 2 of 3 seconds, no false alarm.
    assert report["segment_f1"]["per_class"] == pytest.approx(
        {"Cat": 2 / 3, "Dog": 4 / 5}
    )
    assert set(report["psds"]) == set(PSDS_NAMES)
    assert (report["n_files"], report["n_reference"]) == (2, 2)
    # One false alarm in 4 s is too many an hour, one in 3 segments too many.
    assert report["class_psds"]["1"] == {"Cat": 0.0, "Dog": 0.5}
    found = report["pauroc"]["per_class"]
    assert found == pytest.approx({"Cat": 0, "Dog": 2 / 3})
    assert report["missing"] == report["notes"] == []
    assert report["threshold"] == 0.5


def test_only_plain_values():
    def check(value):
        assert type(value) in (dict, list, str, int, float, type(None))
        for part in value.values() if type(value) is dict else ():
            check(part)
        for part in value if type(value) is list else ():
            check(part)

    check(_report())


def test_missing_scores_are_listed_and_left_out():
    report = _report(scores={"a": TABLE})
    assert (report["n_files"], report["n_reference"]) == (1, 2)
    assert report["missing"] == ["b.wav"]
    assert "1 of 2 reference files have no scores" in report["notes"][0]
    assert report["event_f1"]["macro"] == 1
    assert report["psds"] is not None


def test_no_scores_at_all():
    with pytest.raises(InputError, match="the one names 'a.wav', the other"):
        _report(scores={"z": TABLE})


def test_no_class_in_common():
    other = scores_table([[1, 0], [0, 1]], 1.0, ["cat", "dog"])
    with pytest.raises(InputError, match="names 'Cat', the other 'cat'; name"):
        _report(scores={"a": other, "b": other})
    assert _report(_events(["a.wav"], ["b.wav"]))["event_f1"]["micro"] is None


def test_files_out_of_place_are_noted():
    report = _report(scores={**SCORES, "z": TABLE})
    assert "1 analysed files are not in the reference" in report["notes"][0]
    report = make_report(REFERENCE, _events(["a.wav", 0, 1, "Cat"]), n_draws=9)
    assert "1 reference files are not among the events" in report["notes"][0]
    assert report["n_files"] == 2


def test_classes_out_of_place_are_noted():
    report = make_report(
        REFERENCE, _events(["a.wav", 0, 1, "Cow"], ["b.wav"]), n_draws=9
    )
    notes = " ".join(report["notes"])
    assert "Cat was never detected" in notes
    assert "Cow was detected but is not in the reference" in notes
    assert report["event_f1"]["per_class"] == {"Cat": 0, "Cow": None, "Dog": 0}


def test_an_overlapping_reference_is_merged_for_psds_only():
    report = _report(_events(["a.wav", 0, 1, "Cat"], ["a.wav", 0, 1, "Cat"]))
    assert report["psds"] == _report(_events(["a.wav", 0, 1, "Cat"]))["psds"]
    assert report["event_f1"]["macro"] == pytest.approx(2 / 3)
    assert [note for note in report["notes"] if "merged" in note] == [
        "1 events of the reference overlap or touch another of their class "
        "in their file: PSDS is that of the merged events, the F1 scores count "
        "each."
    ]


def test_a_class_that_the_scores_lack_costs_psds_only():
    report = _report(_events(["a.wav", 0, 1, "Cat"], ["a.wav", 0, 1, "Cow"]))
    assert report["psds"] is None
    assert any("no column Cow" in note for note in report["notes"])
    assert report["event_f1"]["per_class"]["Cat"] == 1


def test_events_have_no_psds():
    report = make_report(REFERENCE, REFERENCE, n_draws=9)
    assert report["psds"] is None
    assert any("PSDS needs scores" in note for note in report["notes"])


def test_classes_restrict_every_figure():
    report = _report(classes=["Dog"])
    assert list(report["event_f1"]["per_class"]) == ["Dog"]
    assert report["psds"]["2020"] == report["psds"]["2020_ct"]


def test_files_of_other_classes_keep_their_false_alarms():
    cat = _events(["a.wav", 0, 1, "Dog"], ["b.wav", 0, 1, "Cat"])
    silent = _events(["a.wav", 0, 1, "Dog"], ["b.wav"])
    false_alarm = scores_table([[0, 0], [0, 1]], 1.0, ["Cat", "Dog"])
    late = scores_table([[0, 0.6], [0, 0]], 1.0, ["Cat", "Dog"])
    scores = {"a": late, "b": false_alarm}
    psds = _report(cat, scores, classes=["Dog"])["psds"]
    assert psds == _report(silent, scores, classes=["Dog"])["psds"]
    assert psds["2020"] < 1


def test_writers(tmp_path):
    report = _report(scores={"a": TABLE})
    write_json(report, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == report
    write_markdown(report, tmp_path / "new" / "report.md")
    text = (tmp_path / "new" / "report.md").read_text()
    assert "| macro mean | 100.00 [100.00, 100.00] |" in text
    assert "| Dog | 100.00 [100.00, 100.00] | 100.00 [100.00, 100.00] |" in text
    assert text.count(" | 1.000 | 1.000 | 1.000 |") == 3  # mean and classes
    assert "| PSDS 2 | 1.0000 |" in text
    assert "- 1 of 2 reference files have no scores" in text
    shown = format_report(report)
    assert "PSDS 2                           1.0000" in shown
    assert "event F1" in shown.splitlines()[2]
    assert shown.splitlines()[2].endswith("  PSDS 1  RealDESED psds2  pAUROC")


def test_a_class_with_a_bar_is_one_cell(tmp_path):
    report = make_report(*[_events(["a.wav", 0, 1, "a|b"])] * 2, n_draws=9)
    write_markdown(report, tmp_path / "report.md")
    rows = (tmp_path / "report.md").read_text().splitlines()
    bars = {row.count("|") for row in rows if row.startswith("|")}
    assert bars == {4}


@pytest.mark.skipif(not SHARED_DATA, reason="SB_SED_SHARED_DATA is not set")
def test_the_published_figures_of_the_dcase_2021_student():
    folder = Path(SHARED_DATA)
    metadata = folder / "desed_metadata" / "validation"
    reference = read_events(metadata / "validation_4239.tsv")
    durations = read_durations(metadata / "validation_durations.tsv")
    with np.load(folder / "desed_scores" / "student.npz") as student:
        scores = {
            stem(str(name)): scores_table(
                # float16 on a grid of 0.01
                matrix.astype(float).round(2),
                float(student["hop"]),
                student["classes"].tolist(),
                durations[f"{stem(str(name))}.wav"],
            )
            for name, matrix in zip(
                student["files"], student["scores"], strict=True
            )
        }
    events = MedianSmoother(threshold=0.505, window=None)(scores)
    report = make_report(reference, events, scores, durations)
    printed = {
        "event macro": report["event_f1"]["macro"],
        "event micro": report["event_f1"]["micro"],
        "segment macro": report["segment_f1"]["macro"],
        **report["psds"],
    }
    # Of no cross triggers and no spread, more is left.
    assert printed["realdesed_2"] > printed["2"]
    assert printed.pop("realdesed_2_macro") > printed.pop("realdesed_2")
    assert printed.pop("realdesed_1_macro") > printed["1"]
    assert {name: round(value, 4) for name, value in printed.items()} == {
        "event macro": 0.3997,
        "event micro": 0.4097,
        "segment macro": 0.6927,
        "2020": 0.6396,
        "2020_ct": 0.5743,
        "2020_st": 0.4691,
        "1": 0.3345,
        "2": 0.5281,
    }
    # The official table has twelve pairs that the later one has merged.
    older = read_events(metadata / "validation.tsv")
    assert len(older) == len(reference) + 12
    other = make_report(older, events, scores, durations, n_draws=10)
    assert other["n_files"] == 1168
    assert other["event_f1"]["macro"] == pytest.approx(0.3992, abs=5e-5)
    assert other["psds"] == report["psds"]
    assert other["notes"][-1].startswith("12 events of the reference overlap")
