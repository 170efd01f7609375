"""A detector's scores on many clips, and what is true of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.smoothing.sebbs import SEBBsSmoother

CLASSES = ["Cat", "Dog"]
# How much more confident than right the detector is, in log-odds, by class.
BIAS = {"Cat": 0.0, "Dog": 2.0}
SMOOTHER = {"filter": 0.2, "merge": 0.2, "threshold": 0.5}


def make_clips(n_clips, seed=0):
    """Clips of 10 s with a box a class and second or so, and its truth."""
    generator = np.random.default_rng(seed)
    scores, events = {}, []
    for n in range(n_clips):
        matrix = np.full((100, 2), 0.01)
        for column, label in enumerate(CLASSES):
            for second in range(1, 9, 2):
                odds = generator.uniform(-2.5, 4)
                first, end = 10 * second, 10 * second + 7
                matrix[first:end, column] = expit(odds)
                chance = generator.random()
                if chance < expit(odds - BIAS[label]):
                    events.append((f"{n}.wav", first / 10, end / 10, label))
                elif chance > 0.97:  # right but for its end
                    events.append((f"{n}.wav", first / 10, second + 2.0, label))
            if generator.random() < 0.3:  # one that the detector misses
                events.append((f"{n}.wav", 9.2, 9.8, label))
        scores[f"{n}"] = scores_table(matrix, 0.1, CLASSES)
    return scores, pd.DataFrame(events, columns=EVENT_COLUMNS)


@pytest.fixture(scope="session")
def clips():
    return make_clips(90)


@pytest.fixture
def smoother():
    return SEBBsSmoother(SMOOTHER)
