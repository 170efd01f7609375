"""The figures by which checkpoints are chosen."""

import math

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, scores_table
from sb_sed.scoring.report import make_report
from sb_sed.smoothing.median import MedianSmoother
from sb_sed.tuning.selection import EventF1, Psds

CLASSES = ["Cat", "Dog"]


@pytest.fixture
def data():
    """A reference, one of whose classes is not scored, and scores."""
    random = np.random.default_rng(0)
    rows, scores = [], {}
    for i in range(6):
        matrix = random.random((100, 2))
        for k, label in enumerate(CLASSES):
            matrix[20 * i % 90 :][:10, k] += 1.2 - 0.2 * i
            onset = 2 * i % 9
            rows.append([f"f{i}.wav", onset, onset + 1, label])
        scores[f"f{i}"] = scores_table(matrix, 0.1, CLASSES)
    rows += [["f0.wav", 0, 1, "Cow"], ["g.wav", *[math.nan] * 3]]
    scores["g"] = scores_table(random.random((100, 2)), 0.1, CLASSES)
    return pd.DataFrame(rows, columns=EVENT_COLUMNS), scores


def test_they_are_the_figures_of_a_report(data):
    reference, scores = data
    smoother = MedianSmoother(0.6, 0.5)
    report = make_report(
        reference,
        smoother(scores),
        smoother.to_scores(scores),
        classes=CLASSES,
        n_draws=10,
    )
    figure = EventF1(smoother, reference, CLASSES)
    assert figure(scores, {}) == report["event_f1"]["macro"] > 0
    for variant in ("1", "realdesed_1_macro"):
        figure = Psds(smoother, reference, CLASSES, variant)
        assert figure(scores, {}) == report["psds"][variant] > 0
        assert figure.name == f"psds_{variant}"


def test_an_unknown_variant_is_refused_before_the_training(data):
    with pytest.raises(InputError, match="no PSDS 'psds1' .* one of 2020, "):
        Psds(MedianSmoother(), data[0], CLASSES, "psds1")
