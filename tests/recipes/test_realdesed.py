"""The recipe of RealDESED: its README, its scripts, its table."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import speechbrain as sb

from sb_sed.cli.main import make_parser
from sb_sed.data.realdesed import prepare_realdesed
from sb_sed.formats import Event, events_table, write_events
from sb_sed.scoring.report import make_report, write_json
from sb_sed.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "RealDESED"
README = RECIPE / "README.md"
BLOCKS = re.findall(
    r"^```sh\n(.*?)^```", README.read_text("utf-8"), re.M | re.S
)
LINES = [
    shlex.split(line)
    for text in BLOCKS
    for line in text.replace("\\\n", " ").splitlines()
]


@pytest.fixture
def aggregations():
    """The script that compares the aggregations."""
    spec = importlib.util.spec_from_file_location(
        "aggregations", RECIPE / "aggregations.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_commands_are_understood(line, monkeypatch):
    monkeypatch.chdir(RECIPE)
    if line[0] == "sb-sed":
        make_parser()[0].parse_args(line[1:])
    elif line[:2] == ["python", "train.py"]:
        file, _, overrides = sb.parse_arguments(line[2:])
        Recipe(file, overrides)
    else:
        assert line[:2] == ["python", "aggregations.py"]


def test_scripts_are_short_since_they_share():
    for name in ("DCASE2020", "RealDESED"):
        script = ROOT / "recipes" / name / "train.py"
        assert len(script.read_text("utf-8").splitlines()) <= 230


def test_every_aggregation_is_in_the_readme(aggregations):
    text = README.read_text("utf-8")
    assert not [name for name in aggregations.NAMES if f"`{name}`" not in text]


def test_the_table_of_perfect_annotators(
    aggregations, tmp_path, monkeypatch, capsys
):
    """Labels of annotators who agree are the truth, however they are merged."""
    root = tmp_path / "data"
    truth, rows = {}, ""
    for split in ("train", "validation", "test"):
        (root / split / "audio").mkdir(parents=True)
        for number in range(2):
            name = f"{split}{number}.wav"
            noise = np.random.default_rng(number).normal(0, 0.1, 32000)
            sf.write(root / split / "audio" / name, noise, 16000)
            event = Event(0.4, 1.2, ["keychain", "footsteps"][number])
            if split == "train":
                truth[name] = [event]
                for who in ("ann", "bob", "eve"):
                    rows += f"{name},0.4,1.2,{event.event_label},{who},"
                    rows += "False,unreviewed\n"
        if split != "train":
            (root / split / "annotations.csv").write_text(
                f"filename,onset,offset,class\n{split}0.wav,0,1,keychain\n"
            )
    header = "filename,onset,offset,class,annotator_id,annotator_is_creator,"
    table = root / "train" / "annotations_raw.csv"
    table.write_text(f"{header}review_status\n{rows}")
    (root / "truth").mkdir()
    write_events(events_table(truth), root / "truth" / "train.tsv", [*truth])
    (root / "truth" / "annotators.csv").write_text(
        "annotator_id,quality\nann,0.5\nbob,0.7\neve,0.9\n"
    )
    prepared = tmp_path / "data_16k"
    prepare_realdesed(root, prepared, n_jobs=1)

    def train(command, check):
        folder = Path(
            next(x for x in command if "output_folder" in x).partition("=")[2]
        )
        report = make_report(events_table(truth), events_table(truth))
        report["psds"] = {"2020": 0.75, "1": 0.25, "2": 0.5}
        (folder / "test" / "student").mkdir(parents=True)
        write_json(report, folder / "test" / "student" / "report.json")
        (folder / "hyperparams.yaml").write_text(
            json.dumps({"prepared_folder": str(prepared)})
        )

    monkeypatch.setattr(aggregations.subprocess, "run", train)
    line = ["--names", "majority", "weighted_soft", "--output_folder"]
    aggregations.main([*line, str(tmp_path / "results")])
    lines = capsys.readouterr().out.splitlines()
    for name in ("majority", "weighted_soft"):
        row = next(x for x in lines if x.startswith(f"| {name} "))
        assert row == (
            f"| {name} | 100.0 (100.0-100.0) | 0.250 | 0.500 "
            "| 100.0 | 1.000 | 1.000 |"
        )
    less = lines.index("| less majority | event F1 | PSDS 1 | PSDS 2 |")
    cells = "+0.0 ± 0.0 | +0.000 ± 0.000 | +0.000 ± 0.000"
    assert lines[less + 2 : less + 4] == [f"| weighted_soft | {cells} |", ""]
    # What is done is kept.
    monkeypatch.setattr(aggregations.subprocess, "run", None)
    aggregations.main([*line, str(tmp_path / "results")])
