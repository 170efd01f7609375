"""The commands review, tune --reviews and reviews-to-events."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from scipy.special import expit

from sb_sed.cli.main import main
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_events,
    read_scores,
    scores_table,
    write_events,
    write_scores,
)
from sb_sed.formats.reviews import (
    REVIEW_COLUMNS,
    read_reviews,
    write_reviews,
)
from sb_sed.reviewing.listener import Listener
from sb_sed.smoothing.saved import load_smoother, save_smoother
from sb_sed.smoothing.sebbs import SEBBsSmoother


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Sounds, scores and the truth; the detector is overconfident."""
    folder = tmp_path_factory.mktemp("recordings")
    generator = np.random.default_rng(0)
    scores, events = {}, []
    for n in range(12):
        sf.write(folder / f"{n}.wav", generator.normal(0, 0.1, 80_000), 8000)
        matrix = np.full((100, 1), 0.01)
        for second in range(1, 9, 2):
            odds = generator.uniform(-2, 4)
            matrix[10 * second : 10 * second + 7] = expit(odds)
            if generator.random() < expit(odds - 2):
                events.append((f"{n}.wav", second, second + 0.7, "Dog"))
        scores[f"{n}"] = scores_table(matrix, 0.1, ["Dog"])
    write_scores(scores, folder / "scores")
    reference = pd.DataFrame(events, columns=EVENT_COLUMNS)
    parameters = {"filter": 0.2, "merge": 0.2, "threshold": 0.5}
    save_smoother(SEBBsSmoother(parameters), folder / "smoother.json")
    return folder, reference


def items_of(page: Path) -> pd.DataFrame:
    """The questions of a page, as its script has them."""
    text = re.search(r'id="data">(.*?)</script>', page.read_text(), re.S)[1]
    rows = [one["row"].split("\t") for one in json.loads(text)["items"]]
    items = pd.DataFrame(rows, columns=REVIEW_COLUMNS[:6])
    items["event_label"] = items["event_label"].replace("", None)
    items["confidence"] = items["confidence"].replace("", None)
    numbers = ["onset", "offset", "confidence", "probability"]
    return items.astype(dict.fromkeys(numbers, float))


def run(*arguments) -> int:
    return main([*map(str, arguments)])


def test_from_recordings_to_probabilities(recordings, tmp_path, capsys):
    folder, reference = recordings
    page = tmp_path / "review" / "index.html"
    options = ["--scores", folder / "scores", "--answers", 40]
    options += ["--smoother", folder / "smoother.json"]
    assert run("review", folder, *options, "--output", page.parent) == 0
    assert capsys.readouterr().out == f"{page}\n"
    items = items_of(page)
    assert len(items) == 40 and items["event_label"].isna().sum() == 4
    reviews = Listener(reference)(items, items.dropna())
    write_reviews(reviews, tmp_path / "reviews.tsv")
    # The next questions are others, and the page saves the answers of both.
    after = ["--after", tmp_path / "reviews.tsv", "--answers", 5]
    again = tmp_path / "again"
    rest = [*options[:2], *options[4:], *after]
    assert run("review", folder, *rest, "--output", again) == 0
    assert capsys.readouterr().out == f"{again / 'index.html'}\n"
    asked = ["filename", "onset", "event_label"]
    both = pd.concat([items, items_of(again / "index.html")])
    assert len(both) == 45 and not both.duplicated(asked).any()
    text = (again / "index.html").read_text()
    before = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert len(before["before"]) == len(reviews)
    tuned = tmp_path / "tuned.json"
    assert (
        run(
            *("tune", folder / "scores", "--reviews", tmp_path / "reviews.tsv"),
            *("--save", tuned, "--json", tmp_path / "report.json"),
        )
        == 0
    )
    text = capsys.readouterr().out
    assert "Expected macro F1" in text and "4 windows" in text
    report = json.loads((tmp_path / "report.json").read_text())
    [dog] = report["classes"]
    assert dog["answers"] == 36 and dog["threshold"] > 0.5
    assert dog["precision"]["low"] < dog["precision"]["value"]
    smoother = load_smoother(tuned, ["Dog"])
    assert smoother.parameters["Dog"]["threshold"] == dog["threshold"]
    high = smoother.calibration(["Dog"], np.array([0.9]))[0]
    assert 0.2 < high < 0.8  # it is right in half of these cases
    events = tmp_path / "events.tsv"
    assert run("reviews-to-events", tmp_path / "reviews.tsv", events) == 0
    assert set(read_events(events)["event_label"]) == {"Dog"}


