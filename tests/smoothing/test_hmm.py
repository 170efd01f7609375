"""The HMM smoother against librosa; its confidences and scores."""

import librosa
import numpy as np
import pandas as pd
import pytest
from hmmlearn.base import BaseHMM
from scipy.signal import lfilter

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.base import Smoother
from sb_sed.smoothing.confidence import CONFIDENCES
from sb_sed.smoothing.detections import runs
from sb_sed.smoothing.hmm import SELF_LOOPS, HMMSmoother
from sb_sed.smoothing.packed import pack
from sb_sed.smoothing.saved import load_smoother, save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother
from sb_sed.tuning.tune import fit

CLASSES = ["Cat", "Dog"]
SHIFT = 0.06375
PARAMETERS = {
    "Cat": {"p_sil": 0.9, "p_event": 0.75},
    "Dog": {"p_sil": 0.9, "p_event": 0.5},
}


def some_scores(n_files=12, seed=0):
    """Scores that rise and fall, of files of many lengths.

    Multiples of 1/64, which single precision holds.
    """
    rng = np.random.default_rng(seed)
    tables = {}
    for index in range(n_files):
        n_frames = int(rng.choice([1, 40, 41, 90, 400]))
        walk = lfilter([1], [1, -0.9], rng.normal(size=(n_frames, 2)), axis=0)
        # A third of the tracks are silent throughout.
        walk[:, rng.random(2) < 0.3] = -np.inf
        noise = rng.normal(size=(n_frames, 2))
        scores = np.round(64 / (1 + np.exp(-walk - noise))) / 64
        tables[f"clip{index}"] = scores_table(scores, SHIFT, CLASSES)
    return tables


def librosas(score, p_sil, p_event):
    """The path through one file."""
    return librosa.sequence.viterbi_discriminative(
        np.stack([1 - score, score]),
        np.array([[p_sil, 1 - p_sil], [1 - p_event, p_event]]),
    ).astype(bool)


def event_rows(table, path, label):
    """(onset, offset, label) of a path, and its frames."""
    _, first, end = runs(path)
    for start, stop in zip(first, end, strict=True):
        times = table["onset"][start], table["offset"][stop - 1]
        yield (*times, label), slice(start, stop)


def test_events_are_librosas():
    tables = some_scores()
    expected = {
        (f"{clip}.wav", *event)
        for clip, table in tables.items()
        for label in CLASSES
        for event, _ in event_rows(
            table,
            librosas(table[label].to_numpy(), **PARAMETERS[label]),
            label,
        )
    }
    events = HMMSmoother(PARAMETERS)(tables)
    found = set(events[EVENT_COLUMNS].itertuples(index=False, name=None))
    assert found == expected
    assert len(expected) == len(events) > 30


def test_many_settings_at_once_are_each_librosas():
    # More than are decoded in one block; some of them loose, so that nearly
    # every file could become active.
    tables = some_scores()
    loops = [*SELF_LOOPS[::3], 0.5]
    settings = [{"p_sil": a, "p_event": b} for a in loops for b in loops]
    assert len(settings) > 64
    n_events = 0
    for packed in pack(tables):
        found = HMMSmoother().decode(packed, "Dog", settings)
        order = np.lexsort((found.onset, found.file, found.setting))
        assert np.array_equal(order, np.arange(len(order)))
        for index, setting in enumerate(settings):
            for file, clip in enumerate(packed.files):
                here = (found.setting == index) & (found.file == file)
                path = librosas(tables[clip]["Dog"].to_numpy(), **setting)
                rows = event_rows(tables[clip], path, "Dog")
                expected = [row[:2] for row, _ in rows]
                times = found.onset[here], found.offset[here]
                assert list(zip(*times, strict=True)) == expected
        n_events += len(order)
    assert n_events > 1000


