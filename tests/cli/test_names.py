"""Names that are not UTF-8, and outputs that are not: nothing is lost."""

import io
import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from sb_sed.cli.main import main
from sb_sed.data.desed import prepare_desed
from sb_sed.data.recordings import Recordings, cut_recording
from sb_sed.formats import read_events

# As a disk of another system has it, and what tables say for it.
NAME = os.fsdecode(b"caf\xe9.wav")
WRITTEN = "caf\\xe9.wav"


@pytest.fixture
def here(exported, make_wav, tmp_path, monkeypatch):
    """A detector, sounds and rooms, of which some have odd names."""
    monkeypatch.chdir(tmp_path)
    for folder, rate in (("sounds/Dog", 1000), ("rooms", 4000)):
        make_wav(f"{folder}/a.wav", 3.0, rate).rename(tmp_path / folder / NAME)
        make_wav(f"{folder}/日本.wav", 3.0, rate, seed=1)
    return tmp_path


@pytest.fixture
def output(monkeypatch):
    """Replaces the standard output by one of an encoding, with its text."""

    def replace(encoding):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)

        def text():
            stream.flush()
            return stream.buffer.getvalue().decode("utf-8")

        return text

    return replace


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_detect(here, output, encoding):
    text = output(encoding)
    line = "detect exported sounds --scores scores --plot figures"
    assert main(line.split()) == 0
    (here / "events.tsv").write_text(text(), "utf-8")
    names = set(read_events("events.tsv")["filename"])
    assert names == {f"Dog/{WRITTEN}", "Dog/日本.wav"}
    assert {x.name for x in (here / "figures/Dog").iterdir()} == {
        f"{WRITTEN}.png",
        "日本.wav.png",
    }
    assert {x.name for x in (here / "scores/Dog").iterdir()} == {
        f"{WRITTEN[:-4]}.tsv",
        "日本.tsv",
    }
    text = output(encoding)
    assert main("detect exported sounds --format json".split()) == 0
    files = json.loads(text())["files"]
    assert {file["filename"] for file in files} == names
    # What is given on the command line, and what cannot be found.
    line = [
        "detect",
        "exported",
        f"sounds/Dog/{NAME}",
        "--output",
        f"{NAME}.tsv",
    ]
    assert main(line) == 0 and Path(f"{NAME}.tsv").is_file()
    assert main(["detect", "exported", f"nowhere/{NAME}"]) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_figures_and_pages(here, output, encoding):
    text = output(encoding)
    place = here / "sounds" / "Dog"
    assert main(["detect", "exported", str(place), "--scores", NAME]) == 0
    rows = f"{WRITTEN}\t0.1\t0.5\tDog\n日本.wav\t0.1\t0.5\tDog\n"
    Path("reference.tsv").write_text(
        f"filename\tonset\toffset\tevent_label\n{rows}", "utf-8"
    )
    options = ["--audio", str(place), "--png", f"png{NAME}"]
    page = [NAME, "reference.tsv", "--output", f"{NAME}.html", *options]
    assert main(["report", *page]) == 0
    assert len(list(Path(f"png{NAME}").iterdir())) == 2  # both have sound
    assert "caf\\udce9" in Path(f"{NAME}.html").read_text("utf-8")
    files = [str(place / NAME), str(place / "日本.wav")]
    line = ["plot-features", *files, "--features", "ppcen"]
    line += ["--events", "reference.tsv"]
    (here / "figures").mkdir()
    assert main([*line, "--output", "figures"]) == 0
    assert len(list((here / "figures").iterdir())) == 2
    assert "caf\\udce9_features.png" in text()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_mix(here, output, encoding, capfd):
    text = output(encoding)
    (here / "sounds/Dog" / f"broken{NAME}").write_text("hello")
    (here / "rooms" / "日本.wav").unlink()
    line = "--backgrounds rooms --rate 1000 --seconds 2 --clips 2 --jobs 1"
    line = ["mix", f"{NAME}.d", "--foregrounds", "sounds", *line.split()]
    assert main([*line, "--isolated"]) == 0
    table = read_events(Path(f"{NAME}.d", "soundscapes.tsv"))
    assert set(table["filename"]) == {"0.wav", "1.wav"}
    assert "2 soundscapes in caf\\udce9.wav.d" in text()
    [missing] = Path(f"{NAME}.d").rglob("*_missing.tsv")
    assert r"brokencaf\udce9.wav" in missing.read_text("utf-8")
    assert main([*line, "--isolated"]) == 0  # again: everything is there


def test_a_class_that_no_table_can_hold(here, capsys):
    (here / "sounds" / "Dog").rename(here / "sounds" / os.fsdecode(b"D\xf6g"))
    line = "mix out --foregrounds sounds --backgrounds rooms --clips 1"
    assert main(line.split()) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert "'D\\udcf6g', with the control character U+DCF6 in it: ren" in err


def test_prepare(tree, tmp_path):
    """Of sets without a table, the names are those of the files."""
    folder, broken = tree.unlabelled, f"broken{NAME}"
    tree.unlabelled_table.unlink()
    sound = next(folder.iterdir())
    (folder / NAME).write_bytes(sound.read_bytes())
    (folder / broken).write_text("hello")
    summary = prepare_desed(tree.folder, tmp_path / NAME, n_jobs=1)
    split = summary["splits"]["train_unlabelled"]
    entries = json.loads(Path(split["manifest"]).read_text())
    assert Path(entries[WRITTEN[:-4]]["wav"]).is_file()
    missing = pd.read_csv(summary["missing_file"], sep="\t")
    assert missing["filename"].tolist()[-1] == f"broken{WRITTEN}"


def test_recordings(here):
    recordings = Recordings("rooms")
    assert recordings.find(WRITTEN, "table.tsv") == WRITTEN
    clips = cut_recording(recordings[WRITTEN], [], 4000, f"{NAME}.d", "a")
    assert len(clips) == 3
    assert all(Path(clip["wav"]).is_file() for clip in clips.values())