def test_what_was_interrupted_goes_on(recordings, tmp_path, monkeypatch):
    """Scores that a detector has written are not computed again."""
    from sb_sed.inference import batch
    from sb_sed.inference.source import Source

    folder, _ = recordings
    scores = read_scores(folder / "scores")
    smoother = load_smoother(folder / "smoother.json")
    detector = SimpleNamespace(smoother=smoother)
    scored = []

    def detect_files(_, files, threads, outputs):
        for name, path in files.items():
            scored.append(name)
            table = scores[name.removesuffix(".wav")]
            result = batch.FileResult(name, 10.0, scores=table)
            batch.write_outputs(outputs, result, path)
            yield result

    monkeypatch.setattr(Source, "load", lambda _: detector)
    monkeypatch.setattr(batch, "detect_files", detect_files)
    output = tmp_path / "out"
    command = ["review", "yamnet", folder, "--output", output]
    command += ["--answers", 9]
    assert run(*command) == 0
    page = (output / "index.html").read_text()
    assert len(scored) == 12
    assert {x.name for x in output.iterdir()} == {
        *("detections.tsv", "index.html", "scores"),
        *("smoother.json", "sounds"),
    }
    (output / "scores" / "3.tsv").unlink()
    assert run(*command) == 0
    assert scored[12:] == ["3.wav"]
    assert (output / "index.html").read_text() == page


def test_events_that_are_there_can_be_reviewed(recordings, tmp_path, capsys):
    folder, reference = recordings
    found = reference.assign(confidence=0.4, event_label="Bark")[:5]
    table = tmp_path / "found.tsv"
    write_events(found, table)
    options = ["--detections", table, "--output", tmp_path / "out"]
    assert run("review", folder, *options, "--silence", 0) == 0
    items = items_of(tmp_path / "out/index.html")
    assert items["event_label"].eq("Bark").all() and len(items) == len(found)
    assert items["probability"].eq(1).all()
    assert {x.name for x in (tmp_path / "out").iterdir()} == {
        *("detections.tsv", "index.html", "sounds")
    }
    assert run("review", folder, *options, "--answers", 20) == 0
    items = items_of(tmp_path / "out/index.html")
    assert items["event_label"].isna().sum() == 2
    scores = ["--scores", folder / "scores"]
    assert run("review", folder, *options, *scores) == 2
    assert "are events already" in capsys.readouterr().err
    write_events(reference, table)
    assert run("review", folder, *options) == 2
    assert "no events with a confidence" in capsys.readouterr().err


def test_what_does_not_fit_is_named(recordings, tmp_path, capsys):
    folder, _ = recordings
    assert run("tune", folder / "scores") == 2
    assert "Give REFERENCE.tsv or --reviews" in capsys.readouterr().err
    assert run("tune", folder / "scores", "x.tsv", "--smoother", "hm") == 2
    assert "no smoother 'hm'" in capsys.readouterr().err
    reviews = tmp_path / "reviews.tsv"
    row = ["0.wav", 1.0, 1.5, "Dog", 0.7, 0.1, "right", None, None, None]
    write_reviews(pd.DataFrame([row], columns=REVIEW_COLUMNS), reviews)
    assert len(read_reviews(reviews)) == 1
    assert run("tune", folder / "scores", "--reviews", reviews) == 2
    assert "are none of these scores" in capsys.readouterr().err
    write_scores({"0": scores_table([[0.1]], 1.0, ["Dog"])}, tmp_path / "s")
    assert run("tune", tmp_path / "s", "--reviews", reviews) == 2
    assert "which sb-sed review writes" in capsys.readouterr().err
    assert run("reviews-to-events", reviews, reviews) == 2
    assert "what is read" in capsys.readouterr().err
