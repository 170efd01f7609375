"""One recording under several names, several of one stem: none is mistaken."""

import json
import unicodedata

import pandas as pd
import pytest

from sb_sed.cli.main import main
from sb_sed.formats import (
    EVENT_COLUMNS,
    read_events,
    read_scores,
    scores_table,
    write_events,
    write_scores,
)
from sb_sed.smoothing.saved import save_smoother
from sb_sed.smoothing.threshold import ThresholdSmoother

# Right, but for which of the two twins.
REFERENCE = [
    ["k.wav", 1, 2, "Dog"],
    ["k.mp3", 5, 6, "Dog"],
    ["s.wav", 1, 2, "Dog"],
]
SWAPPED = [["k.wav", 5, 6, "Dog"], ["k.mp3", 1, 2, "Dog"], REFERENCE[2]]


def write(path, rows):
    write_events(pd.DataFrame(rows, columns=EVENT_COLUMNS), path)


def scored(frames, name):
    """Scores of a recording: 1 in the frames (of 1 s) of its dog."""
    matrix = [[float(second in frames), 0.0] for second in range(8)]
    return {name: scores_table(matrix, 1.0, ["Dog", "Cat"])}


def macro_f1():
    with open("report.json") as file:
        return json.load(file)["event_f1"]["macro"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


SPELLINGS = {
    "as it is": lambda x: x,
    "folder": lambda x: f"audio/{x}",
    "absolute": lambda x: f"/data/audio/{x}",
    "Windows": lambda x: f"C:\\audio\\{x}",
    "here": lambda x: f"./{x}",
    "NFC": lambda x: unicodedata.normalize("NFC", x),
    "NFD": lambda x: unicodedata.normalize("NFD", x),
    "other extension": lambda x: x.replace(".wav", ".flac"),
    "no extension": lambda x: x.replace(".wav", ""),
}


@pytest.mark.parametrize("one", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("other", SPELLINGS.values(), ids=SPELLINGS)
def test_score_knows_other_spellings(here, capsys, one, other):
    write(
        "ours.tsv",
        [[one("café.wav"), 1, 2, "Dog"], [one("b.wav"), 1, 2, "Cat"]],
    )
    write(
        "theirs.tsv",
        [[other("café.wav"), 1, 2, "Dog"], [other("b.wav"), 1, 3, "Cat"]],
    )
    assert main("score ours.tsv theirs.tsv --json report.json".split()) == 0
    assert macro_f1() == 0.5
    out = capsys.readouterr().out
    assert "2 of 2 reference files" in out
    assert "among the events" not in out and "not in the reference" not in out


@pytest.mark.parametrize("command", ["score {} reference.tsv",
    "tune {} reference.tsv --smoother threshold --splits 1",
    "report {} reference.tsv --output page.html"])  # fmt: skip
def test_nothing_in_common(here, capsys, command):
    rows = [["IMG 1.wav", 1, 2, "Dog"], ["IMG 2.wav", 1, 2, "Dog"]]
    write("reference.tsv", rows)
    write_scores(scored([1], "img 1") | scored([2], "img 2"), "scores")
    assert main(command.format("scores").split()) == 2
    err = capsys.readouterr().err
    assert "'IMG 1.wav', the other 'img 1'" in err and "capital letters" in err
    assert err.count("\n") == 1 and not (here / "page.html").exists()
    write("events.tsv", [["img 1.wav", 1, 2, "Dog"]])
    if command.startswith("score"):
        assert main(["score", "events.tsv", "reference.tsv"]) == 2
        assert "is among the events" in capsys.readouterr().err
    if command.startswith("report"):
        write("reference.tsv", [["img 1.wav", 1, 2, "Dog"]])
        write("events.tsv", rows)
        assert (
            main([*command.format("scores").split(), "--events", "events.tsv"])
            == 2
        )
        assert (
            "No file of the scores is among the events"
            in capsys.readouterr().err
        )


def test_files_that_are_partly_the_same_are_noted(here, capsys):
    write("reference.tsv", [["a.wav", 1, 2, "Dog"], ["b.wav", 1, 2, "Dog"]])
    write("events.tsv", [["x/a.wav", 1, 2, "Dog"], ["B.wav", 1, 2, "Dog"]])
    assert (
        main("score events.tsv reference.tsv --json report.json".split()) == 0
    )
    notes = " ".join(json.loads((here / "report.json").read_text())["notes"])
    assert macro_f1() == pytest.approx(2 / 3)
    assert "1 analysed files are not in the reference" in notes
    assert "matched though their folders differ (first: x/a.wav" in notes


@pytest.mark.parametrize("names", [("k.wav", "k.mp3"), ("site.A", "site.B")])
def test_score_keeps_twins_apart(here, names):
    def renamed(rows):
        new = dict(zip(("k.wav", "k.mp3"), names, strict=True))
        return [[new.get(name, name), *rest] for name, *rest in rows]

    write("reference.tsv", renamed(REFERENCE))
    write("events.tsv", renamed(SWAPPED))
    line = "score {} reference.tsv --durations d.tsv --json report.json"
    main("score events.tsv reference.tsv --json report.json".split())
    assert macro_f1() == pytest.approx(1 / 3)
    main("score reference.tsv reference.tsv --json report.json".split())
    assert macro_f1() == 1
    (here / "d.tsv").write_text(
        f"filename\tduration\n{names[0]}\t8\n{names[1]}\t8.0\ns.wav\t8\n"
    )
    for folder, frames, expected in (
        ("right", (1, 5), 1),
        ("wrong", (5, 1), 1 / 3),
    ):
        scores = scored(frames[:1], names[0]) | scored(frames[1:], names[1])
        write_scores(scores | scored([1], "s"), folder)
        assert main(line.format(folder).split()) == 0
        assert macro_f1() == pytest.approx(expected)
        psds = json.loads((here / "report.json").read_text())["psds"]["2020"]
        # Two false alarms in 24 s are more than 100 an hour.
        assert psds == int(expected)


def test_tables_that_may_be_of_either_twin_are_refused(here, capsys):
    write("reference.tsv", REFERENCE)
    write_scores(scored([1], "k") | scored([1], "s"), "scores")
    for command in ("score", "tune", "report"):
        assert main([command, "scores", "reference.tsv"]) == 2
        assert (
            "'k' of the scores can be 'k.wav' or 'k.mp3'"
            in capsys.readouterr().err
        )


def test_tune_keeps_twins_apart(here):
    rows = [[f"f{i}.wav", 1, 2, "Dog"] for i in range(4)]
    write("reference.tsv", REFERENCE[:2] + rows)
    tables = {}
    for name, frames in (("k.wav", [1]), ("k.mp3", [5])):
        tables |= scored(frames, name)
    for row in rows:
        tables |= scored([1], row[0].removesuffix(".wav"))
    write_scores(tables, "scores")
    line = "tune scores reference.tsv --smoother threshold --splits 1"
    assert main([*line.split(), "--json", "tuning.json"]) == 0
    report = json.loads((here / "tuning.json").read_text())
    assert report["n_files"] == 6
    assert report["tuned"]["mean"] == 1, report


def test_detected_folders_fit_the_reference(here, exported, make_wav):
    """``detect parent/`` names folders that the reference does not."""
    for name in ("one/a.wav", "one/b.wav", "two/deep/c.wav"):
        make_wav(f"parent/{name}", 3.0, 1000)
    save_smoother(ThresholdSmoother(0.1), here / "smoother.json")
    line = "detect exported parent --output e.tsv --scores scores"
    assert main([*line.split(), "--smoother", "smoother.json"]) == 0
    found = read_events("e.tsv")
    assert len(found.dropna()) > 0
    found["filename"] = found["filename"].str.replace(".*/", "", regex=True)
    write_events(found, "reference.tsv")
    for detections in ("e.tsv", "scores"):
        line = f"score {detections} reference.tsv --json report.json"
        assert main(line.split()) == 0
        report = json.loads((here / "report.json").read_text())
        assert report["n_files"] == report["n_reference"] == 3
        if detections == "e.tsv":
            assert macro_f1() == 1


def test_detect_writes_a_table_for_each_twin(here, exported, make_wav):
    for seed, name in enumerate(("k.wav", "k.flac", "s.wav")):
        make_wav(f"audio/{name}", 3.0 + seed, 1000, seed=seed)
    line = "detect exported audio --output e.tsv --scores scores --threads 1"
    assert main(line.split()) == 0
    tables = read_scores("scores")
    assert sorted(tables) == ["k.flac", "k.wav", "s"]
    ends = {name: round(t["offset"].iloc[-1]) for name, t in tables.items()}
    assert ends == {"k.wav": 3, "k.flac": 4, "s": 5}
    assert main("score scores e.tsv --json report.json".split()) == 0
    report = json.loads((here / "report.json").read_text())
    assert report["n_files"] == 3 and report["missing"] == []


def test_the_report_shows_the_right_twin(here, make_wav):
    write("reference.tsv", REFERENCE)
    write_scores(
        scored([1], "k.wav") | scored([5], "k.mp3") | scored([1], "s"), "scores"
    )
    for name in ("k.wav", "s.flac"):
        make_wav(f"audio/deep/{name}", 8.0, 1000)
    line = "report scores reference.tsv --audio audio --png png --output p.html"
    assert main(line.split()) == 0
    text = (here / "p.html").read_text()
    text = text.partition('id="data">')[2].partition("</script>")[0]
    files = {file["name"]: file for file in json.loads(text)["files"]}
    assert {name for name, x in files.items() if "audio" in x} == {
        "k.wav",
        "s.wav",
    }
    assert all(len(x["reference"]) == 1 for x in files.values())
    hits = [x["reference"][0][3] for x in files.values()]
    assert hits == [0, 0, 0]
    assert sorted(x.name for x in (here / "png").iterdir()) == [
        "k.wav.png",
        "s.png",
    ]


def test_features_are_drawn_with_their_own_events(here, make_wav, capsys):
    for name in ("k.wav", "k.flac"):
        make_wav(f"audio/{name}", 2.0, 1000)
    write(
        "events.tsv", [["k.wav", 0.5, 1, "Dog"], ["audio/k.flac", 1, 2, "Dog"]]
    )
    line = "plot-features audio/k.wav audio/k.flac --output figures --events"
    (here / "figures").mkdir()
    assert main([*line.split(), "events.tsv"]) == 0
    assert sorted(x.name for x in (here / "figures").iterdir()) == [
        "k.flac_features.png",
        "k.wav_features.png",
    ]
    write("events.tsv", [["k.mp3", 0.5, 1, "Dog"]])
    assert main([*line.split(), "events.tsv"]) == 2
    assert "'k.mp3' of" in capsys.readouterr().err
