"""pAUROC against sed_scores_eval and scikit-learn."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sed_scores_eval import segment_based
from sklearn.metrics import roc_auc_score

from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.auroc import segment_auroc
from sb_sed.scoring.psds import merge_events


def _events(*rows):
    padded = [[*row, *[math.nan] * (4 - len(row))] for row in rows]
    return pd.DataFrame(padded, columns=EVENT_COLUMNS)


def _data(seed):
    """Scores with ties, frames of any length, events that run on, silence."""
    random = np.random.default_rng(seed)
    classes = ["Cat", "Cow", "Dog"]
    rows, scores, durations = [], {}, {}
    for i in range(8):
        shift = random.choice([0.04, 0.3, 1.7])
        n_frames = int(random.integers(2, 120))
        matrix = random.random((n_frames, 3)).round(random.integers(1, 9))
        scores[f"f{i}"] = scores_table(matrix, shift, classes)
        durations[f"f{i}"] = round(
            n_frames * shift * random.uniform(0.8, 1.3), 6
        )
        rows.append([f"f{i}.wav"])
        for label in classes:
            for onset in random.uniform(0, durations[f"f{i}"], 2):
                rows.append([f"f{i}.wav", onset, onset + 0.7, label])
    return merge_events(_events(*rows)), scores, durations


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("max_fpr", [0.1, 1.0])
def test_it_is_that_of_sed_scores_eval(seed, max_fpr, monkeypatch):
    reference, scores, durations = _data(seed)
    truth = {name: [] for name in scores}
    for filename, *event in reference.dropna().itertuples(index=False):
        truth[filename[:-4]].append(tuple(event))
    with monkeypatch.context() as patch:
        # Its curve is in order already; where rates are equal, to sort it once
        # more would leave the result to NumPy's version and the processor.
        patch.setattr(np, "argsort", partial(np.argsort, kind="stable"))
        theirs, _ = segment_based.auroc(
            scores, truth, durations, segment_length=1.0, max_fpr=max_fpr
        )
    seconds = {f"{name}.wav": value for name, value in durations.items()}
    ours = segment_auroc(reference, scores, seconds, max_fpr=max_fpr)
    assert ours["macro"] == pytest.approx(theirs.pop("mean"), abs=1e-12)
    assert ours["per_class"] == pytest.approx(theirs, abs=1e-12)


def test_the_whole_area_without_ties_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    matrix, active = random.random(200), random.random(200) < 0.3
    rows = [["a.wav", i, i + 1, "Dog"] for i in np.flatnonzero(active)]
    scores = {"a": scores_table(matrix[:, None], 1.0, ["Dog"])}
    found = segment_auroc(_events(*rows), scores, max_fpr=1.0)
    assert found["macro"] == pytest.approx(roc_auc_score(active, matrix))


def test_classes_in_all_segments_or_none_have_no_curve():
    reference = _events(["a.wav", 0, 3, "Cat"], ["a.wav", 1, 2, "Dog"])
    matrix = [[1, 0, 0], [1, 0, 1], [1, 1, 0]]
    scores = {"a": scores_table(matrix, 1.0, ["Cat", "Cow", "Dog"])}
    assert segment_auroc(reference, scores) == {
        "macro": 1.0,
        "per_class": {"Cat": None, "Cow": None, "Dog": 1.0},
    }
    found = segment_auroc(_events(["a.wav"]), scores, classes=["Cow"])
    assert found == {"macro": None, "per_class": {"Cow": None}}
