"""The average precision of clips, against scikit-learn's.

Authors
 * sb_sed contributors 2026
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS
from sb_sed.scoring.tagging import clip_average_precision

CLASSES = ("Cat", "Dog", "Horse", "Sheep")


def test_it_is_the_mean_over_the_classes_that_some_clips_have():
    rng = np.random.default_rng(0)
    truth = rng.random((30, 4)) < (0.3, 0.5, -1, 2)  # no horse, sheep in all
    scores = rng.random((30, 4))
    reference = pd.DataFrame(
        [
            [f"{clip}.wav", 0.0, 1.0, CLASSES[label]]
            for clip, label in zip(*truth.nonzero(), strict=True)
            for _ in range(2)  # several events are one clip
        ],
        columns=EVENT_COLUMNS,
    )
    weak = {
        f"{clip}": dict(zip(CLASSES, row, strict=True))
        for clip, row in enumerate(scores)
    }
    wanted = average_precision_score(truth[:, :2], scores[:, :2])
    found = clip_average_precision(reference, {**weak, "other": weak["0"]})
    assert found == pytest.approx(wanted)


def test_clips_without_events_are_negatives():
    reference = pd.DataFrame(
        [["a.wav", 0, 1, "Dog"], ["b.wav", np.nan, np.nan, np.nan]],
        columns=EVENT_COLUMNS,
    )
    weak = {"a": {"Dog": 0.1}, "b": {"Dog": 0.2}}
    assert clip_average_precision(reference, weak) == 0.5


def test_where_nothing_can_be_judged():
    reference = pd.DataFrame([["a.wav", 0, 1, "Dog"]], columns=EVENT_COLUMNS)
    assert clip_average_precision(reference, {"a": {"Dog": 0.5}}) is None
    with pytest.raises(InputError, match="No file of the reference"):
        clip_average_precision(reference, {"b": {"Dog": 0.5}})
