"""The figure of a detection: what is drawn, and where."""

import numpy as np
import pytest

from sb_sed.errors import InputError
from sb_sed.formats import scores_table
from sb_sed.plots import plot_detection

LABELS = ["Cat", "Dog", "Speech"]
MATRIX = np.array([[0.1, 0.9, 0.2], [0.1, 0.8, 0.7], [0.1, 0.3, 0.6]])
SCORES = scores_table(MATRIX, 0.5, LABELS)
LOG_MEL = np.zeros((30, 8))
DOG = [(0.0, 1.0, "Dog")]


def titles(figure):
    return [axes.get_title("left") for axes in figure.axes]


def tracks(axes):
    """The labels of the tracks, and (onset, offset) of each one's bars."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    bars = [
        [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in c]
        for c in (collection.get_paths() for collection in axes.collections)
    ]
    return dict(zip(names, bars, strict=True))


def test_classes_with_an_event_have_tracks_and_scores(tmp_path):
    speech = [(0.5, 1.5, "Speech")]
    figure = plot_detection(
        LOG_MEL, 1.5, SCORES, DOG, speech, tmp_path / "a.png"
    )
    assert titles(figure) == ["log-mel", "scores", "reference", "detected"]
    _, scores, reference, detected = figure.axes
    assert tracks(reference) == {"Dog": [(0, 1)], "Speech": []}
    assert tracks(detected) == {"Dog": [], "Speech": [(0.5, 1.5)]}
    drawn = [patch.get_data().values for patch in scores.patches]
    np.testing.assert_array_equal(drawn, MATRIX[:, 1:].T)


def test_without_a_reference_and_later_in_a_recording(tmp_path):
    later = SCORES.assign(
        onset=SCORES["onset"] + 60, offset=SCORES["offset"] + 60
    )
    dog = [(59.0, 60.5, "Dog")]  # began before
    figure = plot_detection(
        LOG_MEL, 1.5, later, None, dog, tmp_path / "a.png", start=60.0
    )
    assert titles(figure) == ["log-mel", "scores", "detected"]
    assert figure.axes[0].images[0].get_extent()[:2] == [60.0, 61.5]
    assert figure.axes[-1].get_xlim() == (60.0, 61.5)
    assert tracks(figure.axes[-1]) == {"Dog": [(59.0, 60.5)]}


def test_where_nothing_sounds_the_highest_score_is_shown(tmp_path):
    figure = plot_detection(LOG_MEL, 1.5, SCORES, None, [], tmp_path / "a.svg")
    assert tracks(figure.axes[-1]) == {"Dog": []}
    assert len(figure.axes[1].patches) == 1


@pytest.mark.parametrize("factor, top", [(1.0, 1.03), (5.0, 4.5)])
def test_probabilities_have_one_scale(tmp_path, factor, top):
    scores = scores_table(factor * MATRIX, 0.5, LABELS)
    figure = plot_detection(LOG_MEL, 1.5, scores, DOG, [], tmp_path / "a.png")
    low, high = figure.axes[1].get_ylim()
    assert low <= 0 and high >= top


def test_the_name_is_checked_first(tmp_path):
    with pytest.raises(InputError, match="a.jpeg cannot be drawn"):
        plot_detection(LOG_MEL, 1.5, SCORES, None, [], tmp_path / "a.jpeg")
