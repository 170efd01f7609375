"""Packing of scores into batches."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb_sed.errors import InputError
from sb_sed.formats import scores_table
from sb_sed.smoothing import packed as module
from sb_sed.smoothing.packed import pack

CLASSES = ["Cat", "Dog"]


def tables(lengths, shift=0.1):
    generator = np.random.default_rng(0)
    return {
        f"clip{index}": scores_table(
            generator.random((length, 2)), shift, CLASSES
        )
        for index, length in enumerate(lengths)
    }


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=30))
def test_every_file_comes_back_and_little_is_padding(lengths):
    scores = tables(lengths)
    seen = {}
    for packed in pack(scores):
        assert packed.values.shape == (*packed.onsets.shape, len(CLASSES))
        assert packed.inside.mean() >= 0.8
        assert packed.classes == CLASSES
        assert packed.files == sorted(packed.files, key=list(scores).index)
        for row, clip in enumerate(packed.files):
            n = packed.lengths[row]
            table = scores[clip]
            seen[clip] = n
            values = table[CLASSES].to_numpy(dtype=np.float32)
            assert np.array_equal(packed.values[row, :n], values)
            assert not packed.values[row, n:].any()
            assert np.array_equal(packed.onsets[row, :n], table["onset"])
            assert np.array_equal(packed.offsets[row, :n], table["offset"])
            end = table["offset"].iloc[-1]
            assert (packed.onsets[row, n:] == end).all()
            assert np.array_equal(
                packed.scores_of("Dog")[row], packed.values[row, :, 1]
            )
    assert seen == {clip: len(table) for clip, table in scores.items()}


def test_an_hour_beside_clips_is_a_batch_of_its_own():
    batches = pack(tables([157] * 50 + [56_000] + [157] * 50))
    assert [batch.values.shape[:2] for batch in batches] == [
        (1, 56_000),
        (100, 157),
    ]


def test_the_scores_of_one_recording_are_not_copied():
    matrix = np.zeros((500, 2), np.float32)
    table = scores_table(matrix, 0.1, CLASSES, duration=40.0)
    (packed,) = pack({"a": table})
    assert np.shares_memory(packed.values, matrix)
    assert list(table.columns) == ["onset", "offset", *CLASSES]


def test_batches_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "_FRAMES", 1000)
    batches = pack(tables([100] * 35 + [5000]))
    assert [len(batch.files) for batch in batches] == [1, 10, 10, 10, 5]


def test_frame_seconds_passes_over_a_cut_frame_and_padding():
    scores = {
        "a": scores_table(np.zeros((10, 1)), 0.1, ["Dog"], duration=0.95),
        "b": scores_table(np.zeros((9, 1)), 0.2, ["Dog"]),
    }
    (packed,) = pack(scores)
    assert packed.frame_seconds == pytest.approx([0.1, 0.2])


def test_no_file_is_no_batch():
    assert pack({}) == []


def test_tables_that_do_not_fit():
    scores = tables([3, 4])
    other = scores["clip1"].rename(columns={"Dog": "Cow"})
    with pytest.raises(
        InputError, match="clip1 have other classes than .*clip0"
    ):
        pack({"clip0": scores["clip0"], "clip1": other})
    empty = pd.DataFrame(columns=scores["clip0"].columns, dtype=float)
    with pytest.raises(InputError, match="clip1 have no frame"):
        pack({"clip0": scores["clip0"], "clip1": empty})
