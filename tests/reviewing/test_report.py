"""From answers to thresholds, calibration and figures that can be trusted."""

import json

import numpy as np
import pandas as pd
import pytest

from sb_sed.errors import InputError
from sb_sed.reviewing.boxes import cut_windows, find_boxes, reviewable
from sb_sed.reviewing.estimate import Estimate, interval
from sb_sed.reviewing.evidence import gather
from sb_sed.reviewing.listener import Listener
from sb_sed.reviewing.report import format_review, tune_by_reviews
from sb_sed.reviewing.sampling import draw
from sb_sed.scoring.collar import event_counts
from sb_sed.smoothing.hmm import HMMSmoother
from sb_sed.smoothing.sebbs import SEBBsSmoother
from sb_sed.smoothing.threshold import ThresholdSmoother

CLASSES = ["Cat", "Dog"]


def reviewed(clips, smoother, n=150, seed=0, errors=0.0, **options):
    scores, reference = clips
    boxes, windows = find_boxes(smoother, scores), cut_windows(scores)
    thresholds = dict.fromkeys(CLASSES, 0.5)
    items = draw(boxes, windows, thresholds, n, seed=seed, **options)
    return Listener(reference, errors, seed)(items, boxes)


def test_who_hears_all_knows_all(clips, smoother):
    """With every box judged, the figures are sed_eval's."""
    scores, reference = clips
    reviews = reviewed(clips, smoother, 10**5, silence=90 / 10**5)
    tuned, report = tune_by_reviews(smoother, scores, reviews, n_draws=20)
    events = tuned(scores)[["filename", "onset", "offset", "event_label"]]
    counts = event_counts(reference, events)
    assert report.after.value == pytest.approx(counts.f1()["macro"], abs=2e-3)
    for row in report.classes:
        column = counts.classes.index(row.label)
        hits, found, true = (
            n[:, column].sum()
            for n in (counts.hits, counts.estimate, counts.reference)
        )
        assert row.precision.value == pytest.approx(hits / found, abs=1e-6)
        assert row.recall.value == pytest.approx(hits / true, rel=0.02)


def test_thresholds_follow_the_answers(clips, smoother):
    """The overconfident class gets a higher one, near the best of all."""
    scores, reference = clips
    tuned, report = tune_by_reviews(
        smoother, scores, reviewed(clips, smoother, 200), n_draws=20
    )
    cat, dog = report.classes
    assert (cat.label, dog.label) == ("Cat", "Dog")
    assert cat.threshold < dog.threshold

    def macro(one):
        events = one(scores)[["filename", "onset", "offset", "event_label"]]
        return event_counts(reference, events).f1()["macro"]

    best = max(
        macro(smoother.at({"Cat": c, "Dog": d}))
        for c in (0.15, 0.3, 0.45)
        for d in (0.5, 0.7, 0.85)
    )
    start = macro(smoother)
    assert macro(tuned) - start > 0.7 * (best - start) > 0


def test_confidences_become_probabilities(clips, smoother):
    scores, reference = clips
    reviews = reviewed(clips, smoother, 200)
    boxes = find_boxes(smoother, scores)
    truth = Listener(reference)(boxes.assign(probability=1.0), boxes)
    right = (truth["answer"] == "right").to_numpy()

    def error(p):
        place = np.minimum((5 * p).astype(int), 4)
        return np.abs(np.bincount(place, p - right)).sum() / len(p)

    before = error(boxes["confidence"].to_numpy())
    for isotonic in (False, True):
        tuned, _ = tune_by_reviews(
            smoother, scores, reviews, isotonic=isotonic, n_draws=1
        )
        after = tuned.calibration(boxes["event_label"], boxes["confidence"])
        assert error(after) < 0.5 * before


def test_intervals_hold_what_is_true(clips, smoother):
    """Not a proof of 95 %, for which there is a benchmark."""
    scores, reference = clips
    boxes, windows = find_boxes(smoother, scores), cut_windows(scores)
    at = {"Cat": 0.4, "Dog": 0.7}
    counts = event_counts(reference, smoother.at(at)(scores).iloc[:, :4])
    hits, found = counts.hits.sum(0), counts.estimate.sum(0)
    true = {
        "precision": hits / found,
        "recall": hits / counts.reference.sum(0),
        "f1": 2 * hits / (found + counts.reference.sum(0)),
    }
    held = {name: [] for name in true}
    for seed in range(10):
        reviews = reviewed(clips, smoother, 100, seed=seed)
        evidence = gather(reviews, boxes, CLASSES)
        figures = Estimate(boxes, evidence, CLASSES, len(windows), 60, seed).at(
            at
        )
        for name, value in true.items():
            low, high = interval(getattr(figures, name))
            held[name] += ((low <= value) & (value <= high)).tolist()
            assert (high - low).max() < 0.6
    assert all(np.mean(values) > 0.8 for values in held.values())


