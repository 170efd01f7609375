"""Clips of what a listener was asked about."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from sb_sed.cli.main import main
from sb_sed.data.reviewed import cut_reviewed, origin, reviewed_parts
from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, read_events, write_events
from sb_sed.formats.judged import read_judged
from sb_sed.formats.reviews import REVIEW_COLUMNS, write_reviews

NAN = np.nan
OWL = "Owl", 0.5, 1.0
ROWS = [
    ["x/a.wav", 2.0, 3.0, *OWL, "boundary", 1.5, 3.25, "Owl"],
    ["x/a.wav", 4.0, 4.5, *OWL, "right", NAN, NAN, None],
    ["x/a.wav", 8.0, 8.5, *OWL, "wrong", NAN, NAN, None],
    ["x/a.wav", 8.9, 9.0, *OWL, "unsure", NAN, NAN, None],
    ["b.wav", 0.2, 1.0, *OWL, "wrong", NAN, NAN, "Wren"],
    ["b.wav", 0.2, 1.0, *OWL, "missed", 5.0, 5.5, "Owl"],
    ["b.wav", 7.0, 8.0, *OWL, "wrong", NAN, NAN, None],
    ["b.wav", 0.0, 9.0, None, NAN, 0.5, "checked", NAN, NAN, None],
]


@pytest.fixture
def reviews():
    return pd.DataFrame(ROWS, columns=REVIEW_COLUMNS)


@pytest.fixture
def recordings(tmp_path):
    """Samples that say when they are."""
    paths = {}
    for name in ("x/a.wav", "b.wav"):
        paths[name] = tmp_path / "recordings" / name
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        sf.write(paths[name], np.arange(9000) / 10000, 1000)
    return paths


def test_parts_hold_what_was_asked_about(reviews):
    parts = reviewed_parts(reviews)
    assert parts.values.tolist() == [
        ["b.wav", 0.0, 1.5, ("Owl", "Wren")],
        ["b.wav", 4.5, 6.0, ("Owl",)],
        ["b.wav", 6.5, 8.5, ("Owl",)],
        # Two that touch; that beside what is not sure is left out.
        ["x/a.wav", 1.0, 5.0, ("Owl",)],
    ]


def test_windows_are_known_but_for_what_was_not_asked_about(reviews):
    asked = reviews[reviews["answer"].isin(["right", "boundary", "wrong"])]
    boxes = asked[EVENT_COLUMNS].copy()
    boxes["onset"] += 4e-4  # tables round
    parts = reviewed_parts(reviews, boxes)
    # The parts of b.wav are in the window.
    assert parts["filename"].tolist() == ["b.wav", "x/a.wav"]
    window = ["b.wav", 0.0, 9.0, ("Owl", "Wren")]
    assert parts.values.tolist()[0] == window
    rest = [["b.wav", 3.0, 4.0, "Wren"], ["b.wav", 9.0, 9.5, "Owl"]]
    rest = pd.DataFrame(rest, columns=EVENT_COLUMNS)
    parts = reviewed_parts(reviews, pd.concat([boxes, rest]))
    assert parts.values.tolist()[:2] == [
        ["b.wav", 0.0, 1.5, ("Owl", "Wren")],
        ["b.wav", 0.0, 9.0, ("Owl",)],
    ]
    rest["event_label"] = ["Wren", "Owl"]
    rest["offset"], rest["onset"] = 4.0, 3.0
    parts = reviewed_parts(reviews, pd.concat([boxes, rest]))
    assert 9.0 not in parts["offset"].tolist()


def test_clips_have_the_samples_and_events_of_their_parts(
    reviews, recordings, tmp_path
):
    folder = tmp_path / "clips"
    rounds = [(reviews[:4], None), (reviews[4:], None)]
    events, judged, skipped = cut_reviewed(rounds, recordings, folder, 5.0)
    assert not skipped and sorted(judged) == sorted(
        path.name for path in folder.iterdir()
    )
    last = "x__a@00000500-00005500.wav"
    assert [*judged] == [
        "b@00000000-00005000.wav",
        "b@00004000-00009000.wav",
        last,
    ]
    assert origin(f"reviewed/{last}") == "x__a"
    samples, rate = sf.read(folder / last)
    assert rate == 1000 and samples == pytest.approx(
        np.arange(500, 5500) / 10000, abs=1e-4
    )
    assert events[events["filename"] == last].values.tolist() == [
        [last, 1.0, 2.75, "Owl"],
        [last, 3.5, 4.0, "Owl"],
    ]
    assert judged[last] == [(0.5, 4.5, "Owl")]
    # The part that ends at 6 s is in both clips, the first as far as it goes.
    assert judged["b@00000000-00005000.wav"] == [
        (0.0, 1.5, "Owl"),
        (0.0, 1.5, "Wren"),
        (4.5, 5.0, "Owl"),
    ]
    assert judged["b@00004000-00009000.wav"] == [
        (0.5, 2.0, "Owl"),
        (2.5, 4.5, "Owl"),
    ]


def test_the_command_cuts(reviews, recordings, tmp_path, capsys):
    table, audio = tmp_path / "reviews.tsv", tmp_path / "recordings"
    write_reviews(reviews, table)
    recordings["b.wav"].write_text("no sound")
    events = tmp_path / "events.tsv"
    given = ["reviews-to-events", table, events]
    cut = [*given, "--clips", tmp_path / "clips", "--recordings", audio]
    assert main([*map(str, cut)]) == 0
    assert "b.wav was skipped" in capsys.readouterr().err
    found, clip = read_events(events), "x__a@00000000-00009000.wav"
    assert set(found["filename"]) == {clip}
    assert read_judged(events) == {clip: [(1.0, 5.0, "Owl")]}
    assert main([*map(str, cut[:-2])]) == 2
    assert "go together" in capsys.readouterr().err
    twice = [*cut, "--detections", table, "--detections", table]
    assert main([*map(str, twice)]) == 2
    assert "one for each" in capsys.readouterr().err
    with pytest.raises(InputError, match="No part of the recordings can be"):
        only = reviews[reviews["filename"] == "b.wav"]
        cut_reviewed([(only, None)], recordings, tmp_path / "clips")
    with pytest.raises(InputError, match="no event that is right"):
        unsure = reviews[reviews["answer"] == "unsure"]
        cut_reviewed([(unsure, None)], recordings, tmp_path / "clips")


def test_detections_beside_the_reviews_say_what_windows_show(
    reviews, recordings, tmp_path
):
    table, events = tmp_path / "review/reviews.tsv", tmp_path / "events.tsv"
    table.parent.mkdir()
    write_reviews(reviews, table)
    cut = ["reviews-to-events", table, events, "--clips", tmp_path / "clips"]
    cut += ["--recordings", tmp_path / "recordings"]
    boxes = reviews.dropna(subset=["event_label"])
    boxes = boxes[boxes["answer"] != "missed"]
    whole = (0.0, 9.0)
    for asked, known in ((boxes, 2), (boxes[boxes["offset"] != 8.0], 1)):
        write_events(boxes, table.with_name("detections.tsv"))
        write_reviews(
            pd.concat([asked, reviews[reviews["answer"] == "checked"]]), table
        )
        assert main([*map(str, cut)]) == 0
        parts = read_judged(events)["b@00000000-00009000.wav"]
        assert sum((x.onset, x.offset) == whole for x in parts) == known
