"""What is asked next is what the answers leave in doubt."""

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.reviewing.boxes import cut_windows, find_boxes
from sb_sed.reviewing.estimate import GRID, Estimate, levels_of
from sb_sed.reviewing.evidence import already_asked, gather
from sb_sed.reviewing.listener import Listener
from sb_sed.reviewing.rounds import _allot, draw_next
from sb_sed.reviewing.sampling import ITEM_COLUMNS, draw
from sb_sed.smoothing.sebbs import SEBBsSmoother

CLASSES = ["Cat", "Dog"]


@pytest.fixture(scope="module")
def asked(clips):
    """Boxes, windows, what knows the truth, and a first round of answers."""
    scores, reference = clips
    parameters = {"filter": 0.2, "merge": 0.2, "threshold": 0.5}
    boxes = find_boxes(SEBBsSmoother(parameters), scores)
    windows = cut_windows(scores)
    listener = Listener(reference)
    items = draw(boxes, windows, dict.fromkeys(CLASSES, 0.5), 40)
    return boxes, windows, listener, listener(items, boxes)


def estimate(boxes, windows, reviews, n_draws=60):
    evidence = gather(reviews, boxes, CLASSES)
    return Estimate(boxes, evidence, CLASSES, len(windows), n_draws)


def test_nothing_is_asked_twice(asked):
    boxes, windows, listener, reviews = asked
    for n in (30, 30):
        items = draw_next(boxes, windows, reviews, CLASSES, n)
        assert list(items.columns) == ITEM_COLUMNS and len(items) == n
        assert items["event_label"].isna().sum() == 3
        assert items["probability"].between(0, 1, inclusive="right").all()
        again = listener(items, boxes)
        before = already_asked(reviews, boxes).sum()
        reviews = pd.concat([reviews, again], ignore_index=True)
        judged = items["event_label"].notna().sum()
        assert already_asked(reviews, boxes).sum() == before + judged
    assert already_asked(reviews, windows).sum() == 4 + 3 + 3


def test_all_can_be_asked_and_no_more(asked):
    boxes, windows, listener, reviews = asked
    items = draw_next(boxes, windows, reviews, CLASSES, 10**5, silence=1e-5)
    reviews = pd.concat([reviews, listener(items, boxes)], ignore_index=True)
    assert already_asked(reviews, boxes).all()
    of_boxes = items["event_label"].notna()
    assert (items.loc[of_boxes, "probability"] == 1).all()
    with pytest.raises(InputError, match="Every detection"):
        draw_next(boxes, windows, reviews, CLASSES, 10)


def test_the_same_seed_the_same_questions(asked):
    boxes, windows, _, reviews = asked
    one, other = (
        draw_next(boxes, windows, reviews, CLASSES, 20, seed=4)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(one, other)


def test_what_answers_are_worth(asked):
    """The value of knowing all, and where it is, computed one by one."""
    boxes, windows, _, reviews = asked
    known = estimate(boxes, windows, reviews)
    worth, where = known.doubts()
    values = known._f1_at_grid()
    chosen = values.mean(axis=0).argmax(axis=1)
    for column in range(len(CLASSES)):
        share = np.zeros(len(GRID) + 1)
        for drawn in values[:, column]:
            best = drawn.argmax()
            lowest, highest = sorted([best, chosen[column]])
            gain = drawn[best] - drawn[chosen[column]]
            share[lowest + 1 : highest + 1] += gain
        expected = values[:, column].max(axis=1).mean()
        expected -= values[:, column].mean(axis=0).max()
        assert worth[column] == pytest.approx(expected)
        total = worth[column] * len(values)
        assert where[column] == pytest.approx(share / total, abs=1e-9)


def test_questions_are_where_the_doubt_is(asked):
    """A class of which all is known is asked about no more than needed."""
    boxes, windows, listener, reviews = asked
    cats = boxes[boxes["event_label"] == "Cat"]
    left = cats[~already_asked(reviews, cats)].assign(probability=1.0)[:-5]
    reviews = pd.concat([reviews, listener(left, boxes)], ignore_index=True)
    items = draw_next(boxes, windows, reviews, CLASSES, 30, silence=0)
    assert (items["event_label"] == "Dog").sum() >= 25
    worth, where = estimate(boxes, windows, reviews).doubts()
    assert worth[1] > 3 * worth[0]
    levels = levels_of(
        items.loc[items["event_label"] == "Dog", "confidence"].to_numpy()
    )
    assert where[1, levels].mean() > 1.5 * where[1].mean()


@pytest.mark.parametrize("n", [0, 3, 10, 40])
def test_questions_are_divided_by_worth(n):
    most = {"a": 4, "b": 30, "c": 2}
    numbers = _allot({"a": 3.0, "b": 1.0, "c": 0.0}, most, n)
    assert sum(numbers.values()) == min(n, 36)
    assert numbers["a"] <= 4 and numbers["c"] <= 2
    if n == 10:
        assert numbers == {"a": 4, "b": 6, "c": 0}