def test_few_answers_are_warned_of(clips, smoother):
    scores, _ = clips
    few = reviewed(clips, smoother, 20)
    _, report = tune_by_reviews(smoother, scores, few, n_draws=50)
    assert any("more would make" in text for text in report.warnings)
    silent = few[few["event_label"].notna() & (few["event_label"] == "Cat")]
    _, report = tune_by_reviews(smoother, scores, silent, n_draws=20)
    assert any("Dog has no answer" in text for text in report.warnings)
    assert any("No window" in text for text in report.warnings)
    text = format_review(report)
    assert "–" in text and "Dog has no answer" in text
    assert json.loads(json.dumps(report.as_dict()))["after"]["value"] is None


def test_the_right_class_can_suffice(clips, smoother):
    reviews = reviewed(clips, smoother, 150)
    boxes = find_boxes(smoother, clips[0])
    events, classes = (
        gather(reviews, boxes, CLASSES, by_class=flag).hit
        for flag in (False, True)
    )
    assert (events <= classes).all() and events.sum() < classes.sum()
    assert classes.sum() == reviews["answer"].isin(["right", "boundary"]).sum()


def test_the_same_seed_the_same_report(clips, smoother):
    scores, _ = clips
    reviews = reviewed(clips, smoother, 60)
    one, other = (
        tune_by_reviews(smoother, scores, reviews, n_draws=20, seed=1)[1]
        for _ in range(2)
    )
    assert one == other


def test_reviews_of_something_else_are_refused(clips, smoother):
    scores, _ = clips
    reviews = reviewed(clips, smoother, 30)
    other = smoother.at(0.5)
    other.parameters["filter"] = 3.0
    with pytest.raises(InputError, match="none of these scores"):
        tune_by_reviews(other, scores, reviews)
    unsure = reviews.assign(answer="unsure")
    with pytest.raises(InputError, match="No detection is judged"):
        tune_by_reviews(smoother, scores, unsure)


def test_a_corrected_boundary_within_the_collars_is_right(clips, smoother):
    scores, _ = clips
    boxes = find_boxes(smoother, scores)
    box = boxes.iloc[:2].assign(
        probability=0.5,
        answer="boundary",
        true_onset=[boxes["onset"][0] + 0.1, boxes["onset"][1] + 0.3],
        true_offset=boxes["offset"][:2] + 0.1,
        true_label=boxes["event_label"][:2],
    )
    evidence = gather(box, boxes, CLASSES)
    assert evidence.hit.tolist() == [1.0, 0.0]
    assert evidence.event.tolist() == [1.0, 1.0]
    assert evidence.weight.tolist() == [2.0, 2.0]


def test_what_can_be_reviewed():
    sebbs = SEBBsSmoother({"filter": 0.4, "merge": 0.2, "threshold": 0.3})
    assert reviewable(sebbs).parameters == sebbs.parameters
    hmm = reviewable(HMMSmoother({"p_sil": 0.9, "p_event": 0.9}))
    assert hmm.keeps_extents and hmm.parameters["threshold"] == 0
    for other in (ThresholdSmoother(0.3, clip_gate=True), None):
        got = reviewable(other)
        assert got.name == "sebbs"
        assert got.clip_gate == bool(other)


def test_events_in_two_windows_count_once(clips, smoother):
    scores, _ = clips
    boxes = find_boxes(smoother, scores)
    row = ["0.wav", 0.0, 5.0, np.nan, np.nan, 0.1]
    other = ["0.wav", 5.0, 10.0, np.nan, np.nan, 0.1]
    none = [np.nan] * 3
    judged = [*boxes.iloc[0].tolist(), 0.1, "right", *none]
    across = ["missed", 4.5, 5.5, "Dog"]
    reviews = pd.DataFrame(
        [
            judged,
            [*row, "checked", *none],
            [*other, "checked", *none],
            [*row, *across],
            [*other, *across],
        ],
        columns=[*boxes.columns, "probability", "answer"]
        + ["true_onset", "true_offset", "true_label"],
    )
    missed = gather(reviews, boxes, CLASSES).missed
    assert missed.tolist() == [[0, 1], [0, 0]]
