"""Agreement between annotators, and its command."""

import pandas as pd
import pytest

from sb_sed.agreement import agreement
from sb_sed.cli.main import main
from sb_sed.data.annotations import Annotation
from sb_sed.errors import InputError
from sb_sed.formats import Event, events_table
from sb_sed.scoring.collar import event_counts, segment_counts

ANN = {
    "a.flac": [Event(0.0, 2.0, "keychain"), Event(3.0, 4.0, "footsteps")],
    "b.flac": [Event(1.0, 2.0, "footsteps")],
}
BOB = {
    "a.flac": [Event(0.1, 2.1, "keychain"), Event(8.0, 9.0, "footsteps")],
    "b.flac": [Event(1.1, 2.0, "footsteps")],
}
TABLE = "filename,onset,offset,class,annotator_id,annotator_is_creator,"
TABLE += "review_status\n"


def test_two_annotators_are_scored_as_a_detector():
    both = {
        name: [Annotation("ann", ANN[name]), Annotation("bob", BOB[name])]
        for name in ANN
    }
    both["c.flac"] = [Annotation("ann", [Event(0, 1, "microwave")])]
    found = agreement(both).set_index("class")
    sides = events_table(ANN), events_table(BOB)
    for metric, counts in {
        "event_f1": event_counts(*sides),
        "segment_f1": segment_counts(*sides),
    }.items():
        f1 = counts.f1()
        for label, value in f1["per_class"].items():
            assert found.loc[label, metric] == pytest.approx(value)
        assert found.loc["mean", metric] == pytest.approx(f1["macro"])
    assert found["events"].to_dict() == {
        "footsteps": 4,
        "keychain": 2,
        "mean": 6,
    }
    assert (found["best_segment_f1"] >= found["segment_f1"]).all()


def test_pairs_of_one_recording_are_resampled_together():
    """A third who marks as the first adds pairs, and no recordings."""
    three = {
        f"{number}-{name}": [
            Annotation("ann", ANN[name]),
            Annotation("bob", BOB[name]),
            Annotation("eve", ANN[name]),
        ]
        for name in ANN
        for number in range(3)
    }
    found = agreement(three).set_index("class")
    # Of keychain all agree; of footsteps in half of the recordings one pair.
    assert found.loc["keychain", "event_f1"] == 1.0
    assert found.loc["footsteps", "event_f1"] == pytest.approx(4 / 6)


def test_one_annotator_does_not_agree():
    alone = {"a": [Annotation("ann", ANN["a.flac"])]}
    with pytest.raises(InputError, match="No recording has two annotators"):
        agreement(alone)


def test_the_command(tmp_path, capsys):
    table = tmp_path / "annotations_raw.csv"
    rows = [
        f"{name},{onset},{offset},{label},{who},False,unreviewed\n"
        for who, files in {"ann": ANN, "bob": BOB}.items()
        for name, events in files.items()
        for onset, offset, label in events
    ]
    table.write_text(TABLE + "".join(rows))
    figure, copy = tmp_path / "agreement.png", tmp_path / "agreement.tsv"
    line = ["agreement", str(table), "--figure", str(figure)]
    assert main([*line, "--table", str(copy)]) == 0
    printed, errors = capsys.readouterr()
    assert "rows" not in errors
    assert printed == copy.read_text() and figure.stat().st_size > 1000
    found = pd.read_csv(copy, sep="\t").set_index("class")
    assert found.loc["keychain", "event_f1"] == 1.0
    assert main([*line[:3], str(tmp_path / "agreement.txt")]) == 2
    assert "end its name in .png" in capsys.readouterr().err
    with open(table, "a") as file:
        file.write("a.wav,2,1,keychain,ann,False,unreviewed\n")
    assert main(line[:2]) == 0
    printed_again, errors = capsys.readouterr()
    assert printed_again == printed
    assert "1 rows of " in errors and "ends before it begins" in errors
