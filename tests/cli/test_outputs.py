"""What is written: places that cannot be written to are noticed at once."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

import sb_sed.audio.reading
import sb_sed.inference.batch
from sb_sed.cli.main import main
from sb_sed.cli.outputs import check_writable
from sb_sed.errors import InputError
from sb_sed.formats import write_scores

STRONG = "filename\tonset\toffset\tevent_label\n"


def snapshot(folder):
    """Everything below a folder and its content."""
    return {
        path: path.is_file() and path.read_bytes() for path in folder.rglob("*")
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a file, a folder, a recording, scores and a reference."""
    folder = tmp_path / "here"
    (folder / "full").mkdir(parents=True)
    (folder / "full" / "old").touch()
    (folder / "taken").touch()
    monkeypatch.chdir(folder)
    rng = np.random.default_rng(0)
    sf.write("a.wav", rng.uniform(-0.1, 0.1, 16000), 16000)
    Path("reference.tsv").write_text(f"{STRONG}a.wav\t0.1\t0.6\tCat\n")
    times = {"onset": [0.0, 0.5], "offset": [0.5, 1.0]}
    write_scores({"a": pd.DataFrame(times | {"Cat": [0.9, 0.1]})}, "scores")
    return folder


def test_nothing_is_left_behind(here):
    before = snapshot(here)
    check_writable(
        [("--json", Path("new/deep/er.json")), ("--save", Path("taken"))]
        + [("--markdown", None)],
        [("--png", Path("other/new")), ("--plot", Path("full"))]
        + [("--scores", None)],
        ["a.wav", None],
    )
    assert snapshot(here) == before


@pytest.mark.parametrize(
    "path, words",
    [
        ("full", "full is a folder: give a file as --json."),
        (".", ". is a folder: give a file as --json."),
        ("taken/x.json", "taken/x.json cannot be written to (Not a directory)"),
        ("taken/x/y.json", "cannot be written to (Not a directory): give ano"),
        ("x" * 250, "cannot be written to (File name too long): give another"),
        ("x" * 300, "cannot be written to (File name too long): give another"),
        ("/dev/null", "/dev/null is a device, not a file: give another --json"),
        ("/dev/new.json", "is a device, not a file: give another --json."),
        ("pipe", "pipe is a device, not a file: give another --json."),
        ("a.wav", "a.wav is what is read as well as --json: give another"),
        ("full/../a.wav", "is what is read as well as --json: give another"),
        ("s.json", "s.json is --save as well as --json: give another --json."),
        ("link.json", "link.json is --save as well as --json: give another"),
    ],
)
def test_files_that_cannot_be_written(here, path, words):
    os.mkfifo("pipe")
    Path("link.json").symlink_to("s.json")
    before = {*here.rglob("*")}
    files = [("--save", Path("s.json")), ("--json", Path(path))]
    with pytest.raises(InputError) as error:
        check_writable(files, inputs=["a.wav"])
    assert words in str(error.value)
    assert {*here.rglob("*")} == before


@pytest.mark.parametrize(
    "path, words",
    [
        ("taken", "taken is a file: give a folder as --plot."),
        ("taken/x", "taken/x cannot be written to (Not a directory): give"),
        ("new/" + "x" * 300, "cannot be written to (File name too long)"),
    ],
)
def test_folders_that_cannot_be_written_to(here, path, words):
    with pytest.raises(InputError) as error:
        check_writable(folders=[("--plot", Path(path))])
    assert words in str(error.value)
    assert not Path("new").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(here):
    Path("full").chmod(0o500)
    for path in ("full/new.json", "full/x/new.json"):
        with pytest.raises(InputError, match="Permission denied"):
            check_writable([("--json", Path(path))])
    with pytest.raises(InputError, match="Permission denied"):
        check_writable(folders=[("--plot", Path("full"))])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_a_read_only_file_system(here):
    """Also for root, whom no permissions stop."""
    with pytest.raises(InputError, match=r"/proc/x.json cannot be written to"):
        check_writable([("--json", Path("/proc/x.json"))])
    with pytest.raises(InputError, match=r"/proc/x cannot be written to"):
        check_writable(folders=[("--plot", Path("/proc/x"))])


# What each command does first, which must not be reached.
WORK = {
    "score": "sb_sed.formats.read_events",
    "tune": "sb_sed.formats.read_events",
    "report": "sb_sed.report.gather",
    "export": "sb_sed.inference.exported.export_run",
    "export-onnx": "sb_sed.inference.exported.read_detector",
    "plot-features": "sb_sed.features.get_featurizer",
    "plot-curves": "sb_sed.plots.plot_training",
    "plot-embeddings": "sb_sed.runs.run.Run.student",
    "prepare": "sb_sed.data.desed.prepare_desed",
    "mix": "sb_sed.mixing.soundbank.Soundbank",
    "detect": "sb_sed.inference.source.Source.load",
}


