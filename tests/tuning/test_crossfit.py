"""Held-out decoding against doing the same by hand, fold by fold."""

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.crossfit import AsGiven, CrossFit
from sb_sed.tuning.tune import fit

SHIFT = 0.5


def _data(n_clips=12, seed=0):
    """Noisy scores of random events, and the events."""
    rng = np.random.default_rng(seed)
    scores, rows = {}, []
    for index in range(n_clips):
        active = np.zeros((20, 2))
        for column, label in enumerate(("Cat", "Dog")):
            first = rng.integers(0, 15)
            active[first : first + 4, column] = 1
            rows.append(
                (f"{index}.wav", first * SHIFT, (first + 4) * SHIFT, label)
            )
        noisy = 0.25 + 0.5 * active + rng.uniform(-0.3, 0.3, active.shape)
        scores[str(index)] = scores_table(
            noisy.clip(0, 1), SHIFT, ["Cat", "Dog"]
        )
    return scores, pd.DataFrame(rows, columns=EVENT_COLUMNS)


def test_as_given_is_the_smoother():
    scores, events = _data()
    smoother = MedianSmoother(0.4, 1.5)
    smoothed = AsGiven()(smoother, scores, events)
    pd.testing.assert_frame_equal(smoothed.events, smoother(scores))
    for clip, table in smoother.to_scores(scores).items():
        pd.testing.assert_frame_equal(smoothed.scores[clip], table)
    assert smoothed.smoother is smoother and smoothed.report is None


def test_no_file_is_decoded_by_what_was_tuned_on_it():
    scores, events = _data()
    smoothed = CrossFit(folds=3, splits=1, seed=4)(
        ThresholdSmoother(), scores, events
    )
    fold = np.random.default_rng(4).permutation(len(scores)) % 3
    for held in range(3):
        clips = {c for c, f in zip(scores, fold, strict=True) if f == held}
        others = {c: t for c, t in scores.items() if c not in clips}
        by_hand = fit(
            ThresholdSmoother(),
            others,
            events[~events["filename"].isin(f"{c}.wav" for c in clips)],
        )
        for clip in clips:
            found = smoothed.events["filename"] == f"{clip}.wav"
            pd.testing.assert_frame_equal(
                smoothed.events[found].reset_index(drop=True),
                by_hand({clip: scores[clip]}),
            )


def test_what_is_kept_is_tuned_on_all():
    scores, events = _data()
    given = ThresholdSmoother(0.9)
    smoothed = CrossFit(splits=2)(given, scores, events)
    by_hand = fit(ThresholdSmoother(), scores, events)
    assert smoothed.smoother.parameters == by_hand.parameters
    assert smoothed.report.parameters == by_hand.parameters
    assert given.parameters == {"threshold": 0.9}


def test_files_without_a_reference_and_their_order():
    scores, events = _data()
    events = events[~events["filename"].isin(["0.wav", "7.wav"])]
    smoothed = CrossFit(splits=1)(ThresholdSmoother(), scores, events)
    assert list(smoothed.scores) == list(scores)
    names = list(dict.fromkeys(smoothed.events["filename"]))
    assert names == [f"{c}.wav" for c in scores if f"{c}.wav" in names]
    alone = smoothed.smoother({"7": scores["7"]})
    found = smoothed.events[smoothed.events["filename"] == "7.wav"]
    pd.testing.assert_frame_equal(found.reset_index(drop=True), alone)


def test_more_folds_than_files():
    scores, events = _data(n_clips=3)
    with pytest.raises(InputError, match="3 files cannot be split"):
        CrossFit(folds=4)(ThresholdSmoother(), scores, events)
