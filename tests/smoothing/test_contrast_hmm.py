"""The HMM on local contrast against its formula, frame by frame."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import logit

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.contrast_hmm import ContrastHMMSmoother
from sb_sed.smoothing.packed import pack
from sb_sed.smoothing.saved import load_smoother, save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.tune import fit

SHIFT = 0.064
SETTING = {"window": 0.6, "level": 0.5, "cost": 4.0, "threshold": 0.3}


def some_scores(n_files=8, seed=0):
    rng = np.random.default_rng(seed)
    tables = {}
    for index in range(n_files):
        n_frames = int(rng.choice([1, 5, 100, 110, 300]))
        walk = lfilter([1], [1, -0.9], rng.normal(size=(n_frames, 1)), axis=0)
        scores = 1 / (1 + np.exp(-walk)) * rng.choice([0.03, 0.5, 1])
        tables[f"clip{index}"] = scores_table(scores, SHIFT, ["Dog"])
    return tables


def expected_events(table, window, level, cost, threshold, share=0.8):
    """By the definition; the chain by a plain Viterbi on two numbers."""
    scores = table["Dog"].to_numpy(dtype=np.float32).astype(float)
    half = round((window / SHIFT - 1) / 2)
    odds = []
    for t, score in enumerate(scores):
        near = scores[max(0, t - half) : t + half + 1]
        low = share * near.min()
        contrast = np.clip((score - low) / max(near.max() - low, 0.05), 0, 1)
        floored = 0.01 + 0.98 * np.array([contrast, level])
        odds.append(np.subtract(*logit(floored)))
    best = [(0.0, [0]), (odds[0], [1])]
    for gain in odds[1:]:
        best = [
            max(
                (value + gain * state - (path[-1] != state) * cost / 2,
                 [*path, state])
                for value, path in best
            )
            for state in (0, 1)
        ]  # fmt: skip
    path = [0, *max(best)[1], 0]
    starts = [t for t in range(len(scores)) if path[t : t + 2] == [0, 1]]
    ends = [t for t in range(len(scores)) if path[t + 1 : t + 3] == [1, 0]]
    return [
        (table["onset"][start], table["offset"][end])
        for start, end in zip(starts, ends, strict=True)
        if scores[start : end + 1].mean() >= threshold
    ]


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_events_at_many_settings(share):
    tables = some_scores()
    settings = [
        {"window": w, "level": level, "cost": cost, "threshold": threshold}
        for threshold in (0.0, 0.35)
        for cost in (0.5, 6.0)
        for w in (0.2, 0.6, 1.2)
        for level in (0.3, 0.7)
    ]
    smoother = ContrastHMMSmoother(share=share)
    n_events = 0
    for packed in pack(tables):
        found = smoother.decode(packed, "Dog", settings)
        order = np.lexsort((found.onset, found.file, found.setting))
        assert np.array_equal(order, np.arange(len(order)))
        for index, setting in enumerate(settings):
            for file, clip in enumerate(packed.files):
                here = (found.setting == index) & (found.file == file)
                times = zip(found.onset[here], found.offset[here], strict=True)
                assert list(times) == expected_events(
                    tables[clip], **setting, share=share
                )
        n_events += len(order)
    assert n_events > 200


def test_boundaries_do_not_depend_on_the_height():
    # A rise and a fall over half a second, beside it the same at a third.
    rise = np.linspace(0, 1, 9)
    shape = np.concatenate([[0] * 20, rise, [1] * 30, rise[::-1], [0] * 20])
    smoother = ContrastHMMSmoother({**SETTING, "threshold": 0.0})
    events = smoother(
        {
            str(height): scores_table(height * shape[:, None], SHIFT, ["Dog"])
            for height in (0.9, 0.3)
        }
    )
    (*loud, sure), (*faint, unsure) = events.iloc[:, 1:].to_numpy()
    assert loud == faint
    assert unsure == pytest.approx(sure / 3, rel=1e-6)


def test_scores_at_the_threshold_are_the_events():
    tables = some_scores()
    smoother = ContrastHMMSmoother({"Dog": SETTING})
    events = smoother(tables)[EVENT_COLUMNS]
    smoothed = smoother.to_scores(tables)
    for threshold in (SETTING["threshold"], 0.6):
        smoother.parameters["Dog"]["threshold"] = threshold
        expected = smoother(tables)[EVENT_COLUMNS]
        found = ThresholdSmoother(threshold)(smoothed)[EVENT_COLUMNS]
        assert found.equals(expected)
        assert 0 < len(expected) <= len(events)


def test_saved_and_loaded(tmp_path):
    smoother = ContrastHMMSmoother(SETTING, share=0.7, confidence="max_score")
    save_smoother(smoother, tmp_path / "smoother.json")
    loaded = load_smoother(tmp_path / "smoother.json")
    assert loaded.state() == smoother.state()
    tables = some_scores()
    assert loaded(tables).equals(smoother(tables))


def test_tuning_finds_what_made_the_reference():
    tables = some_scores(n_files=40)
    reference = ContrastHMMSmoother(SETTING)(tables)[EVENT_COLUMNS]
    smoother = ContrastHMMSmoother()
    smoother.axes = {
        "window": (0.2, 0.6, 2.4),
        "level": (0.2, 0.5, 0.8),
        "cost": (1.0, 4.0),
        "threshold": (0.0, 0.3, 0.6),
    }
    fit(smoother, tables, reference)
    assert smoother(tables)[EVENT_COLUMNS].equals(reference)


def test_nothing_silence_and_bad_input():
    smoother = ContrastHMMSmoother(SETTING)
    silence = {"clip": scores_table(np.zeros((5, 1)), SHIFT, ["Dog"])}
    assert len(smoother({})) == len(smoother(silence)) == 0
    assert smoother.to_scores({}) == {}
    with pytest.raises(InputError, match="no window for the class 'Dog'"):
        ContrastHMMSmoother()(silence)
    with pytest.raises(InputError, match="'certainty'"):
        ContrastHMMSmoother(confidence="certainty")
