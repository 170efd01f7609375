"""The reviews TSV: what is written is read again, what is wrong is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.formats.reviews import (
    REVIEW_COLUMNS,
    read_reviews,
    reviews_to_events,
    write_reviews,
)

NAN = np.nan
RIGHT = ("a.wav", 0.5, 1.0, "Dog", 0.7, 0.1, "right", NAN, NAN, NAN)
MOVED = ("a.wav", 2.0, 3.0, "Dog", 0.4, 0.2, "boundary", 2.1, 3.5, "Dog")
WRONG = ("b.wav", 0.0, 1.0, "Dog", 0.4, 0.2, "wrong", NAN, NAN, "Cat")
UNSURE = ("b.wav", 4.0, 5.0, "Dog", 0.4, 0.2, "unsure", NAN, NAN, NAN)
WINDOW = ("c.wav", 0.0, 10.0, NAN, NAN, 0.2, "checked", NAN, NAN, NAN)
ADDED = ("c.wav", 0.0, 10.0, NAN, NAN, 0.2, "missed", 4.0, 5.0, "Cat")
ROWS = [RIGHT, MOVED, WRONG, UNSURE, WINDOW, ADDED]


def table(*rows):
    return pd.DataFrame(rows, columns=REVIEW_COLUMNS)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "reviews.tsv"
    write_reviews(table(*ROWS, ADDED), path)
    pd.testing.assert_frame_equal(
        read_reviews(path), table(*ROWS, ADDED), check_dtype=False
    )


def test_events_of_reviews():
    events = reviews_to_events(table(*ROWS, ADDED))
    assert events.to_numpy().tolist() == [
        ["a.wav", 0.5, 1.0, "Dog"],
        ["a.wav", 2.1, 3.5, "Dog"],
        ["b.wav", 0.0, 1.0, "Cat"],
        ["c.wav", 4.0, 5.0, "Cat"],
    ]
    with pytest.raises(InputError, match="answer more"):
        reviews_to_events(table(UNSURE, WINDOW))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (RIGHT[:6] + ("fine",) + RIGHT[7:], "has the answer 'fine'"),
        (WINDOW[:6] + ("right",) + WINDOW[7:], "does not suit"),
        (RIGHT[:6] + ("checked",) + RIGHT[7:], "does not suit"),
        (RIGHT[:5] + (0.0,) + RIGHT[6:], "has the probability '0.0'"),
        (MOVED[:7] + (4.0, 3.0, "Dog"), "not after the true_onset"),
        (ADDED[:9] + (NAN,), "has no true_label"),
        (ADDED[:7] + (NAN, NAN, "Cat"), "true_onset ''"),
        (RIGHT[:3] + ("Dog ",) + RIGHT[4:], "with space around it"),
    ],
)
def test_wrong_rows_are_named(row, words, tmp_path):
    path = tmp_path / "reviews.tsv"
    write_reviews(table(row), path)
    with pytest.raises(InputError, match=f"line 2 .*{words}"):
        read_reviews(path)


def test_two_answers_to_one_question(tmp_path):
    path = tmp_path / "reviews.tsv"
    write_reviews(table(RIGHT, RIGHT[:6] + ("wrong",) + RIGHT[7:]), path)
    with pytest.raises(InputError, match="line 3 answers what an earlier"):
        read_reviews(path)


@settings(deadline=None)
@given(letters=st.lists(st.sampled_from("\t\nabc.0159 rightwon-"), max_size=60))
def test_any_text_is_read_or_refused(letters, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.tsv"
    path.write_text("\t".join(REVIEW_COLUMNS) + "\n" + "".join(letters))
    try:
        assert len(read_reviews(path))
    except InputError as error:
        assert "any.tsv" in str(error)