class ScoresHMM(BaseHMM):
    """hmmlearn's model with emissions that are given."""

    def _compute_log_likelihood(self, X):
        return np.log(np.hstack([1 - X, X]) + np.finfo(float).tiny)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_confidences(confidence):
    summary, source = confidence.split("_")
    tables = some_scores()
    model = ScoresHMM(n_components=2, init_params="")
    model.startprob_ = np.full(2, 0.5)
    p_sil, p_event = PARAMETERS["Dog"].values()
    model.transmat_ = np.array([[p_sil, 1 - p_sil], [1 - p_event, p_event]])
    expected = {}
    for clip, table in tables.items():
        score = table["Dog"].to_numpy()
        values = score
        if source == "posterior":
            values = model.predict_proba(score[:, None])[:, 1]
        path = librosas(score, p_sil, p_event)
        for event, frames in event_rows(table, path, "Dog"):
            key = f"{clip}.wav", *event
            expected[key] = getattr(values[frames], summary)()
    events = HMMSmoother(PARAMETERS, confidence=confidence)(tables)
    dogs = events[events["event_label"] == "Dog"]
    found = {tuple(row[:4]): row[4] for row in dogs.itertuples(index=False)}
    assert found == pytest.approx(expected, abs=1e-9)


def test_confidences_are_summed_in_double_precision():
    scores = np.random.default_rng(0).uniform(0.6, 1, 500).astype(np.float32)
    table = scores_table(scores[:, None], SHIFT, ["Dog"])
    [confidence] = HMMSmoother(PARAMETERS)({"clip": table})["confidence"]
    assert confidence == pytest.approx(scores.astype(float).mean(), rel=1e-14)


def above(scores, threshold):
    """Events of thresholded scores."""
    events = ThresholdSmoother(threshold)(scores)
    return set(events[EVENT_COLUMNS].itertuples(index=False, name=None))


def test_scores_at_one_half_are_the_events():
    tables = some_scores()
    smoother = HMMSmoother(PARAMETERS)
    events = smoother(tables)
    smoothed = smoother.to_scores(tables)
    for clip, table in tables.items():
        assert smoothed[clip].columns.equals(table.columns)
        assert smoothed[clip][["onset", "offset"]].equals(
            table[["onset", "offset"]]
        )
    rows = events[EVENT_COLUMNS].itertuples(index=False, name=None)
    assert above(smoothed, 0.5) == set(rows)
    sure = events[events["confidence"] > 0.7]
    rows = sure[EVENT_COLUMNS].itertuples(index=False, name=None)
    assert above(smoothed, 0.85) == set(rows)


def test_thresholds_keep_the_confident():
    tables = some_scores()
    events = HMMSmoother(PARAMETERS)(tables)
    smoother = HMMSmoother(
        {label: {**two, "threshold": 0.7} for label, two in PARAMETERS.items()},
        thresholds=(0.0, 0.7),
    )
    sure = events[events["confidence"] >= 0.7].reset_index(drop=True)
    assert smoother(tables).equals(sure)
    assert 0 < len(sure) < len(events)
    rows = sure[EVENT_COLUMNS].itertuples(index=False, name=None)
    assert above(smoother.to_scores(tables), 0.85) == set(rows)
    assert list(smoother.axes) == ["p_sil", "p_event", "threshold"]
    assert list(HMMSmoother().axes) == ["p_sil", "p_event"]


@pytest.mark.parametrize("threshold", [0.01, 0.25, 0.49])
def test_lower_scores_are_other_operating_points(threshold):
    # Emissions that favour the active state by given odds are those of a
    # detector whose prior belief in it is as much lower.
    tables = some_scores()
    smoothed = HMMSmoother(PARAMETERS).to_scores(tables)
    p_sil, p_event = PARAMETERS["Dog"].values()
    for clip, table in tables.items():
        score = table["Dog"].to_numpy()
        expected = librosa.sequence.viterbi_discriminative(
            np.stack([1 - score, score]),
            np.array([[p_sil, 1 - p_sil], [1 - p_event, p_event]]),
            p_state=np.array([1 - threshold, threshold]),
        )
        # A level is tried every 0.02; ``threshold`` is one of them.
        assert np.array_equal(smoothed[clip]["Dog"] >= threshold, expected)