@pytest.mark.parametrize(
    "line",
    [
        "score scores reference.tsv --json {}.json",
        "score scores reference.tsv --markdown {}.md",
        "score scores reference.tsv --plot {}.png",
        "tune scores reference.tsv --json {}.json",
        "tune scores reference.tsv --save {}.json",
        "report scores reference.tsv --output {}.html",
        "report scores reference.tsv --png {}",
        "export {run} {}",
        "export-onnx {run} {}.onnx",
        "plot-features a.wav --output {}.png",
        "plot-features a.wav reference.tsv --output {}",
        "plot-curves {run} --output {}.png",
        "plot-embeddings {run} --synthetic . --recorded . --output {}.png",
        "prepare . {}",
        "mix {} --foregrounds scores --backgrounds scores",
        "detect {run} a.wav --output {}.tsv",
        "detect {run} a.wav --output {}.txt --format audacity",
        "detect {run} a.wav reference.tsv --output {} --format raven",
        "detect {run} a.wav --scores {}",
        "detect {run} a.wav --plot {}",
    ],
)
def test_no_command_works_for_nothing(
    here, run_folder, monkeypatch, capsys, line
):
    def too_late(*_, **__):
        raise AssertionError("the work has begun")

    monkeypatch.setattr(WORK[line.split()[0]], too_late)
    before = snapshot(here)
    arguments = line.format("taken/new", run=run_folder).split()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "taken/new" in err
    assert " cannot be written to (Not a directory): give another " in err
    assert snapshot(here) == before


@pytest.mark.parametrize(
    "line",
    [
        "score scores reference.tsv --json reference.tsv",
        "tune scores reference.tsv --save reference.tsv",
        "report scores reference.tsv --output reference.tsv",
        "detect {run} a.wav --output a.wav",
    ],
)
def test_no_command_replaces_what_it_reads(here, run_folder, capsys, line):
    before = snapshot(here)
    assert main(line.format(run=run_folder).split()) == 2
    assert "is what is read as well as --" in capsys.readouterr().err
    assert snapshot(here) == before


# Ctrl-C while detect works


@pytest.fixture
def slow_first(here, monkeypatch):
    """Six files, of which the first is read without end; how to wait."""
    for name in "bcdef":
        sf.write(f"{name}.wav", np.full(16000, 0.1), 16000)
    read, done = sb_sed.inference.batch.read_blocks, []
    begun = threading.Event()

    def read_blocks(path, *arguments):
        blocks = [*read(path, *arguments)]
        if Path(path).name == "a.wav":
            begun.set()
            for block in blocks * 1000:
                time.sleep(0.02)
                yield block
        yield from blocks

    write = sb_sed.inference.batch.write_outputs
    monkeypatch.setattr(sb_sed.inference.batch, "read_blocks", read_blocks)
    monkeypatch.setattr(
        sb_sed.inference.batch,
        "write_outputs",
        lambda *arguments: write(*arguments) or done.append(1),
    )
    return done, begun


def interrupt_after(done, begun, n_files):
    """Press Ctrl-C once the first file has begun and so many are done."""

    def wait():
        begun.wait(60)
        end = time.monotonic() + 60
        while len(done) < n_files and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.2)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("threads, n_done", [(2, 5), (1, 0)])
def test_finished_files_behind_a_slow_one_are_written(
    here, run_folder, slow_first, capsys, threads, n_done
):
    interrupt_after(*slow_first, n_done)
    names = [f"{name}.wav" for name in "abcdef"]
    line = f"detect {run_folder} --threads {threads} --output events.tsv"
    assert main([*line.split(), *names]) == 130
    err = capsys.readouterr().err
    assert f"interrupted: {n_done} of 6 files were processed, and " in err
    if n_done == 0:
        assert err.endswith("and nothing written.\n")
        assert not Path("events.tsv").exists()
        return
    assert err.endswith("and their events written.\n")
    table = pd.read_csv("events.tsv", sep="\t")
    assert [*dict.fromkeys(table["filename"])] == names[1:]
    before = table
    # They are what an undisturbed run finds.
    assert main([*line.split(), *names[1:]]) == 0
    pd.testing.assert_frame_equal(pd.read_csv("events.tsv", sep="\t"), before)


def test_interrupted_while_a_result_is_reported(
    here, run_folder, capsys, monkeypatch
):
    """Then the generator learns of it; none is lost, none comes twice."""
    names = ["a.wav", "b.wav", "c.wav", "d.wav"]
    for name in names[1:]:
        sf.write(name, np.full(16000, 0.1), 16000)
    Path("b.wav").write_bytes(b"no audio")
    say = sb_sed.cli.detect._say

    def interrupted(text):
        say(text)
        if "b.wav was skipped" in text:
            end = time.monotonic() + 60
            while len([*Path("out").glob("*")]) < 3 and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(0.2)  # the others are done now
            raise KeyboardInterrupt

    monkeypatch.setattr(sb_sed.cli.detect, "_say", interrupted)
    line = f"detect {run_folder} --threads 4 --scores out --output events.tsv"
    status = main([*line.split(), *names])
    err = capsys.readouterr().err
    assert err.count("b.wav was skipped") == 1
    assert status == 1  # all were processed
    found = pd.read_csv("events.tsv", sep="\t")["filename"]
    assert {*found} == {"a.wav", "c.wav", "d.wav"}
