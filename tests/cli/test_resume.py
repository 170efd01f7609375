"""``sb-sed detect`` on archives: killed, resumed, in parts, by several jobs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

import sb_sed
from sb_sed.cli.collecting import collect
from sb_sed.cli.destinations import OneFile
from sb_sed.cli.journal import Journal
from sb_sed.cli.main import main
from sb_sed.cli.outputs import FORMATS
from sb_sed.formats import EVENT_COLUMNS, read_events
from sb_sed.inference.batch import FileResult

RATE = 1000
ROOT = Path(sb_sed.__file__).parents[1]


@pytest.fixture
def archive(small_onnx, tmp_path, monkeypatch):
    """A detector in ONNX beside recordings, some of which are damaged."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / "rec" / "ab"[number % 2] / f"{number:02}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        n_samples = 60_000 if number == 3 else random.integers(400, 6000)
        levels = np.repeat(random.uniform(0, 0.4, n_samples // 500 + 1), 500)
        noise = random.uniform(-1, 1, n_samples)
        sf.write(path, levels[:n_samples] * noise, RATE)
        if number in (4, 17):
            path.write_bytes(b"")
    return tmp_path


def detect(*options, **popen):
    """Start the command in another process."""
    line = [sys.executable, "-m", "sb_sed.cli.main", "detect", "small.onnx"]
    return subprocess.Popen(
        [*line, "rec", *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **popen,
    )


def n_done(journal):
    """Recordings in a journal."""
    try:
        return len(Path(journal).read_bytes().splitlines()) - 1
    except FileNotFoundError:
        return 0


def kill_after(process, journal, number):
    """Kill it once so many recordings are done."""
    end = time.monotonic() + 300
    while n_done(journal) < number and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.001)
    process.kill()
    process.wait()


@pytest.mark.parametrize("form", ["tsv", "json"])
def test_killed_and_resumed_it_is_as_if_nothing_had_been(archive, form, capsys):
    line = f"detect small.onnx rec --format {form}"
    assert main(f"{line} --output whole.{form}".split()) == 1
    whole = capsys.readouterr().err
    out = f"cut.{form}"
    for number in (3, 11):
        process = detect("--format", form, "--output", out, "--resume")
        kill_after(process, f"{out}.journal", number)
    assert not Path(out).exists() and Path(f"{out}.part").exists()
    # What a kill can leave: half a result, half a line.
    for name in (f"{out}.part", f"{out}.journal"):
        with open(name, "ab") as file:
            file.write(b'["a/')
    assert main(f"{line} --output {out} --resume".split()) == 1
    err = capsys.readouterr().err
    assert " of 24 files were processed before.\n" in err
    assert "2 of 24 files were skipped." in err and "2 of 24" in whole
    assert Path(out).read_bytes() == Path(f"whole.{form}").read_bytes()
    # Nothing is left to do.
    before = Path(out).stat()
    assert main(f"{line} --output {out} --resume".split()) == 1
    assert "24 of 24 files were processed before." in capsys.readouterr().err
    assert Path(out).stat().st_size == before.st_size


def test_a_table_for_each_recording(archive, capsys):
    assert main("detect small.onnx rec --output whole.tsv".split()) == 1
    process = detect("--output", "tables/", "--resume")
    kill_after(process, "tables/.detect.journal", 6)
    # What a kill can leave: a file that is not whole; one of another shard.
    for name in ("a/22.wav.tsv.tmp-12", "a/other.wav.tsv.tmp-12"):
        Path("tables", name).write_text("filename\tons")
    line = "detect small.onnx rec --output tables/ --resume"
    assert main(line.split()) == 1
    left = [path.name for path in Path("tables").rglob("*.tmp-*")]
    assert left == ["other.wav.tsv.tmp-12"]
    rows = []
    for path in sorted(Path("tables").rglob("*.tsv")):
        head, *more = path.read_text().splitlines(keepends=True)
        rows += more
    assert head + "".join(rows) == Path("whole.tsv").read_text()
    # Without --resume, nothing else is left behind.
    assert main("detect small.onnx rec --output t/ --format json".split()) == 1
    capsys.readouterr()
    names = [path.name for path in Path("t/a").iterdir()]
    assert len(names) == 11 and not list(Path("t").glob(".*"))
    content = json.loads(Path("t/a/00.wav.json").read_text())
    assert content["files"][0]["filename"] == "a/00.wav"


def test_jobs_change_nothing(archive, capsys):
    texts = []
    for options in ("", "--threads 3", "--jobs 2"):
        assert main(f"detect small.onnx rec {options}".split()) == 1
        texts.append(capsys.readouterr())
    assert len(texts[0].out.splitlines()) > 24
    assert texts[0] == texts[1] == texts[2]


def test_shards_have_each_recording_once(archive, capsys):
    assert main("detect small.onnx rec --output whole.tsv".split()) == 1
    names = []
    for part in (1, 2, 3):
        out = f"{part}.tsv"
        line = f"detect small.onnx rec --shard {part}/3 --output {out}"
        assert main(line.split()) in (0, 1)
        names += [*dict.fromkeys(read_events(out)["filename"])]
    whole = [*dict.fromkeys(read_events("whole.tsv")["filename"])]
    assert sorted(names) == whole and names != whole
    capsys.readouterr()
    assert main("detect small.onnx rec --shard 30/30".split()) == 2
    assert "has none of 24 recordings" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_interrupted_it_can_go_on(archive, capsys):
    assert main("detect small.onnx rec --output whole.tsv".split()) == 1
    process = detect("--output", "cut.tsv")
    end = time.monotonic() + 300
    while n_done("cut.tsv.journal") < 4 and time.monotonic() < end:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    rows = Path("cut.tsv").read_text().splitlines()
    assert set(rows) <= set(Path("whole.tsv").read_text().splitlines())
    assert main("detect small.onnx rec --output cut.tsv --resume".split()) == 1
    assert Path("cut.tsv").read_bytes() == Path("whole.tsv").read_bytes()
    capsys.readouterr()


def test_what_comes_behind_a_gap_is_done_again(tmp_path):
    """An interruption ends a recording while a later one is finished."""
    names = ["a.wav", "b.wav", "c.wav", "d.wav"]
    events = pd.DataFrame(
        [("x.wav", 0.0, 1.0, "Dog", 0.5)],
        columns=[*EVENT_COLUMNS, "confidence"],
    )

    def interrupted():
        yield FileResult("a.wav", 1.0, events)
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            yield FileResult("c.wav", 1.0, events)
            raise

    def place():
        path = tmp_path / "e.tsv"
        journal = Journal(tmp_path / "e.tsv.journal", {}, names)
        return OneFile(path, FORMATS["tsv"], journal, resumes=True)

    first = place()
    assert first.begin() == []
    summary = collect(interrupted(), first, [], names)
    assert not summary.is_complete and summary.n_done == 2
    first.finish(is_complete=False)
    assert [x.filename for x in place().begin()] == ["a.wav"]


@pytest.mark.parametrize(
    "line, words",
    [
        ("rec --resume", "--resume goes on with an --output"),
        ("rec --output u.tsv --resume", "u.tsv is there, and no u.tsv.journal"),
        ("rec/a --output k.tsv --resume", "was begun with another detector"),
        ("- --rate 8000 --resume", "--resume is for recordings"),
        ("- --rate 8000 --jobs 2", "- is one recording"),
        ("rec --engine torch", "is in ONNX: leave out --engine torch"),
    ],
)
def test_what_cannot_be_gone_on_with(archive, capsys, line, words):
    assert main("detect small.onnx rec --output u.tsv".split()) == 1
    assert main("detect small.onnx rec --output k.tsv --resume".split()) == 1
    before = Path("k.tsv").read_bytes()
    capsys.readouterr()
    assert main(f"detect small.onnx {line}".split()) == 2
    assert words in capsys.readouterr().err
    assert Path("k.tsv").read_bytes() == before


def test_the_reasons_of_many_files_are_counted(archive, capsys):
    for number in range(6):
        path = Path("rec/b") / f"{20 + number}.wav"
        path.write_bytes(path.read_bytes()[:100] if path.exists() else b"")
    assert main("detect small.onnx rec --output u.tsv".split()) == 1
    err = capsys.readouterr().err
    assert "sb-sed: 8 of 28 files were skipped.\n" in err
    assert " x empty file (0 bytes): a/04.wav, b/17.wav, " in err
