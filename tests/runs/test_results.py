"""Test sets of a run: where their files are, and reports that are damaged."""

import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS
from sb_sed.runs.run import Run
from sb_sed.scoring.report import make_report, write_json


def test_sets_networks_and_results(run_folder):
    run = Run(run_folder)
    assert run.test_sets == {}
    for name, network in (("public", "student"), ("validation", "teacher")):
        run.test_set(name).results(network).scores.mkdir(parents=True)
    (run_folder / "other").mkdir()
    assert list(run.test_sets) == ["public", "validation"]
    assert run.test_sets["validation"].networks == ["teacher"]
    results = run.test_sets["public"].results()
    assert results.report == run_folder / "public/student/report.json"
    assert results.read_report() is None


def test_the_reference_is_that_of_the_prepared_data(run_folder, tmp_path):
    assert Run(run_folder).test_set("validation").reference is None
    prepared = tmp_path / "prepared"
    (prepared / "references").mkdir(parents=True)
    with open(run_folder / "hyperparams.yaml", "a") as file:
        file.write(f"prepared_folder: {prepared}\n")
    test_set = Run(run_folder).test_set("validation")
    assert test_set.reference is test_set.durations is test_set.manifest is None
    files = [
        prepared / "references" / "validation.tsv",
        prepared / "references" / "validation_durations.tsv",
        prepared / "validation.json",
    ]
    for file in files:
        file.touch()
    found = [test_set.reference, test_set.durations, test_set.manifest]
    assert found == files


@pytest.mark.parametrize(
    "change",
    [
        {"psds": {"1": 0.5}},
        {"psds": {"2020": 0.5, "1": 0.5, "2": 1.5}},
        {"event_f1": {"macro": "high"}},
        {"event_f1": {"macro": float("nan")}},
        {"confidence_intervals": {}},
        {"n_files": None},
        {"notes": None},
        {"notes": [1]},
        {"computation": 1},
    ],
)
def test_damaged_reports_get_one_sentence(tmp_path, change):
    events = pd.DataFrame([["a.wav", 0.0, 1.0, "Cat"]], columns=EVENT_COLUMNS)
    report = make_report(events, events, n_draws=2)
    results = Run(tmp_path).test_set("validation").results()
    results.folder.mkdir(parents=True)
    write_json(report, results.report)
    assert results.read_report() == report
    write_json(report | change, results.report)
    with pytest.raises(InputError, match="report.json is not a report"):
        results.read_report()
