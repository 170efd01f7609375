"""Scores of parts of a test set."""

import numpy as np

from sb_sed.scoring.breakdown import OTHER, breakdown
from sb_sed.scoring.counts import Counts


def counts_of(n_files):
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 5, (n_files, 3))
    estimate = rng.integers(0, 5, (n_files, 3))
    hits = np.minimum(reference, estimate) // 2
    names = [f"clip{number:02d}" for number in range(n_files)]
    return Counts(names, ["a", "b", "c"], reference, estimate, hits)


def test_each_part_is_scored_as_if_alone():
    counts = counts_of(20)
    rooms = {
        f"{name}.flac": {"room": "kitchen" if number % 4 else "hall;kitchen"}
        for number, name in enumerate(counts.files)
    }
    kitchen, hall = breakdown(counts, rooms)
    assert (kitchen.value, len(kitchen.files)) == ("kitchen", 20)
    assert kitchen.f1 == counts.f1()["macro"]
    assert kitchen.interval == counts.intervals()["macro"]
    alone = Counts(
        counts.files[::4],
        counts.classes,
        counts.reference[::4],
        counts.estimate[::4],
        counts.hits[::4],
    )
    assert (hall.value, hall.files) == ("hall", counts.files[::4])
    assert hall.f1 == alone.f1()["macro"]
    assert hall.interval == alone.intervals()["macro"]
    assert hall.n_events == alone.reference.sum()


def test_rare_values_are_one_and_descriptions_none():
    counts = counts_of(40)
    metadata = {
        name: {
            "device": f"device{number % 13}" if number < 30 else "phone",
            "text": f"text {number}",
            "empty": "",
        }
        for number, name in enumerate(counts.files)
    }
    groups = breakdown(counts, metadata)
    assert {group.column for group in groups} == {"device"}
    assert [group.value for group in groups][0] == "phone"
    assert groups[-1].value == OTHER and len(groups) == 13
    assert sum(len(group.files) for group in groups) == 40
