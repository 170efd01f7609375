"""The scores folders, against sed_scores_eval's own reader and writer."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sed_scores_eval.base_modules.io import (
    read_sed_scores,
    write_sed_scores,
)
from sed_scores_eval.base_modules.scores import (
    create_score_dataframe,
    validate_score_dataframe,
)

from sb_sed.errors import InputError
from sb_sed.formats import atomic_path, read_scores, scores_table, write_scores

matrices = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.just(2)),
    elements=st.floats(-1e30, 1e30),
)
in_tmp_path = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@in_tmp_path
@given(matrices, st.sampled_from([0.064, 0.06375, 0.02, 1 / 3]))
def test_scores_survive_to_the_last_bit(tmp_path, matrix, shift):
    table = scores_table(matrix, shift, ["Cat", "Dog"])
    write_scores({"Y1_0.000_10.000": table}, tmp_path)
    read = read_scores(tmp_path)
    assert list(read) == ["Y1_0.000_10.000"]
    assert read["Y1_0.000_10.000"].equals(table)


@in_tmp_path
@given(matrices.map(lambda matrix: np.tanh(matrix)))
def test_exchange_with_sed_scores_eval(tmp_path, matrix):
    ours = scores_table(matrix, 0.064, ["Cat", "Dog"])
    write_scores({"a": ours}, tmp_path / "ours")
    theirs = read_sed_scores(tmp_path / "ours")["a"]
    assert list(theirs.columns) == list(ours.columns)
    # Their reader may lose the last bit, and reads about 16 decimals.
    np.testing.assert_allclose(theirs, ours, rtol=1e-13, atol=1e-15)
    write_sed_scores({"a": ours}, tmp_path / "theirs")
    assert read_scores(tmp_path / "theirs")["a"].equals(ours)


def test_scores_table_is_that_of_sed_scores_eval():
    matrix = np.random.default_rng(0).random((157, 3))
    edges = np.minimum(np.arange(158) * 0.064, 10.0)
    ours = scores_table(matrix, 0.064, ["a", "b", "c"], duration=10.0)
    theirs = create_score_dataframe(matrix, edges, ["a", "b", "c"])
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@given(st.integers(1, 40), st.floats(0.01, 1), st.floats(0.001, 50))
def test_scores_table_ends_with_the_recording(n_frames, shift, duration):
    table = scores_table(np.zeros((n_frames, 1)), shift, ["Dog"], duration)
    validate_score_dataframe(table)
    end = min(n_frames * shift, duration)
    assert table["onset"].iloc[0] == 0
    assert table["offset"].iloc[-1] == pytest.approx(end, abs=1e-6)
    assert (table["offset"] > table["onset"]).all()


def test_scores_table_refuses_what_does_not_fit():
    with pytest.raises(InputError, match="do not fit 2 classes"):
        scores_table(np.zeros((3, 1)), 0.1, ["Cat", "Dog"])
    with pytest.raises(InputError, match="No frame"):
        scores_table(np.zeros((3, 1)), 0.1, ["Cat"], duration=0)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "is empty"),
        ("onset\toffset\tDog\n", "no frames"),
        ("onset\toffset\n0\t1\n", "does not start with"),
        ("onset\toffset\tDog\tDog\n0\t1\t0\t0\n", "column twice"),
        ("onset\toffset\tDog\n0\t1\t0.5\n1\t2\n", "line 3 has 2 cells"),
        ("onset\toffset\tDog\n0\t1\t0.5\t1\n", "line 2 has 4 cells"),
        ("onset\toffset\tDog\n0\t1\t0.5\n1\t2\thigh\n", "line 3 .*'high'"),
        ("onset\toffset\tDog\n0\t1\tnan\n", "line 2 .*'nan'"),
        ("onset\toffset\tDog\n0\t1\t0\n1.5\t2\t0\n", "line 3 .*continue"),
        ("onset\toffset\tDog\n0\t1\t0\n1\t1\t0\n", "line 3 .*continue"),
    ],
)
def test_a_bad_table_is_named(tmp_path, content, word):
    (tmp_path / "b.tsv").write_text(content)
    with pytest.raises(InputError, match=f"b.tsv.*{word}"):
        read_scores(tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("hop", [0.064, 0.1, 1 / 3, 156 / 44100, 7.3])
def test_frames_that_do_not_meet_to_the_last_bit(tmp_path, hop, dtype):
    onset = np.arange(2000).astype(dtype) * dtype(hop)
    offset = onset + dtype(hop)
    # As programs write them: all digits, and rounded to the microsecond.
    for form in (repr, "{:.6f}".format):
        rows = [
            f"{form(a)}\t{form(b)}\t0.5\n"
            for a, b in zip(onset.tolist(), offset.tolist(), strict=True)
        ]
        (tmp_path / "a.tsv").write_text("onset\toffset\tDog\n" + "".join(rows))
        table = read_scores(tmp_path)["a"]
        assert (table["offset"][:-1].to_numpy() == table["onset"][1:]).all()
        np.testing.assert_allclose(table["onset"], onset, atol=1e-6)
        assert (table["offset"] > table["onset"]).all()


@pytest.mark.parametrize("gap", [-9e-7, -1e-12, 1e-16, 5e-7, 9e-7])
def test_a_gap_below_a_microsecond_is_none(tmp_path, gap):
    rows = f"0\t0.25\t0.5\n{0.25 + gap!r}\t0.5\t1\n"
    (tmp_path / "a.tsv").write_text("onset\toffset\tDog\n" + rows)
    table = read_scores(tmp_path)["a"]
    assert table["offset"].tolist() == [0.25 + gap, 0.5]


@pytest.mark.parametrize("gap", [-0.25, -1e-3, -2e-6, 2e-6, 1e-3, 0.2])
def test_a_gap_of_more_is_one(tmp_path, gap):
    rows = f"0\t0.25\t0.5\n{0.25 + gap!r}\t0.5\t1\n"
    (tmp_path / "a.tsv").write_text("onset\toffset\tDog\n" + rows)
    with pytest.raises(InputError, match=r"line 3 .*continue in time"):
        read_scores(tmp_path)


def test_a_first_frame_a_trifle_before_zero(tmp_path):
    (tmp_path / "a.tsv").write_text("onset\toffset\tDog\n-1e-17\t1\t0.5\n")
    assert read_scores(tmp_path)["a"]["onset"].tolist() == [0]
    (tmp_path / "a.tsv").write_text("onset\toffset\tDog\n-1e-5\t1\t0.5\n")
    with pytest.raises(InputError, match="line 2 .*continue in time"):
        read_scores(tmp_path)


def test_all_tables_have_the_same_classes(tmp_path):
    write_scores({"a": scores_table([[0.5]], 1.0, ["Cat"])}, tmp_path)
    write_scores({"b": scores_table([[0.5]], 1.0, ["Dog"])}, tmp_path)
    with pytest.raises(InputError, match="b.tsv has other classes than a.tsv"):
        read_scores(tmp_path)


def test_folders_without_scores(tmp_path):
    (tmp_path / "note.txt").write_text("no scores")
    with pytest.raises(InputError, match="holds no scores"):
        read_scores(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        read_scores(tmp_path / "none")


def test_a_stem_is_no_path(tmp_path):
    table = scores_table([[0.5]], 1.0, ["Cat"])
    with pytest.raises(InputError, match="'x/a'"):
        write_scores({"x/a": table}, tmp_path)


def test_a_thousand_files_are_read_in_seconds(tmp_path):
    table = scores_table(
        np.random.default_rng(0).random((157, 10)), 0.064, list("abcdefghij")
    )
    write_scores({str(i): table for i in range(100)}, tmp_path)
    start = time.process_time()
    read_scores(tmp_path)
    assert time.process_time() - start < 1


def test_a_failed_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
