"""Weak scores as a table beside a folder of scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sed_scores_eval.base_modules.io import lazy_sed_scores_loader

from sb_sed.errors import InputError
from sb_sed.formats import (
    WEAK_SCORES,
    read_scores,
    read_weak_scores,
    read_weak_scores_beside,
    scores_table,
    write_scores,
    write_weak_scores,
)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2))
def test_numbers_come_back_exactly(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("weak") / "weak.tsv"
    row = dict(zip(["Cat", "Dog"], values, strict=True))
    write_weak_scores({"a": row, 'b "x", y.flac': row}, path)
    assert read_weak_scores(path) == {"a.wav": row, 'b "x", y.flac': row}


def test_beside_scores_and_in_nobodys_way(tmp_path):
    scores = {"a": scores_table([[0.5], [0.25]], 0.5, ["Dog"])}
    folder = tmp_path / "scores"
    write_scores(scores, folder)
    assert read_weak_scores_beside(folder) is None
    write_weak_scores({"a": {"Dog": np.float32(0.1)}}, tmp_path / WEAK_SCORES)
    assert list(read_scores(folder)) == ["a"]
    assert [*lazy_sed_scores_loader(folder).keys()] == ["a"]
    assert read_weak_scores_beside(folder)["a.wav"]["Dog"] == np.float32(0.1)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("onset\toffset\tDog\n0\t1\t0.5\n", "does not start with the columns"),
        ("filename\na.wav\n", "does not start with the columns"),
        ("filename\tDog\tDog\na.wav\t1\t1\n", "names a column twice"),
        ("filename\tDog \na.wav\t1\n", "has a class named 'Dog '"),
        ("filename\tDog\n", "has a header and no rows"),
        ("filename\tDog\na.wav\t1\t1\n", "line 2 has 3 cells instead of 2"),
        ("filename\tDog\na.wav\tx\n", "line 2 has 'x', which is not a weak"),
        (
            "filename\tDog\na.wav\t1.1\n",
            "line 2 has '1.1', which is not a weak",
        ),
        ("filename\tDog\na.wav\tnan\n", "line 2 has 'nan'"),
        ("filename\tDog\na.wav\t1\n./a.wav\t1\n", "line 3 lists ./a.wav again"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, match):
    path = tmp_path / "weak.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        read_weak_scores(path)
