"""Detections at all thresholds, against thresholding at each of them."""

import numpy as np
import pytest

from sb_sed.formats import Event
from sb_sed.scoring.intersections import (
    Steps,
    Tolerances,
    TrueFile,
    detections,
)


def _active_runs(scores, threshold):
    """First frame and the one behind the last of each run of active frames."""
    active = np.concatenate([[False], scores >= threshold, [False]])
    active[1:-1] &= scores > -np.inf
    return {
        *zip(*np.flatnonzero(np.diff(active)).reshape(-1, 2).T, strict=True)
    }


def _scores(seed):
    random = np.random.default_rng(seed)
    n_frames = int(random.integers(1, 30))
    levels = np.array([-np.inf, -2, 0, 0.1, 0.5, 1])
    return [
        random.choice(levels, n_frames),
        random.normal(0, 1, n_frames),
        np.full(n_frames, random.choice(levels)),
    ][seed % 3]


@pytest.mark.parametrize("seed", range(30))
def test_detections_are_those_of_each_threshold(seed):
    scores = _scores(seed)
    runs = detections(scores)
    assert len(runs.begin) <= len(scores)
    for threshold in {*scores, -5, 0.05, 0.3, 2} - {-np.inf}:
        there = (runs.low < threshold) & (threshold <= runs.high)
        found = list(zip(runs.begin[there], runs.end[there], strict=True))
        assert {*found} == _active_runs(scores, threshold)
        assert len({*found}) == len(found)


@pytest.mark.parametrize("seed", range(30))
def test_counts_are_those_of_each_threshold(seed):
    random = np.random.default_rng(seed)
    scores = _scores(seed)
    edges = np.cumsum([0, *random.uniform(0.1, 1, len(scores))])
    times = np.sort(random.uniform(0, edges[-1] + 1, 12)).reshape(-1, 2)
    events = [
        Event(*pair, "ABC"[random.integers(3)]) for pair in times.tolist()
    ]
    tolerances, cttc = Tolerances(dtc=0.3, gtc=0.4), 0.2
    weights = {"A": 100.0, "B": 1.0, "C": 0.01}
    file, runs = TrueFile(events, edges), detections(scores)
    crossed = file.cross_triggers("A", runs, cttc, weights)
    level, counts = file.steps("A", runs, tolerances, crossed).points()
    assert (np.diff(level) < 0).all()
    for threshold in {*scores, 0.05, 0.3, 2} - {-np.inf}:
        point = counts[np.searchsorted(-level, -threshold, side="right") - 1]
        np.testing.assert_allclose(
            point,
            _counted(
                events,
                [
                    (edges[a], edges[b])
                    for a, b in _active_runs(scores, threshold)
                ],
                tolerances,
                cttc,
                weights,
            ),
            atol=1e-9,
        )


def _counted(events, found, tolerances, cttc, weights):
    """True and false positives and cross triggers of class A, one by one."""

    def shared(detection, event):
        return max(0, min(detection[1], event[1]) - max(detection[0], event[0]))

    def share_in(detection, label):
        inside = sum(shared(detection, e) for e in events if e[2] == label)
        return inside / (detection[1] - detection[0])

    right = [x for x in found if share_in(x, "A") >= tolerances.dtc]
    wrong = [x for x in found if x not in right]
    hits = [
        sum(shared(x, event) for x in right) / (event[1] - event[0])
        for event in events
        if event[2] == "A"
    ]
    return [
        sum(share >= tolerances.gtc for share in hits),
        len(wrong),
        sum(
            weights[other]
            for other in "BC"
            for x in wrong
            if share_in(x, other) >= cttc
        ),
    ]


def test_steps_of_parts_add_up():
    one = Steps(np.array([0.5, 0.5, 0.1]), np.array([[1.0], [2.0], [-1.0]]))
    two = Steps(np.array([0.7, 0.1]), np.array([[1.0], [1.0]]))
    level, counts = Steps.joined([one, two]).points()
    assert level.tolist() == [np.inf, 0.7, 0.5, 0.1]
    assert counts[:, 0].tolist() == [0, 1, 4, 4]