@pytest.mark.parametrize("on_grid", [True, False])
@pytest.mark.parametrize(
    "smoother",
    [
        HMMSmoother({"p_sil": 0.999, "p_event": 0.999}),
        ThresholdSmoother(0.5),
    ],
)
def test_perfect_scores_give_the_reference(smoother, on_grid):
    rng = np.random.default_rng(1)
    rows, tables = [], {}
    n_frames = 157
    for index in range(60):
        scores = np.zeros((n_frames, 2))
        for column, label in enumerate(CLASSES):
            time = rng.uniform(0, 2)
            while (end := time + rng.uniform(0.25, 4)) < n_frames * SHIFT:
                onset, offset = time, end
                if on_grid:
                    onset = round(time / SHIFT) * SHIFT
                    offset = round(end / SHIFT) * SHIFT
                rows.append((f"{index}.wav", onset, offset, label))
                first, last = round(onset / SHIFT), round(offset / SHIFT)
                scores[first:last, column] = 1
                time = end + rng.uniform(0.2, 2)
        tables[str(index)] = scores_table(scores, SHIFT, CLASSES)
    reference = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    events = smoother(tables)[EVENT_COLUMNS]
    assert len(reference) > 300
    assert event_counts(reference, events).f1()["macro"] >= 0.995
    if on_grid:
        assert len(events) == len(reference)
        merged = reference.round(3).merge(events.round(3))
        assert len(merged) == len(reference)


def test_tied_tuning_shares_the_silence():
    tables = some_scores(n_files=30)
    reference = HMMSmoother(PARAMETERS)(some_scores(n_files=30))
    reference = reference[EVENT_COLUMNS]
    for tied in (True, False):
        smoother = HMMSmoother(tied=tied)
        smoother.axes = {"p_sil": (0.5, 0.9), "p_event": (0.5, 0.75, 0.95)}
        fit(smoother, tables, reference)
        # The reference was made so, and there is no better.
        assert smoother.parameters == PARAMETERS
        silences = smoother.tied == {"p_sil"}
        assert silences == tied


@pytest.mark.parametrize("threshold", [{}, {"threshold": 0.5}])
def test_saved_and_loaded(tmp_path, threshold):
    smoother = HMMSmoother(
        {label: {**two, **threshold} for label, two in PARAMETERS.items()},
        tied=False,
        confidence="max_posterior",
        thresholds=list(threshold.values()),
    )
    save_smoother(smoother, tmp_path / "hmm.json")
    loaded = load_smoother(tmp_path / "hmm.json")
    assert loaded.state() == smoother.state()
    tables = some_scores()
    assert loaded(tables).equals(smoother(tables))


def test_a_long_recording_beside_short_ones():
    rng = np.random.default_rng(3)
    tables = {
        name: scores_table(rng.random((n_frames, 1)), SHIFT, ["Dog"])
        for name, n_frames in [("long", 30_000), ("a", 3), ("b", 1)]
    }
    smoother = HMMSmoother(PARAMETERS)
    together = smoother(tables)
    alone = pd.concat([smoother({k: v}) for k, v in tables.items()])
    assert together.equals(alone.reset_index(drop=True))


def test_nothing_and_silence():
    smoother = HMMSmoother(PARAMETERS)
    silence = {"clip": scores_table(np.zeros((5, 2)), SHIFT, CLASSES)}
    assert len(smoother({})) == len(smoother(silence)) == 0
    assert smoother.to_scores({}) == {}
    assert (smoother.to_scores(silence)["clip"][CLASSES] == 0).all(axis=None)
    assert isinstance(smoother, Smoother)


def test_bad_input():
    with pytest.raises(InputError, match="'sum': take one of mean_score"):
        HMMSmoother(confidence="sum")
    loud = {"clip": scores_table([[2.0]], SHIFT, ["Dog"])}
    with pytest.raises(InputError, match="'Dog' are no probabilities"):
        HMMSmoother(PARAMETERS)(loud)
    tables = some_scores()
    with pytest.raises(InputError, match="no p_sil for the class 'Dog'"):
        HMMSmoother({"Cat": PARAMETERS["Cat"]})(tables)
    with pytest.raises(InputError, match="p_sil and p_event must be between"):
        HMMSmoother({"p_sil": 1.5, "p_event": 0.5})(tables)
