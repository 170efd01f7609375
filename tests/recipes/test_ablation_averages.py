"""Rows of an ablation that average other rows: when, and which.

Authors
 * sb_sed contributors 2026
"""

import pytest

from sb_sed.errors import InputError

MEANS = {"smooth": {"of": ["one"]}, "mean": {"of": ["one", "two", "two+1"]}}


@pytest.fixture
def averages(workplace, rows, tables):
    """The same with a second table, whose rows average those of the first."""
    (workplace / "tables.yaml").write_text(tables(_1=rows, _2=MEANS))
    return workplace


@pytest.fixture
def call_averages(averages, call):
    """Calls the command for the second table."""
    return lambda *arguments: call(*arguments, table="2")


@pytest.mark.parametrize("jobs", [1, 2])
def test_averages_come_after_their_systems(
    averages, capsys, cells, jobs, calls, call_averages
):
    assert call_averages("--seeds", 5, 6, 7, "--jobs", jobs) == 0
    called = calls()
    assert sorted(called) == sorted(
        [
            *(f"{name}.yaml {s}" for name in ("one", "two") for s in (5, 6, 7)),
            *(f"smooth.yaml {s} of one/{s}" for s in (5, 6, 7)),
            "mean.yaml 5 of one/5 two/5 two/6",
            "mean.yaml 6 of one/6 two/6 two/7",
            "mean.yaml 7 of one/7 two/7 two/5",
        ]
    )
    # Each as soon as it can be
    assert called.index("smooth.yaml 5 of one/5") < called.index("one.yaml 7")
    assert cells(capsys.readouterr().out, "mean")[-1] == "5, 6, 7"
    assert call_averages("--seeds", 5, 6, 7) == 0
    assert calls() == called


def test_averages_are_made_again_when_their_systems_change(
    averages, calls, call_averages
):
    call_averages("--seeds", 5, 6)
    before = len(calls())
    # One system is trained again.
    (averages / "results/ablation/one/5/finished").unlink()
    call_averages("--seeds", 5, 6)
    assert calls()[before:] == [
        "one.yaml 5",
        "smooth.yaml 5 of one/5",
        "mean.yaml 5 of one/5 two/5 two/6",
    ]
    # The next of the seeds is another one.
    before = len(calls())
    call_averages("--rows", "mean", "--seeds", 5, 6, 7)
    assert calls()[before:] == [
        *("two.yaml 7", "mean.yaml 6 of one/6 two/6 two/7", "one.yaml 7"),
        "mean.yaml 7 of one/7 two/7 two/5",
    ]


def test_averages_of_failed_systems_are_left_out(
    averages, capsys, cells, call_averages
):
    (averages / "data" / "will.txt").write_text("fail 6")
    assert call_averages("--seeds", 5, 6, 7) == 1
    said = capsys.readouterr()
    assert (
        "smooth/6 is left out: it averages one/6, which failed.\n" in said.err
    )
    assert "mean/5 is left out: it averages two/6, which failed.\n" in said.err
    assert "mean/6 is left out: it averages two/6, which failed.\n" in said.err
    assert cells(said.out, "smooth")[-1] == "5, 7"
    assert cells(said.out, "mean")[-1] == "7"


def test_averages_of_two_seeds_need_two(averages, call_averages):
    with pytest.raises(InputError, match="mean averages runs of two with two"):
        call_averages("--seeds", 5, 5)
    assert not (averages / "results").exists()
    assert call_averages("--rows", "smooth") == 0


@pytest.mark.parametrize(
    "others, sentence",
    [
        ({"one": {"recipe": "other.yaml"}}, "name one stands for two systems"),
        ({"one": {"options": ["--debug"]}}, "name one stands for two systems"),
        ({"one": {"of": ["two"]}}, "name one stands for two systems"),
        ({"mean": {"of": ["five+1"]}}, r"mean is of five\+1, which is no row"),
        ({"a": {"of": ["b"]}, "b": {"of": ["one"]}}, "a is of b, which is no"),
    ],
)
def test_tables_are_checked(workplace, rows, others, sentence, call, tables):
    (workplace / "tables.yaml").write_text(tables(_1=rows, _2=others))
    with pytest.raises(InputError, match=sentence):
        call()
    assert not (workplace / "results").exists()


def test_a_run_without_a_report_has_failed(averages, capsys, call_averages):
    (averages / "TRAIN.py").write_text("")
    assert call_averages("--rows", "smooth") == 1
    said = capsys.readouterr().err
    assert "one/2020 has ended without a report (see" in said
    assert (
        "smooth/2020 is left out: it averages one/2020, which failed." in said
    )
